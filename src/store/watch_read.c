#include "store/watch_read.h"

enum {
	ARTIFACT_TYPE = 2,
	ARTIFACT_DATA = 9,
};

#define K(name) (1u << CHANGE_##name)
#define EVERY (~0u)

/* Where a member of the payload comes from. */
typedef enum From {
	FROM_INT,
	FROM_TEXT,
	FROM_TIME,
	FROM_BOOL,
	FROM_JSON,
	FROM_STARTED,  /* a time that is none before the run began */
	FROM_RESOLVED, /* a time that is none while nothing is decided */
	FROM_STATUS,   /* of the change, as the next two */
	FROM_PREVIOUS,
	FROM_CHANGED,
	FROM_PERCENT, /* of the last step of progress, as the next; then how many there are */
	FROM_MESSAGE,
	FROM_ENTRIES,
} From;

typedef struct Member {
	const char *key;
	From from;
	int col;        /* of the row */
	unsigned kinds; /* of change: bits */
} Member;

/* The first column is the id; user and the others say which column holds what Watched tells (0: none does). */
typedef struct SubjectRow {
	Stmt read;
	const Member *members;
	size_t n;
	int user, ref, pack_of, ancestors, owner_type, owner, visibility;
} SubjectRow;

static const Member execution_members[] = {
	{ "action_id", FROM_INT, 1, EVERY },
	{ "action_ref", FROM_TEXT, 2, EVERY },
	{ "status", FROM_STATUS, 0, EVERY },
	{ "old_status", FROM_PREVIOUS, 0, K(EXECUTION_STATUS) },
	{ "enforcement", FROM_INT, 3, EVERY },
	{ "rule_ref", FROM_TEXT, 4, EVERY },
	{ "trigger_ref", FROM_TEXT, 5, EVERY },
	{ "parent", FROM_INT, 6, EVERY },
	{ "started_at", FROM_STARTED, 7, EVERY },
	{ "workflow_task", FROM_JSON, 8, EVERY },
	{ "created", FROM_TIME, 9, EVERY },
	{ "updated", FROM_CHANGED, 0, EVERY },
};

static const Member event_members[] = {
	{ "trigger", FROM_INT, 1, EVERY },
	{ "trigger_ref", FROM_TEXT, 2, EVERY },
	{ "source", FROM_INT, 3, EVERY },
	{ "source_ref", FROM_TEXT, 4, EVERY },
	{ "rule", FROM_INT, 5, EVERY },
	{ "rule_ref", FROM_TEXT, 6, EVERY },
	{ "has_payload", FROM_BOOL, 7, EVERY },
	{ "created", FROM_TIME, 8, EVERY },
};

static const Member enforcement_members[] = {
	{ "rule", FROM_INT, 1, EVERY },
	{ "rule_ref", FROM_TEXT, 2, EVERY },
	{ "trigger_ref", FROM_TEXT, 3, EVERY },
	{ "event", FROM_INT, 4, EVERY },
	{ "status", FROM_STATUS, 0, EVERY },
	{ "old_status", FROM_PREVIOUS, 0, K(ENFORCEMENT_STATUS) },
	{ "condition", FROM_TEXT, 5, EVERY },
	{ "created", FROM_TIME, 6, EVERY },
	{ "resolved_at", FROM_RESOLVED, 7, EVERY },
};

static const Member inquiry_members[] = {
	{ "execution", FROM_INT, 1, EVERY },
	{ "status", FROM_STATUS, 0, EVERY },
	{ "timeout_at", FROM_TIME, 2, K(INQUIRY_CREATED) | K(INQUIRY_TIMEOUT) },
	{ "created", FROM_TIME, 3, K(INQUIRY_CREATED) },
	{ "assigned_to", FROM_INT, 4, K(INQUIRY_REMINDER) | K(INQUIRY_ESCALATED) },
	{ "assigned_role", FROM_TEXT, 5, K(INQUIRY_REMINDER) | K(INQUIRY_ESCALATED) },
	{ "updated", FROM_CHANGED, 0, K(INQUIRY_RESPONDED) | K(INQUIRY_TIMEOUT) },
};

