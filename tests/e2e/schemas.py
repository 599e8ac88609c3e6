"""As much of JSON Schema as the schemas of the API use; anything else in a schema is an error, so that nothing goes unchecked."""

import re

RFC3339 = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.(\d{3}|\d{6}))?Z")
UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
FORMATS = {"date-time": RFC3339, "uuid": UUID}
TYPES = {"object": dict, "array": list, "string": str, "integer": int, "number": (int, float), "boolean": bool,
         "null": type(None)}
SILENT = {"default", "format", "minLength", "maxLength", "maximum", "title", "description", "const"}


def is_type(value, name):
    if isinstance(value, bool) and name != "boolean":
        return False
    return isinstance(value, TYPES[name])


def problems(document, schema, value, at="$"):
    """Everything in value that breaks the schema, as one sentence each."""
    while "$ref" in schema:
        name = schema["$ref"].rsplit("/", 1)[1]
        schema = document["components"]["schemas"][name]
    found = []
    for word, wanted in schema.items():
        if word in CHECKS:
            found += CHECKS[word](document, schema, wanted, value, at)
        elif word not in SILENT:
            found.append(f"{at}: the schema says '{word}', which this check does not know")
    if schema.get("format") in FORMATS and isinstance(value, str) and not FORMATS[schema["format"]].fullmatch(value):
        found.append(f"{at}: {value!r} is no {schema['format']}")
    if "const" in schema and value != schema["const"]:
        found.append(f"{at}: {value!r} is not {schema['const']!r}")
    return found


def check_type(_document, _schema, wanted, value, at):
    names = wanted if isinstance(wanted, list) else [wanted]
    return [] if any(is_type(value, name) for name in names) else [f"{at}: {value!r} is not {' or '.join(names)}"]


def check_required(_document, _schema, wanted, value, at):
    return [f"{at}: '{key}' is missing" for key in wanted if isinstance(value, dict) and key not in value]


def check_properties(document, _schema, wanted, value, at):
    if not isinstance(value, dict):
        return []
    return [p for key, s in wanted.items() if key in value for p in problems(document, s, value[key], f"{at}.{key}")]


def check_others(document, schema, wanted, value, at):
    if not isinstance(value, dict) or wanted is True:
        return []
    others = [key for key in value if key not in schema.get("properties", {})]
    if wanted is False:
        return [f"{at}: '{key}' is not known" for key in others]
    return [p for key in others for p in problems(document, wanted, value[key], f"{at}.{key}")]


def check_items(document, _schema, wanted, value, at):
    if not isinstance(value, list):
        return []
    return [p for i, item in enumerate(value) for p in problems(document, wanted, item, f"{at}[{i}]")]


def check_one(document, _schema, wanted, value, at):
    fits = [not problems(document, s, value, at) for s in wanted].count(True)
    return [] if fits else [f"{at}: {value!r} fits none of {len(wanted)} schemas"]


def check_all(document, _schema, wanted, value, at):
    return [p for s in wanted for p in problems(document, s, value, at)]


CHECKS = {
    "type": check_type,
    "required": check_required,
    "properties": check_properties,
    "additionalProperties": check_others,
    "items": check_items,
    "oneOf": check_one,
    "anyOf": check_one,
    "allOf": check_all,
    "enum": lambda _d, _s, wanted, value, at: [] if value in wanted else [f"{at}: {value!r} is none of {wanted}"],
    "minimum": lambda _d, _s, wanted, value, at: [f"{at}: {value} < {wanted}"]
    if is_type(value, "number") and value < wanted else [],
}


def undescribed(document, schema, value, at="$"):
    """Keys of objects in value that the schema does not name, as one sentence each."""
    while "$ref" in schema:
        schema = document["components"]["schemas"][schema["$ref"].rsplit("/", 1)[1]]
    if isinstance(value, list):
        return [p for i, item in enumerate(value[:3]) for p in undescribed(document, schema.get("items", {}), item, f"{at}[{i}]")]
    if not isinstance(value, dict):
        return []
    for word in ("oneOf", "anyOf"):
        for one in schema.get(word, []):
            if not problems(document, one, value):
                return undescribed(document, one, value, at)
    known = dict(schema.get("properties", {}))
    if not known or "additionalProperties" in schema or "allOf" in schema:
        return []
    found = [f"{at}: '{key}' is not described" for key in value if key not in known]
    return found + [p for key, s in known.items() if key in value for p in undescribed(document, s, value[key], f"{at}.{key}")]
