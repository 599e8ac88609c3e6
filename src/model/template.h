/*
 * Rule parameters: values whose strings may hold {{ expression }}, compiled once, over the roots event, events,
 * pack.config, system and keystore.
 * A string that is exactly one block yields the value itself with its type, anything else becomes text; what is missing or cannot
 * be worked out is null, in text nothing. Never an error.
 */
#pragma once

#include "expr/tmpl.h"
#include "model/rules.h"

typedef Tmpl Template;

typedef struct TemplateRoots {
	const EventView *event;
	const RuleDef *rule;
	const Json *pack_config; /* may be NULL */
	const Json *events;      /* of a rule on several triggers, by name; may be NULL */
	const Json *keystore;    /* the keys that are asked for, by name; NULL: none */
	TimeUs now;
} TemplateRoots;

/* value must live as long as the template. *ret_pack_config: does it look at pack.config at all? */
const Template *template_compile(Arena *a, const Json *value, bool *ret_pack_config);
/* Constant parts are copied into the arena; values of the event are shared with it. */
Json template_render(Arena *a, const Template *t, const TemplateRoots *roots);
