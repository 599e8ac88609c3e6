/*
 * Cuts the text of an expression into tokens, one at a time.
 */
#pragma once

#include "expr/expr.h"

typedef enum TokenKind {
	TOKEN_END,
	TOKEN_INT,
	TOKEN_REAL,
	TOKEN_TEXT,
	TOKEN_NAME,   /* no keyword */
	TOKEN_WORD,   /* a keyword */
	TOKEN_SYMBOL, /* ( == + ... */
} TokenKind;

typedef struct Token {
	TokenKind kind;
	uint32_t at, end;
	Str text;   /* as written; of TOKEN_TEXT what it means */
	uint64_t i; /* of TOKEN_INT; at most 2^63 */
	double d;
} Token;

typedef struct Lexer {
	Arena *a, *scratch;
	Str text;
	uint32_t at;
	Err *err;
} Lexer;

MUST_CHECK bool lexer_next(Lexer *l, Token *ret);
/* What may follow a dot: a name, a keyword, or digits. Str{0}: none of these. */
Str lexer_segment(Lexer *l);
