/*
 * Which rules does this event meet? An index by trigger and by equality conditions, so that an event costs about the rules that
 * match, not the rules that exist; conditions and parameter templates are compiled once. Pure and changeable in place; not
 * thread-safe (its owner holds a lock).
 */
#pragma once

#include "model/defs.h"

typedef struct Tmpl Tmpl;

typedef struct RuleIndex RuleIndex;
typedef struct RuleExtras RuleExtras;

typedef struct EventView {
	Id id, trigger, rule; /* rule: only that one may match; 0: every rule of the trigger */
	Str trigger_ref;
	const Json *payload; /* NULL: none */
	TimeUs created;
} EventView;

RuleIndex *rule_index_open(void);
void rule_index_close(RuleIndex *x);
/* Copies the definition in, replacing the one of the same id. pack: of the rule, for its configuration; may be NULL. A condition that
 * does not compile makes the rule match nothing; ret_problem (may be NULL) says why. */
void rule_index_put(RuleIndex *x, const RuleDef *rule, const PackDef *pack, Str *ret_problem);
void rule_index_drop(RuleIndex *x, Id rule);
size_t rule_index_count(const RuleIndex *x);
size_t rule_index_held(const RuleIndex *x); /* bytes */
/* Walks all rules in no order: start with *at = 0; NULL at the end. */
const RuleDef *rule_index_next(const RuleIndex *x, size_t *at);
const RuleDef *rule_index_get(const RuleIndex *x, Id rule);
/* Enabled rules that the event meets, in order of id; the array lies in the arena. */
const RuleDef **rule_index_match(const RuleIndex *x, Arena *a, const EventView *e, size_t *ret_n);
/* What else parameters may look at. */
typedef struct RuleGiven {
	const Json *events;   /* of a rule on several triggers, by name; NULL else */
	const Json *keystore; /* what rule_keys asks for, by name; NULL: none */
	bool secrets;         /* of the pack's configuration are there too; else they are null */
} RuleGiven;

/* The rule's action parameters for this event; always an object. */
Json rule_render(
    const RuleIndex *x, Arena *a, const RuleDef *rule, const EventView *e, const RuleGiven *given, TimeUs now);
/* Do its parameters look at a configuration with secrets in it? */
bool rule_sees_secrets(const RuleIndex *x, const RuleDef *rule);
/* The keys that its parameters name; most name none. */
const Str *rule_keys(const RuleIndex *x, const RuleDef *rule, size_t *ret_n);
/* What a rule says beyond conditions; NULL when it says nothing. */
const RuleExtras *rule_extras(const RuleIndex *x, const RuleDef *rule);
/* One of the texts of its extras, for this event: which of its windows the event belongs to. */
Str rule_key(const RuleIndex *x, Arena *a, const RuleDef *rule, const Tmpl *key, const EventView *e, TimeUs now);
