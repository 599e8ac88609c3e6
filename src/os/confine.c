#include "os/confine.h"

#include "os/bare.h"

#include <errno.h>
#include <linux/capability.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { CALL_RESTRICT = 446, CAPABILITIES_MOST = 63 };

void
process_hide(void)
{
	(void)prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
}

/* What root may still do with its own files and ports; an ordinary user has none of these anyway. */
static const uint64_t kept = 1ULL << CAP_CHOWN | 1ULL << CAP_DAC_OVERRIDE | 1ULL << CAP_FOWNER | 1ULL << CAP_FSETID |
			     1ULL << CAP_KILL | 1ULL << CAP_SETGID | 1ULL << CAP_SETUID | 1ULL << CAP_SETPCAP |
			     1ULL << CAP_NET_BIND_SERVICE | 1ULL << CAP_SETFCAP;

/* From the bounding set: they are gone with the next exec. Who has none may not, and need not. */
BARE static void
drop_capabilities(void)
{
	for (int c = 0; c <= CAPABILITIES_MOST; c++)
		if ((kept >> c & 1) == 0 && syscall(SYS_prctl, PR_CAPBSET_DROP, c, 0, 0, 0) < 0)
			return;
}

BARE int
confine_thread(const Filter *filter)
{
	drop_capabilities();
	if (syscall(SYS_prctl, PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return errno;
	if (filter != NULL && syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, filter) < 0)
		return errno;
	return 0;
}

BARE int
confine_self(const Confine *c)
{
	if (syscall(SYS_prctl, PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return errno;
	if (!c->on)
		return 0;
	if (c->ruleset >= 0 && syscall(CALL_RESTRICT, c->ruleset, 0) < 0)
		return errno;
	return c->inherits ? 0 : confine_thread(c->filter);
}
