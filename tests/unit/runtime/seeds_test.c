/* A run that is a copy of an interpreter which was loaded before does what one does that is loaded for it, to the byte. */
#include "rig.h"

#include "os/fs.h"
#include "os/handover.h"
#include "runtime/run.h"

#include <dirent.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static const char bash_config[] = "{\"interpreter\":{\"binary\":\"/bin/bash\",\"args\":[]}}";
static const char dash_config[] = "{\"interpreter\":{\"binary\":\"/bin/sh\",\"args\":[\"-u\"]}}";
static const char perl_config[] = "{\"interpreter\":{\"binary\":\"/usr/bin/perl\",\"args\":[\"-w\"]}}";

typedef struct Script {
	const char *name, *text;
} Script;

/* What differs between two runs in any case (numbers of processes, folders) is not printed, but compared inside. */
static const Script shell_scripts[] = {
	{ "hello", "echo hello\n" },
	{ "stdin", "cat; echo end\n" },
	{ "stdin_read", "read -r line; echo \"$line\"; cat\n" },
	{ "names", "echo \"$0\" \"$#\" \"$*\" \"$-\"\n" },
	{ "environment", "env | sed -e 's/^\\(ATTUNE_RUN\\|ATTUNE_EXEC[A-Z_]*\\|HOME\\|TMPDIR\\)=.*/\\1/' | sort\n" },
	{ "variables",
	    "set | grep -v -E '^(BASHPID|PPID|RANDOM|SRANDOM|EPOCH|_=|ATTUNE|HOME|TMPDIR|SECONDS)' | sort\n" },
	{ "numbers", "test $$ = \"$(cut -d' ' -f1 /proc/$$/stat)\" && test $PPID = \"$(cut -d' ' -f4 /proc/$$/stat)\" "
		     "&& echo same\n" },
	{ "session",
	    "read -r _ _ _ _ group session _ < /proc/$$/stat; test $group = $$ && test $session = $$ && echo own\n" },
	{ "command_line", "tr '\\0' '|' < /proc/$$/cmdline; cat /proc/$$/comm; readlink /proc/$$/exe\n" },
	{ "seen_environment",
	    "tr '\\0' '\\n' < /proc/$$/environ | sed -e 's/=.*//' | sort; grep -c LD_PRELOAD /proc/$$/environ\n" },
	{ "seen_values", "tr '\\0' '\\n' < /proc/$$/environ | grep -x \"HOME=$HOME\" >/dev/null && echo same\n" },
	{ "limits", "ulimit -a; ulimit -Ha\n" },
	{ "descriptors", "cd /proc/$$/fd && echo *\n" },
	{ "privileges",
	    "while read -r line; do case $line in NoNewPrivs*|Seccomp*|Cap*|SigIgn*|SigCgt*|SigBlk*|Threads*|Umask*) "
	    "echo \"$line\";; esac; done < /proc/$$/status\n" },
	{ "group", "test -n \"$(sed -n 's/^0:://p' /proc/$$/cgroup)\" && sed -n 's/.*\\(attune-\\).*/\\1/p' "
		   "/proc/$$/cgroup\n" },
	{ "traps", "trap; trap -p; trap 'echo bye' EXIT; trap 'echo term; exit 9' TERM; kill -TERM $$; sleep 5\n" },
	{ "exit3", "exit 3\n" },
	{ "exit_last", "false\n" },
	{ "kill", "kill -KILL $$\n" },
	{ "term", "kill -TERM $$\n" },
	{ "pipe_signal", "yes | head -n 1; echo ${PIPESTATUS[0]:-none}\n" },
	{ "missing", "no-such-command; echo $?\n" },
	{ "unset", "set -u; echo \"$nothing\"; echo after\n" },
	{ "syntax", "echo before\nif then\n" },
	{ "functions", "f() { local x=1; echo \"$x$1\"; }; f 2; (f 3); echo \"$(f 4)\"\n" },
	{ "here", "cat <<END\na $((1 + 1))\nEND\n" },
	{ "background", "(sleep 0.05; echo late) & wait; jobs; echo $?\n" },
	{ "exec", "exec /bin/echo gone\n" },
	{ "folder", "pwd; cd /; pwd -P\n" },
	{ "temporary", "test -w \"$TMPDIR\" && test -w \"$HOME\" && echo writable\n" },
	{ "time_zone", "TZ=Asia/Kolkata date -d @0 +%H:%M 2>/dev/null; TZ=UTC date -d @0 +%H:%M 2>/dev/null\n" },
	{ "locale",
	    "printf '%s\\n' b A a B | sort | tr -d '\\n'; locale 2>/dev/null | sort; x=\xc3\xa4; echo ${#x}\n" },
	{ "big", "i=0; while [ $i -lt 3000 ]; do echo 0123456789012345678901234567890123456789; i=$((i + 1)); done\n" },
	{ "streams", "echo out; echo err >&2; echo more\n" },
	{ "closed", "exec 1>&-; echo x\n" },
	{ "user", "id -u; cd ~root 2>&1 | sed 's/.*: //'\n" },
	{ "self", "head -c 20 \"$0\"; . \"$0.none\" 2>/dev/null; echo after\n" },
	{ "outside", "echo x 2>/dev/null > /etc/attune-outside; echo $?; ls /root >/dev/null 2>&1; echo $?\n" },
	{ "worker", "cat /proc/$PPID/environ 2>&1 >/dev/null | wc -l; kill -0 $PPID 2>&1 | wc -l\n" },
	{ "mounts", "unshare -m true 2>&1 | wc -l; unshare -U true 2>&1 | wc -l\n" },
};

