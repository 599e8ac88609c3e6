/*
 * Commands that work on the store and the bus themselves, without a server: db, bus, dlq, config, api-spec.
 */
#pragma once

/* argv[0] is the command's name; the exit code: 0 done, 1 failed, 2 usage, 3 a server that it needs cannot be reached. */
int admin_main(int argc, char **argv);
