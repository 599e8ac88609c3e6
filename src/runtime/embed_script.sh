#!/bin/sh
# Writes a script as a C string, without the lines that are comments alone: embed_script.sh NAME FILE OUT
set -eu
{
	printf '/* Made from %s by embed_script.sh. */\n#include "runtime/scripts.h"\n\nconst char %s[] =\n' "$(basename "$2")" "$1"
	sed -e '/^#/d' -e 's/\\/\\\\/g' -e 's/"/\\"/g' -e 's/^/\t"/' -e 's/$/\\n"/' "$2"
	printf ';\n'
} >"$3.new"
mv "$3.new" "$3"
