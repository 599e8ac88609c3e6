#include "model/choice.h"

#include "model/placement.h"
#include "model/version.h"

enum { WHY_WORKERS_MOST = 5 };

/* The first name of each group stands for all of it. */
static const char *const alias_groups[][5] = {
	{ "python", "python3" },
	{ "node", "nodejs", "node.js" },
	{ "shell", "bash", "sh" },
	{ "native", "builtin", "standalone" },
	{ "ruby", "rb" },
	{ "go", "golang" },
	{ "java", "jdk", "openjdk" },
	{ "perl", "perl5" },
	{ "r", "rscript" },
};

/* The name that stands for the group of this one, or the name itself (in its own case). */
static Str
alias_of(Str name)
{
	for (size_t g = 0; g < countof(alias_groups); g++)
		for (size_t i = 0; i < countof(alias_groups[g]) && alias_groups[g][i] != NULL; i++)
			if (str_eq_nocase(name, str_of(alias_groups[g][i])))
				return str_of(alias_groups[g][0]);
	return name;
}

Str
runtime_alias(Arena *a, Str name)
{
	return str_lower(a, alias_of(name));
}

static bool
same_runtime(Str x, Str y)
{
	return str_eq_nocase(alias_of(x), alias_of(y));
}

static bool
runtime_is(const RuntimeDef *r, Str name)
{
	if (same_runtime(r->name, name))
		return true;
	for (size_t i = 0; json_is(&r->aliases, JSON_ARRAY) && i < r->aliases.n; i++)
		if (same_runtime(json_as_str(&r->aliases.items[i]), name))
			return true;
	return false;
}

/* "core.python" -> "python", for the deprecated column. */
static Str
last_part(Str ref)
{
	size_t from = ref.n;

	while (from > 0 && ref.p[from - 1] != '.')
		from--;
	return str_sub(ref, from, ref.n);
}

static bool
names_some(const Json *runtimes)
{
	return json_is(runtimes, JSON_ARRAY) && runtimes->n > 0;
}

static bool
offers_runtime(const WorkerDef *w, const RuntimeDef *r)
{
	const Json *have = json_get(&w->capabilities, "runtimes");

	if (str_eq_nocase(r->name, str_of("internal")))
		return true; /* needs no process: part of every worker */
	if (!names_some(have))
		return !str_none(w->runtime_ref) &&
		       (str_eq(w->runtime_ref, r->ref) || runtime_is(r, last_part(w->runtime_ref)));
	for (size_t i = 0; i < have->n; i++)
		if (runtime_is(r, json_as_str(&have->items[i])))
			return true;
	return false;
}

static bool
offers_name(const WorkerDef *w, Str name)
{
	const Json *have = json_get(&w->capabilities, "runtimes");

	if (!names_some(have))
		return !str_none(w->runtime_ref) && same_runtime(last_part(w->runtime_ref), name);
	for (size_t i = 0; i < have->n; i++)
		if (same_runtime(json_as_str(&have->items[i]), name))
			return true;
	return false;
}

static bool
any_version(const Json *versions, Str constraint)
{
	for (size_t i = 0; json_is(versions, JSON_ARRAY) && i < versions->n; i++)
		if (version_meets(json_as_str(&versions->items[i]), constraint, BARE_SAME_MINOR))
			return true;
	return false;
}

/* What the worker verified counts; what its agent merely found counts where nothing was verified. */
static bool
offers_version(const WorkerDef *w, Str name, Str constraint)
{
	const Json *verified = json_get(&w->capabilities, "runtime_versions");
	const Json *found = json_get(&w->capabilities, "detected_interpreters");
	bool advertised = false;

	if (constraint.n == 0 || str_is(str_trim(constraint), "*"))
		return true;
	for (size_t i = 0; json_is(verified, JSON_OBJECT) && i < verified->n; i++) {
		const JsonMember *m = &verified->members[i];

		if (!same_runtime(m->key, name) || !json_is(&m->value, JSON_ARRAY) || m->value.n == 0)
			continue;
		advertised = true;
		if (any_version(&m->value, constraint))
			return true;
	}
	for (size_t i = 0; !advertised && json_is(found, JSON_ARRAY) && i < found->n; i++)
		if (same_runtime(json_get_text(&found->items[i], "name"), name) &&
		    version_meets(json_get_text(&found->items[i], "version"), constraint, BARE_SAME_MINOR))
			return true;
	return false;
}