static const Member artifact_members[] = {
	{ "ref", FROM_TEXT, 1, EVERY },
	{ "type", FROM_TEXT, ARTIFACT_TYPE, EVERY },
	{ "visibility", FROM_TEXT, 3, EVERY },
	{ "name", FROM_TEXT, 4, EVERY },
	{ "scope", FROM_TEXT, 5, EVERY },
	{ "owner", FROM_TEXT, 6, EVERY },
	{ "content_type", FROM_TEXT, 7, EVERY },
	{ "size_bytes", FROM_INT, 8, EVERY },
	{ "progress_percent", FROM_PERCENT, ARTIFACT_DATA, K(ARTIFACT_UPDATED) },
	{ "progress_message", FROM_MESSAGE, ARTIFACT_DATA, K(ARTIFACT_UPDATED) },
	{ "progress_entries", FROM_ENTRIES, ARTIFACT_DATA, K(ARTIFACT_UPDATED) },
	{ "created", FROM_TIME, 10, EVERY },
	{ "updated", FROM_CHANGED, 0, K(ARTIFACT_UPDATED) },
};

#define MEMBERS(list) .members = list, .n = countof(list)
#define READ(columns, table) \
	.read = { .sql = "select " columns " from " table " where id in (select value from json_each($1))", \
		.pg = "select " columns " from " table \
		      " where id = any(array(select x::bigint from jsonb_array_elements_text($1) x))", \
		.in = "j" }

static const SubjectRow subjects[SUBJECTS] = {
	[SUBJECT_EXECUTION] = { READ("id, action, action_ref, enforcement, rule_ref, trigger_ref, parent, started_at,"
				     " workflow_task, created, executor, ancestors",
				    "execution"),
	    MEMBERS(execution_members), .user = 10, .ref = 2, .pack_of = 2, .ancestors = 11 },
	[SUBJECT_EVENT] = { READ("id, \"trigger\", trigger_ref, source, source_ref, rule, rule_ref,"
				 " payload is not null, created",
				"event"),
	    MEMBERS(event_members), .ref = 2, .pack_of = 2 },
	[SUBJECT_ENFORCEMENT] = { READ("id, rule, rule_ref, trigger_ref, event, condition, created, resolved_at",
				      "enforcement"),
	    MEMBERS(enforcement_members), .ref = 2, .pack_of = 2 },
	[SUBJECT_INQUIRY] = { READ("id, execution, timeout_at, created, assigned_to, assigned_role", "inquiry"),
	    MEMBERS(inquiry_members), .user = 4 },
	[SUBJECT_ARTIFACT] = { READ("id, ref, type, visibility, name, scope, owner, content_type, size_bytes,"
				    " case when type = 'progress' then data else null end, created",
				   "artifact"),
	    MEMBERS(artifact_members), .ref = 1, .owner_type = 5, .owner = 6, .visibility = 3 },
};

/* ---- reading ---- */

static Str
text_at(Row r, int col)
{
	return col == 0 ? (Str){ 0 } : row_str(r, col);
}

/* "core.echo" → "core" */
static Str
pack_of(Str ref)
{
	Str pack = { 0 };

	if (str_none(ref) || !str_cut(&ref, '.', &pack))
		return (Str){ 0 };
	return pack;
}

static Watched
watched_of(const SubjectRow *s, Subject subject, Row r)
{
	Id id = row_int(r, 0), user = s->user == 0 ? 0 : row_int(r, s->user);

	return (Watched){ .id = id,
		.user = user,
		.row = r,
		.target = {
		    .id = id,
		    .ref = text_at(r, s->ref),
		    .pack_ref = pack_of(text_at(r, s->pack_of)),
		    .owner_type = text_at(r, s->owner_type),
		    .owner_ref = text_at(r, s->owner),
		    .owner = user,
		    .visibility = text_at(r, s->visibility),
		    .execution = subject == SUBJECT_EXECUTION ? id
				 : subject == SUBJECT_INQUIRY ? row_int(r, 1)
							      : 0,
		    .ancestors = text_at(r, s->ancestors),
		} };
}

