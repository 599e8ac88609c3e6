/* Cgroups where this machine lets us make them; where it does not, that it says so and changes nothing. */
#include "test.h"

#include "os/fs.h"
#include "os/groups.h"
#include "os/spawn.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

static Groups *
groups_or_reason(const char *name)
{
	Groups *g = NULL;
	Err err = { 0 };

	if (groups_open(NULL, name, 0, &g, &err))
		return g;
	CHECK(err.code != ERR_NONE && err.text[0] != '\0');
	return NULL;
}

static Child
start_in(const Group *one, const char *code)
{
	const char *const argv[] = { "/bin/bash", "-c", code, NULL };
	static const char *const envp[] = { "PATH=/usr/bin:/bin", NULL };
	SpawnSpec spec = { .path = argv[0], .argv = argv, .envp = envp, .in = 0, .out = 2, .err = 2 };
	Child c;
	Err err = { 0 };

	spec.group = group_folder(one);
	spec.group_on = true;
	CHECK_OK(spawn(&spec, &c, &err), err);
	return c;
}

static ChildEnd
end_of(Child *c)
{
	struct pollfd p = { .fd = c->pidfd, .events = POLLIN };
	ChildEnd end;

	CHECK(poll(&p, 1, 60000) == 1);
	CHECK(child_reap(c, &end));
	return end;
}

TEST(what_left_its_session_and_its_parent_dies_with_its_group)
{
	Groups *g = groups_or_reason("test");
	Err err = { 0 };
	Group *one, *two;
	Child c;

	if (g == NULL)
		return;
	CHECK_OK(group_take(g, &(GroupLimits){ 0 }, &one, &err), err);
	CHECK(group_empty(one));
	/* the second one lets go of everything, as a daemon does */
	c = start_in(one, "read up < <(setsid bash -c 'trap \"\" TERM HUP; echo up; exec </dev/null >/dev/null 2>&1; "
			  "while :; do sleep 1000; done'); exit 5");
	CHECK_INT(end_of(&c).code, 5);
	CHECK(!group_empty(one));
	CHECK(group_use(one, NULL) >= 1);
	group_signal(one, SIGTERM);
	CHECK(!group_await_empty(one, 50));
	group_give(g, one); /* kills */
	CHECK_OK(group_take(g, &(GroupLimits){ 0 }, &two, &err), err);
	CHECK(group_empty(two));
	c = start_in(two, "exit 6"); /* and what is born into it lives */
	CHECK_INT(end_of(&c).code, 6);
	one = two;
	group_give(g, two);
	CHECK_OK(group_take(g, &(GroupLimits){ 0 }, &two, &err), err);
	CHECK(two == one); /* one that was left in peace is used again */
	group_give(g, two);
	groups_close(g);
}

TEST(TERM_reaches_all_in_a_group)
{
	Groups *g = groups_or_reason("test");
	Err err = { 0 };
	Group *one;
	Child c;

	if (g == NULL)
		return;
	CHECK_OK(group_take(g, &(GroupLimits){ 0 }, &one, &err), err);
	c = start_in(one, "setsid sleep 1000 & sleep 1000 & wait");
	while (group_use(one, NULL) < 3)
		(void)poll(NULL, 0, 5);
	group_signal(one, SIGTERM);
	CHECK_INT(end_of(&c).code, SIGTERM);
	CHECK(group_await_empty(one, 30000));
	group_give(g, one);
	groups_close(g);
}

TEST(nothing_of_the_groups_remains_when_they_are_closed_or_swept)
{
	char path[512];
	Groups *g = groups_or_reason("test"), *second;
	Err err = { 0 };
	Group *one;
	Child c;

	if (g == NULL)
		return;
	CHECK_OK(group_take(g, &(GroupLimits){ 0 }, &one, &err), err);
	c = start_in(one, "sleep 1000");
	snprintf(path, sizeof(path), "%s", groups_path(g));
	CHECK(file_exists(path));
	CHECK(!groups_open(NULL, "test", 0, &second, &err) || (groups_close(second), true));
	groups_sweep(path); /* what the guardian does */
	CHECK(end_of(&c).signalled);
	CHECK(!file_exists(path));
	group_give(g, one);
	groups_close(g);
	CHECK(!file_exists(path));
}

TEST(where_no_group_can_be_made_the_reason_is_said)
{
	Groups *g = NULL;
	Err err = { 0 };

	CHECK(!groups_open("/proc/self", "test", 0, &g, &err));
	CHECK(g == NULL);
	CHECK(strstr(err.text, "cgroup") != NULL);
}
