#include "packs/load.h"

#include "model/refs.h"
#include "model/version.h"

#define AT(member) offsetof(PackDef, member)

static const char *const retentions[] = { "versions", "days", "hours", "minutes", NULL };

static const Field fields[] = {
	{ "ref", NULL, FIELD_TEXT, .required = true, .at = AT(ref) },
	{ "version", NULL, FIELD_TEXT, .required = true, .at = AT(version) },
	{ "label", "name", FIELD_TEXT, .at = AT(label) }, { "description", NULL, FIELD_TEXT, .at = AT(description) },
	{ "conf_schema", "config_schema", FIELD_SCHEMA, .at = AT(conf_schema) },
	{ "config", NULL, FIELD_OBJECT, .at = AT(config) }, { "meta", "metadata", FIELD_OBJECT, .at = AT(meta) },
	{ "tags", "keywords", FIELD_TEXTS, .at = AT(tags) },
	{ "runtime_deps", NULL, FIELD_TEXTS, .at = AT(runtime_deps) },
	{ "dependencies", NULL, FIELD_TEXTS, .at = AT(dependencies) },
	{ "log_retention_policy", NULL, FIELD_WORD, .at = AT(log_retention_policy), .words = retentions },
	{ "log_retention_limit", NULL, FIELD_COUNT, .at = AT(log_retention_limit) },
	{ "artifact_retention_policy", NULL, FIELD_WORD, .at = AT(artifact_retention_policy), .words = retentions },
	{ "artifact_retention_limit", NULL, FIELD_COUNT, .at = AT(artifact_retention_limit) },
	{ "system", NULL, FIELD_BOOL, .at = AT(is_standard) }, { "enabled", NULL, FIELD_IGNORED },
	{ "python", NULL, FIELD_IGNORED }, { "nodejs", NULL, FIELD_IGNORED }, { "author", NULL, FIELD_IGNORED },
	{ "email", NULL, FIELD_IGNORED }, { "license", NULL, FIELD_IGNORED }, { "homepage", NULL, FIELD_IGNORED },
	{ "repository", NULL, FIELD_IGNORED }, { "testing", NULL, FIELD_IGNORED }, /* testing.c */
};

void
manifest_read(Load *l)
{
	PackDef *d = &l->pack->def;

	d->conf_schema = d->config = d->meta = json_object();
	d->tags = d->runtime_deps = d->dependencies = json_array();
	fields_read(l, fields, countof(fields), d);
	testing_read(l, json_get(&l->root, "testing"));
	if (!str_none(d->ref) && !ref_is_pack(d->ref))
		load_fatal(l, "/ref", "'%.*s' is no pack ref: a lower case letter, then letters, digits, - and _",
		    STR_ARG(d->ref));
	if (!str_none(d->version) && !version_is_semver(d->version))
		load_fatal(l, "/version", "'%.*s' is no version like 1.0.0", STR_ARG(d->version));
	if (str_none(d->label))
		d->label = d->ref;
}
