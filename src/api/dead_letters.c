#include "api/page.h"

#include "api/handlers.h"
#include "api/view.h"
#include "api/work.h"
#include "store/worker.h"

enum { PAGE_DEFAULT = 50, PAGE_MOST = 1000 }; /* with a broker each page reads all that lie there: let there be few */

/* Embedded they are rows; with a broker they lie in its queue. Here both are one list, newest first. */
static DeadRow
row_of(Arena *a, const DeadLetter *d)
{
	return (DeadRow){ .message_id = uuid_text(a, d->id),
		.queue = d->queue,
		.routing_key = d->key,
		.reason = d->reason,
		.body = d->body,
		.created = d->at };
}

static bool
letters_read(App *app, Arena *a, const Page *page, DeadRow **ret, size_t *ret_n, Err *err)
{
	DeadLetter *letters;
	size_t n, some = 0;

	if (bus_is_local(app->engine->bus))
		return dead_list(app_db(app), a, page->size + 1, page->offset, ret, ret_n, err);
	if (!bus_dead_list(app->engine->bus, a, DEAD_LETTERS_MOST, &letters, &n, err))
		return false;
	*ret = arena_array(a, DeadRow, n + 1);
	for (size_t i = n; i > 0; i--)
		if ((int64_t)(n - i) >= page->offset && (int64_t)some <= page->size)
			(*ret)[some++] = row_of(a, &letters[i - 1]);
	*ret_n = some;
	return true;
}

static Json
letter_json(Arena *a, const DeadRow *d, bool whole)
{
	Json o = json_object();

	json_add(a, &o, "id", json_str(d->message_id));
	json_add(a, &o, "queue", json_str(d->queue));
	json_add(a, &o, "routing_key", json_str(d->routing_key));
	json_add(a, &o, "reason", json_str(d->reason));
	if (whole)
		json_add(a, &o, "body", json_str(d->body));
	json_add(a, &o, "created", json_time(a, d->created));
	return o;
}

bool
dead_letters_list(App *app, Req *q, Res *s, Err *err)
{
	Page page = req_page(q, PAGE_DEFAULT, PAGE_MOST);
	Arena *a = req_arena(q);
	Json rows = json_array();
	ListEnd end = { .total = -1 };
	DeadRow *letters;
	size_t n;

	if (!page_counted(a, &page, err) || !letters_read(app, a, &page, &letters, &n, err))
		return false;
	end.more = n > (size_t)page.size;
	for (size_t i = 0; i < n && rows.n < page.size; i++)
		json_push(a, &rows, letter_json(a, &letters[i], false));
	return answer_list(q, s, &page, rows, &end);
}

static bool
letter_find(App *app, Arena *a, Str id, DeadRow *ret, Err *err)
{
	Page all = { .size = DEAD_LETTERS_MOST };
	DeadRow *letters;
	size_t n;

	if (bus_is_local(app->engine->bus))
		return dead_get(app_db(app), a, id, ret, err);
	if (!letters_read(app, a, &all, &letters, &n, err))
		return false;
	for (size_t i = 0; i < n; i++)
		if (str_eq_nocase(letters[i].message_id, id)) {
			*ret = letters[i];
			return true;
		}
	return err_set(err, ERR_NOT_FOUND, "Dead letter '%.*s' not found", STR_ARG(id));
}

bool
dead_letter_show(App *app, Req *q, Res *s, Err *err)
{
	DeadRow d;

	if (!letter_find(app, req_arena(q), req_param(q, "id"), &d, err))
		return false;
	return res_data(s, 200, letter_json(req_arena(q), &d, true), NULL);
}

/* ---- sending again, throwing away ---- */

typedef struct LetterWork {
	Arena *a;
	Str id;
} LetterWork;

static bool
drop_work(App *app, void *self, Err *err)
{
	LetterWork *w = self;

	return dead_drop(app_db(app), w->a, w->id, err);
}

/* The exchange on which messages of this routing key travel. */
static bool
exchange_of(Str key, Exchange *ret, Err *err)
{
	for (int k = MSG_NONE + 1; k < MSG_KINDS; k++) {
		const char *mark = strchr(topics[k].key, '%');
		Str fixed =
		    mark == NULL ? str_of(topics[k].key) : (Str){ topics[k].key, (size_t)(mark - topics[k].key) };

		if (mark == NULL ? !str_eq(key, fixed) : !str_starts(key, fixed))
			continue;
		*ret = topics[k].exchange;
		return true;
	}
	return err_set(err, ERR_CONFLICT,
	    "No queue takes messages with the routing key '%.*s': the letter can only be dropped", STR_ARG(key));
}

/*
 * Who drops the row may send it, so of two at once the other finds none. It is sent when that is stored, for what cannot be read comes
 * back as a row; dying in between loses what only wakes somebody up, and the sweeper finds that work by itself.
 */
static bool
letter_replay(App *app, LetterWork *w, Err *err)
{
	Exchange x = EX_EXECUTIONS;
	DeadRow d;

	return dead_get(app_db(app), w->a, w->id, &d, err) && exchange_of(d.routing_key, &x, err) &&
	       app_work(app, &points_create, drop_work, w, err) &&
	       bus_publish_raw(app->engine->bus, x, d.routing_key, d.body, err);
}

static bool
letter_act(App *app, Req *q, DeadAct act, Err *err)
{
	LetterWork w = { .a = req_arena(q), .id = req_param(q, "id") };
	Uuid id;

	if (bus_is_local(app->engine->bus))
		return act == DEAD_REPLAY ? letter_replay(app, &w, err)
					  : app_work(app, &points_create, drop_work, &w, err);
	if (!uuid_parse(w.id, &id))
		return err_set(err, ERR_NOT_FOUND, "Dead letter '%.*s' not found", STR_ARG(w.id));
	return bus_dead_act(app->engine->bus, id, act, err);
}

bool
dead_letter_replay(App *app, Req *q, Res *s, Err *err)
{
	return letter_act(app, q, DEAD_REPLAY, err) && answer_success(q, s, str_of("Dead letter was sent again"));
}

bool
dead_letter_remove(App *app, Req *q, Res *s, Err *err)
{
	return letter_act(app, q, DEAD_DROP, err) && answer_success(q, s, str_of("Dead letter was dropped"));
}
