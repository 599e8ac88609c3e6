/*
 * What the machine itself gives, without any of our code: the start of an interpreter, a durable commit, a confirmed publish,
 * a request over loopback.
 *   bench_floors DIR      ATTUNE_TEST_PG and ATTUNE_TEST_AMQP name the servers; those that are not set are left out
 */
#include "report.h"
#include "wire.h"

#include <amqp.h>
#include <amqp_framing.h>
#include <amqp_tcp_socket.h>
#include <libpq-fe.h>
#include <microhttpd.h>
#include <pthread.h>
#include <spawn.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

enum { WARM = 50, COMMITS = 500, SPAWNS = 300, PAIRED = 500, ROW = 300, ROUNDS = 3 };

extern char **environ;

/* ---- spawn ---- */

static void
spawn_once(void *script)
{
	char *argv[] = { (char *)"bash", script, NULL };
	pid_t pid;
	int status;

	must(posix_spawn(&pid, "/bin/bash", NULL, NULL, argv, environ) == 0, NULL, "posix_spawn");
	must(waitpid(pid, &status, 0) == pid && status == 0, NULL, "wait for bash");
}

static void *
spawn_many(void *script)
{
	for (size_t i = 0; i < PAIRED; i++)
		spawn_once(script);
	return NULL;
}

/* The best of several: a floor is what the machine can do when nobody else wants it. */
static void
spawn_floor(const char *dir)
{
	char script[512];
	double best = 1e9, rate = 0;
	FILE *f;

	snprintf(script, sizeof(script), "%s/empty.sh", dir);
	f = fopen(script, "w");
	must(f != NULL && fclose(f) == 0, NULL, script);
	for (int i = 0; i < ROUNDS; i++) {
		Samples s = { 0 };
		pthread_t other;
		TimeUs began;
		double r;

		repeat(&s, WARM, SPAWNS, spawn_once, script);
		if (samples_at(&s, 0.5) < best)
			best = samples_at(&s, 0.5);
		samples_done(&s);
		began = mono_us();
		must(pthread_create(&other, NULL, spawn_many, script) == 0, NULL, "thread");
		spawn_many(script);
		pthread_join(other, NULL);
		r = 2.0 * PAIRED * US_PER_S / (double)(mono_us() - began);
		rate = r > rate ? r : rate;
	}
	figure("floor_spawn_us", best);
	figure("floor_spawn_two_per_s", rate);
}

/* ---- commits ---- */

static void
best_of(const char *name, void (*once)(void *self), void *self)
{
	double best = 1e9;

	for (int i = 0; i < ROUNDS; i++) {
		Samples s = { 0 };

		repeat(&s, WARM, COMMITS, once, self);
		if (samples_at(&s, 0.5) < best)
			best = samples_at(&s, 0.5);
		samples_done(&s);
	}
	figure(name, best);
}

static void
sqlite_once(void *stmt)
{
	must(sqlite3_step(stmt) == SQLITE_DONE && sqlite3_reset(stmt) == SQLITE_OK, NULL, "sqlite commit");
}

static void
sqlite_floor(const char *dir)
{
	char path[512], text[ROW];
	sqlite3 *db;
	sqlite3_stmt *stmt;

	snprintf(path, sizeof(path), "%s/floor.db", dir);
	memset(text, 'x', sizeof(text));
	must(sqlite3_open(path, &db) == SQLITE_OK, NULL, path);
	must(
	    sqlite3_exec(db,
		"pragma journal_mode = wal; pragma synchronous = full; create table t (id integer primary key, s text)",
		NULL, NULL, NULL) == SQLITE_OK,
	    NULL, sqlite3_errmsg(db));
	must(sqlite3_prepare_v2(db, "insert into t (s) values (?)", -1, &stmt, NULL) == SQLITE_OK, NULL,
	    sqlite3_errmsg(db));
	sqlite3_bind_text(stmt, 1, text, sizeof(text), SQLITE_STATIC);
	best_of("floor_commit_sqlite_us", sqlite_once, stmt);
	sqlite3_finalize(stmt);
	sqlite3_close(db);
}

static void
pg_done(PGresult *r, PGconn *c)
{
	must(PQresultStatus(r) == PGRES_COMMAND_OK, NULL, PQerrorMessage(c));
	PQclear(r);
}

static void
pg_once(void *conn)
{
	static char text[ROW + 1];
	const char *values[] = { text };

	memset(text, 'x', ROW);
	pg_done(PQexecPrepared(conn, "put", 1, values, NULL, NULL, 0), conn);
}

