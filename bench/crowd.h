/*
 * Sixteen connections that ask again and again for two seconds, each as soon as it has its answer.
 */
#pragma once

#include "report.h"

#define CROWD_NUMBER "0123456789" /* in a request's text: each has its own number there */

/* Requests a second of all connections together; ms of each in *all. Every answer must have this status. */
double crowd_run(int port, const char *request, size_t n, int status, Samples *all);
