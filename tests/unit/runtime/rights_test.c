/* What is kept loaded or started ahead, in a worker that is nobody: the same tests again, in a process without root's rights. */
#include "test.h"

#include <fcntl.h>
#include <grp.h>
#include <sys/wait.h>
#include <unistd.h>

enum { NOBODY = 65534 };

static int
run_as_nobody(const char *name)
{
	char *argv[] = { (char *)"test_runtime", (char *)(uintptr_t)name, NULL };
	char *envp[] = { (char *)"PATH=/usr/bin:/bin", (char *)"HOME=/tmp", NULL };
	int program = open("/proc/self/exe", O_RDONLY | O_CLOEXEC), status = -1;
	pid_t pid = fork();

	if (pid == 0) {
		if (setgroups(0, NULL) == 0 && setgid(NOBODY) == 0 && setuid(NOBODY) == 0 && chdir("/") == 0)
			(void)fexecve(program, argv, envp);
		_exit(127);
	}
	CHECK(pid > 0 && waitpid(pid, &status, 0) == pid);
	close(program);
	return status;
}

TEST(a_worker_that_is_nobody_has_seeds_forks_and_what_was_started_ahead_too)
{
	static const char *const names[] = { "a_bash_that_was_loaded_before_does_what_a_new_one_does",
		"within_walls_and_a_group_it_is_the_same", "nothing_of_a_run_is_found_in_the_next",
		"a_python_that_was_loaded_before_does_what_a_new_one_does",
		"a_fork_of_a_server_does_what_the_interpreter_does",
		"a_process_that_was_started_ahead_does_what_node_does",
		"the_end_of_a_good_run_is_cut_short_and_that_of_one_with_something_left_to_do_is_not" };

	for (size_t i = 0; geteuid() == 0 && i < countof(names); i++) /* else all of them run so anyway */
		if (run_as_nobody(names[i]) != 0)
			test_fail(__FILE__, __LINE__, "as nobody: %s", names[i]);
}
