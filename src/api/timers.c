#include "api/resource.h"

#include "api/handlers.h"
#include "model/schedule.h"
#include "store/rule.h"

enum { TICKS_DEFAULT = 10, TICKS_MOST = 1000 };

/* On the clock of the timer's zone: "2026-10-25T02:30:00+01:00". */
static Str
local_text(Arena *a, const Zone *z, TimeUs t)
{
	int64_t offset = zone_wall(z, t / US_PER_S) - t / US_PER_S;
	Str wall = time_text(a, t + offset * US_PER_S);
	int64_t minutes = (offset < 0 ? -offset : offset) / 60;

	if (offset == 0)
		return wall;
	return str_fmt(a, "%.*s%c%02d:%02d", (int)wall.n - 1, wall.p, offset < 0 ? '-' : '+', (int)(minutes / 60),
	    (int)(minutes % 60));
}

static Json
tick_json(Arena *a, const RuleDef *rule, const Schedule *s, const Due *d)
{
	TimeUs jitter = schedule_jitter(s, rule->id, d->at);
	Json o = json_object();

	json_add(a, &o, "number", json_int(d->n));
	json_add(a, &o, "due", json_str(time_text(a, d->at)));
	json_add(a, &o, "local", json_str(local_text(a, s->zone, d->at)));
	json_add(a, &o, "fires", json_str(time_text(a, d->at + jitter)));
	return o;
}

/* What a rule that is switched off would do counts from now. */
static bool
rule_schedule(Arena *a, Zones *zones, const RuleDef *d, TimeUs now, Schedule *ret, Err *err)
{
	TimeUs anchor = !d->enabled ? now : d->anchor != 0 ? d->anchor : d->created;

	return schedule_compile(a, zones, d->trigger_ref, &d->trigger_params, anchor, ret, err) ||
	       err_wrap(err, "Rule '%.*s'", STR_ARG(d->ref));
}

bool
rule_ticks(App *app, Req *q, Res *s, Err *err)
{
	Arena *a = req_arena(q);
	Page page = req_page(q, TICKS_DEFAULT, TICKS_MOST);
	TimeUs now = clock_wall(app->engine->clock);
	Zones zones = zones_open(a);
	Json rows = json_array();
	Schedule schedule;
	RuleDef d;
	Due due;
	bool more;

	if (!resource_of_path(app, q, &rules, "ref", &d, err))
		return false;
	if (!schedule_for(d.trigger_ref)) /* not on a timer: it has none */
		return answer_list(q, s, &page, rows, &(ListEnd){ 0 });
	if (!rule_schedule(a, &zones, &d, now, &schedule, err))
		return false;
	more = schedule_next(&schedule, now, &due);
	for (int64_t i = 0; more && i < page.size; i++) {
		json_push(a, &rows, tick_json(a, &d, &schedule, &due));
		more = schedule_on(&schedule, &due);
	}
	return answer_list(q, s, &page, rows, &(ListEnd){ .total = rows.n });
}
