/* Run by the build: a route without a right that exists does not become a program. */
#include "api/access.h"

#include <stdio.h>

int
main(int argc, char **argv)
{
	Err err = { 0 };
	FILE *f;

	if (!api_routes_check(api_routes, api_route_count, &err)) {
		fprintf(stderr, "src/api/routes.c: %s\n", err.text);
		return 1;
	}
	f = argc > 1 ? fopen(argv[1], "w") : NULL;
	return f != NULL && fprintf(f, "%zu routes\n", api_route_count) > 0 && fclose(f) == 0 ? 0 : 1;
}
