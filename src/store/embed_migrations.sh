#!/bin/sh
# Writes the migrations as a C table: embed_migrations.sh DIR OUT DEPFILE. DIR/NNNN_name.sql serves both databases, or
# DIR/pg/NNNN_name.sql and DIR/sqlite/NNNN_name.sql one each. The depfile names the folders too: a new file is noticed.
set -eu
dir=$1 out=$2 depfile=$3

fail() {
	echo "migrations: $1" >&2
	exit 1
}

literal() { # FILE: its text as C strings, a line each
	sed -e 's/\\/\\\\/g' -e 's/"/\\"/g' -e 's/^/\t"/' -e 's/$/\\n"/' "$1"
}

names=$(cd "$dir" && for f in [0-9]*.sql pg/[0-9]*.sql sqlite/[0-9]*.sql; do
	[ ! -f "$f" ] || basename "$f" .sql
done | sort -u)
before=0
{
	printf '/* Made from migrations/ by embed_migrations.sh. */\n#include "store/db_impl.h"\n\n'
	printf 'const Migration migrations_embedded[] = {\n'
	for name in $names; do
		number=$(expr "$name" : '0*\([0-9]*\)_') || fail "'$name' is not named NNNN_name"
		[ "$number" -eq $((before + 1)) ] || fail "after $before comes '$name'"
		before=$number
		pg=$dir/pg/$name.sql sqlite=$dir/sqlite/$name.sql
		if [ -f "$dir/$name.sql" ]; then
			[ ! -f "$pg" ] && [ ! -f "$sqlite" ] || fail "'$name' is there for both and for one"
			pg=$dir/$name.sql sqlite=$dir/$name.sql
		fi
		[ -f "$pg" ] && [ -f "$sqlite" ] || fail "'$name' is there for one database only"
		printf '{ .number = %d, .name = "%s", .sqlite =\n' "$number" "${name#*_}"
		literal "$sqlite"
		printf ', .pg =\n'
		literal "$pg"
		printf '},\n'
	done
	printf '{ 0 },\n};\n\nconst size_t migrations_embedded_count = %d;\n' "$before"
} >"$out.new"
mv "$out.new" "$out"
{
	printf '%s:' "$out"
	for f in "$dir" "$dir/pg" "$dir/sqlite" "$dir"/*.sql "$dir"/pg/*.sql "$dir"/sqlite/*.sql; do
		[ ! -e "$f" ] || printf ' %s' "$f"
	done
	printf '\n'
} >"$depfile"
