#!/bin/sh
# Writes the schemas as C strings: embed_schemas.sh DIR OUT DEPFILE. The depfile names the folder too: a new file is noticed.
set -eu
dir=$1 out=$2 depfile=$3

{
	printf '/* Made from api/schemas by embed_schemas.sh. */\n#include "api/openapi.h"\n\nconst char *const api_schemas[] = {\n'
	for f in "$dir"/*.json; do
		sed -e 's/\\/\\\\/g' -e 's/"/\\"/g' -e 's/^/\t"/' -e 's/$/\\n"/' "$f"
		printf '\t,\n'
	done
	printf '\tNULL,\n};\n'
} >"$out.new"
mv "$out.new" "$out"
{
	printf '%s: %s' "$out" "$dir"
	for f in "$dir"/*.json; do printf ' %s' "$f"; done
	printf '\n'
} >"$depfile"
