#include "admin/admin.h"

#include "admin/run.h"
#include "api/openapi.h"

#include <string.h>

int
admin_main(int argc, char **argv)
{
	if (strcmp(argv[0], "api-spec") == 0)
		return api_spec_main(argc, argv);
	return admin_run(argc, argv, stdout, stderr);
}
