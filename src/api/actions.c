#include "api/resource.h"

#include "api/action_work.h"
#include "api/handlers.h"
#include "api/view.h"
#include "store/action.h"
#include "store/pack.h"
#include "store/status_read.h"

const Resource actions = { &action_table, action_whole, action_summary, "actions", offsetof(ActionDef, pack_ref) };
static const Resource action_hits = { &action_table, action_whole, action_hit, "actions",
	offsetof(ActionDef, pack_ref) };

bool
actions_list(App *app, Req *q, Res *s, Err *err)
{
	DefFilter f = { .pack_ref = req_query(q, "pack_ref"), .search = req_query(q, "search") };

	return resource_list(app, q, s, &actions, f, NULL, NULL, err);
}

bool
actions_of_pack(App *app, Req *q, Res *s, Err *err)
{
	PackDef p;

	if (!resource_of_path(app, q, &packs, "pack_ref", &p, err))
		return false;
	return resource_list(app, q, s, &actions, (DefFilter){ .pack_ref = p.ref }, NULL, NULL, err);
}

bool
action_show(App *app, Req *q, Res *s, Err *err)
{
	return resource_show(app, q, s, &actions, err);
}

/* ---- search ---- */

enum { WORDS_MOST = 16, PACKS_MOST = 64 };

typedef struct Search {
	Arena *a;
	Str words[WORDS_MOST], packs[PACKS_MOST];
	size_t word_count, pack_count;
} Search;

static void
search_words(Search *by, Str text)
{
	Str low = str_lower(by->a, text), word = { 0 };

	for (size_t i = 0; i < low.n; i++)
		if (low.p[i] == '\t' || low.p[i] == '\n')
			((char *)(uintptr_t)low.p)[i] = ' '; /* our own copy */
	while (by->word_count < WORDS_MOST && str_cut(&low, ' ', &word))
		if (word.n > 0)
			by->words[by->word_count++] = word;
}

static bool
search_packs(App *app, Search *by, Str text, Err *err)
{
	Str ref = { 0 };
	PackDef p;

	while (by->pack_count < PACKS_MOST && str_cut(&text, ',', &ref)) {
		ref = str_trim(ref);
		if (ref.n == 0)
			continue;
		if (!pack_get_ref(app_db(app), by->a, ref, &p, err))
			return false;
		by->packs[by->pack_count++] = p.ref;
	}
	return true;
}

static bool
pack_wanted(const Search *by, Str ref)
{
	for (size_t i = 0; i < by->pack_count; i++)
		if (str_eq(by->packs[i], ref))
			return true;
	return by->pack_count == 0;
}

static bool
search_keep(const void *def, void *self)
{
	const ActionDef *d = def;
	const Search *by = self;
	Str text;

	if (!pack_wanted(by, d->pack_ref))
		return false;
	text = str_lower(by->a, str_fmt(by->a, "%.*s\n%.*s\n%.*s\n%.*s", STR_ARG(d->ref), STR_ARG(d->label),
				    STR_ARG(d->description), STR_ARG(d->pack_ref)));
	for (size_t i = 0; i < by->word_count; i++)
		if (!str_find(text, by->words[i], NULL))
			return false;
	return true;
}

bool
actions_search(App *app, Req *q, Res *s, Err *err)
{
	Search by = { .a = req_arena(q) };

	if (!str_none(req_query(q, "q")))
		search_words(&by, req_query(q, "q"));
	if (!str_none(req_query(q, "packs")) && !search_packs(app, &by, req_query(q, "packs"), err))
		return false;
	return resource_list(app, q, s, &action_hits, (DefFilter){ 0 }, search_keep, &by, err);
}

/* ---- changes ---- */

bool
action_create(App *app, Req *q, Res *s, Err *err)
{
	Json body;
	ActionWork w = { .a = req_arena(q), .body = &body };

	if (!action_create_read(q, &w, &body, err) || !app_define(app, action_create_work, &w, err))
		return false;
	return res_data(s, 201, action_whole(w.a, &w.d), "Action created successfully");
}

bool
action_update(App *app, Req *q, Res *s, Err *err)
{
	Json body;
	ActionWork w = { .a = req_arena(q), .body = &body, .key = req_param(q, "ref") };

	if (!action_update_read(q, &body, err) || !app_define(app, action_update_work, &w, err))
		return false;
	return res_data(s, 200, action_whole(w.a, &w.d), "Action updated successfully");
}

bool
action_remove(App *app, Req *q, Res *s, Err *err)
{
	ActionWork w = { .a = req_arena(q), .key = req_param(q, "ref") };

	if (!app_define(app, action_remove_work, &w, err))
		return false;
	return answer_success(q, s, str_fmt(w.a, "Action '%.*s' deleted successfully", STR_ARG(w.d.ref)));
}

/* ---- its runs ---- */

/* As long as no policy limits the action any number of its runs may be under way: max_concurrent is 0 then. */
bool
action_queue(App *app, Req *q, Res *s, Err *err)
{
	Arena *a = req_arena(q);
	Json o = json_object();
	ActionQueueRow row;
	ActionDef d;

	if (!resource_of_path(app, q, &actions, "ref", &d, err) || !action_queue_read(app_db(app), a, d.ref, &row, err))
		return false;
	json_add(a, &o, "action_id", json_int(d.id));
	json_add(a, &o, "action_ref", json_str(d.ref));
	json_add(a, &o, "queue_length", json_int(row.waiting));
	json_add(a, &o, "active_count", json_int(row.active));
	json_add(a, &o, "max_concurrent", json_int(0));
	json_add(a, &o, "oldest_enqueued_at", json_time(a, row.oldest));
	json_add(a, &o, "total_enqueued", json_int(row.all));
	json_add(a, &o, "total_completed", json_int(row.all - row.waiting - row.active));
	json_add(a, &o, "last_updated", json_time(a, app_now(app)));
	return res_data(s, 200, o, NULL);
}
