/*
 * The description of the API, made from the table of routes and the schemas in api/schemas.
 */
#pragma once

#include "api/app.h"

/* Names of query parameters of a route, with blanks between. */
typedef struct RouteQuery {
	const char *method;
	const char *path;
	const char *names;
} RouteQuery;

extern const RouteQuery api_queries[];
extern const size_t api_query_count;

/* A success of a route that has another status or shape than the usual one. */
typedef struct RouteOther {
	const char *method;
	const char *path;
	int status;
	const char *response; /* as in the table of routes */
	const char *help;
} RouteOther;

extern const RouteOther api_others[];
extern const size_t api_other_count;

/* The schemas: a JSON text for each file, ends with NULL. Made by embed_schemas.sh. */
extern const char *const api_schemas[];

extern const char api_docs_html[]; /* made from docs.html by embed_text.sh */

/* Of the document: the description of one parameter, one operation, and of the refusals that all share. */
Json openapi_parameter(Arena *a, Str name, const char *in);
Json openapi_operation(Arena *a, const Route *r);
Json openapi_refusals(Arena *a);
/* The path as it is described: {name...} is {name}. */
Str openapi_path(Arena *a, const Route *r);
Str openapi_tag(const Route *r);

MUST_CHECK bool openapi_document(Arena *a, Json *ret, Err *err);
/* `attune api-spec` */
int api_spec_main(int argc, char **argv);
