/*
 * Sixteen connections that ask the same again and again for two seconds, each as soon as it has its answer.
 */
#pragma once

#include "report.h"

/* Requests a second of all connections together; ms of each in *all. Every answer must have this status. */
double crowd_run(int port, const char *request, size_t n, int status, Samples *all);