static const Script perl_scripts[] = {
	{ "hello", "print \"hello\\n\";\n" },
	{ "stdin", "while (<STDIN>) { print uc; }\n" },
	{ "names", "print \"$0 @ARGV $^X $^O $]\\n\"; print $$ == `sh -c 'echo \\$PPID'` ? 1 : 0;\n" },
	{ "environment", "print join ' ', sort keys %ENV;\n" },
	{ "command_line", "open F, '/proc/self/cmdline'; $_ = <F>; tr/\\0/|/; print;\n" },
	{ "title", "$0 = 'another'; open F, '/proc/self/cmdline'; $_ = <F>; tr/\\0/|/; s/\\|+$//; print;\n" },
	{ "die", "die \"no more\\n\";\n" },
	{ "exit", "END { print \"end\\n\" } exit 4;\n" },
	{ "signals", "print join ' ', map { defined $SIG{$_} ? 1 : 0 } qw(PIPE TERM INT CHLD);\n" },
	{ "fork", "my $p = fork; if (!$p) { exit 5 } waitpid $p, 0; print $? >> 8;\n" },
	{ "descriptors", "opendir D, '/proc/self/fd'; print scalar(grep { /^[0-9]/ } readdir D);\n" },
	{ "warning", "my $x; print 'a' . $x;\n" },
};

static void
walled(ProcessesConfig *config)
{
	config->sandbox = SANDBOX_STANDARD;
	config->cgroup = str_of("auto");
	config->limits = (RunLimits){ .memory_mb = 512, .processes = 200, .open_files = 256 };
}

static void
ungrouped(ProcessesConfig *config)
{
	config->sandbox = SANDBOX_STRICT;
	config->cgroup = str_of("off");
	config->kill_grace = 1000 * US_PER_S; /* longer than a test waits for an end: that is TERM's work */
}

static RunSpec
spec_of(Rig *r, const char *entry, const Json *config)
{
	RunSpec s = rig_spec(r, "other", entry);
	Json *params = arena_new(r->a, Json);

	*params = rig_json(r, "{\"a\": [1, \"\\u00e4\"], \"b\": null}");
	s.params = params;
	s.runtime_config = config;
	return s;
}

