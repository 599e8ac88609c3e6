#!/bin/sh
# Writes a file as an array of bytes in C: embed_bytes.sh NAME HEADER FILE OUT
set -eu
{
	printf '/* Made from %s by embed_bytes.sh. */\n#include "%s"\n\nconst unsigned char %s[] = {\n' "$(basename "$3")" "$2" "$1"
	od -An -v -tx1 "$3" | sed 's/ \([0-9a-f][0-9a-f]\)/0x\1,/g'
	printf '};\nconst size_t %s_size = sizeof(%s);\n' "$1" "$1"
} >"$4.new"
mv "$4.new" "$4"
