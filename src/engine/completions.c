#include "engine/completions.h"

#include "engine/moves.h"
#include "store/completion.h"

static Id *
ended_runs(const Uow *u, size_t *ret_n)
{
	Id *ids = arena_array(u->arena, Id, u->out.n + 1);

	*ret_n = 0;
	for (size_t i = 0; i < u->out.n; i++)
		if (u->out.msgs[i].kind == MSG_EXECUTION_COMPLETED)
			ids[(*ret_n)++] = u->out.msgs[i].item.id;
	return ids;
}

static Json
id_or_null(Id id)
{
	return id == 0 ? json_null() : json_int(id);
}

static Json
payload_of(Arena *a, const Completion *c)
{
	Json p = json_object();

	json_add(a, &p, "execution_id", json_int(c->id));
	json_add(a, &p, "action_ref", json_str(c->action_ref));
	json_add(a, &p, "status", json_str(c->status));
	json_add(a, &p, "succeeded", json_bool(str_is(c->status, "completed")));
	json_add(a, &p, "timed_out", json_bool(c->timed_out));
	json_add(a, &p, "rule_ref", json_str(c->rule_ref));
	json_add(a, &p, "trigger_ref", json_str(c->trigger_ref));
	json_add(a, &p, "enforcement", id_or_null(c->enforcement));
	json_add(a, &p, "parent", id_or_null(c->parent));
	json_add(a, &p, "started_at", c->started == 0 ? json_null() : json_str(time_text(a, c->started)));
	json_add(a, &p, "finished_at", c->finished == 0 ? json_null() : json_str(time_text(a, c->finished)));
	json_add(a, &p, "duration_ms",
	    c->started == 0 || c->finished == 0 ? json_null() : json_int((c->finished - c->started) / US_PER_MS));
	return p;
}

static EventIn
event_of(Uow *u, const Completion *c)
{
	Json *payload = arena_new(u->arena, Json);

	*payload = payload_of(u->arena, c);
	return (EventIn){ .trigger_ref = str_of("core.execution_completed"),
		.source_ref = str_of("system"),
		.payload = payload,
		.tick_key = str_fmt(u->arena, "completed:%lld", (long long)c->id),
		.correlation = c->correlation,
		.depth = c->depth + 1 };
}

/* A rule that was made after this process last looked counts too: it is older than this commit. */
static bool
anybody_hears(Uow *u, bool *ret, Err *err)
{
	if (!u->defs_seen) {
		if (!defs_enter(u->e->defs, u->db, u->arena, err))
			return false;
		defs_leave(u->e->defs);
	}
	*ret = defs_hears_completions(u->e->defs);
	return true;
}

/* Without the trigger (the core pack may be gone) there is nothing to tell it to, and no run may fail to end for that. */
static bool
trigger_there(Uow *u, bool *ret_there, Err *err)
{
	if (!defs_enter(u->e->defs, u->db, u->arena, err))
		return false;
	*ret_there = defs_trigger_ref(u->e->defs, str_of("core.execution_completed")) != NULL;
	defs_leave(u->e->defs);
	return true;
}

bool
completions_tell(Uow *u, Err *err)
{
	bool there, heard;
	Completion *all;
	EventIn *in;
	EventOut *out;
	size_t n;
	Id *ids;

	if (u->e->defs == NULL)
		return true;
	ids = ended_runs(u, &n);
	if (n == 0)
		return true;
	if (!anybody_hears(u, &heard, err))
		return false;
	if (!heard)
		return true;
	if (!trigger_there(u, &there, err))
		return false;
	if (!there)
		return true;
	if (!completions_read(u->db, u->arena, ids, n, &all, &n, err))
		return false;
	in = arena_array(u->arena, EventIn, n + 1);
	out = arena_array(u->arena, EventOut, n + 1);
	for (size_t i = 0; i < n; i++)
		in[i] = event_of(u, &all[i]);
	return ingest(u, in, n, out, err);
}
