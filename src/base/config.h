/*
 * Configuration: one const table of settings (config_table.c), and the values in force with the origin of each. Files,
 * the environment (ATTUNE__SECTION__KEY) and command-line options are laid over the defaults in that order; a key that
 * is not in the table is an error that names the nearest one. A Config lives in the arena it was loaded into, is written
 * only by config_load and config_set, and may be read by every thread after that.
 */
#pragma once

#include "base/json.h"

typedef enum SettingKind {
	SETTING_STRING,
	SETTING_INT,
	SETTING_BOOL,
	SETTING_SECONDS, /* a number of seconds or "300ms", "5s", "10m", "1h", "2d"; kept as seconds */
	SETTING_LIST,    /* of strings; a comma list in the environment */
	SETTING_MAP,     /* of strings; "a=b,c=d" in the environment */
	SETTING_ENUM,
	SETTING_OBJECT, /* any mapping */
	SETTING_ARRAY,  /* any list */
	SETTING_KINDS
} SettingKind;

enum {
	SETTING_SECRET = 1,  /* shown as stars */
	SETTING_URL = 2,     /* its password is shown as stars */
	SETTING_IGNORED = 4, /* accepted with a warning, no effect */
	SETTING_NULL = 8,    /* null may be given although there is a default */
	SETTING_REST = 16,   /* the key ends in ".*": takes every key of its section that has no row of its own */
};

typedef struct Setting {
	const char *key; /* "worker.max_concurrent_tasks" */
	SettingKind kind;
	const char *def; /* as it would stand in the environment; NULL: none */
	const char *help;
	const char *def_up;       /* `attune up`: the default there, NULL: the same; "{data}" is its data directory */
	int64_t min, max;         /* of the number or the seconds, of a string's length; both 0: any */
	const char *unit;         /* NULL: none */
	const char *const *names; /* of an enum, ends with NULL */
	bool (*check)(Str text);  /* of a string; NULL: any */
	const char *wants;        /* what check wants, for the message */
	unsigned flags;
} Setting;

extern const Setting settings[];
extern const size_t setting_count;
extern const char *const setting_kind_names[SETTING_KINDS];

/* Position in settings of a key or of an older spelling of it, -1: no such key. */
int setting_find(Str key);
/* The key, or the section, that is spelled most like it. */
Str setting_nearest(Arena *a, Str key);
/* The table of docs/configuration.md, made from the settings. */
Str settings_markdown(Arena *a);
/* The one conversion of a given value (a string is read as text of the wanted kind). The message names what is wanted. */
MUST_CHECK bool setting_value(Arena *a, const Setting *s, const Json *given, Json *ret, Err *err);

typedef struct ConfigOption {
	const char *key;
	const char *value;
	const char *origin; /* "option --port" */
} ConfigOption;

typedef struct ConfigSource {
	const char *file;     /* -c FILE; NULL: ATTUNE_CONFIG, else the files of the place */
	char *const *env;     /* as environ; NULL: none */
	const char *data_dir; /* of `attune up`; NULL: a role alone, or a tool of the distributed world */
	const char *dir;      /* where config.yaml is looked for; NULL: the working directory */
	bool needs_store;     /* database.url must be there, and a server when data_dir is NULL */
	bool needs_bus;       /* message_queue.url likewise */
	const ConfigOption *options;
	size_t option_count;
} ConfigSource;

typedef struct Config Config;

MUST_CHECK bool config_load(Arena *a, const ConfigSource *src, Config **ret, Err *err);
/* Lays one more value over the others, given as text; for what is known only after loading. */
MUST_CHECK bool config_set(Config *c, const char *key, Str text, const char *origin, Err *err);

/* Asking for a key that is not in the table, or as another kind than its own, is a defect and aborts. */
Str config_str(const Config *c, const char *key);          /* strings and enums; Str{0} when none */
const char *config_cstr(const Config *c, const char *key); /* the same, NULL when none */
int64_t config_int(const Config *c, const char *key);      /* 0 when null: ask config_has first where that matters */
bool config_bool(const Config *c, const char *key);
TimeUs config_time(const Config *c, const char *key);      /* a setting in seconds, as microseconds */
const Json *config_json(const Config *c, const char *key); /* any kind; of kind JSON_NULL when none */
bool config_has(const Config *c, const char *key);         /* not null */
/* "default", "file config.yaml:12", "environment ATTUNE__SERVER__PORT", "option --port" */
const char *config_origin(const Config *c, const char *key);
size_t config_warnings(const Config *c, const char *const **ret); /* one sentence each, to be logged by the caller */

/* The value as people may see it: secrets and passwords are stars. */
Json config_public(Arena *a, const Config *c, const Setting *s);
/* A URL, or a libpq "key=value" text, with its password starred; for every log line that names one. */
Str url_starred(Arena *a, Str url);
