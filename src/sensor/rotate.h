/*
 * A log file that is bounded: at `max` bytes it becomes NAME.1, what was NAME.1 becomes NAME.2, and so on; `files` of them are kept, the
 * one that is written included. One thread writes it. A disk that is full loses lines of the log, never the sensor.
 */
#pragma once

#include "base/err.h"

typedef struct Rotated {
	Str path;  /* lies as long as the log */
	int fd;    /* -1: not open */
	bool full; /* the last write failed: lost */
	size_t size, max;
	int64_t files;
} Rotated;

void rotated_open(Rotated *r, Str path, size_t max, int64_t files); /* goes on where an earlier life ended */
void rotated_write(Rotated *r, Str bytes);
void rotated_close(Rotated *r);
