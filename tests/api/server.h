/*
 * A small server made with the http room, and raw sockets to talk to it: what is sent is exactly the bytes given.
 */
#pragma once

#include "http/http.h"

typedef struct TestServer {
	HttpServer *http;
	Arena *a;
	int port;
	_Atomic int opened, closed; /* Apps */
	_Atomic int calls;          /* of the waiting handler */
	_Atomic int done;           /* it finds what it waits for */
	_Atomic int held;           /* 1: /hold must wait, 2: it does */
} TestServer;

struct App {
	TestServer *server;
};

TestServer *test_server_open(void);
TestServer *test_server_open_with(size_t max_body, TimeUs timeout, unsigned threads);
TestServer *test_server_open_as(const HttpConfig *over);                  /* with these limits and the like */
TestServer *test_server_open_for(unsigned connections, unsigned threads); /* that has at most so many; more than 30 */
void test_file_limit(size_t most); /* files may not grow beyond that; 0: as far as they like */
void test_server_done(TestServer **s);

typedef struct Reply {
	int status; /* 0: the connection ended without an answer */
	Str head;
	Str body;
} Reply;

int test_connect(const TestServer *s);
void test_send(int fd, Str bytes);
Reply test_reply(TestServer *s, int fd);
Reply test_reply_head(TestServer *s, int fd); /* to a HEAD: no body follows */
bool test_ended(int fd);                      /* reads on until the other side ends the connection */
/* One connection, these bytes, one answer. */
Reply test_ask(TestServer *s, const char *bytes);
Reply test_ask_bytes(TestServer *s, Str bytes);
Str test_header(const Reply *r, const char *name);
/* The reply has the one error shape, with this status and code. */
void test_refused(const Reply *r, int status, const char *code, const char *file, int line);
#define CHECK_REFUSED(r, status, code) test_refused(&(r), (status), (code), __FILE__, __LINE__)
