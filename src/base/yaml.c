#include "base/yaml.h"

bool
yaml_parse(Arena *a, const char *name, Str text, const YamlLimits *limits, Json *ret, Err *err)
{
	(void)a;
	(void)text;
	(void)limits;
	(void)ret;
	return err_set(err, ERR_UNSUPPORTED, "%s: not yet", name);
}

void
yaml_print(Buf *b, const Json *v)
{
	json_print(b, v);
}
