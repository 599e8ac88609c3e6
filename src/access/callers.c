#include "access/inner.h"

#include "base/map.h"
#include "store/change.h"
#include "store/execution.h"
#include "store/execution_read.h"
#include "store/identity.h"
#include "store/permission_set.h"
#include "store/session.h"

#include <stdlib.h>

enum {
	LOOK_EVERY = US_PER_S,        /* at what others changed */
	ARENA_MOST = 8 * 1024 * 1024, /* then it is all forgotten */
};

typedef struct Person {
	Str login;
	Json attributes;
	bool frozen;
	const Grants *grants;
} Person;

struct Callers {
	Access *access;
	Arena *arena;     /* of what is remembered */
	Map persons;      /* by identity */
	Map runs;         /* grants by what a token says it was given */
	Map ended;        /* sessions */
	uint64_t version; /* of the process's changes, as last seen */
	Id last;          /* change seen */
	TimeUs looked;    /* monotonic; 0: never */
};

Callers *
callers_open(Access *x)
{
	Callers *c = calloc(1, sizeof(Callers));

	if (c == NULL)
		abort();
	c->access = x;
	return c;
}

void
callers_close(Callers *c)
{
	if (c == NULL)
		return;
	if (c->arena != NULL)
		arena_close(c->arena);
	free(c);
}

/* ---- what is remembered ---- */

static bool
remember_ended(Callers *c, Db *db, Arena *a, Err *err)
{
	TimeUs since =
	    clock_wall(c->access->config.clock) - c->access->config.access_life - 2 * TOKEN_LEEWAY * US_PER_S;
	Id *ids;
	size_t n;

	if (!sessions_ended(db, a, since, &ids, &n, err))
		return false;
	for (size_t i = 0; i < n; i++)
		map_put(&c->ended, ids[i], c);
	return true;
}

/* All anew. The last change is read first: one that comes while we read is looked at again. */
static bool
start_anew(Callers *c, Db *db, Arena *a, Err *err)
{
	Id last;

	if (!change_last(db, a, &last, err))
		return false;
	if (c->arena != NULL)
		arena_close(c->arena);
	c->arena = arena_open();
	c->persons = map_open(c->arena);
	c->runs = map_open(c->arena);
	c->ended = map_open(c->arena);
	c->looked = 0;
	if (!remember_ended(c, db, a, err))
		return false;
	c->last = last;
	return true;
}

static bool
changes_rights(Str kind)
{
	return str_is(kind, "identity") || str_is(kind, "permission_set") || str_is(kind, "pack");
}

static bool
take_changes(Callers *c, Db *db, Arena *a, bool *ret_anew, Err *err)
{
	Change *changes;
	size_t n;
	Id first;

	*ret_anew = false;
	if (!change_since(db, a, c->last, &changes, &n, err) || !change_first(db, a, &first, err))
		return false;
	*ret_anew = first > c->last + 1; /* what came in between is not kept any more */
	for (size_t i = 0; i < n; i++) {
		*ret_anew |= changes_rights(changes[i].kind);
		if (str_is(changes[i].kind, "session"))
			map_put(&c->ended, changes[i].entity, c);
		c->last = changes[i].id;
	}
	return true;
}

static bool
up_to_date(Callers *c, Db *db, Arena *a, Err *err)
{
	TimeUs now = clock_mono(c->access->config.clock);
	uint64_t version = atomic_load(&c->access->version);
	bool anew = c->arena == NULL || arena_used(c->arena) > ARENA_MOST;

	if (!anew && version == c->version && c->looked != 0 && now - c->looked < LOOK_EVERY)
		return true;
	if (!anew && !take_changes(c, db, a, &anew, err))
		return false;
	if (anew && !start_anew(c, db, a, err))
		return false;
	c->version = version;
	c->looked = now;
	return true;
}

/* ---- people ---- */

