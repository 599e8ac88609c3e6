"""Thousands of random expressions mean the same to the engine and to a plain evaluator in Python."""

import json
import os
import random
import subprocess

import expr_oracle as oracle
import pytest
from harness import BINARY

PROGRAM = os.path.join(os.path.dirname(BINARY), "tests", "unit", "expr", "expr_eval_cli")
EXPRESSIONS = int(os.environ.get("EXPR_ORACLE", 6000))
SEEDS = (1, 2, 3)


def same(got, want):
    """Like ==, but 1 is not 1.0, nor True 1; and the order of members counts."""
    if type(got) is not type(want):
        return False
    if isinstance(want, list):
        return len(got) == len(want) and all(map(same, got, want))
    if isinstance(want, dict):
        return list(got) == list(want) and all(same(got[k], want[k]) for k in want)
    return got == want


def expected(tree):
    try:
        return {"ok": oracle.value(tree)}
    except oracle.Bad:
        return {"error": None}


def expressions(seed):
    rng = random.Random(seed)
    maker = oracle.Maker(rng)
    made = []
    while len(made) < EXPRESSIONS:
        tree = maker.make("any", rng.randrange(1, 6))
        text = oracle.written(tree, 0, rng)
        if len(text) > 4000:
            continue
        try:
            made.append((text, expected(tree)))
        except (oracle.Skip, RecursionError):
            continue
    return made


def evaluate(texts, *args):
    asks = "".join(json.dumps({"expr": t, "vars": oracle.VARS}) + "\n" for t in texts)
    done = subprocess.run([PROGRAM, *args], input=asks, capture_output=True, text=True, check=True)
    return [json.loads(line) for line in done.stdout.splitlines()]


@pytest.mark.parametrize("seed", SEEDS)
def test_random_expressions_are_worth_what_a_plain_evaluator_says(seed):
    cases = expressions(seed)
    answers = evaluate([text for text, _ in cases])
    assert len(answers) == len(cases)
    wrong = [
        (text, got, want)
        for (text, want), got in zip(cases, answers)
        if ("error" in want) != ("error" in got) or ("ok" in want and not same(got["ok"], want["ok"]))
    ]
    assert not wrong, "\n".join(map(repr, wrong[:5])) + f"\n{len(wrong)} of {len(cases)}"
    good = sum("ok" in want for _, want in cases)
    assert good > EXPRESSIONS / 3 and good < EXPRESSIONS, "the generator makes neither only errors nor none"


def test_a_template_of_one_block_is_the_expression_and_text_around_it_makes_text():
    cases = [c for c in expressions(9)[:1500] if "ok" in c[1]]
    whole = evaluate(["{{ " + text + " }}" for text, _ in cases], "template")
    mixed = evaluate(["<{{" + text + "}}>" for text, _ in cases], "template")
    for (text, want), one, two in zip(cases, whole, mixed):
        assert same(one.get("ok"), want["ok"]), text
        try:
            plain = "" if want["ok"] is None else oracle.text(want["ok"])
        except oracle.Skip:
            continue
        assert two.get("ok") == f"<{plain}>", text
