#include "store/secret_value.h"

#include "base/names.h"

#define COLUMNS \
	"select x.id, x.entity_type, x.entity_id, x.json_path, x.encrypted_value, x.encryption_key_hash" \
	" from execution_secret_value x"

static const char *const names[SECRET_OF_KINDS] = {
	[SECRET_OF_EXECUTION] = "execution_config",
	[SECRET_OF_ENFORCEMENT] = "enforcement_config",
	[SECRET_OF_RESULT] = "execution_result",
};

const char *
secret_of_name(SecretOf of)
{
	return names[of];
}

static bool
rows_read(Arena *a, const Rows *rows, SecretRow **ret, size_t *ret_n, Err *err)
{
	*ret = arena_array(a, SecretRow, rows->n + 1);
	*ret_n = rows->n;
	for (size_t i = 0; i < rows->n; i++) {
		Row r = rows_at(rows, i);
		int of = name_index(names, SECRET_OF_KINDS, row_str(r, 1));

		if (of < 0)
			return err_set(err, ERR_CORRUPT, "a stored secret belongs to a '%.*s'", STR_ARG(row_str(r, 1)));
		(*ret)[i] = (SecretRow){ row_int(r, 0), (SecretOf)of, row_int(r, 2), row_str(r, 3), row_str(r, 4),
			row_str(r, 5) };
	}
	return true;
}

bool
secret_value_insert(Db *db, Arena *a, const SecretRow *rows, size_t n, TimeUs now, Err *err)
{
	static const Stmt s = {
		.sql = "insert into execution_secret_value (entity_type, entity_id, json_path, source_kind, "
		       "encrypted_value,"
		       " encryption_key_hash, created) values ($1, $2, $3, 'parameter_schema', $4, $5, $6)",
		.in = "sisssT",
	};
	enum { WIDTH = 6 };
	Bind *b = arena_array(a, Bind, n * WIDTH + 1);

	if (n == 0)
		return true;
	for (size_t i = 0; i < n; i++) {
		Bind row[WIDTH] = { bind_text(names[rows[i].of]), bind_int(rows[i].entity), bind_str(rows[i].path),
			bind_str(rows[i].sealed), bind_str(rows[i].key_id), bind_time(now) };

		memcpy(b + i * WIDTH, row, sizeof(row));
	}
	return db_batch(db, a, &s, b, n, NULL, err) || err_wrap(err, "store secrets");
}

bool
secret_value_of(Db *db, Arena *a, SecretOf of, Id entity, SecretRow **ret, size_t *ret_n, Err *err)
{
	static const Stmt s = {
		.sql = COLUMNS " where x.entity_type = $1 and x.entity_id = $2 order by x.json_path",
		.in = "si",
	};
	Bind b[] = { bind_text(names[of]), bind_int(entity) };
	Rows rows;

	if (!db_read(db, a, &s, b, &rows, err))
		return err_wrap(err, "read secrets");
	return rows_read(a, &rows, ret, ret_n, err);
}

#define STALE \
	" where (x.encryption_key_hash is null or x.encryption_key_hash <> $1)" \
	" and (x.entity_type = 'execution_config' or x.entity_type = 'enforcement_config')"

bool
secret_value_stale(Db *db, Arena *a, Str key_id, Id after, size_t most, SecretRow **ret, size_t *ret_n, Err *err)
{
	static const Stmt s = { .sql = COLUMNS STALE " and x.id > $2 order by x.id limit $3", .in = "sii" };
	Bind b[] = { bind_str(key_id), bind_int(after), bind_int((int64_t)most) };
	Rows rows;

	if (!db_read(db, a, &s, b, &rows, err))
		return err_wrap(err, "read secrets");
	return rows_read(a, &rows, ret, ret_n, err);
}

bool
secret_value_rewrap(Db *db, Arena *a, const SecretRow *was, Str sealed, Str key_id, bool *ret_done, Err *err)
{
	static const Stmt s = {
		.sql = "update execution_secret_value set encrypted_value = $3, encryption_key_hash = $4"
		       " where id = $1 and encrypted_value = $2 returning id",
		.in = "isss",
	};
	Bind b[] = { bind_int(was->id), bind_str(was->sealed), bind_str(sealed), bind_str(key_id) };
	Rows rows;

	if (!db_exec(db, a, &s, b, &rows, err))
		return err_wrap(err, "re-wrap secrets");
	*ret_done = rows.n > 0;
	return true;
}

bool
secret_value_stale_count(Db *db, Arena *a, Str key_id, int64_t *ret, Err *err)
{
	static const Stmt s = { .sql = "select count(*) from execution_secret_value x" STALE, .in = "s" };
	Bind b[] = { bind_str(key_id) };
	Rows rows;

	if (!db_read(db, a, &s, b, &rows, err))
		return err_wrap(err, "count secrets");
	*ret = row_int(rows_at(&rows, 0), 0);
	return true;
}
