/*
 * jansson as the second opinion on JSON. It has functions of the same names as ours, so it is loaded at run time, behind
 * this face, and never linked.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

bool oracle_open(void);                         /* false: the library is not there */
void *oracle_parse(const char *text, size_t n); /* NULL: refused */
char *oracle_print(const void *value);          /* compact; to be freed */
bool oracle_equal(const void *a, const void *b);
void oracle_free(void *value);