static bool
person_read(Callers *c, Db *db, Arena *a, Id id, Person **ret, Err *err)
{
	IdentityDef d;
	PermissionSetDef *sets;
	const Json **grants;
	Person *p;
	size_t n;

	if (!identity_get(db, a, id, &d, err)) {
		if (err->code == ERR_NOT_FOUND)
			err_set(err, ERR_UNAUTHORIZED, "Invalid authentication token");
		return false;
	}
	if (!identity_sets(db, a, id, &sets, &n, err))
		return false;
	grants = arena_array(a, const Json *, n + 1);
	for (size_t i = 0; i < n; i++)
		grants[i] = &sets[i].grants;
	p = arena_new(c->arena, Person);
	p->login = str_copy(c->arena, d.login);
	p->attributes = json_clone(c->arena, &d.attributes);
	p->frozen = d.frozen;
	p->grants = grants_compile(c->arena, grants, n);
	map_put(&c->persons, id, p);
	*ret = p;
	return true;
}

static bool
person_find(Callers *c, Db *db, Arena *a, const Claims *claims, Person **ret, Err *err)
{
	*ret = map_get(&c->persons, claims->subject);
	if (*ret == NULL && !person_read(c, db, a, claims->subject, ret, err))
		return false;
	if ((*ret)->frozen)
		return err_set(err, ERR_FORBIDDEN, "The identity '%.*s' is frozen", STR_ARG((*ret)->login));
	return true;
}

/* ---- runs, sensors, workers: what they may comes from their token ---- */

static const Grants *
remembered(Callers *c, Str key)
{
	return map_get_str(&c->runs, key);
}

static const Grants *
remember(Callers *c, Str key, const Json *const *sets, size_t n)
{
	const Grants *g = grants_compile(c->arena, sets, n);

	map_put_str(&c->runs, str_copy(c->arena, key), (void *)(uintptr_t)g);
	return g;
}

/* Grants of our own making, with %s for a ref as JSON text. */
static const Grants *
fixed_grants(Callers *c, Arena *a, Str key, Str text)
{
	const Grants *g = remembered(c, key);
	const Json *set;
	Json grants;

	if (g != NULL)
		return g;
	if (!json_parse(a, text, NULL, &grants, NULL))
		return NULL;
	set = &grants;
	return remember(c, key, &set, 1);
}

static Str
ref_json(Arena *a, Str ref)
{
	Json v = json_str(ref);

	return json_text(a, &v);
}

static Str
sensor_grants(Arena *a, Str ref)
{
	Str name = ref_json(a, ref);

	return str_fmt(a,
	    "[{\"resource\":\"events\",\"actions\":[\"create\"]},{\"resource\":\"triggers\",\"actions\":[\"read\"]},"
	    "{\"resource\":\"rules\",\"actions\":[\"read\"]},"
	    "{\"resource\":\"keys\",\"actions\":[\"read\",\"decrypt\"],"
	    "\"constraints\":{\"owner_types\":[\"sensor\"],\"owner_refs\":[%.*s]}},"
	    "{\"resource\":\"artifacts\",\"actions\":[\"read\",\"create\",\"update\"],"
	    "\"constraints\":{\"owner_types\":[\"sensor\"],\"owner_refs\":[%.*s]}}]",
	    STR_ARG(name), STR_ARG(name));
}

static const char worker_grants[] =
    "[{\"resource\":\"packs\",\"actions\":[\"read\"]},{\"resource\":\"actions\",\"actions\":[\"read\"]},"
    "{\"resource\":\"runtimes\",\"actions\":[\"read\"]},{\"resource\":\"workers\",\"actions\":[\"read\"]},"
    "{\"resource\":\"executions\",\"actions\":[\"read\"]},"
    "{\"resource\":\"artifacts\",\"actions\":[\"read\",\"create\",\"update\"]}]";

Json
access_worker_grants(Arena *a)
{
	Json grants = json_null();

	if (!json_parse(a, str_of(worker_grants), NULL, &grants, NULL))
		abort(); /* it stands a few lines above */
	return grants;
}