/* The seed is started by the first run and ready some time after it. */
static void
grow_first(Rig *r, const char *entry, const Json *config)
{
	size_t before = processes_grown(r->starter);
	TimeUs until = clock_mono(clock_real()) + 60 * US_PER_S;

	while (processes_grown(r->starter) == before) {
		RunSpec s = spec_of(r, entry, config);

		CHECK(clock_mono(clock_real()) < until);
		CHECK_INT(rig_run(r, &s).outcome, RUN_SUCCEEDED);
		rig_pause(r, clock_mono(clock_real()) + 5 * US_PER_MS);
	}
}

/* Made ready, and let go at once. */
static RunEnd
run_held(Rig *r, const RunSpec *spec)
{
	r->starter->ready(r->starter, spec);
	CHECK(r->starter->go(r->starter, spec->execution, spec->attempt));
	return rig_wait(r);
}

static void
compare_all(Rig *r, const char *config_text, const char *ending, const Script *scripts, size_t n)
{
	Json config = rig_json(r, config_text);

	for (size_t i = 0; i < n; i++)
		rig_file(r, str_fmt(r->a, "actions/%s.%s", scripts[i].name, ending).p, scripts[i].text);
	grow_first(r, str_fmt(r->a, "hello.%s", ending).p, &config);
	for (size_t i = 0; i < n; i++) {
		const char *name = str_fmt(r->a, "%s.%s", scripts[i].name, ending).p;
		RunSpec s = spec_of(r, name, &config);
		RunEnd anew = rig_run_loaded_anew(r, &s), grown, held;
		size_t before = processes_grown(r->starter);
		Str x, y, z;

		s = spec_of(r, name, &config);
		grown = rig_run(r, &s);
		CHECK_INT(processes_grown(r->starter), before + 1);
		x = rig_comparable(r, &anew);
		y = rig_comparable(r, &grown);
		if (!str_eq(x, y))
			test_fail(__FILE__, __LINE__, "%s differs:\nanew:  %.1800s\ngrown: %.1800s", name, x.p, y.p);
		s = spec_of(r, name, &config);
		held = run_held(r, &s);
		CHECK_INT(processes_grown(r->starter), before + 2);
		z = rig_comparable(r, &held);
		if (!str_eq(x, z))
			test_fail(__FILE__, __LINE__, "%s differs:\nanew: %.1800s\nheld: %.1800s", name, x.p, z.p);
	}
}

TEST(a_bash_that_was_loaded_before_does_what_a_new_one_does)
{
	CLEANUP(rig_done) Rig *r = rig_open();

	compare_all(r, bash_config, "sh", shell_scripts, countof(shell_scripts));
}

TEST(within_walls_and_a_group_it_is_the_same)
{
	CLEANUP(rig_done) Rig *r = rig_open_with(walled);

	compare_all(r, bash_config, "sh", shell_scripts, countof(shell_scripts));
}

TEST(without_groups_and_within_the_strict_sandbox_it_is_the_same)
{
	CLEANUP(rig_done) Rig *r = rig_open_with(ungrouped);

	compare_all(r, bash_config, "sh", shell_scripts, countof(shell_scripts));
}

TEST(a_plain_shell_that_was_loaded_before_does_what_a_new_one_does)
{
	CLEANUP(rig_done) Rig *r = rig_open_with(walled);

	compare_all(r, dash_config, "sh", shell_scripts, countof(shell_scripts));
}

TEST(a_perl_that_was_loaded_before_does_what_a_new_one_does)
{
	CLEANUP(rig_done) Rig *r = rig_open_with(walled);

	compare_all(r, perl_config, "pl", perl_scripts, countof(perl_scripts));
}

