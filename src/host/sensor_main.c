/* A built-in sensor in its own process: no configuration, store or bus, only lines. */
#include "host/host.h"
#include "sensor/builtin.h"

int
host_sensor_main(int argc, char **argv)
{
	return builtin_main(argc > 1 ? argv[1] : NULL);
}
