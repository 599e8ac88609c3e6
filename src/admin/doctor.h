/*
 * `attune doctor`: one line per thing looked at, good or not, and its cure. Each group of checks is a function that adds findings
 * to the list; none changes anything that it looks at.
 */
#pragma once

#include "admin/tool.h"
#include "base/json.h"

typedef enum Health { HEALTH_OK, HEALTH_WARN, HEALTH_BAD, HEALTHS } Health;

typedef struct Finding {
	Health health;
	Str what; /* "data directory" */
	Str says; /* "/var/lib/attune, mode 0700" */
	Str cure; /* of what is not good */
} Finding;

enum { FINDINGS_MAX = 128 };

typedef struct Doctor {
	Tool *t;
	Finding findings[FINDINGS_MAX];
	size_t n;
	bool running; /* an `attune up` holds the data directory */
} Doctor;

/* "what: says" in words; cure may be NULL when all is well. */
void finds(Doctor *d, Health health, const char *what, const char *cure, const char *fmt, ...) PRINTF(5, 6);

void doctor_data(Doctor *d);      /* data directory: also when the configuration cannot be read */
void doctor_files(Doctor *d);     /* secrets, folders, room on the disks */
void doctor_libraries(Doctor *d); /* those that are loaded late */
void doctor_machine(Doctor *d);   /* descriptors, interpreters, the port, certificates */
void doctor_services(Doctor *d);  /* database, broker */
void doctor_server(Doctor *d);    /* what answers at the address that the command line would ask */
