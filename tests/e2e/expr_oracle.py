"""A second opinion on the expression language: random expressions as trees, their text with as few parentheses as the grammar allows,
and what they are worth, worked out the plain way."""

import decimal
import functools
import hashlib
import json
import math
import random
import re
import base64


class Bad(Exception):
    """An error of the expression."""


class Missing(Bad):
    """One that default() and coalesce() take for an answer."""


class Skip(Exception):
    """Nothing to compare: the text of such a number is a matter of taste."""


VARS = {
    "o": {"a": {"b": "x", "c": [1, 2, {"d": None}]}, "n": 5, "s": "h\u00e9llo w\u00f6rld", "z": None, "t": True, "and": 3, "": 1},
    "w": [3, 1, 2, 2],
    "r": [1.5, -2, 0.0, 7],
    "ws": ["b", "a", "c", "\u00e9"],
    "mix": [1, "1", None, [1], {"k": 1}, True, 1.0],
    "recs": [{"k": 1, "v": {"x": "p"}}, {"k": 2}, {"k": 1.0, "v": {"x": "q"}}],
    "s": "a,b,,c",
    "i": 42,
    "big": 9223372036854775807,
    "f": 2.5,
    "nil": None,
    "no": False,
}


def isnum(v):
    return isinstance(v, (int, float)) and not isinstance(v, bool)


def isint(v):
    return isinstance(v, int) and not isinstance(v, bool)


def kind(v):
    if v is None:
        return "null"
    if isinstance(v, bool):
        return "bool"
    return "number" if isnum(v) else {str: "string", list: "array", dict: "object"}[type(v)]


def need(ok):
    if not ok:
        raise Bad()


def eq(x, y):
    if kind(x) != kind(y):
        return False
    if isinstance(x, list):
        return len(x) == len(y) and all(map(eq, x, y))
    if isinstance(x, dict):
        return x.keys() == y.keys() and all(eq(x[k], y[k]) for k in x)
    return x == y


def order(x, y):
    need(kind(x) == kind(y) and kind(x) in ("number", "string", "array"))
    if isinstance(x, list):
        for l, r in zip(x, y):
            c = order(l, r)
            if c:
                return c
        x, y = len(x), len(y)
    elif isinstance(x, str):
        x, y = x.encode(), y.encode()
    return (x > y) - (x < y)


def number(v):
    if isint(v):
        need(-2**63 <= v < 2**63)
    else:
        need(math.isfinite(v))
    return v


