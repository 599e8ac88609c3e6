#include "packs_bench.h"

#include "os/fs.h"
#include "store/migrate.h"
#include "test.h"

Bench
bench_open(void)
{
	World *w = world_bare();
	Bench b = { .w = w };
	Err err = { 0 };
	int n;

	CHECK_OK(migrate(w->store, NOW, &n, &err), err);
	CHECK_OK(dir_private(w->a, "/tmp", "attune-packs", &b.dir, &err), err);
	return b;
}

void
bench_done(Bench *b)
{
	tree_remove(b->dir.p);
	world_done(&b->w);
}

void
bench_write(Bench *b, const char *path, const char *text)
{
	Str full = str_fmt(b->w->a, "%.*s/%s", STR_ARG(b->dir), path), dir = full;
	Err err = { 0 };

	while (dir.p[dir.n - 1] != '/')
		dir.n--;
	CHECK_OK(dirs_make(str_cstr(b->w->a, dir), 0755, &err), err);
	CHECK_OK(file_write(full.p, str_of(text), 0644, &err), err);
}

void
bench_drop(Bench *b, const char *path)
{
	tree_remove(str_fmt(b->w->a, "%.*s/%s", STR_ARG(b->dir), path).p);
}

RegisterResult
bench_register_nth(Bench *b, size_t which, TimeUs now)
{
	RegisterResult *all;
	size_t n;
	Err err = { 0 };

	CHECK_OK(register_all(b->w->db, b->w->a, b->dir, now, &all, &n, &err), err);
	CHECK(which < n);
	return all[which];
}

RegisterResult
bench_register(Bench *b, TimeUs now)
{
	RegisterResult r = bench_register_nth(b, 0, now);

	CHECK_STR(r.problem, (Str){ 0 });
	return r;
}
