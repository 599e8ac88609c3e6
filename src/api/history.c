#include "api/access.h"
#include "api/handlers.h"
#include "api/page.h"
#include "api/work.h"
#include "store/history.h"

enum { PAGE_DEFAULT = 50, PAGE_MOST = 1000 };

static bool
filter_read(const Req *q, HistoryFilter *f, Err *err)
{
	static const char *const operations[] = { "INSERT", "UPDATE", "DELETE" };
	bool known = false;

	*f = (HistoryFilter){
		.ref = req_query(q, "entity_ref"),
		.operation = req_query(q, "operation"),
		.field = req_query(q, "changed_field"),
	};
	for (size_t i = 0; !str_none(f->operation) && i < countof(operations); i++)
		if (str_eq_nocase(f->operation, str_of(operations[i]))) {
			f->operation = str_of(operations[i]);
			known = true;
		}
	if (!known && !str_none(f->operation))
		return err_set(
		    err, ERR_INVALID, "An operation is INSERT, UPDATE or DELETE, not '%.*s'", STR_ARG(f->operation));
	return query_id(q, "entity_id", &f->entity, err) && query_time(q, "since", &f->since, err) &&
	       query_time(q, "until", &f->until, err);
}

typedef bool Reader(Db *db, Arena *a, const HistoryFilter *f, const Slice *slice, SliceOut *ret, Err *err);

static bool
history_answer(App *app, Req *q, Res *s, Reader *reader, HistoryFilter *f, Err *err)
{
	Page page = req_page(q, PAGE_DEFAULT, PAGE_MOST);
	SliceOut out;
	Slice slice;

	return page_slice(req_arena(q), &page, &slice, err) &&
	       reader(app_db(app), req_arena(q), f, &slice, &out, err) && answer_slice(q, s, &page, &out);
}

static bool
answer_executions(App *app, Req *q, Res *s, const HistoryFilter *f, Err *err)
{
	Scope scope = app_scope(app, req_arena(q), "executions:read");
	HistoryFilter seen = *f;

	seen.scope = &scope;
	return history_answer(app, q, s, history_of_executions, &seen, err);
}

bool
execution_history(App *app, Req *q, Res *s, Err *err)
{
	HistoryFilter f;

	return filter_read(q, &f, err) && req_id(q, "id", &f.entity, err) && answer_executions(app, q, s, &f, err);
}

bool
worker_history(App *app, Req *q, Res *s, Err *err)
{
	HistoryFilter f;

	return filter_read(q, &f, err) && req_id(q, "id", &f.entity, err) &&
	       history_answer(app, q, s, history_of_workers, &f, err);
}

bool
entity_history(App *app, Req *q, Res *s, Err *err)
{
	Str type = req_param(q, "entity_type");
	HistoryFilter f;

	if (!filter_read(q, &f, err))
		return false;
	if (str_is(type, "execution"))
		return answer_executions(app, q, s, &f, err);
	if (str_is(type, "worker"))
		return need(app, "workers:read", NULL, err) && history_answer(app, q, s, history_of_workers, &f, err);
	return err_set(
	    err, ERR_INVALID, "There is a history of 'execution' and of 'worker', not of '%.*s'", STR_ARG(type));
}