TEST(runs_of_one_seed_have_random_numbers_of_their_own)
{
	CLEANUP(rig_done) Rig *r = rig_open();
	Json config = rig_json(r, bash_config);
	Str before = { 0 };

	rig_file(r, "actions/random.sh", "echo $RANDOM$RANDOM$RANDOM$RANDOM\n");
	grow_first(r, "random.sh", &config);
	for (int i = 0; i < 5; i++) {
		RunSpec s = spec_of(r, "random.sh", &config);
		RunEnd end = rig_run(r, &s);
		Str text = str_copy(r->a, rig_text(&end, "stdout"));

		CHECK(!str_eq(text, before));
		before = text;
	}
	CHECK(processes_grown(r->starter) >= 6);
}

TEST(nothing_of_a_run_is_found_in_the_next)
{
	CLEANUP(rig_done) Rig *r = rig_open();
	Json config = rig_json(r, bash_config);
	RunSpec s;
	RunEnd end;

	rig_file(r, "actions/hello.sh", "echo hello\n");
	rig_file(r, "actions/search.sh",
	    "dd if=/proc/self/mem bs=4096 skip=0 count=0 2>/dev/null; "
	    "while read -r range _; do a=$((16#${range%-*} / 4096)) b=$((16#${range#*-} / 4096)); "
	    "dd if=/proc/$$/mem bs=4096 skip=$a count=$((b - a)) 2>/dev/null; "
	    "done < <(grep -E ' rw' /proc/$$/maps | grep -v vvar) | grep -c -a \"sesame$(echo 42)\"\n");
	grow_first(r, "hello.sh", &config);
	s = spec_of(r, "hello.sh", &config);
	s.api_token = str_of("sesame42");
	end = rig_run(r, &s);
	CHECK_INT(end.outcome, RUN_SUCCEEDED);
	s = spec_of(r, "search.sh", &config);
	s.api_token = str_of("sesame42");
	end = rig_run(r, &s);
	CHECK(!str_is(rig_text(&end, "stdout"), "0\n")); /* its own is found: the search works */
	s = spec_of(r, "search.sh", &config);
	end = rig_run(r, &s);
	CHECK_STR(rig_text(&end, "stdout"), str_of("0\n"));
	CHECK(processes_grown(r->starter) >= 3);
}

TEST(variables_that_the_linker_reads_have_their_effect)
{
	CLEANUP(rig_done) Rig *r = rig_open();
	Json config = rig_json(r, bash_config);
	Json traced = rig_json(r, "{\"interpreter\":{\"binary\":\"/bin/bash\",\"args\":[]},"
				  "\"env_vars\":{\"LD_TRACE_LOADED_OBJECTS\":{\"value\":\"1\"}}}");
	RunSpec s;
	RunEnd end;
	size_t at, grown;

	rig_file(r, "actions/hello.sh", "echo hello\n");
	grow_first(r, "hello.sh", &config);
	grown = processes_grown(r->starter);
	s = spec_of(r, "hello.sh", &traced);
	end = rig_run(r, &s);
	CHECK(str_find(rig_text(&end, "stdout"), str_of("libc.so"), &at));
	CHECK_INT(processes_grown(r->starter), grown);
}

TEST(what_is_too_long_for_a_message_starts_plainly)
{
	CLEANUP(rig_done) Rig *r = rig_open();
	Json config = rig_json(r, bash_config);
	char *text = arena_alloc(r->a, 120001);
	Json vars = json_object();
	RunSpec s;
	RunEnd end;
	size_t grown;

	memset(text, 'x', 120000);
	text[120000] = '\0';
	json_add(r->a, &vars, "LONG", json_cstr(text));
	rig_file(r, "actions/long.sh", "echo ${#LONG}\n");
	grow_first(r, "long.sh", &config);
	grown = processes_grown(r->starter);
	s = spec_of(r, "long.sh", &config);
	s.env_vars = &vars;
	end = rig_run(r, &s);
	CHECK_STR(rig_text(&end, "stdout"), str_of("120000\n"));
	CHECK_INT(processes_grown(r->starter), grown);
	s = spec_of(r, "long.sh", &config);
	end = rig_run(r, &s);
	CHECK_STR(rig_text(&end, "stdout"), str_of("0\n"));
	CHECK_INT(processes_grown(r->starter), grown + 1);
}