/* Keys and artifacts of its own action and pack. */
static Str
standard_grants(Arena *a, const Json *metadata)
{
	const Json *actions = json_get(metadata, "standard_access_action_refs");
	const Json *packs = json_get(metadata, "standard_access_pack_refs");
	Str of_action = actions == NULL ? str_of("[]") : json_text(a, actions);
	Str of_pack = packs == NULL ? str_of("[]") : json_text(a, packs);
	Buf b = buf_open(a);
	static const char *const given[] = { "\"keys\",\"actions\":[\"read\",\"decrypt\"]",
		"\"artifacts\",\"actions\":[\"read\",\"create\",\"update\",\"delete\"]" };

	buf_char(&b, '[');
	for (size_t i = 0; i < countof(given); i++)
		buf_fmt(&b,
		    "%s{\"resource\":%s,\"constraints\":{\"owner_types\":[\"action\"],\"owner_refs\":%.*s}},"
		    "{\"resource\":%s,\"constraints\":{\"owner_types\":[\"pack\"],\"owner_refs\":%.*s}}",
		    i == 0 ? "" : ",", given[i], STR_ARG(of_action), given[i], STR_ARG(of_pack));
	buf_char(&b, ']');
	return buf_str(&b);
}

bool
callers_sets(Db *db, Arena *a, const Json *refs, const Json ***ret, size_t *ret_n, Str *ret_missing, Err *err)
{
	*ret = arena_array(a, const Json *, refs->n + 2);
	*ret_n = 0;
	*ret_missing = (Str){ 0 };
	for (size_t i = 0; refs->kind == JSON_ARRAY && i < refs->n; i++) {
		PermissionSetDef *d = arena_new(a, PermissionSetDef);
		Str ref = json_as_str(&refs->items[i]);

		if (str_is(ref, "standard"))
			continue;
		if (permission_set_get_ref(db, a, ref, d, err)) {
			(*ret)[(*ret_n)++] = &d->grants;
			continue;
		}
		if (err->code != ERR_NOT_FOUND)
			return false;
		err_clear(err);
		*ret_missing = str_none(ref) ? str_of("") : ref;
		return true;
	}
	return true;
}

static bool
has_standard(const Json *refs)
{
	for (size_t i = 0; json_is(refs, JSON_ARRAY) && i < refs->n; i++)
		if (str_is(json_as_str(&refs->items[i]), "standard"))
			return true;
	return false;
}

/* One that names a permission set that is gone has no rights at all. */
static bool
run_grants(Callers *c, Db *db, Arena *a, const Claims *claims, const Grants **ret, Err *err)
{
	static const Json none = { .kind = JSON_ARRAY };
	const Json *refs = json_get(&claims->metadata, "permission_set_refs");
	Str key = json_text(a, &claims->metadata), missing;
	const Json **sets;
	Json standard;
	size_t n;

	*ret = remembered(c, key);
	if (*ret != NULL)
		return true;
	if (!callers_sets(db, a, json_is(refs, JSON_ARRAY) ? refs : &none, &sets, &n, &missing, err))
		return false;
	if (!str_none(missing))
		n = 0;
	else if (has_standard(refs) && json_parse(a, standard_grants(a, &claims->metadata), NULL, &standard, NULL))
		sets[n++] = &standard;
	*ret = remember(c, key, sets, n);
	return true;
}

/* A token of a run that has ended is worth nothing any more. */
static bool
run_goes_on(Db *db, Arena *a, Id id, Str *ret_line, Err *err)
{
	ExecState status;
	Str ancestors;

	if (execution_standing(db, a, id, &status, &ancestors, err)) {
		*ret_line = execution_line(a, ancestors, id);
		return !exec_terminal(status) || err_set(err, ERR_UNAUTHORIZED, "Authentication token expired");
	}
	if (err->code == ERR_NOT_FOUND)
		err_set(err, ERR_UNAUTHORIZED, "Invalid authentication token");
	return false;
}

