#include "cli/handlers.h"
#include "cli/kinds.h"
#include "cli/output.h"

#include "base/yaml.h"

enum { PAGE = 100 };

static const char *const usual[] = { "trigger", "action", "workflow", "key", "policy", "rule" };

static bool
wanted(const Cli *c, const ApplyKind *k)
{
	for (size_t i = 0; i < c->n_args; i++)
		if (apply_kind_named(c->args[i]) == k)
			return true;
	for (size_t i = 0; c->n_args == 0 && i < countof(usual); i++)
		if (strcmp(usual[i], k->name) == 0)
			return true;
	return false;
}

static bool
of_pack(const Cli *c, const ApplyKind *k, const Json *one)
{
	Str pack = cli_opt(c, "pack");

	if (pack.n == 0)
		return true;
	if (strcmp(k->name, "pack") == 0)
		return str_eq(json_get_text(one, "ref"), pack);
	return str_eq(json_get_text(one, "pack_ref"), pack) || str_eq(json_get_text(one, "owner_pack_ref"), pack);
}

/* Of workflows their definitions and what their actions keep come back, and with them the actions. */
static bool
comes_with_another(const ApplyKind *k, const Json *one)
{
	return strcmp(k->name, "action") == 0 && !json_is_null(json_get(one, "workflow_def"));
}

/* Is it in no pack's files? Of a workflow its action says it; what never says it counts as such. */
static bool
adhoc(Cli *c, const ApplyKind *k, const Json *one, bool *ret, Err *err)
{
	Json action;

	*ret = json_as_bool(json_get(one, "is_adhoc"), true);
	if (strcmp(k->name, "workflow") != 0)
		return true;
	if (apply_fetch(c, apply_kind_named(str_of("action")), json_get_text(one, "ref"), &action, err))
		*ret = json_as_bool(json_get(&action, "is_adhoc"), true);
	return err->code == ERR_NONE;
}

static bool
empty(const Json *v)
{
	return json_is_null(v) ||
	       ((json_is(v, JSON_OBJECT) || json_is(v, JSON_ARRAY) || json_is(v, JSON_STRING)) && v->n == 0);
}

static void
print_document(Cli *c, const ApplyKind *k, const Json *one)
{
	Buf b = buf_open(c->a);
	Json doc = json_object();

	json_add(c->a, &doc, "kind", json_cstr(k->name));
	json_add(c->a, &doc, "ref", json_str(json_get_text(one, "ref")));
	for (size_t i = 0; i < KIND_MEMBERS && k->members[i].name != NULL; i++) {
		const KindMember *m = &k->members[i];
		const Json *v = json_get(one, m->name);

		if (!empty(v) && (m->flags & MEMBER_ASIDE) == 0 &&
		    ((m->flags & MEMBER_SECRET) == 0 || cli_has(c, "secrets")))
			json_add(c->a, &doc, m->name, *v);
	}
	buf_text(&b, "---\n");
	yaml_print(&b, &doc);
	if (b.p[b.n - 1] != '\n')
		buf_char(&b, '\n');
	out_text(c, buf_str(&b));
}

/* A list's rows are short: each is fetched whole. */
static bool
export_one(Cli *c, const ApplyKind *k, Str ref, size_t *count, Err *err)
{
	bool ours = true;
	Json one;

	if (!apply_fetch(c, k, ref, &one, err))
		return err->code == ERR_NONE; /* gone in between */
	if (!of_pack(c, k, &one) || comes_with_another(k, &one))
		return true;
	if (cli_has(c, "adhoc") && !adhoc(c, k, &one, &ours, err))
		return false;
	if (!ours)
		return true;
	print_document(c, k, &one);
	++*count;
	return true;
}

static bool
export_kind(Cli *c, const ApplyKind *k, size_t *count, Err *err)
{
	for (int64_t page = 1;; page++) {
		Json rows;

		if (!cli_call(c, "GET",
			str_fmt(c->a, "%s?page_size=%d&per_page=%d&page=%lld", k->path, PAGE, PAGE, (long long)page),
			NULL, &rows, err))
			return err_wrap(err, "%s", k->name);
		for (size_t i = 0; json_at(&rows, i) != NULL; i++)
			if (!export_one(c, k, json_get_text(json_at(&rows, i), "ref"), count, err))
				return false;
		if (!json_is(&rows, JSON_ARRAY) || rows.n < PAGE)
			return true;
	}
}

bool
cmd_export_run(Cli *c, int *ret_code, Err *err)
{
	size_t n, count = 0;
	const ApplyKind *kinds = apply_kinds(&n);

	(void)ret_code;
	for (size_t i = 0; i < c->n_args; i++)
		if (apply_kind_named(c->args[i]) == NULL)
			return err_set(err, ERR_INVALID,
			    "there is no kind '%.*s', only: pack, trigger, action, workflow, sensor, key, policy, rule",
			    STR_ARG(c->args[i]));
	for (size_t i = 0; i < n; i++)
		if (wanted(c, &kinds[i]) && !export_kind(c, &kinds[i], &count, err))
			return false;
	out_note(c, "%zu exported.", count);
	return true;
}
