#include "host/meter.h"

#include "base/log.h"
#include "http/figures.h"
#include "store/change.h"

#include <stdlib.h>

struct Meter {
	Engine *engine;
	unsigned roles;
	HttpServer *http;
};

struct App {
	Meter *meter;
	Db *db;
};

static bool
meter_health(App *app, Req *q, Res *s, Err *err)
{
	Json o = json_object();

	(void)app;
	(void)err;
	json_add(req_arena(q), &o, "status", json_cstr("ok"));
	return res_json(s, 200, &o);
}

static bool
meter_figures(App *app, Req *q, Res *s, Err *err)
{
	Meter *m = app->meter;
	Buf b = buf_open(req_arena(q));
	Err why = { 0 };
	Id last;

	(void)err;
	figure_family(&b, "attune_role_info", "gauge", "the roles of this process");
	for (Role r = 0; r < ROLES; r++)
		if ((m->roles & 1u << r) != 0)
			buf_fmt(&b, "attune_role_info{role=\"%s\"} 1\n", role_names[r]);
	figure_single(&b, "attune_database_up", "gauge", "1 while the database answers",
	    change_last(app->db, req_arena(q), &last, &why));
	figure_single(&b, "attune_database_statements_total", "counter", "statements run by this process",
	    (double)store_statements(m->engine->store));
	figures_process(&b);
	figures_requests(&b, q);
	return res_figures(s, &b);
}

static const Route routes[] = {
	{ "GET", "/metrics", meter_figures, NULL, ROUTE_PUBLIC, NULL, NULL, 200, "figures for Prometheus" },
	{ "GET", "/health", meter_health, NULL, ROUTE_PUBLIC, NULL, NULL, 200, "is the process there?" },
};

static bool
thread_open(void *self, App **ret, Err *err)
{
	Meter *m = self;
	App *app = calloc(1, sizeof(App));

	if (app == NULL)
		return err_set(err, ERR_SYS, "out of memory");
	app->meter = m;
	if (!db_open(m->engine->store, &app->db, err)) {
		free(app);
		return false;
	}
	*ret = app;
	return true;
}

static void
thread_close(void *self, App *app)
{
	(void)self;
	if (app == NULL)
		return;
	db_close(app->db);
	free(app);
}

bool
meter_start(Engine *e, const Config *c, unsigned roles, Meter **ret, Err *err)
{
	Meter *m = NULL;
	HttpConfig http = {
		.host = config_str(c, "metrics.host"),
		.port = (int)config_int(c, "metrics.port"),
		.threads = 1,
		.max_body = { 1, 1, 1, 1 },
		.routes = routes,
		.route_count = countof(routes),
		.thread_open = thread_open,
		.thread_close = thread_close,
	};

	*ret = NULL;
	if (http.port == 0)
		return true;
	m = calloc(1, sizeof(Meter));
	if (m == NULL)
		return err_set(err, ERR_SYS, "out of memory");
	m->engine = e;
	m->roles = roles;
	http.self = m;
	if (!http_start(&http, &m->http, err)) {
		free(m);
		return err_wrap(err, "metrics.port");
	}
	log_info("figures for Prometheus on http://%.*s:%d/metrics", STR_ARG(http.host), http_port(m->http));
	*ret = m;
	return true;
}

void
meter_stop(Meter *m)
{
	if (m == NULL)
		return;
	http_stop(m->http, US_PER_S);
	free(m);
}