static Str
offered(Arena *a, const WorkerDef *w)
{
	const Json *have = json_get(&w->capabilities, "runtimes");
	Buf b = buf_open(a);

	if (!names_some(have))
		return str_none(w->runtime_ref) ? str_of("none") : w->runtime_ref;
	for (size_t i = 0; i < have->n; i++)
		buf_fmt(&b, "%s%.*s", i > 0 ? ", " : "", STR_ARG(json_as_str(&have->items[i])));
	return buf_str(&b);
}

static bool
no(Str *ret_why, Str why)
{
	*ret_why = why;
	return false;
}

static bool
required_fit(Arena *a, const Json *required, const WorkerDef *w, Str *ret_why)
{
	for (size_t i = 0; json_is(required, JSON_OBJECT) && i < required->n; i++) {
		Str name = required->members[i].key, constraint = json_as_str(&required->members[i].value);

		if (offers_name(w, name) && offers_version(w, name, constraint))
			continue;
		return ret_why == NULL ? false
				       : no(ret_why, str_fmt(a, "lacks the required runtime '%.*s' %.*s (offers: %.*s)",
							 STR_ARG(name), STR_ARG(constraint), STR_ARG(offered(a, w))));
	}
	return true;
}

static bool
names_text(const Json *list, const char *text)
{
	for (size_t i = 0; i < list->n; i++)
		if (str_is(json_as_str(&list->items[i]), text))
			return true;
	return false;
}

/* What runs inside the worker has no walls, and a container those of its engine. A worker that does not say what it gives is asked by
 * the run itself. */
static bool
sandbox_fits(Arena *a, const Need *need, const WorkerDef *w, Str *ret_why)
{
	const Json *given = json_get(&w->capabilities, "sandboxes");
	const RuntimeDef *r = need->runtime;
	Str why = json_get_text(json_get(&w->capabilities, "isolation"), "strict"), head;

	if (!str_is(need->action->sandbox, "strict") || r == NULL || !json_is(given, JSON_ARRAY) ||
	    str_eq_nocase(r->name, str_of("internal")) ||
	    json_is(json_get(&r->execution_config, "container"), JSON_OBJECT) || names_text(given, "strict"))
		return true;
	if (ret_why == NULL)
		return false;
	if (str_none(why) || !str_cut(&why, ':', &head))
		why = str_of("its machine has no such walls");
	return no(ret_why, str_fmt(a, "cannot give 'sandbox: strict' (%.*s)", STR_ARG(str_trim(why))));
}

bool
worker_fits(Arena *a, const Need *need, const WorkerDef *w, Str *ret_why)
{
	const RuntimeDef *r = need->runtime;
	Str constraint = need->action->runtime_version_constraint;

	if (r != NULL && !offers_runtime(w, r))
		return ret_why == NULL ? false
				       : no(ret_why, str_fmt(a, "lacks the runtime '%.*s' (offers: %.*s)",
							 STR_ARG(r->name), STR_ARG(offered(a, w))));
	if (r != NULL && !offers_version(w, r->name, constraint))
		return ret_why == NULL ? false
				       : no(ret_why, str_fmt(a, "has no version of '%.*s' that meets '%.*s'",
							 STR_ARG(r->name), STR_ARG(constraint)));
	return sandbox_fits(a, need, w, ret_why) &&
	       required_fit(a, &need->action->required_worker_runtimes, w, ret_why) &&
	       placement_fits(a, &need->placement, &w->capabilities, ret_why);
}

/* Could it be given work at all, whatever the work is? */
static bool
worker_open(Arena *a, const WorkerLoad *l, Str *ret_why)
{
	const WorkerDef *w = l->def;

	if (!str_is(w->status, "active") && !str_is(w->status, "busy"))
		return ret_why == NULL ? false : no(ret_why, str_fmt(a, "is offline (%.*s)", STR_ARG(w->status)));
	if (!l->alive)
		return ret_why == NULL ? false : no(ret_why, str_of("is offline (no heartbeat)"));
	if (w->cordoned && ret_why != NULL)
		return no(ret_why, str_none(w->cordon_reason) || w->cordon_reason.n == 0
				       ? str_of("is cordoned")
				       : str_fmt(a, "is cordoned (%.*s)", STR_ARG(w->cordon_reason)));
	return !w->cordoned;
}

