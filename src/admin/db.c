#include "admin/commands.h"

#include "admin/grid.h"
#include "os/fs.h"
#include "store/migrate.h"

static Str
applied_text(Arena *a, const MigrationState *m)
{
	return m->applied_at == 0 ? str_of("not yet") : time_text(a, m->applied_at);
}

static void
states_print(Tool *t, const MigrationState *list, size_t n)
{
	static const char *const heads[] = { "NUMBER", "NAME", "APPLIED", NULL };
	Grid c = grid_open(t->arena, heads);

	for (size_t i = 0; i < n; i++) {
		Str row[] = { str_fmt(t->arena, "%d", list[i].number), list[i].name, applied_text(t->arena, &list[i]) };

		grid_row(&c, row);
	}
	grid_print(&c, &t->out);
}

static Json
states_json(Arena *a, const MigrationState *list, size_t n)
{
	Json all = json_array();

	for (size_t i = 0; i < n; i++) {
		Json row = json_object();

		json_add(a, &row, "number", json_int(list[i].number));
		json_add(a, &row, "name", json_str(list[i].name));
		json_add(a, &row, "applied_at",
		    list[i].applied_at == 0 ? json_null() : json_str(time_text(a, list[i].applied_at)));
		json_push(a, &all, row);
	}
	return all;
}

/* Shows what there is, and fails when this program could not work with it. */
bool
db_status_run(Tool *t, Err *err)
{
	CLEANUP(tool_store_done) Store *s = NULL;
	MigrationState *list;
	Json all;
	size_t n;

	if (!tool_config(t, NEEDS_STORE, err) || !tool_store(t, false, &s, err))
		return false;
	if (!migrate_status(s, t->arena, &list, &n, err))
		return false;
	all = states_json(t->arena, list, n);
	if (!tool_raw(t, &all))
		states_print(t, list, n);
	return migrate_check(s, err);
}

/* A database file belongs to the `attune up` that runs on it. */
static bool
file_hold(Tool *t, int *ret_lock, Err *err)
{
	pid_t holder;

	*ret_lock = -1;
	if (!str_starts(config_str(t->config, "database.url"), str_of("sqlite:")) ||
	    tool_hold(t, ret_lock, &holder, err))
		return true;
	if (err->code != ERR_CONFLICT)
		return false;
	return err_set(err, ERR_CONFLICT,
	    "data directory '%s' is in use by process %d, which brought its database up to date when it started",
	    t->dir.p, (int)holder);
}

bool
db_migrate_run(Tool *t, Err *err)
{
	CLEANUP(tool_store_done) Store *s = NULL;
	CLEANUP(fd_done) int lock = -1;
	Json said = json_object();
	int applied = 0;

	if (!tool_config(t, NEEDS_STORE, err) || !file_hold(t, &lock, err))
		return false;
	if (!tool_store(t, true, &s, err) || !migrate(s, clock_wall(clock_real()), &applied, err))
		return false;
	json_add(t->arena, &said, "applied", json_int(applied));
	if (tool_raw(t, &said))
		return true;
	if (applied == 0)
		buf_text(&t->out, "nothing to do: the database is up to date\n");
	else
		buf_fmt(&t->out, "%d migration%s applied\n", applied, applied == 1 ? "" : "s");
	return true;
}
