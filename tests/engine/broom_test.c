/* Files of runs that are over. */
#include "flow.h"

#include "engine/broom.h"
#include "os/fs.h"
#include "store/artifact.h"
#include "test.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

TEST(logs_that_are_too_old_go_but_not_what_is_a_version)
{
	CLEANUP(flow_done) Flow *r = flow_open();
	char base[] = "/tmp/attune-broom.XXXXXX";
	ArtifactRow x = { .ref = str_of("test.ok.stdout"),
		.scope = str_of("action"),
		.owner = str_of("test.ok"),
		.type = str_of("file_text"),
		.visibility = str_of("private"),
		.retention_policy = str_of("versions"),
		.retention_limit = 5 };
	VersionRow v = { .created_by = str_of("worker"), .size_bytes = 3 };
	ArtifactFiles gone;
	Str dir, run, whole, plain;
	int64_t removed = 0;
	Err err = { 0 };

	CHECK(mkdtemp(base) != NULL);
	v.execution = flow_start(r, "test.ok", "{}");
	flow_run(r);
	dir = str_fmt(r->a, "%s/w1", base);
	run = str_fmt(r->a, "%s/execution_%lld", dir.p, (long long)v.execution);
	whole = str_fmt(r->a, "%s/stdout.whole.log", run.p);
	plain = str_fmt(r->a, "%s/stdout.log", run.p);
	CHECK(mkdir(dir.p, 0700) == 0 && mkdir(run.p, 0700) == 0);
	CHECK(fclose(fopen(whole.p, "w")) == 0 && fclose(fopen(plain.p, "w")) == 0);
	CHECK_OK(uow_begin(r->u, &err), err);
	CHECK_OK(artifact_insert(r->u->db, r->u->arena, &x, r->now, &err), err);
	v.artifact = x.id;
	CHECK_OK(version_add(r->u->db, r->u->arena, &v, r->now, &gone, &err), err);
	CHECK_OK(version_set_file(r->u->db, r->u->arena, v.id, str_sub(whole, strlen(base) + 1, whole.n), &err), err);
	CHECK_OK(uow_commit(r->u, &points_create, &err), err);
	r->engine.log_policy = str_of("days");
	r->engine.log_limit = 1;
	r->now += 5 * 86400LL * US_PER_S;
	CHECK_OK(sweep_run_folders(r->u, dir.p, &removed, &err), err);
	CHECK_INT(removed, 1);
	CHECK(file_exists(whole.p) && !file_exists(plain.p));
	(void)tree_remove(base);
}