static Str
why_nobody(Arena *a, const Need *need, const WorkerLoad *loads, size_t n)
{
	Buf b = buf_open(a);
	Str why;

	if (n == 0)
		return str_of("no action worker is registered");
	if (need->runtime != NULL)
		buf_fmt(&b, "no worker for runtime '%.*s'", STR_ARG(need->runtime->name));
	else
		buf_text(&b, "no worker fits");
	for (size_t i = 0; i < n && i < WHY_WORKERS_MOST; i++) {
		why = str_of("fits");
		if (worker_fits(a, need, loads[i].def, &why))
			(void)worker_open(a, &loads[i], &why);
		buf_fmt(&b, "%s worker '%.*s' %.*s", i == 0 ? ":" : ";", STR_ARG(loads[i].def->name), STR_ARG(why));
	}
	if (n > WHY_WORKERS_MOST)
		buf_fmt(&b, "; and %zu more", n - WHY_WORKERS_MOST);
	return buf_str(&b);
}

/* Which of them lack room for what runs write. They take runs again once somebody has made room, so it is no lack of a worker. */
static Str
why_full(Arena *a, const Need *need, const WorkerLoad *loads, size_t n)
{
	Buf b = buf_open(a);
	size_t named = 0;

	for (size_t i = 0; i < n && named < WHY_WORKERS_MOST; i++) {
		const WorkerDef *w = loads[i].def;
		Str full = json_get_text(&w->meta, "full");

		if (!str_none(full) && worker_open(a, &loads[i], NULL) && worker_fits(a, need, w, NULL))
			buf_fmt(&b, "%sworker '%.*s' takes no runs (%.*s)", named++ == 0 ? "" : "; ", STR_ARG(w->name),
			    STR_ARG(full));
	}
	return named == 0 ? (Str){ 0 } : buf_str(&b);
}

/* Is x less loaded than y? Fractions compared without dividing. */
static int
load_cmp(const WorkerLoad *x, const WorkerLoad *y)
{
	int64_t sx = x->def->slots > 0 ? x->def->slots : 1, sy = y->def->slots > 0 ? y->def->slots : 1;
	int64_t l = x->assigned * sy, r = y->assigned * sx;

	return (l > r) - (l < r);
}

/* Which of the best so far and the next is better: weight first, then load, then who need not build; 0 when they are equal. */
static int
better(int64_t weight, const WorkerLoad *x, int64_t best_weight, const WorkerLoad *best)
{
	if (weight != best_weight)
		return weight > best_weight ? 1 : -1;
	if (load_cmp(x, best) != 0)
		return -load_cmp(x, best);
	return (int)x->built - (int)best->built;
}

void
worker_choose(Arena *a, const Need *need, const WorkerLoad *loads, size_t n, uint64_t *turn, Choice *ret)
{
	size_t *equal = arena_array(a, size_t, n + 1), equals = 0;
	int64_t best_weight = 0;
	bool fits = false;

	for (size_t i = 0; i < n; i++) {
		int64_t weight;
		int cmp;

		if (!worker_open(a, &loads[i], NULL) || !worker_fits(a, need, loads[i].def, NULL))
			continue;
		fits = true;
		if (loads[i].room <= 0)
			continue;
		weight = placement_weight(&need->placement, &loads[i].def->capabilities);
		cmp = equals == 0 ? 1 : better(weight, &loads[i], best_weight, &loads[equal[0]]);
		if (cmp > 0) {
			best_weight = weight;
			equals = 0;
		}
		if (cmp >= 0)
			equal[equals++] = i;
	}
	if (equals > 0)
		*ret = (Choice){ .kind = CHOICE_WORKER, .worker = equal[(*turn)++ % equals] };
	else if (fits)
		*ret = (Choice){ .kind = CHOICE_CAPACITY, .why = why_full(a, need, loads, n) };
	else
		*ret = (Choice){ .kind = CHOICE_NO_WORKER, .why = why_nobody(a, need, loads, n) };
}
