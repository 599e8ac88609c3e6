#include "api/work.h"

#include "api/audit.h"
#include "store/change.h"

static bool
begin(App *app, Err *err)
{
	return (app->held && app->open) || uow_begin(app->uow, err);
}

/* The changes of a request under an Idempotency-Key are committed with its answer. */
static bool
end(App *app, const CommitPoints *points, Err *err)
{
	if (!app->held)
		return uow_commit(app->uow, points, err);
	app->open = true;
	app->points = points;
	return true;
}

static bool
ended(App *app, bool ok)
{
	if (ok)
		return true;
	uow_abort(app->uow);
	app->undone = app->undone || app->open;
	app->open = false;
	return false;
}

bool
app_work(App *app, const CommitPoints *points, Work *work, void *self, Err *err)
{
	return ended(app, begin(app, err) && work(app, self, err) && end(app, points, err));
}

bool
app_define(App *app, Work *work, void *self, Err *err)
{
	return ended(app, begin(app, err) && change_lock(app->uow->db, app->uow->arena, err) && work(app, self, err) &&
			      audit_change(app, err) && end(app, &points_define, err));
}

static int
hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

Uuid
trace_parent(Str header)
{
	enum { AT = 3, SPAN_AT = AT + 33, LENGTH = 55 };
	Uuid u = { 0 };

	if (header.n < LENGTH || header.p[AT - 1] != '-' || header.p[SPAN_AT - 1] != '-')
		return (Uuid){ 0 };
	for (size_t i = 0; i < sizeof(u.b); i++) {
		int high = hex_digit(header.p[AT + 2 * i]), low = hex_digit(header.p[AT + 2 * i + 1]);

		if (high < 0 || low < 0)
			return (Uuid){ 0 };
		u.b[i] = (uint8_t)(high << 4 | low);
	}
	return u;
}
