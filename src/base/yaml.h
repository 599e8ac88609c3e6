/*
 * YAML 1.2 core schema into JSON values, through libyaml's events. One document. Anchors, aliases and merge-free
 * mappings; keys are strings, a key given twice is an error. Bounded in size, depth and alias expansion, so that a
 * "billion laughs" file is refused. Errors are ERR_INVALID and name line and column.
 */
#pragma once

#include "base/json.h"

typedef struct YamlLimits {
	size_t size;    /* bytes of text; 0: 10 MiB */
	unsigned depth; /* 0: 64 */
	size_t nodes;   /* values after alias expansion; 0: 1,000,000 */
} YamlLimits;

/* name is what errors call the text ("packs/core/pack.yaml"); limits may be NULL. An empty text is null. */
MUST_CHECK bool yaml_parse(Arena *a, const char *name, Str text, const YamlLimits *limits, Json *ret, Err *err);
void yaml_print(Buf *b, const Json *v); /* block style, for `-y` and files we write; reads back the same */
/*
 * Where in the text lies what the pointer ("/parameters/x/type") names? Of a member the place of its key. false: it is not there;
 * line and column are then those of the deepest part that is.
 */
bool yaml_locate(Str text, Str json_pointer, unsigned *line, unsigned *column);
