/*
 * Dead letters. The server shows and moves them; without one they are looked at where they lie: a broker keeps them in a queue of its
 * own. In process they are rows, and belong to the `attune up` that runs on the database: it is asked to change them.
 */
#include "admin/commands.h"

#include "admin/grid.h"
#include "admin/letters.h"
#include "os/fs.h"
#include "store/worker.h"

enum { REASON_SHOWN = 80 };

/* A broker has the oldest first. */
static bool
bus_letters(Tool *t, Letter **ret, size_t *ret_n, Err *err)
{
	CLEANUP(tool_bus_done) Bus *bus = NULL;
	BusConfig config = tool_bus_config(t);
	DeadLetter *list;

	if (!bus_open(&config, &bus, err) || !bus_dead_list(bus, t->arena, DEAD_LETTERS_MOST, &list, ret_n, err))
		return false;
	*ret = arena_array(t->arena, Letter, *ret_n + 1);
	for (size_t i = 0; i < *ret_n; i++) {
		const DeadLetter *d = &list[*ret_n - 1 - i];

		(*ret)[i] = (Letter){ uuid_text(t->arena, d->id), d->queue, d->key, d->reason, d->body, d->at };
	}
	return true;
}

static bool
row_letters(Tool *t, Letter **ret, size_t *ret_n, Err *err)
{
	CLEANUP(tool_store_done) Store *s = NULL;
	CLEANUP(db_done) Db *db = NULL;
	DeadRow *rows;

	if (!tool_store(t, false, &s, err) || !db_open(s, &db, err) ||
	    !dead_list(db, t->arena, DEAD_LETTERS_MOST, 0, &rows, ret_n, err))
		return false;
	*ret = arena_array(t->arena, Letter, *ret_n + 1);
	for (size_t i = 0; i < *ret_n; i++)
		(*ret)[i] = (Letter){ rows[i].message_id, rows[i].queue, rows[i].routing_key, rows[i].reason,
			rows[i].body, rows[i].created };
	return true;
}

static bool
letters_here(Tool *t, Letter **ret, size_t *ret_n, Err *err)
{
	if (!tool_config(t, NEEDS_BUS, err))
		return false;
	return tool_bus_local(t) ? row_letters(t, ret, ret_n, err) : bus_letters(t, ret, ret_n, err);
}

static Json
letter_json(Arena *a, const Letter *l, bool body)
{
	Json row = json_object();

	json_add(a, &row, "message_id", json_str(l->id));
	json_add(a, &row, "queue", json_str(l->queue));
	json_add(a, &row, "routing_key", json_str(l->key));
	json_add(a, &row, "reason", json_str(l->reason));
	json_add(a, &row, "created", l->at == 0 ? json_null() : json_str(time_text(a, l->at)));
	if (body)
		json_add(a, &row, "body", json_str(l->body));
	return row;
}

static void
letters_print(Tool *t, const Letter *list, size_t n)
{
	static const char *const heads[] = { "ID", "SINCE", "QUEUE", "ROUTING KEY", "REASON", NULL };
	Grid c = grid_open(t->arena, heads);

	if (n == 0) {
		buf_text(&t->out, "no dead letters\n");
		return;
	}
	for (size_t i = 0; i < n; i++) {
		const Letter *l = &list[i];
		Str row[] = { l->id, l->at == 0 ? (Str){ 0 } : time_text(t->arena, l->at), l->queue, l->key,
			str_sub(l->reason, 0, REASON_SHOWN) };

		grid_row(&c, row);
	}
	grid_print(&c, &t->out);
	if (n == DEAD_LETTERS_MOST)
		buf_fmt(&t->out,
		    "only %zu are shown: others may come to light when some of them are dropped or replayed\n", n);
}

bool
dlq_list_run(Tool *t, Err *err)
{
	Letter *list;
	Json all = json_array();
	size_t n;
	bool here;

	if (!server_letters(t, &here, &list, &n, err) || (here && !letters_here(t, &list, &n, err)))
		return false;
	for (size_t i = 0; i < n; i++)
		json_push(t->arena, &all, letter_json(t->arena, &list[i], false));
	if (!tool_raw(t, &all))
		letters_print(t, list, n);
	return true;
}

static bool
id_read(Tool *t, Uuid *ret, Err *err)
{
	if (uuid_parse(str_of(t->arg), ret))
		return true;
	t->wrong_input = true;
	return err_set(err, ERR_INVALID, "'%s' is no id of a dead letter: attune dlq list shows them", t->arg);
}