def arith(op):
    def run(x, y):
        if op == "+" and kind(x) == kind(y) and kind(x) in ("string", "array"):
            return x + y
        need(isnum(x) and isnum(y))
        both = isint(x) and isint(y)
        if op in "/%":
            need(y != 0)
            if op == "/":
                return number(x // y if both and x % y == 0 else float(x) / float(y))
            return number((abs(x) % abs(y)) * (1 if x >= 0 else -1) if both else math.fmod(float(x), float(y)))
        if not both:
            x, y = float(x), float(y)
        return number({"+": lambda: x + y, "-": lambda: x - y, "*": lambda: x * y}[op]())

    return run


def inside(x, y):
    if isinstance(y, list):
        return any(eq(x, v) for v in y)
    need(isinstance(x, str) and isinstance(y, (str, dict)))
    return x in y


BINARY = {
    **{op: arith(op) for op in "+-*/%"},
    "==": eq,
    "!=": lambda x, y: not eq(x, y),
    "<": lambda x, y: order(x, y) < 0,
    ">": lambda x, y: order(x, y) > 0,
    "<=": lambda x, y: order(x, y) <= 0,
    ">=": lambda x, y: order(x, y) >= 0,
    "in": inside,
    "not in": lambda x, y: not inside(x, y),
}


def text(v):
    if isinstance(v, str):
        return v
    if "e" in "".join(repr(f) for f in floats(v)):
        raise Skip()
    return json.dumps(v, ensure_ascii=False, separators=(",", ":"))


def floats(v):
    if isinstance(v, float):
        return [v]
    items = v if isinstance(v, list) else v.values() if isinstance(v, dict) else []
    return [f for item in items for f in floats(item)]


def want(v, *kinds):
    need(kind(v) in kinds)
    return v


def to_number(v):
    if isnum(v):
        return v
    if isinstance(v, bool):
        return float(v)
    try:
        return float(want(v, "string"))
    except ValueError:
        raise Bad() from None


def to_int(v):
    if isinstance(v, str) and v.strip().lstrip("+-").isdigit():
        return number(int(v))
    v = to_number(v)
    return number(math.trunc(v))


def rounding(how):
    return lambda v: number(int(decimal.Decimal(want(v, "number")).quantize(decimal.Decimal(1), how, decimal.Context(prec=400))))


def add_up(items):
    return functools.reduce(arith("+"), [want(v, "number") for v in want(items, "array")], 0)


def pick(c):
    def run(x, y):
        want(x, "number", "string")
        return y if order(x, y) == c else x

    return run


def sort(items):
    want(items, "array")
    kinds = {kind(v) for v in items}
    need(not kinds or kinds in ({"number"}, {"string"}))
    return sorted(items, key=functools.cmp_to_key(order))


def unique(items):
    out = []
    for v in want(items, "array"):
        if not any(eq(v, w) for w in out):
            out.append(v)
    return out


def split(s, sep):
    want(s, "string"), want(sep, "string")
    return s.split(sep) if sep else list(s)


def piece(v, *at):
    want(v, "string", "array")
    for i in at:
        need(isint(i) and i >= 0)
    return v[at[0] : at[1] if len(at) > 1 else None]


def count_of(v, needle):
    if isinstance(v, str) and isinstance(needle, str):
        return v.count(needle)
    return sum(eq(needle, w) for w in want(v, "array"))


def index_of(v, needle):
    if isinstance(v, str):
        return v.find(want(needle, "string"))
    return next((i for i, w in enumerate(want(v, "array")) if eq(needle, w)), -1)


def walk(v, path):
    for part in path.split("."):
        if isinstance(v, list):
            v = v[int(part)] if part.isdigit() and int(part) < len(v) else None
        else:
            v = v.get(part) if isinstance(v, dict) else None
    return v


def each(items, path):
    want(path, "string")
    return [walk(v, path) for v in want(items, "array")]


def keep(items, path, *value):
    return [v for v, got in zip(want(items, "array"), each(items, path)) if (eq(got, value[0]) if value else truthy(got))]


def chunks(items, n):
    want(items, "array")
    need(isint(n) and n >= 1)
    return [items[i : i + n] for i in range(0, len(items), n)]


def span(*at):
    need(all(map(isint, at)))
    need(max(at) - (min(at) if len(at) > 1 else 0) < 100000)
    return list(range(*at))


def decode(s):
    try:
        return base64.b64decode(want(s, "string"), validate=True).decode()
    except ValueError:
        raise Bad() from None


def from_json(s):
    try:
        return json.loads(want(s, "string"))
    except ValueError:
        raise Bad() from None


def found(pattern, s, group=0):
    m = re.search(want(pattern, "string"), want(s, "string"))
    need(isint(group))
    return None if m is None or not 0 <= group <= m.re.groups else m.group(group)


# name: what it does, and the kinds of its arguments, for the generator.
FUNCTIONS = {
    "string": (text, "any"),
    "number": (to_number, "any"),
    "int": (to_int, "any"),
    "bool": (lambda v: truthy(v), "any"),
    "type_of": (kind, "any"),
    "length": (lambda v: len(want(v, "string", "array", "object")), "any"),
    "keys": (lambda v: list(want(v, "object")), "object"),
    "values": (lambda v: list(want(v, "object").values()), "object"),
    "abs": (lambda v: number(abs(want(v, "number"))), "number"),
    "floor": (rounding(decimal.ROUND_FLOOR), "number"),
    "ceil": (rounding(decimal.ROUND_CEILING), "number"),
    "round": (rounding(decimal.ROUND_HALF_UP), "number"),
    "min": (pick(1), "number number"),
    "max": (pick(-1), "number number"),
    "sum": (add_up, "numbers"),
    "avg": (lambda v: arith("/")(add_up(v), len(v)) if want(v, "array") else None, "numbers"),
    "lower": (lambda v: want(v, "string").lower(), "string"),
    "upper": (lambda v: want(v, "string").upper(), "string"),
    "trim": (lambda v: want(v, "string").strip(" \t\r\n"), "string"),
    "split": (split, "string string"),
    "join": (lambda v, sep: want(sep, "string").join(map(text, want(v, "array"))), "array string"),
    "replace": (lambda s, x, y: want(s, "string").replace(want(x, "string"), want(y, "string")), "string string string"),
    "match": (lambda p, s: re.search(want(p, "string"), want(s, "string")) is not None, "pattern string"),
    "regex_find": (found, "pattern string group"),
    "regex_replace": (lambda p, s, by: re.sub(want(p, "string"), want(by, "string"), want(s, "string")), "pattern string plain"),
    "starts_with": (lambda s, p: want(s, "string").startswith(want(p, "string")), "string string"),
    "ends_with": (lambda s, p: want(s, "string").endswith(want(p, "string")), "string string"),
    "contains": (lambda v, n: inside(n, v), "array any"),
    "reversed": (lambda v: want(v, "string", "array")[::-1], "array"),
    "sort": (sort, "numbers"),
    "unique": (unique, "array"),
    "flat": (lambda v: [w for i in want(v, "array") for w in (i if isinstance(i, list) else [i])], "array"),
    "zip": (lambda x, y: [list(p) for p in zip(want(x, "array"), want(y, "array"))], "array array"),
    "range": (span, "int int"),
    "slice": (piece, "array int int"),
    "index_of": (index_of, "array any"),
    "count": (count_of, "array any"),
    "merge": (lambda x, y: {**want(x, "object"), **want(y, "object")}, "object object"),
    "chunks": (chunks, "array int"),
    "first": (lambda v: v[0] if want(v, "array") else None, "array"),
    "last": (lambda v: v[-1] if want(v, "array") else None, "array"),
    "map": (each, "records path"),
    "filter": (keep, "records path any"),
    "to_json": (lambda v: json.dumps(v, ensure_ascii=False, separators=(",", ":")) if not text(v) is None else "", "any"),
    "from_json": (from_json, "string"),
    "base64_encode": (lambda v: base64.b64encode(want(v, "string").encode()).decode(), "string"),
    "base64_decode": (decode, "string"),
    "sha256": (lambda v: hashlib.sha256(want(v, "string").encode()).hexdigest(), "string"),
}


def truthy(v):
    return bool(v)


def step(v, key):
    if isinstance(v, (list, str)) and isint(key):
        if not -len(v) <= key < len(v):
            raise Missing()
        return v[key]
    if isinstance(v, dict):
        need(isinstance(key, str))
        if key not in v:
            raise Missing()
        return v[key]
    if not isinstance(v, (list, str)) or isinstance(key, str):
        raise Missing()
    raise Bad()


def attempt(x):
    try:
        return value(x)
    except Missing:
        return None


def call(name, args):
    if name in ("default", "coalesce"):
        for x in args[:-1] if name == "default" else args:
            v = attempt(x)
            if v is not None:
                return v
        return value(args[-1]) if name == "default" else None
    args = [value(x) for x in args]
    return FUNCTIONS[name][0](*args)


def value(x):
    what, *parts = x
    if what == "const":
        return parts[0]
    if what == "name":
        if parts[0] not in VARS:
            raise Missing()
        return VARS[parts[0]]
    if what in ("dot", "index", "at"):
        v = value(parts[0])
        return step(v, parts[1] if what == "dot" else value(parts[1]))
    if what == "list":
        return [value(v) for v in parts[0]]
    if what == "not":
        return not truthy(value(parts[0]))
    if what == "minus":
        v = value(parts[0])
        return number(-want(v, "number"))
    if what in ("and", "or"):
        return truthy(value(parts[0])) and truthy(value(parts[1])) if what == "and" else truthy(value(parts[0])) or truthy(value(parts[1]))
    if what == "if":
        return value(parts[1]) if truthy(value(parts[0])) else value(parts[2])
    if what == "call":
        return call(*parts)
    if what == "null?":
        return (value(parts[0]) is None) == parts[1]
    x, y = value(parts[0]), value(parts[1])
    return BINARY[what](x, y)


LEVEL = {"if": 0, "or": 1, "and": 2, "not": 3, "+": 5, "-": 5, "*": 6, "/": 6, "%": 6, "minus": 7}


def level(x):
    if x[0] == "const" and isnum(x[1]) and x[1] < 0:
        return 7
    if x[0] in ("const", "name", "dot", "index", "list", "call"):
        return 8
    return LEVEL.get(x[0], 4)


def written(x, least=0, rng=random):
    s = bare(x, rng)
    return f"({s})" if level(x) < least or rng.random() < 0.03 else s


def literal(v, rng):
    if isinstance(v, str):
        q = rng.choice("'\"")
        v = v.replace("\\", "\\\\").replace("\n", "\\n").replace("\t", "\\t").replace(q, "\\" + q)
        return q + v + q
    return repr(v) if isnum(v) else json.dumps(v)


def bare(x, rng):
    what, *parts = x
    w = lambda y, least=0: written(y, least, rng)  # noqa: E731
    if what == "const":
        return literal(parts[0], rng)
    if what == "name":
        return parts[0]
    if what == "dot":
        return w(parts[0], 8) + "." + parts[1]
    if what == "index":
        return w(parts[0], 8) + "[" + w(parts[1]) + "]"
    if what == "list":
        return "[" + ", ".join(map(w, parts[0])) + rng.choice(["", ","] if parts[0] else [""]) + "]"
    if what == "not":
        return "not " + w(parts[0], 3)
    if what == "minus":
        return "-" + w(parts[0], 7)
    if what in ("and", "or"):
        n = LEVEL[what]
        return w(parts[0], n) + f" {what} " + w(parts[1], n + 1)
    if what == "if":
        return w(parts[1], 1) + " if " + w(parts[0], 1) + " else " + w(parts[2])
    if what == "call":
        return parts[0] + "(" + ", ".join(map(w, parts[1])) + ")"
    if what == "null?":
        return w(parts[0], 4) + (" is null" if parts[1] else " is not null")
    n = level(x)
    return w(parts[0], n) + rng.choice([" %s ", " %s  ", "\n%s\t"]) % what + w(parts[1], n + 1)


class Maker:
    """Makes an expression that mostly is of the kind asked for."""

    def __init__(self, rng):
        self.rng = rng

    def const(self, want):
        r = self.rng
        made = {
            "int": lambda: r.choice([0, 1, 2, 3, 7, 10, -1, -4, 2**53, 2**63 - 1, -(2**63)] + [r.randrange(100)] * 6),
            "string": lambda: r.choice(["", "a", "b", ",", "h\u00e9", "it's", 'q"q', "back\\slash", "line\nend\t", "12", "3.5", " x ", "[1]", "x", "{{", "\u20ac\U0001f600"]),
            "bool": lambda: r.random() < 0.5,
            "pattern": lambda: r.choice(["", "a", "[a-c]+", "^x", "b$", "a|b|,", "(a)(b)?", "x*", "(l+)o", "\u00e9"]),
            "plain": lambda: r.choice(["", "-", "#h\u00e9"]),
            "group": lambda: r.randrange(-1, 4),
            "path": lambda: r.choice(["k", "v.x", "v", "0", "none", "c.2"]),
        }
        if want == "number":
            return r.choice([0.5, 1.0, 2.25, -3.75, 0.1, 1e6]) if r.random() < 0.4 else made["int"]()
        return made[want]() if want in made else r.choice([None, self.const(r.choice(["int", "number", "string", "bool"]))])

    def name(self, want):
        known = {
            "int": "i w[0] o.n w[-1] o.and big",
            "number": "i f o.n r[0]",
            "string": "s o.s o.a.b ws[3] recs[0].v.x",
            "bool": "no o.t mix[5]",
            "array": "w r ws mix recs o.a.c",
            "numbers": "w r",
            "records": "recs mix",
            "object": "o o.a recs[1] recs.0",
            "any": "nil o.z o.none nope.x w[9] mix[3] mix.4 o.a.c[2].d",
        }
        return parse_name(self.rng.choice(known.get(want, known["any"]).split()))

    def make(self, want, depth):
        r = self.rng
        if r.random() < 0.04:
            want = r.choice(["int", "number", "string", "bool", "array", "object", "any"])
        if want in ("path", "pattern", "plain", "group"):
            return ("const", self.const(want))
        if want == "any" and r.random() < 0.8:
            want = r.choice(["int", "number", "string", "bool", "array", "object"])
        if depth <= 0 or r.random() < 0.15:
            return self.name(want) if want in ("array", "object", "numbers", "records", "any") or r.random() < 0.5 else ("const", self.const(want))
        return getattr(self, "make_" + want, self.make_any)(depth - 1)

    def make_any(self, d):
        r = self.rng
        return r.choice(
            [
                lambda: ("if", self.make("bool", d), self.make("any", d), self.make("any", d)),
                lambda: ("call", "default", [self.make("any", d), self.make("any", d)]),
                lambda: ("call", "coalesce", [self.make("any", d) for _ in range(r.randrange(1, 4))]),
                lambda: ("index", self.make("array", d), self.make("int", 0)),
                lambda: ("index", self.make("object", d), self.make("string", 0)),
                lambda: self.made_call(r.choice(list(FUNCTIONS)), d),
            ]
        )()

    def made_call(self, name, d):
        kinds = FUNCTIONS[name][1].split()
        if name in ("range", "slice", "filter", "regex_find") and self.rng.random() < 0.4:
            kinds.pop()
        if name == "range":
            return ("call", name, [("const", self.rng.randrange(-3, 12)) for _ in kinds])
        return ("call", name, [self.make(k, d) for k in kinds])

    def one_of(self, names, d):
        return self.made_call(self.rng.choice(names.split()), d)

    def make_int(self, d):
        r = self.rng
        return r.choice(
            [
                lambda: (r.choice("+-*/%"), self.make("int", d), self.make("int", d)),
                lambda: ("minus", self.make("int", d)),
                lambda: self.one_of("int length abs floor ceil round index_of count min max sum", d),
                lambda: ("if", self.make("bool", d), self.make("int", d), self.make("int", d)),
            ]
        )()

    def make_number(self, d):
        r = self.rng
        return r.choice(
            [
                lambda: (r.choice("+-*/%"), self.make("number", d), self.make("number", d)),
                lambda: ("minus", self.make("number", d)),
                lambda: self.one_of("number abs min max sum avg", d),
                lambda: self.make_int(d),
            ]
        )()

    def make_string(self, d):
        r = self.rng
        return r.choice(
            [
                lambda: ("+", self.make("string", d), self.make("string", d)),
                lambda: self.one_of("string type_of lower upper trim join replace to_json base64_encode sha256 regex_find regex_replace", d),
                lambda: ("call", "base64_decode", [("call", "base64_encode", [self.make("string", d)])]),
                lambda: ("call", "slice", [self.make("string", d), self.make("int", 0)]),
                lambda: ("call", "reversed", [self.make("string", d)]),
                lambda: ("if", self.make("bool", d), self.make("string", d), self.make("string", d)),
            ]
        )()

    def make_bool(self, d):
        r = self.rng
        k = r.choice(["int", "number", "string", "array", "any"])
        return r.choice(
            [
                lambda: (r.choice(["and", "or"]), self.make("any", d), self.make("bool", d)),
                lambda: ("not", self.make("any", d)),
                lambda: (r.choice(["==", "!=", "<", ">", "<=", ">="]), self.make(k, d), self.make(k, d)),
                lambda: (r.choice(["in", "not in"]), self.make("any", d), self.make("array", d)),
                lambda: (r.choice(["in", "not in"]), self.make("string", d), self.make(r.choice(["string", "object"]), d)),
                lambda: ("null?", self.make("any", d), r.random() < 0.5),
                lambda: self.one_of("bool starts_with ends_with contains match", d),
            ]
        )()

    def make_array(self, d):
        r = self.rng
        return r.choice(
            [
                lambda: ("list", [self.make("any", d) for _ in range(r.randrange(4))]),
                lambda: ("+", self.make("array", d), self.make("array", d)),
                lambda: self.one_of("keys values split reversed sort unique flat zip range slice chunks map filter", d),
                lambda: ("call", "from_json", [("call", "to_json", [self.make("array", d)])]),
            ]
        )()

    def make_numbers(self, d):
        return ("list", [self.make("number", d) for _ in range(self.rng.randrange(4))])

    def make_records(self, d):
        return ("+", self.make("records", d), self.make("array", d))

    def make_object(self, d):
        return self.one_of("merge", d) if self.rng.random() < 0.6 else ("index", self.make("records", d), ("const", 0))


def parse_name(s):
    """o.a[2].b as a tree."""
    s = s.replace("[", ".[").replace("]", "")
    first, *rest = s.split(".")
    x = ("name", first)
    for part in rest:
        if part.startswith("["):
            x = ("index", x, ("const", int(part[1:])))
        elif part.isdigit():
            x = ("index", x, ("const", int(part)))
        else:
            x = ("dot", x, part)
    return x
