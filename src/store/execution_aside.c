#include "store/execution_aside.h"

enum { STUB_MEMBER = 1024 };

/* About what it takes as text, counted until it is too much. */
static size_t
weigh(const Json *v, size_t room)
{
	size_t sum = 8;

	if (v->kind == JSON_STRING || v->kind == JSON_BIG)
		return sum + v->n;
	for (uint32_t i = 0; v->kind == JSON_ARRAY && i < v->n && sum <= room; i++)
		sum += weigh(&v->items[i], room - sum);
	for (uint32_t i = 0; v->kind == JSON_OBJECT && i < v->n && sum <= room; i++)
		sum += v->members[i].key.n + weigh(&v->members[i].value, room - sum);
	return sum;
}

bool
result_is_large(const Json *result)
{
	return result != NULL && weigh(result, RESULT_IN_ROW) > RESULT_IN_ROW;
}

Json
result_stub(Arena *a, const Json *result)
{
	Json stub = json_object();

	for (uint32_t i = 0; result->kind == JSON_OBJECT && i < result->n; i++)
		if (weigh(&result->members[i].value, STUB_MEMBER) <= STUB_MEMBER)
			json_set_str(a, &stub, result->members[i].key, result->members[i].value);
	return stub;
}

bool
result_put_aside(Db *db, Arena *a, Id execution, const Json *result, Err *err)
{
	static const Stmt s = {
		.sql = "insert into execution_result (execution, body) values ($1, $2)"
		       " on conflict (execution) do update set body = excluded.body",
		.in = "iJ",
	};
	Bind b[] = { bind_int(execution), bind_json(result) };

	return db_exec(db, a, &s, b, NULL, err) ||
	       err_wrap(err, "store the result of execution %lld", (long long)execution);
}