/* ---- when a seed is gone ---- */

static pid_t
seed_pid(const Rig *r)
{
	DIR *d = opendir("/proc");
	struct dirent *e;
	pid_t found = 0;

	while ((e = readdir(d)) != NULL) {
		char path[300];
		Str text;
		size_t at;
		int parent;

		snprintf(path, sizeof(path), "/proc/%s/environ", e->d_name);
		if (e->d_name[0] < '1' || e->d_name[0] > '9' || !file_read(r->a, path, 1 << 20, &text, NULL) ||
		    !str_find(text, str_of("ATTUNE_SEED=now"), &at))
			continue;
		snprintf(path, sizeof(path), "/proc/%s/stat", e->d_name);
		if (file_read(r->a, path, 4096, &text, NULL) && sscanf(text.p, "%*d (%*[^)]) %*c %d", &parent) == 1 &&
		    parent == getpid())
			found = atoi(e->d_name);
	}
	closedir(d);
	return found;
}

TEST(a_seed_that_is_killed_or_stopped_loses_no_run)
{
	CLEANUP(rig_done) Rig *r = rig_open();
	Json config = rig_json(r, bash_config);
	static const int signals[] = { SIGKILL, SIGSTOP };

	rig_file(r, "actions/hello.sh", "echo hello\n");
	for (size_t i = 0; i < countof(signals); i++) {
		grow_first(r, "hello.sh", &config);
		CHECK(seed_pid(r) > 0 && kill(seed_pid(r), signals[i]) == 0);
		for (int k = 0; k < 5; k++) {
			RunSpec s = spec_of(r, "hello.sh", &config);

			CHECK_STR(rig_text(&(RunEnd){ .result = rig_run(r, &s).result }, "stdout"), str_of("hello\n"));
		}
	}
}

/* A thread of its own kills the seed while the worker speaks with it: before, while and after it makes the child. */
TEST(killing_the_seed_at_any_moment_runs_each_once)
{
	CLEANUP(rig_done) Rig *r = rig_open_with(walled);
	Json config = rig_json(r, bash_config);

	rig_file(r, "actions/hello.sh", "echo hello\n");
	for (int i = 0; i < 40; i++) {
		RunSpec s;
		RunEnd end;
		pid_t seed, killer;

		grow_first(r, "hello.sh", &config);
		seed = seed_pid(r);
		CHECK(seed > 0);
		killer = fork();
		if (killer == 0) {
			for (TimeUs until = clock_mono(clock_real()) + i * 40; clock_mono(clock_real()) < until;)
				;
			kill(seed, SIGKILL);
			_exit(0);
		}
		for (int k = 0; k < 10; k++) {
			s = spec_of(r, "hello.sh", &config);
			end = rig_run(r, &s);
			CHECK_INT(end.outcome, RUN_SUCCEEDED);
			CHECK_STR(rig_text(&end, "stdout"), str_of("hello\n"));
		}
		child_drop(killer);
	}
}

/* Also before it has a session of its own. */
TEST(without_groups_what_was_born_just_now_is_ended_at_once)
{
	CLEANUP(rig_done) Rig *r = rig_open_with(ungrouped);
	Json config = rig_json(r, bash_config);

	rig_file(r, "actions/hello.sh", "echo hello\n");
	rig_file(r, "actions/long.sh", "while :; do :; done\n");
	grow_first(r, "hello.sh", &config);
	for (int i = 0; i < 50; i++) {
		RunSpec s = spec_of(r, "long.sh", &config);

		rig_start(r, &s);
		r->starter->cancel(r->starter, s.execution, s.attempt);
		CHECK_INT(rig_wait(r).outcome, RUN_CANCELLED); /* TERM has reached it */
	}
}

