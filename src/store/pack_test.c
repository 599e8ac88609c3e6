#include "store/pack_test.h"

static const char *const reasons[PACK_TEST_REASONS] = {
	[PACK_TEST_INSTALL] = "install",
	[PACK_TEST_UPDATE] = "update",
	[PACK_TEST_MANUAL] = "manual",
	[PACK_TEST_VALIDATION] = "validation",
};

static const Column columns[] = {
	{ "x.id", "id", COL_INT, false },
	{ "x.pack_id", "packId", COL_INT, false },
	{ "x.pack_version", "packVersion", COL_TEXT, false },
	{ "x.execution_time", "executionTime", COL_TIME, false },
	{ "x.trigger_reason", "triggerReason", COL_TEXT, false },
	{ "x.total_tests", "totalTests", COL_INT, false },
	{ "x.passed", "passed", COL_INT, false },
	{ "x.failed", "failed", COL_INT, false },
	{ "x.skipped", "skipped", COL_INT, false },
	{ "x.pass_rate", "passRate", COL_REAL, false },
	{ "x.duration_ms", "durationMs", COL_INT, false },
	{ "x.result", "result", COL_JSON, false },
	{ "x.created", "created", COL_TIME, false },
};

bool
pack_test_add(Db *db, Arena *a, const PackTestRow *row, TimeUs now, Err *err)
{
	static const Stmt s = {
		.sql = "insert into pack_test_execution (pack_id, pack_version, execution_time, trigger_reason,"
		       " total_tests, passed, failed, skipped, pass_rate, duration_ms, result, created)"
		       " values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)",
		.in = "istsiiiidijt",
	};
	Json result = json_storable(a, row->result);
	Bind b[] = { bind_int(row->pack), bind_str(row->version), bind_time(row->began),
		bind_text(reasons[row->reason]), bind_int(row->counts.total), bind_int(row->counts.passed),
		bind_int(row->counts.failed), bind_int(row->counts.skipped), bind_real(test_pass_rate(&row->counts)),
		bind_int(row->took_ms), bind_json(&result), bind_time(now) };

	return db_exec(db, a, &s, b, NULL, err) || err_wrap(err, "store how a pack's tests ended");
}

bool
pack_test_list(Db *db, Arena *a, Id pack, const Slice *slice, SliceOut *ret, Err *err)
{
	Listing l;

	listing_open(&l, a, " from pack_test_execution x", columns, countof(columns));
	listing_id(&l, "x.pack_id", pack);
	return listing_read(db, &l, slice, ret, err) || err_wrap(err, "list the tests of a pack");
}
