/* WebSockets, where the notifier lives in the same process. */
#include "api/handlers.h"
#include "api/work.h"

static bool
served_here(const App *app, Err *err)
{
	return app->sockets->open != NULL ||
	       err_set(err, ERR_NOT_FOUND,
		   "This process serves no WebSockets: ask the notifier, on port %lld where nothing else is configured",
		   (long long)config_int(app->config, "notifier.port"));
}

bool
socket_open(App *app, Req *q, Res *s, Err *err)
{
	return served_here(app, err) && app->sockets->open(app->sockets->self, app_db(app), q, s, err);
}

bool
socket_stats(App *app, Req *q, Res *s, Err *err)
{
	Json stats;

	if (!served_here(app, err))
		return false;
	stats = app->sockets->stats(app->sockets->self, req_arena(q));
	return res_json(s, 200, &stats);
}