static void
letter_print(Tool *t, const Letter *l)
{
	Json body;
	Err err = { 0 };

	buf_fmt(&t->out,
	    "id           %.*s\nqueue        %.*s\nrouting key  %.*s\nreason       %.*s\nsince        %.*s\n\n",
	    STR_ARG(l->id), STR_ARG(l->queue), STR_ARG(l->key), STR_ARG(l->reason),
	    STR_ARG(l->at == 0 ? str_of("-") : time_text(t->arena, l->at)));
	if (json_parse(t->arena, l->body, NULL, &body, &err))
		json_print_pretty(&t->out, &body);
	else
		json_print_string(&t->out, l->body); /* whatever bytes it holds, the terminal stays whole */
	buf_char(&t->out, '\n');
}

static bool
letter_here(Tool *t, Uuid id, Letter *ret, Err *err)
{
	Str text = uuid_text(t->arena, id);
	Letter *list;
	size_t n;

	if (!letters_here(t, &list, &n, err))
		return false;
	for (size_t i = 0; i < n; i++)
		if (str_eq(list[i].id, text)) {
			*ret = list[i];
			return true;
		}
	return err_set(err, ERR_NOT_FOUND, "there is no dead letter %.*s", STR_ARG(text));
}

bool
dlq_show_run(Tool *t, Err *err)
{
	Letter letter;
	Json whole;
	bool here;
	Uuid id;

	if (!id_read(t, &id, err) || !server_letter(t, id, &here, &letter, err) ||
	    (here && !letter_here(t, id, &letter, err)))
		return false;
	whole = letter_json(t->arena, &letter, true);
	if (!tool_raw(t, &whole))
		letter_print(t, &letter);
	return true;
}

/* ---- acting ---- */

static bool
bus_act(Tool *t, Uuid id, DeadAct act, Err *err)
{
	CLEANUP(tool_bus_done) Bus *bus = NULL;
	BusConfig config = tool_bus_config(t);

	return bus_open(&config, &bus, err) && bus_dead_act(bus, id, act, err);
}

static bool
row_drop(Tool *t, Uuid id, Err *err)
{
	CLEANUP(tool_store_done) Store *s = NULL;
	CLEANUP(db_done) Db *db = NULL;

	return tool_store(t, false, &s, err) && db_open(s, &db, err) && db_begin(db, err) &&
	       dead_drop(db, t->arena, uuid_text(t->arena, id), err) && db_commit(db, err);
}

static bool
row_act(Tool *t, Uuid id, DeadAct act, Err *err)
{
	CLEANUP(fd_done) int lock = -1;
	pid_t holder;

	if (!file_exists(t->dir.p))
		return err_set(err, ERR_NOT_FOUND, "there is no data directory '%s'", t->dir.p);
	if (!tool_hold(t, &lock, &holder, err))
		return err->code == ERR_CONFLICT ? holder_act(t, id, act, err) : false;
	if (act == DEAD_DROP)
		return row_drop(t, id, err);
	return err_set(err, ERR_CONFLICT,
	    "a dead letter goes back into the bus of a running `attune up`, and none runs on '%s': start it, then say "
	    "this again",
	    t->dir.p);
}

static bool
act_here(Tool *t, Uuid id, DeadAct act, Err *err)
{
	if (!tool_config(t, NEEDS_BUS, err))
		return false;
	return tool_bus_local(t) ? row_act(t, id, act, err) : bus_act(t, id, act, err);
}

static bool
act_on(Tool *t, DeadAct act, Err *err)
{
	const char *done = act == DEAD_REPLAY ? "put back" : "dropped";
	Json said = json_object();
	bool here;
	Uuid id;

	if (!id_read(t, &id, err) || !server_act(t, id, act, &here, err) || (here && !act_here(t, id, act, err)))
		return false;
	json_add(t->arena, &said, "message_id", json_str(uuid_text(t->arena, id)));
	json_add(t->arena, &said, "done", json_cstr(done));
	if (!tool_raw(t, &said))
		buf_fmt(&t->out, "%s %.*s\n", done, STR_ARG(uuid_text(t->arena, id)));
	return true;
}

bool
dlq_replay_run(Tool *t, Err *err)
{
	return act_on(t, DEAD_REPLAY, err);
}

bool
dlq_drop_run(Tool *t, Err *err)
{
	return act_on(t, DEAD_DROP, err);
}
