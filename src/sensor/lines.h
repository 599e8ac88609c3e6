/*
 * What a sensor of the line protocol prints: a stream of bytes cut into lines, and a line read as what it says. Pure. A line that is
 * too long, or says nothing we know, is named and passed over; the lines around it are not touched.
 */
#pragma once

#include "base/json.h"

typedef struct Lines {
	char *p;
	size_t n, cap;
	size_t whole; /* bytes up to and with the last line end */
	size_t most;  /* of one line, with its end */
	bool passing; /* over the rest of a line that was too long */
} Lines;

void lines_open(Lines *l, size_t most);
void lines_close(Lines *l);
/* Where the next bytes go; *ret_n is 0 when there is room only after lines have been taken. */
char *lines_room(Lines *l, size_t *ret_n);
/* So many bytes came; how many lines turned out to be too long. */
size_t lines_added(Lines *l, size_t n);
void lines_end(Lines *l); /* the stream is over: what is left is a line */
/* The next whole line behind *at, which moves on; false when there is none. */
bool lines_next(const Lines *l, size_t *at, Str *ret);
void lines_take(Lines *l, size_t upto); /* these bytes are done with */

typedef enum LineKind { LINE_NOTHING, LINE_EVENT, LINE_READY, LINE_BAD } LineKind;

typedef struct SensorLine {
	LineKind kind;
	Str trigger_ref; /* none: the sensor's only one, or its rule's */
	Id rule;         /* by id, or */
	Str rule_ref;    /* by ref; neither: every rule of the trigger */
	Str key;         /* none, or unique among this sensor's events for ever */
	Json payload;
	Str why; /* of a bad one: what is wrong with it */
} SensorLine;

enum { LINE_KEY_MOST = 255 };

void line_read(Arena *a, Str text, SensorLine *ret);
