#include "rig.h"

#include "os/fs.h"
#include "runtime/run.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char shell_config[] =
    "{\"interpreter\":{\"binary\":\"/bin/bash\",\"args\":[]},\"inline_execution\":{\"strategy\":\"direct\"}}";

Rig *
rig_open_with(void (*change)(ProcessesConfig *config))
{
	Rig *r = calloc(1, sizeof(*r));
	Err err = { 0 };

	signal(SIGPIPE, SIG_IGN); /* as in a worker: what is written to may have been killed by then */
	r->a = arena_open();
	CHECK_OK(dir_private(r->a, "/tmp", "attune-rig", &r->dir, &err), err);
	r->config = (ProcessesConfig){
		.clock = clock_real(),
		.packs_base_dir = str_fmt(r->a, "%s/packs", r->dir.p),
		.runtime_envs_dir = str_fmt(r->a, "%s/envs", r->dir.p),
		.artifacts_dir = str_fmt(r->a, "%s/artifacts", r->dir.p),
		.worker_name = str_of("w1"),
		.api_url = str_of("http://0.0.0.0:8080"),
		.stdout_max = 10 << 20,
		.stderr_max = 10 << 20,
		.inline_output = 4096,
		.kill_grace = 5 * US_PER_S,
		.seeds = true,
	};
	CHECK_OK(dirs_make(str_fmt(r->a, "%s/packs/demo/actions", r->dir.p).p, 0700, &err), err);
	if (change != NULL)
		change(&r->config);
	CHECK_OK(processes_open(&r->config, &r->starter, &err), err);
	return r;
}

Rig *
rig_open(void)
{
	return rig_open_with(NULL);
}

void
rig_done(Rig **rig)
{
	Rig *r = *rig;

	r->starter->close(r->starter);
	CHECK(tree_remove(r->dir.p));
	arena_close(r->a);
	free(r);
}

void
rig_file(Rig *r, const char *name, const char *text)
{
	Err err = { 0 };

	CHECK_OK(file_write(str_fmt(r->a, "%s/packs/demo/%s", r->dir.p, name).p, str_of(text), 0755, &err), err);
}

Json
rig_json(Rig *r, const char *text)
{
	Err err = { 0 };
	Json v;

	CHECK_OK(json_parse(r->a, str_of(text), NULL, &v, &err), err);
	return v;
}

static const Json *
kept(Rig *r, Json v)
{
	return arena_copy(r->a, &v, sizeof(v));
}

RunSpec
rig_spec(Rig *r, const char *runtime, const char *entry)
{
	bool shell = strcmp(runtime, "shell") == 0;

	return (RunSpec){
		.execution = ++r->last,
		.attempt = 1,
		.action_ref = str_of("demo.act"),
		.pack_ref = str_of("demo"),
		.entrypoint = str_of(entry),
		.runtime = str_of(runtime),
		.runtime_config = shell ? kept(r, rig_json(r, shell_config)) : NULL,
		.parameter_delivery = str_of("stdin"),
		.parameter_format = str_of("json"),
		.output_format = str_of("text"),
		.params = NULL,
		.timeout = 60 * US_PER_S,
	};
}

void
rig_start(Rig *r, const RunSpec *spec)
{
	Err err = { 0 };

	CHECK_OK(r->starter->start(r->starter, spec, &err), err);
}

void
rig_pause(Rig *r, TimeUs until)
{
	void (*const pause_in)(Starter * s, TimeUs until) = r->starter->sleep;

	pause_in(r->starter, until);
}

RunEnd
rig_wait(Rig *r)
{
	TimeUs until = clock_mono(clock_real()) + 60 * US_PER_S;
	RunEnd end;

	while (r->starter->ended(r->starter, r->a, &end, 1) == 0) {
		CHECK(clock_mono(clock_real()) < until);
		rig_pause(r, until);
	}
	return end;
}

RunEnd
rig_run(Rig *r, const RunSpec *spec)
{
	RunEnd end;

	rig_start(r, spec);
	end = rig_wait(r);
	CHECK_INT(end.execution, spec->execution);
	CHECK_INT(end.attempt, spec->attempt);
	CHECK_INT(r->starter->running(r->starter), 0);
	return end;
}

RunEnd
rig_shell(Rig *r, const char *code)
{
	RunSpec spec = rig_spec(r, "shell", code);

	return rig_run(r, &spec);
}

Str
rig_await(Rig *r, const char *name)
{
	const char *path = str_fmt(r->a, "%s/packs/demo/%s", r->dir.p, name).p;
	int fd = open(path, O_RDONLY | O_CLOEXEC); /* of a FIFO: waits for the writer */
	char text[64];
	ssize_t n;

	CHECK(fd >= 0);
	n = read(fd, text, sizeof(text));
	close(fd);
	CHECK(n > 0);
	return str_copy(r->a, str_trim((Str){ text, (size_t)n }));
}

Str
rig_text(const RunEnd *end, const char *key)
{
	return json_get_text(&end->result, key);
}

bool
rig_has(const RunEnd *end, const char *key)
{
	return json_get(&end->result, key) != NULL;
}

int64_t
rig_int(const RunEnd *end, const char *key)
{
	return json_as_int(json_get(&end->result, key), -12345);
}

Str
rig_log(Rig *r, const RunEnd *end, const char *name)
{
	const char *path =
	    str_fmt(r->a, "%s/artifacts/w1/execution_%lld/%s", r->dir.p, (long long)end->execution, name).p;
	Str text;

	return file_read(r->a, path, 64 << 20, &text, NULL) ? text : (Str){ 0 };
}

size_t
rig_count(const char *path, const char *head)
{
	Arena *a = arena_open();
	DirEntry *list;
	size_t n = 0, found = 0;

	if (!dir_list(a, path, &list, &n, NULL))
		n = 0;
	for (size_t i = 0; i < n; i++)
		found += str_starts(list[i].name, str_of(head));
	arena_close(a);
	return found;
}

/* Numbers of processes and runs differ, and so do addresses: none of them stays. */
static void
add_without_numbers(Buf *b, Str text)
{
	static const char *const before[] = { "execution_", "(node:", "pid: ", "/w1-", "0x" };

	for (size_t i = 0; i < text.n; i++) {
		buf_char(b, text.p[i]);
		for (size_t k = 0; k < countof(before); k++)
			if (str_ends(buf_str(b), str_of(before[k])))
				while (i + 1 < text.n && strchr("0123456789abcdef", text.p[i + 1]) != NULL)
					i++;
	}
}

Str
rig_comparable(Rig *r, const RunEnd *end)
{
	static const char *const differ[] = { "duration_ms", "stdout_log", "stderr_log" };
	static const char *const logs[] = { "stdout.log", "stderr.log" };
	Json without = json_clone(r->a, &end->result);
	Buf b = buf_open(r->a);

	for (size_t i = 0; i < countof(differ); i++)
		json_remove(&without, str_of(differ[i]));
	add_without_numbers(&b, json_text(r->a, &without));
	for (size_t i = 0; i < countof(logs); i++) {
		Str log = rig_log(r, end, logs[i]);

		buf_fmt(&b, "\n%s:", logs[i]);
		if (!str_none(log))
			add_without_numbers(&b, log);
	}
	return buf_str(&b);
}

RunEnd
rig_run_loaded_anew(Rig *r, const RunSpec *spec)
{
	Processes *p = (Processes *)r->starter;
	Seeds *kept = p->seeds;

	p->seeds = NULL;
	rig_start(r, spec);
	p->seeds = kept;
	return rig_wait(r);
}
