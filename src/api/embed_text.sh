#!/bin/sh
# Writes a text file as a C string: embed_text.sh NAME FILE OUT
set -eu
{
	printf '/* Made from %s by embed_text.sh. */\n#include "api/openapi.h"\n\nconst char %s[] =\n' "$(basename "$2")" "$1"
	sed -e 's/\\/\\\\/g' -e 's/"/\\"/g' -e 's/^/\t"/' -e 's/$/\\n"/' "$2"
	printf ';\n'
} >"$3.new"
mv "$3.new" "$3"
