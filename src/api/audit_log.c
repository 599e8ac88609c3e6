#include "api/audit_log.h"

#include "base/log.h"
#include "base/map.h"
#include "os/thread.h"

#include <pthread.h>
#include <stdlib.h>

enum {
	ROOM = 4096,
	LINGER_US = 100 * 1000,
	STEP = 128,     /* rows of one transaction: others wait for no more than that */
	PLENTY = 64,    /* more of them at once, and equal reads are counted instead of stored one by one */
	COMPANY = 2048, /* so many, and nobody lingers */
	AWAY_US = 1000 * 1000,
};

/* One of the two lists: one is filled while the other is stored. */
typedef struct Batch {
	Arena *a;
	AuditRow *rows;
	size_t n;
	uint64_t lost; /* that did not fit */
} Batch;

struct AuditLog {
	AuditLogConfig config;
	Db *db;
	Arena *work; /* of the writer */
	Thread thread;

	pthread_mutex_t lock; /* of what follows */
	pthread_cond_t came;
	Batch *fill;
	Batch batches[2];
	bool quit;
};

/* ---- adding ---- */

static Str
kept(Arena *a, Str s)
{
	return str_none(s) ? s : str_copy(a, s);
}

static void
row_copy(Arena *a, const AuditRow *from, AuditRow *to)
{
	*to = *from;
	to->event_type = kept(a, from->event_type);
	to->login = kept(a, from->login);
	to->token_type = kept(a, from->token_type);
	to->ip = kept(a, from->ip);
	to->agent = kept(a, from->agent);
	to->request = kept(a, from->request);
	to->resource_type = kept(a, from->resource_type);
	to->resource_ref = kept(a, from->resource_ref);
	to->method = kept(a, from->method);
	to->path = kept(a, from->path);
	to->details = NULL;
}

void
audit_log_add(AuditLog *l, const AuditRow *row)
{
	pthread_mutex_lock(&l->lock);
	if (l->fill->n == l->config.room) {
		l->fill->lost++;
	} else {
		row_copy(l->fill->a, row, &l->fill->rows[l->fill->n++]);
		if (l->fill->n == 1 || l->fill->n == COMPANY)
			pthread_cond_signal(&l->came);
	}
	pthread_mutex_unlock(&l->lock);
}

/* ---- storing ---- */

static bool
is_plain_read(const AuditRow *r)
{
	return r->outcome == AUDIT_SUCCESS && r->details == NULL &&
	       (str_is(r->method, "GET") || str_is(r->method, "HEAD"));
}

static void
count_in(Arena *a, AuditRow *into)
{
	static const char key[] = "count";
	const Json *n = into->details == NULL ? NULL : json_get(into->details, key);
	Json *details = arena_new(a, Json);

	*details = json_object();
	json_add(a, details, key, json_int(n == NULL ? 2 : n->i + 1));
	into->details = details;
}

/* Equal reads of one caller become one row with their number: under load only, so that a person finds each of hers. */
static void
reads_fold(Arena *a, Batch *b)
{
	Map seen = map_open(a);
	size_t n = 0;

	if (b->n <= PLENTY)
		return;
	for (size_t i = 0; i < b->n; i++) {
		AuditRow *r = &b->rows[i];
		AuditRow *first;
		Str key;

		if (!is_plain_read(r)) {
			b->rows[n++] = *r;
			continue;
		}
		key = str_fmt(a, "%.*s %.*s %.*s %d %lld", STR_ARG(r->path), STR_ARG(r->ip), STR_ARG(r->agent),
		    r->status, (long long)r->actor);
		first = map_get_str(&seen, key);
		if (first != NULL) {
			count_in(a, first);
			continue;
		}
		b->rows[n] = *r;
		map_put_str(&seen, key, &b->rows[n++]);
	}
	b->n = n;
}

static void
lost_say(AuditLog *l, Batch *b)
{
	Json *details;

	if (b->lost == 0)
		return;
	log_warn("%llu requests are missing in the audit: they came faster than they could be stored",
	    (unsigned long long)b->lost);
	details = arena_new(b->a, Json);
	*details = json_object();
	json_add(b->a, details, "count", json_int((int64_t)b->lost));
	b->rows[b->n++] = (AuditRow){ .category = AUDIT_API,
		.outcome = AUDIT_FAILURE,
		.event_type = str_of("api.requests_lost"),
		.details = details,
		.at = clock_wall(l->config.clock) };
	b->lost = 0;
}

