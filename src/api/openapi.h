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

/* The schemas: a JSON text for each file, ends with NULL. Made by embed_schemas.sh. */
extern const char *const api_schemas[];

MUST_CHECK bool openapi_document(Arena *a, Json *ret, Err *err);
/* `attune api-spec` */
int api_spec_main(int argc, char **argv);
