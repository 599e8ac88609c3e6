/*
 * What help, docs/cli.md and completion say beside the tables of commands.
 */
#pragma once

#include "cli/cli.h"

/* Words of the program that are no commands of this room. */
typedef struct ServerWord {
	const char *words, *help;
} ServerWord;

const ServerWord *help_server_words(size_t *ret_count);

void cli_help(Buf *b, const Command *one); /* NULL: all commands */
void cli_help_family(Buf *b, Str word);    /* "rule": its commands */
const char *cli_nearest(Str words);
/* The option of this command nearest to the word, or NULL. */
const char *cli_nearest_opt(const Command *cmd, Str name);