static bool
rows_store(AuditLog *l, const AuditRow *rows, size_t n, Err *err)
{
	bool ok;

	arena_reset(l->work);
	ok = db_begin(l->db, err) && audit_insert(l->db, l->work, rows, n, err) && db_commit(l->db, err);
	if (!ok)
		db_rollback(l->db);
	return ok;
}

static bool
quits(AuditLog *l, TimeUs wait)
{
	TimeUs until = clock_mono(clock_real()) + wait;
	bool quit;

	pthread_mutex_lock(&l->lock);
	while (!l->quit && thread_wait(&l->came, &l->lock, until - clock_mono(clock_real())))
		;
	quit = l->quit;
	pthread_mutex_unlock(&l->lock);
	return quit;
}

/* Goes on trying while the database is away, and in the meantime the queue fills and overflows, which is counted. */
static bool
rows_store_patiently(AuditLog *l, const AuditRow *rows, size_t n, Err *err)
{
	bool last = false;

	while (!rows_store(l, rows, n, err)) {
		if (last || !err_passes(err->code))
			return false;
		last = quits(l, AWAY_US);
	}
	return true;
}

/* A row that the database refuses takes no other with it. */
static void
step_store(AuditLog *l, const AuditRow *rows, size_t n)
{
	size_t missing = 0;
	Err err = { 0 };

	if (rows_store_patiently(l, rows, n, &err))
		return;
	if (n == 1 || err_passes(err.code))
		missing = n;
	else
		for (size_t i = 0; i < n; i++)
			missing += !rows_store_patiently(l, &rows[i], 1, &err);
	if (missing > 0)
		log_warn("%zu requests are missing in the audit: %s", missing, err.text);
}

static void
batch_store(AuditLog *l, Batch *b)
{
	reads_fold(b->a, b);
	lost_say(l, b);
	for (size_t i = 0; i < b->n; i += STEP)
		step_store(l, b->rows + i, b->n - i < STEP ? b->n - i : STEP);
	arena_reset(b->a);
	b->n = 0;
}

/* What came since the last time; NULL at the end, when nothing is left. */
static Batch *
batch_take(AuditLog *l)
{
	Batch *full;
	TimeUs until;

	pthread_mutex_lock(&l->lock);
	while (l->fill->n == 0 && !l->quit)
		pthread_cond_wait(&l->came, &l->lock);
	until = clock_mono(clock_real()) + l->config.linger;
	while (!l->quit && l->fill->n < COMPANY)
		if (!thread_wait(&l->came, &l->lock, until - clock_mono(clock_real())))
			break;
	full = l->fill;
	l->fill = full == &l->batches[0] ? &l->batches[1] : &l->batches[0];
	pthread_mutex_unlock(&l->lock);
	return full->n > 0 ? full : NULL;
}

static void
writer_main(void *self)
{
	AuditLog *l = self;
	Batch *b;

	log_role("audit");
	while ((b = batch_take(l)) != NULL)
		batch_store(l, b);
}

/* ---- life ---- */

static void
log_free(AuditLog *l)
{
	for (size_t i = 0; i < countof(l->batches); i++) {
		arena_close(l->batches[i].a);
		free(l->batches[i].rows);
	}
	arena_close(l->work);
	db_close(l->db);
	pthread_cond_destroy(&l->came);
	pthread_mutex_destroy(&l->lock);
	free(l);
}

bool
audit_log_open(const AuditLogConfig *config, AuditLog **ret, Err *err)
{
	AuditLog *l = calloc(1, sizeof(AuditLog));

	if (l == NULL)
		abort();
	l->config = *config;
	l->config.room = config->room > 0 ? config->room : ROOM;
	l->config.linger = config->linger > 0 ? config->linger : LINGER_US;
	pthread_mutex_init(&l->lock, NULL);
	pthread_cond_init(&l->came, NULL);
	l->work = arena_open();
	l->fill = &l->batches[0];
	for (size_t i = 0; i < countof(l->batches); i++) {
		l->batches[i].a = arena_open();
		l->batches[i].rows =
		    calloc(l->config.room + 1, sizeof(AuditRow)); /* and what says that some are lost */
		if (l->batches[i].rows == NULL)
			abort();
	}
	if (!db_open(config->store, &l->db, err)) {
		log_free(l);
		return err_wrap(err, "audit");
	}
	if (!thread_start(&l->thread, "audit", writer_main, l, err)) {
		log_free(l);
		return false;
	}
	*ret = l;
	return true;
}

void
audit_log_close(AuditLog *l)
{
	if (l == NULL)
		return;
	pthread_mutex_lock(&l->lock);
	l->quit = true;
	pthread_cond_signal(&l->came);
	pthread_mutex_unlock(&l->lock);
	thread_join(&l->thread);
	log_free(l);
}
