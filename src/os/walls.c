/*
 * The structures and numbers stand here because they are newer than the headers of the oldest Debian that this is built on.
 */
#include "os/walls.h"

#include <errno.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

enum {
	CALL_CREATE = 444, /* the same numbers on all processors */
	CALL_ADD = 445,
	CREATE_VERSION = 1,
	RULE_BENEATH = 1,
	RULE_PORT = 2,
};

enum {
	EXECUTE = 1 << 0,
	WRITE_FILE = 1 << 1,
	READ_FILE = 1 << 2,
	READ_DIR = 1 << 3,
	REMOVE_FILE = 1 << 5,
	MAKE_REG = 1 << 8,
	FIRST_VERSION = (1 << 13) - 1, /* all that there was at first, devices included */
	MAKE_CHAR = 1 << 6,
	MAKE_BLOCK = 1 << 11,
	REFER = 1 << 13,     /* version 2: renaming and linking from folder to folder */
	TRUNCATE = 1 << 14,  /* 3 */
	IOCTL_DEV = 1 << 15, /* 5 */
	OF_FILES = EXECUTE | WRITE_FILE | READ_FILE | TRUNCATE | IOCTL_DEV,
	PORT_BIND = 1 << 0, /* 4 */
	PORT_CONNECT = 1 << 1,
	SCOPE_ABSTRACT_UNIX = 1 << 0, /* 6 */
	SCOPE_SIGNAL = 1 << 1,
};

typedef struct RulesetAttr {
	uint64_t files, ports, scopes;
} RulesetAttr;

typedef struct __attribute__((packed)) BeneathAttr {
	uint64_t allowed;
	int32_t parent;
} BeneathAttr;

typedef struct PortAttr {
	uint64_t allowed, port;
} PortAttr;

static const uint64_t rights[] = {
	[ALLOW_READ] = EXECUTE | READ_FILE | READ_DIR,
	[ALLOW_LIST] = READ_DIR,
	[ALLOW_DEVICE] = READ_FILE | WRITE_FILE | TRUNCATE | IOCTL_DEV,
	[ALLOW_SHARED] = READ_FILE | WRITE_FILE | REMOVE_FILE | MAKE_REG | TRUNCATE,
	[ALLOW_OWN] = (FIRST_VERSION | REFER | TRUNCATE) & ~(MAKE_CHAR | MAKE_BLOCK),
};

int
walls_version(void)
{
	static int version = -1; /* any thread finds the same */
	int known = __atomic_load_n(&version, __ATOMIC_RELAXED);

	if (known < 0) {
		long found = syscall(CALL_CREATE, NULL, 0, CREATE_VERSION);

		known = found < 0 ? 0 : (int)found;
		__atomic_store_n(&version, known, __ATOMIC_RELAXED);
	}
	return known;
}

static uint64_t
known_rights(int version)
{
	uint64_t all = FIRST_VERSION;

	if (version >= 2)
		all |= REFER;
	if (version >= 3)
		all |= TRUNCATE;
	if (version >= 5)
		all |= IOCTL_DEV;
	return all;
}

bool
walls_open(bool ports, int *ret_ruleset, Err *err)
{
	int version = walls_version();
	RulesetAttr attr = { .files = known_rights(version) };
	size_t size = version >= WALLS_SCOPES ? sizeof(attr) : version >= WALLS_PORTS ? 16 : 8;
	long fd;

	if (ports && version < WALLS_PORTS)
		return err_set(err, ERR_INVALID, "the kernel's Landlock (version %d) knows no ports", version);
	if (ports)
		attr.ports = PORT_BIND | PORT_CONNECT;
	if (version >= WALLS_SCOPES)
		attr.scopes = SCOPE_ABSTRACT_UNIX | SCOPE_SIGNAL;
	fd = syscall(CALL_CREATE, &attr, size, 0);
	if (fd < 0)
		return err_sys(err, errno, "Landlock");
	*ret_ruleset = (int)fd; /* close-on-exec by itself */
	return true;
}

bool
walls_allow(int ruleset, int path, Allow what, Err *err)
{
	BeneathAttr attr = { .allowed = rights[what] & known_rights(walls_version()), .parent = path };
	struct stat st;

	if (fstat(path, &st) < 0)
		return err_sys(err, errno, "Landlock");
	if (!S_ISDIR(st.st_mode))
		attr.allowed &= OF_FILES;
	if (attr.allowed == 0)
		return true;
	return syscall(CALL_ADD, ruleset, RULE_BENEATH, &attr, 0) == 0 || err_sys(err, errno, "Landlock");
}

bool
walls_allow_port(int ruleset, int port, Err *err)
{
	PortAttr attr = { .allowed = PORT_CONNECT, .port = (uint64_t)port };

	return syscall(CALL_ADD, ruleset, RULE_PORT, &attr, 0) == 0 || err_sys(err, errno, "Landlock");
}
