/*
 * What the files of the pack loader share; nobody else includes this.
 */
#pragma once

#include "base/map.h"
#include "packs/pack.h"

typedef struct Load {
	Arena *a;
	const char *dir;
	int dir_fd;
	Pack *pack;
	Vec problems; /* PackProblem */
	Map refs;     /* "action core.echo" -> the file that has it */
	bool fatal;
	/* Of the file that is being read: */
	Str file, text;
	Json root;
} Load;

/* At what the pointer names in the file that is being read. */
void load_fatal(Load *l, const char *pointer, const char *fmt, ...) PRINTF(3, 4);
void load_warn(Load *l, const char *pointer, const char *fmt, ...) PRINTF(3, 4);
/* A YAML file of the pack becomes l->root; false: it could not be read, which is a problem said already. */
bool load_file(Load *l, Str file);
bool load_text(Load *l, Str file, Str text); /* the same of what was read already */
PackProblem *load_problems(const Load *l, size_t *ret_n);
/* Is the file there, in the pack? A problem is said when it leaves the pack. */
typedef enum Presence { FILE_THERE, FILE_MISSING, FILE_REFUSED } Presence;
Presence load_presence(Load *l, const char *pointer, Str file);

typedef enum FieldKind {
	FIELD_TEXT,
	FIELD_BOOL,
	FIELD_COUNT,    /* int64 above 0 */
	FIELD_PRIORITY, /* int64, as far from 0 as PRIORITY_MOST */
	FIELD_OBJECT,   /* Json */
	FIELD_LIST,
	FIELD_TEXTS, /* a list of texts; one text is a list of one */
	FIELD_SCHEMA,
	FIELD_WORD,     /* one of words */
	FIELD_VERSIONS, /* a version constraint */
	FIELD_ANY,
	FIELD_IGNORED, /* known, and of no effect here */
	FIELD_KINDS
} FieldKind;

typedef struct Field {
	const char *key, *also; /* two spellings */
	FieldKind kind;
	bool required;
	size_t at; /* where it goes in the struct */
	const char *const *words;
} Field;

const char *load_kind(const Json *v); /* "a number", "a list" */
/* Puts what l->root says into the struct and checks each value; what is not given stays as it is. */
void fields_read(Load *l, const Field *fields, size_t n, void *def);

/* A folder of the pack and what its files are. */
typedef struct Kind {
	const char *folder, *name;
	const Field *fields;
	size_t field_count, size, ref_at;
	void (*preset)(Load *l, void *def); /* before the fields are read */
	void (*finish)(Load *l, void *def); /* after */
	size_t items_at, count_at;          /* in Pack */
} Kind;

extern const Kind pack_kinds[];
extern const size_t pack_kind_count;

void manifest_read(Load *l);
void testing_read(Load *l, const Json *testing); /* of the manifest */
void workflows_read(Load *l);                    /* after the actions, which name some of them */
