/*
 * Inside the SQLite driver. A Conn is one connection with its statement cache, used by one thread at a time. The Writer
 * is the one connection that writes, whose use is a turn that threads take in order of arrival; the transactions of
 * several threads share one commit. The Checkpointer moves the write-ahead log into the file behind their backs.
 */
#pragma once

#include "store/db_impl.h"

#include "base/map.h"

#include <pthread.h>

struct sqlite3;
struct sqlite3_stmt;

enum {
	GROUP_MOST = 64,            /* transactions that share a commit */
	GROUP_AGE_MOST = 2000,      /* us that the first of them waits for company */
	WAL_PAGES_KEPT = 1000,      /* a log longer than this is moved into the file */
	WAL_ROOM = 6 * 1024 * 1024, /* bytes written ahead, so that a commit changes no file size */
};

typedef enum ConnKind { CONN_WRITER, CONN_READER, CONN_CHECKPOINTER } ConnKind;

typedef struct Conn {
	struct sqlite3 *db; /* NULL: not open */
	Store *store;
	const char *path; /* for texts; owned by the store */
	Arena *a;         /* of the cache */
	Arena *scratch;   /* of one row of binds */
	Map statements;   /* by address of Stmt */
	Arena *texts_a;   /* of the cache of texts; NULL: none yet */
	Map texts;        /* by text */
	TimeUs deadline;  /* of the running statement, on clock_mono; 0: none */
} Conn;

bool sqlite_conn_open(Conn *c, Store *store, const char *path, ConnKind kind, bool no_sync, Err *err);
void sqlite_conn_close(Conn *c);
bool conn_fail(Conn *c, int code, const char *sql, Err *err); /* sets err from SQLite's code */
bool conn_simple(Conn *c, const Stmt *s, Err *err);           /* no parameters, no rows */
bool conn_script(Conn *c, const char *sql, Err *err);
bool conn_run(Conn *c, Arena *a, const Stmt *s, const Bind *binds, size_t rows, Rows *ret, Err *err);
bool conn_run_text(Conn *c, Arena *a, Str sql, const char *in, const Bind *binds, Rows *ret, Err *err);

/* A thread's place where it waits: for its turn, or for the commit that it shares. */
typedef struct Wait Wait;
struct Wait {
	pthread_cond_t cond;
	bool woken;
	bool ok; /* the shared commit's answer */
	Err err;
	Wait *next;
};

typedef struct Writer {
	Conn conn; /* of whoever has the turn */
	pthread_mutex_t lock;
	bool taken;         /* somebody has the turn */
	Wait *first, **end; /* who wants it next */
	Wait *members;      /* done with their part of the open transaction, waiting for its commit */
	unsigned count;
	bool open;     /* a transaction is open */
	TimeUs opened; /* when, on clock_mono */
	bool lost;     /* SQLite has rolled all of it back by itself */
	Err lost_err;
	int wal_pages;     /* length of the log after the last commit */
	int checkpoint_at; /* length at which to call the checkpointer */
	void (*long_log)(void *self);
	void *long_log_self;
} Writer;

/* One thread's share in the writer. */
typedef struct Share {
	Wait wait;
	bool joined; /* a savepoint in a transaction that another has begun */
} Share;

void writer_open(Writer *w); /* after its connection */
void writer_close(Writer *w);
bool writer_begin(Writer *w, Share *share, Err *err);
bool writer_commit(Writer *w, Share *share, Err *err);
void writer_rollback(Writer *w, Share *share);
void writer_failed(Writer *w, const Err *err); /* after each failed statement */
/* A turn with no transaction open; what others have done in an open one is committed first. */
void writer_take_alone(Writer *w, Wait *wait);
void writer_give(Writer *w);

typedef struct Checkpointer {
	Conn conn;
	Writer *writer;
	Wait wait;
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t cond;
	bool wanted;
	bool stop;
	bool running;
} Checkpointer;

bool checkpointer_open(Checkpointer *p, Writer *w, bool no_sync, Err *err);
void checkpointer_close(Checkpointer *p);
