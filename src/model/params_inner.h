/*
 * What the files of params share; nobody else includes this.
 */
#pragma once

#include "model/params.h"

/* A schema of properties: the flat dialect and plain JSON Schema look the same through this. */
typedef struct Props {
	const JsonMember *members;
	size_t n;
	const Json *required; /* the array of plain JSON Schema; NULL in the flat dialect */
} Props;

Props props_of(const Json *schema); /* of the whole schema, flat or plain */
bool prop_required(const Props *p, const JsonMember *prop);
bool is_template(const Json *v); /* a string that holds {{ and }} */

/* Violations, as one text. */
typedef struct Violations {
	Arena *a;
	Buf text;
	size_t n;
	bool templates_pass;
	bool secret; /* what is looked at now must not be said */
} Violations;

/* Where a value lies, as a chain that ends at the root; printed only when something is wrong. */
typedef struct Place Place;
struct Place {
	const Place *up;
	Str key;
	size_t index; /* when key is none */
};

void violation(Violations *v, const Place *at, const char *fmt, ...) PRINTF(3, 4);
void schema_check_value(Violations *v, const Json *schema, const Json *value, const Place *at);
void schema_check_props(Violations *v, const Props *p, const Json *values, const Place *at);