/* By a path of the operator's own; else no seed is made of it. */
static void
named(ProcessesConfig *config)
{
	static Json programs;
	static Arena *a; /* as long as the process: a Starter's configuration lasts */

	a = a == NULL ? arena_open() : a;
	programs = json_object();
	json_add(a, &programs, "bash", json_str(str_fmt(a, "%.*s/../bash", STR_ARG(config->packs_base_dir))));
	config->interpreters.named = &programs;
}

TEST(another_interpreter_by_the_same_name_is_used_at_once)
{
	CLEANUP(rig_done) Rig *r = rig_open_with(named);
	const char *own = str_fmt(r->a, "%s/bash", r->dir.p).p;
	Json config = rig_json(r, str_fmt(r->a, "{\"interpreter\":{\"binary\":\"%s\",\"args\":[]}}", own).p);
	RunSpec s;
	RunEnd end;

	CHECK(system(str_fmt(r->a, "cp /bin/bash %s", own).p) == 0);
	rig_file(r, "actions/hello.sh", "echo hello\n");
	grow_first(r, "hello.sh", &config);
	CHECK(
	    system(
		str_fmt(r->a, "rm %s && printf '#!/bin/sh\\necho another\\n' > %s && chmod 755 %s", own, own, own).p) ==
	    0);
	s = spec_of(r, "hello.sh", &config);
	end = rig_run(r, &s);
	CHECK_STR(rig_text(&end, "stdout"), str_of("another\n"));
}

TEST(a_program_that_cannot_be_kept_loaded_is_started_plainly)
{
	CLEANUP(rig_done) Rig *r = rig_open_with(named);
	const char *own = str_fmt(r->a, "%s/bash", r->dir.p).p;
	Json config = rig_json(r, str_fmt(r->a, "{\"interpreter\":{\"binary\":\"%s\",\"args\":[]}}", own).p);

	CHECK(system(str_fmt(r->a, "printf '#!/bin/sh\\necho not a bash\\n' > %s && chmod 755 %s", own, own).p) == 0);
	rig_file(r, "actions/hello.sh", "echo hello\n");
	for (int i = 0; i < 5; i++) {
		RunSpec s = spec_of(r, "hello.sh", &config);
		RunEnd end = rig_run(r, &s);

		CHECK_STR(rig_text(&end, "stdout"), str_of("not a bash\n"));
		rig_pause(r, clock_mono(clock_real()) + 20 * US_PER_MS);
	}
	CHECK_INT(processes_grown(r->starter), 0);
}

/* It would run outside of the walls that its runs have. */
TEST(of_a_program_that_a_pack_brings_no_seed_is_made)
{
	CLEANUP(rig_done) Rig *r = rig_open_with(walled);
	const char *own = str_fmt(r->a, "%s/packs/demo/bash", r->dir.p).p;
	Json config = rig_json(r, str_fmt(r->a, "{\"interpreter\":{\"binary\":\"%s\",\"args\":[]}}", own).p);

	CHECK(system(str_fmt(r->a, "cp /bin/bash %s", own).p) == 0);
	rig_file(r, "actions/hello.sh", "echo hello\n");
	for (int i = 0; i < 5; i++) {
		RunSpec s = spec_of(r, "hello.sh", &config);
		RunEnd end = rig_run(r, &s);

		CHECK_STR(rig_text(&end, "stdout"), str_of("hello\n"));
		CHECK_INT(seed_pid(r), 0);
		rig_pause(r, clock_mono(clock_real()) + 20 * US_PER_MS);
	}
	CHECK_INT(processes_grown(r->starter), 0);
	CHECK(system(str_fmt(r->a, "rm %s && ln -s /bin/bash %s", own, own).p) == 0);
	grow_first(r, "hello.sh", &config); /* the machine's own, by a link */
}

/* ---- made ready while its claim is committed ---- */

static char
state_of(pid_t pid, pid_t *ret_session)
{
	char path[64], line[512] = "";
	char state = '?';
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	f = fopen(path, "r");
	if (f != NULL && fgets(line, sizeof(line), f) != NULL) {
		const char *at = strrchr(line, ')');

		if (at == NULL || sscanf(at + 1, " %c %*d %*d %d", &state, ret_session) != 2)
			state = '?';
	}
	if (f != NULL)
		fclose(f);
	return state;
}