/* ---- by kind of token ---- */

static bool
refuse(Err *err)
{
	return err_set(err, ERR_UNAUTHORIZED, "Invalid authentication token");
}

static bool
find_user(Callers *c, Db *db, Arena *a, const Claims *claims, Caller *ret, Err *err)
{
	Person *p;

	if (claims->session != 0 && map_get(&c->ended, claims->session) != NULL)
		return refuse(err);
	if (!person_find(c, db, a, claims, &p, err))
		return false;
	ret->kind = CALLER_USER;
	ret->login = p->login;
	ret->attributes = &p->attributes;
	ret->grants = p->grants;
	ret->session = claims->session;
	return true;
}

static bool
find_run(Callers *c, Db *db, Arena *a, const Claims *claims, Caller *ret, Err *err)
{
	Person *p;

	ret->kind = CALLER_EXECUTION;
	ret->login = claims->login;
	ret->execution = json_as_int(json_get(&claims->metadata, "execution_id"), 0);
	ret->action_ref = json_get_text(&claims->metadata, "action_ref");
	ret->pack_ref = json_as_str(json_at(json_get(&claims->metadata, "standard_access_pack_refs"), 0));
	return person_find(c, db, a, claims, &p, err) && run_goes_on(db, a, ret->execution, &ret->line, err) &&
	       run_grants(c, db, a, claims, &ret->grants, err);
}

static bool
find_sensor(Callers *c, Db *db, Arena *a, const Claims *claims, Caller *ret, Err *err)
{
	const Json *types = json_get(&claims->metadata, "trigger_types");
	Person *p;

	ret->kind = CALLER_SENSOR;
	ret->login = ret->sensor_ref = claims->login;
	ret->trigger_types = json_is(types, JSON_ARRAY) ? *types : json_array();
	ret->instance = json_as_int(json_get(&claims->metadata, "instance"), 0);
	ret->grants =
	    fixed_grants(c, a, str_fmt(a, "sensor:%.*s", STR_ARG(claims->login)), sensor_grants(a, claims->login));
	return person_find(c, db, a, claims, &p, err);
}

static bool
find_worker(Callers *c, Db *db, Arena *a, const Claims *claims, Caller *ret, Err *err)
{
	(void)db;
	(void)err;
	ret->kind = CALLER_WORKER;
	ret->login = claims->login;
	ret->worker = json_as_int(json_get(&claims->metadata, "worker_id"), 0);
	ret->grants = fixed_grants(c, a, str_of("worker"), str_of(worker_grants));
	return true;
}

static bool
find_nobody(Callers *c, Db *db, Arena *a, const Claims *claims, Caller *ret, Err *err)
{
	(void)c;
	(void)db;
	(void)a;
	(void)claims;
	(void)ret;
	return refuse(err); /* a refresh token opens nothing but a new pair */
}

bool
callers_find(Callers *c, Db *db, Arena *a, Str token, Caller *ret, Err *err)
{
	static bool (*const by_type[TOKEN_TYPES])(
	    Callers * c, Db * db, Arena * a, const Claims *claims, Caller *ret, Err *err) = {
		[TOKEN_ACCESS] = find_user,
		[TOKEN_REFRESH] = find_nobody,
		[TOKEN_SENSOR] = find_sensor,
		[TOKEN_EXECUTION] = find_run,
		[TOKEN_WORKER] = find_worker,
	};
	Caller caller = { 0 };
	Claims claims;

	if (!access_read(c->access, a, token, &claims, err) || !up_to_date(c, db, a, err))
		return false;
	caller.identity = claims.subject;
	caller.expires = claims.expires * US_PER_S;
	if (!by_type[claims.type](c, db, a, &claims, &caller, err))
		return false;
	*ret = caller;
	return true;
}