bool
watched_read(Db *db, Arena *a, Subject subject, const Id *ids, size_t n, Watched **ret, size_t *ret_n, Err *err)
{
	const SubjectRow *s = &subjects[subject];
	Json list = json_array();
	Rows rows;
	Bind b;

	for (size_t i = 0; i < n; i++)
		json_push(a, &list, json_int(ids[i]));
	b = bind_json(&list);
	if (!db_read(db, a, &s->read, &b, &rows, err))
		return err_wrap(err, "read what has changed of %s", subject_resources[subject]);
	*ret = arena_array(a, Watched, rows.n + 1);
	*ret_n = rows.n;
	for (size_t i = 0; i < rows.n; i++)
		(*ret)[i] = watched_of(s, subject, rows_at(&rows, i));
	return true;
}

/* ---- printing ---- */

static void
print_text(Buf *b, Str s)
{
	if (str_none(s))
		buf_text(b, "null");
	else
		json_print_string(b, s);
}

static void
print_time(Buf *b, TimeUs t)
{
	if (t == 0)
		buf_text(b, "null");
	else
		json_print_string(b, time_text(b->a, t));
}

static void
print_int(Buf *b, Row r, int col)
{
	if (row_null(r, col))
		buf_text(b, "null");
	else
		buf_fmt(b, "%lld", (long long)row_int(r, col));
}

static void
print_progress(Buf *b, Row r, const Member *m)
{
	Json data = row_json(b->a, r, m->col), none = json_null();
	size_t n = data.kind == JSON_ARRAY ? data.n : 0;
	const Json *last = n == 0 ? NULL : json_at(&data, n - 1);
	const Json *v = json_get(last, m->from == FROM_PERCENT ? "percent" : "message");

	if (m->from == FROM_ENTRIES && data.kind == JSON_ARRAY)
		buf_fmt(b, "%zu", n);
	else
		json_print(b, v == NULL ? &none : v);
}

/* Before it runs it has not begun, whatever the row says by now. */
static bool
has_begun(Str status)
{
	return !str_is(status, "requested") && !str_is(status, "scheduling") && !str_is(status, "scheduled");
}

static void
print_member(Buf *b, const Member *m, Row r, const WatchedChange *c)
{
	Json v;

	switch (m->from) {
	case FROM_INT: print_int(b, r, m->col); break;
	case FROM_TEXT: print_text(b, row_str(r, m->col)); break;
	case FROM_TIME: print_time(b, row_int(r, m->col)); break;
	case FROM_BOOL: buf_text(b, row_bool(r, m->col) ? "true" : "false"); break;
	case FROM_JSON:
		v = row_json(b->a, r, m->col);
		json_print(b, &v);
		break;
	case FROM_STARTED: print_time(b, has_begun(c->status) ? row_int(r, m->col) : 0); break;
	case FROM_RESOLVED: print_time(b, str_is(c->status, "created") ? 0 : row_int(r, m->col)); break;
	case FROM_STATUS: print_text(b, c->status); break;
	case FROM_PREVIOUS: print_text(b, c->previous); break;
	case FROM_CHANGED: print_time(b, c->at); break;
	case FROM_PERCENT:
	case FROM_MESSAGE:
	case FROM_ENTRIES: print_progress(b, r, m); break;
	}
}

void
watched_print(Buf *b, const Watched *w, const WatchedChange *c)
{
	Subject subject = change_rows[c->kind].subject;
	const SubjectRow *s = &subjects[subject];

	buf_fmt(b, "{\"entity_type\":\"%s\",\"entity_id\":%lld,\"id\":%lld", subject_names[subject], (long long)w->id,
	    (long long)w->id);
	for (size_t i = 0; i < s->n; i++) {
		const Member *m = &s->members[i];

		if ((m->kinds & 1u << c->kind) == 0)
			continue;
		buf_fmt(b, ",\"%s\":", m->key);
		print_member(b, m, w->row, c);
	}
	buf_char(b, '}');
}