static void
pg_floor(const char *url)
{
	PGconn *c = PQconnectdb(url);

	must(PQstatus(c) == CONNECTION_OK, NULL, PQerrorMessage(c));
	pg_done(PQexec(c, "create table bench_floor (id bigserial primary key, s text)"), c);
	pg_done(PQprepare(c, "put", "insert into bench_floor (s) values ($1)", 1, NULL), c);
	best_of("floor_commit_pg_us", pg_once, c);
	pg_done(PQexec(c, "drop table bench_floor"), c);
	PQfinish(c);
}

/* ---- publish ---- */

static void
publish_once(void *conn)
{
	static char body[ROW];
	amqp_bytes_t bytes = { .len = sizeof(body), .bytes = body };
	amqp_frame_t frame;

	must(amqp_basic_publish(conn, 1, amqp_empty_bytes, amqp_cstring_bytes("bench_floor"), 0, 0, NULL, bytes) == 0,
	    NULL, "publish");
	do
		must(amqp_simple_wait_frame(conn, &frame) == 0, NULL, "confirm");
	while (frame.frame_type != AMQP_FRAME_METHOD || frame.payload.method.id != AMQP_BASIC_ACK_METHOD);
	amqp_maybe_release_buffers(conn);
}

static void
publish_floor(const char *url)
{
	char *copy = strdup(url);
	struct amqp_connection_info to;
	amqp_connection_state_t c = amqp_new_connection();
	amqp_socket_t *socket = amqp_tcp_socket_new(c);

	amqp_default_connection_info(&to);
	must(copy != NULL && amqp_parse_url(copy, &to) == 0, NULL, "ATTUNE_TEST_AMQP");
	must(amqp_socket_open(socket, to.host, to.port) == 0, NULL, "RabbitMQ");
	must(amqp_login(c, to.vhost, 0, 131072, 0, AMQP_SASL_METHOD_PLAIN, to.user, to.password).reply_type ==
		 AMQP_RESPONSE_NORMAL,
	    NULL, "log in to RabbitMQ");
	must(amqp_channel_open(c, 1) != NULL && amqp_confirm_select(c, 1) != NULL, NULL, "channel");
	must(amqp_queue_declare(c, 1, amqp_cstring_bytes("bench_floor"), 0, 0, 1, 1, amqp_empty_table) != NULL, NULL,
	    "queue");
	best_of("floor_publish_us", publish_once, c);
	amqp_connection_close(c, AMQP_REPLY_SUCCESS);
	amqp_destroy_connection(c);
	free(copy);
}

/* ---- HTTP ---- */

static enum MHD_Result
http_answer(void *self, struct MHD_Connection *c, const char *url, const char *method, const char *version,
    const char *data, size_t *n, void **state)
{
	static char body[] = "{\"data\":[]}";
	struct MHD_Response *r;
	enum MHD_Result ok;

	(void)self, (void)url, (void)method, (void)version, (void)data, (void)n;
	if (*state == NULL) { /* an answer before the request is read to its end would cost the connection */
		*state = body;
		return MHD_YES;
	}
	r = MHD_create_response_from_buffer(sizeof(body) - 1, body, MHD_RESPMEM_PERSISTENT);
	ok = MHD_queue_response(c, 200, r);
	MHD_destroy_response(r);
	return ok;
}

static void
http_once(void *fd)
{
	static char answer[WIRE_ANSWER_MAX];
	static const char request[] = "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n";

	must(wire_call(*(int *)fd, request, sizeof(request) - 1, answer) == 200, NULL, "HTTP request");
}

static void
http_floor(void)
{
	struct MHD_Daemon *d =
	    MHD_start_daemon(MHD_USE_EPOLL_INTERNAL_THREAD, 0, NULL, NULL, http_answer, NULL, MHD_OPTION_END);
	int fd;

	must(d != NULL, NULL, "HTTP server");
	fd = wire_open(MHD_get_daemon_info(d, MHD_DAEMON_INFO_BIND_PORT)->port);
	must(fd >= 0, NULL, "HTTP connection");
	best_of("floor_http_us", http_once, &fd);
	close(fd);
	MHD_stop_daemon(d);
}

int
main(int argc, char **argv)
{
	const char *pg = getenv("ATTUNE_TEST_PG"), *amqp = getenv("ATTUNE_TEST_AMQP");

	must(argc == 2, NULL, "usage: bench_floors DIR");
	spawn_floor(argv[1]);
	sqlite_floor(argv[1]);
	if (pg != NULL)
		pg_floor(pg);
	if (amqp != NULL)
		publish_floor(amqp);
	http_floor();
	return 0;
}