/* Until it stands still in a session of its own; one that went on would end instead. */
static void
await_still(pid_t pid)
{
	TimeUs until = clock_mono(clock_real()) + 60 * US_PER_S;
	pid_t session = 0;
	char state;

	do {
		state = state_of(pid, &session);
		CHECK(state != 'Z' && state != '?');
		CHECK(clock_mono(clock_real()) < until);
	} while (state != 'S' || session != pid);
}

static void
held_does_nothing(Rig *r)
{
	Json config = rig_json(r, bash_config);
	const Processes *p = (const Processes *)r->starter;
	RunSpec s;
	RunEnd end;
	TimeUs said;

	rig_file(r, "actions/hello.sh", "echo hello\n");
	rig_file(r, "actions/ran.sh", "echo ran\n");
	grow_first(r, "hello.sh", &config);
	s = spec_of(r, "ran.sh", &config);
	s.timeout = 600 * US_PER_S;
	for (int again = 0; again < 2; again++) { /* dropped, then the same attempt begun after all */
		pid_t pid;

		r->starter->ready(r->starter, &s);
		CHECK_INT(r->starter->running(r->starter), 1);
		pid = p->live.first->child.pid;
		await_still(pid);
		if (again == 0) {
			r->starter->drop(r->starter, s.execution, s.attempt);
			CHECK_INT(r->starter->running(r->starter), 0);
			CHECK(!process_alive(pid));
			CHECK_INT(r->starter->ended(r->starter, r->a, &end, 1), 0);
			CHECK(!r->starter->go(r->starter, s.execution, s.attempt));
		}
	}
	said = clock_wall(clock_real());
	CHECK(r->starter->go(r->starter, s.execution, s.attempt));
	CHECK(!r->starter->go(r->starter, s.execution, s.attempt));
	r->starter->drop(r->starter, s.execution, s.attempt); /* what has begun is not dropped */
	end = rig_wait(r);
	CHECK_INT(end.outcome, RUN_SUCCEEDED);
	CHECK_STR(rig_text(&end, "stdout"), str_of("ran\n"));
	CHECK(end.started_at >= said);
}

TEST(what_is_made_ready_does_nothing_until_it_is_let_go)
{
	CLEANUP(rig_done) Rig *r = rig_open();

	held_does_nothing(r);
}

TEST(what_is_made_ready_within_walls_does_nothing_until_it_is_let_go)
{
	CLEANUP(rig_done) Rig *r = rig_open_with(walled);

	held_does_nothing(r);
}

TEST(without_groups_what_is_made_ready_does_nothing_until_it_is_let_go)
{
	CLEANUP(rig_done) Rig *r = rig_open_with(ungrouped);

	held_does_nothing(r);
}

TEST(what_would_begin_at_once_is_not_made_ready)
{
	CLEANUP(rig_done) Rig *r = rig_open();
	Processes *p = (Processes *)r->starter;
	Json config = rig_json(r, bash_config);
	Seeds *seeds = p->seeds;
	RunSpec s;

	rig_file(r, "actions/hello.sh", "echo hello\n");
	/* the first run of an action, and one that no seed serves any more */
	s = spec_of(r, "hello.sh", &config);
	r->starter->ready(r->starter, &s);
	CHECK_INT(r->starter->running(r->starter), 0);
	CHECK(!r->starter->go(r->starter, s.execution, s.attempt));
	grow_first(r, "hello.sh", &config);
	s = spec_of(r, "hello.sh", &config);
	p->seeds = NULL;
	r->starter->ready(r->starter, &s);
	p->seeds = seeds;
	CHECK_INT(r->starter->running(r->starter), 0);
	CHECK(!r->starter->go(r->starter, s.execution, s.attempt));
	CHECK_INT(rig_run(r, &s).outcome, RUN_SUCCEEDED);
}
