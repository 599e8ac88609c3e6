#!/usr/bin/python3
# Reads the parameters in their format and writes "length:bytes" of each value into the file that `out` names.
import json
import os
import sys


def by_dotenv(text):
    parts = text.replace("'\\''", "\0").split("'")
    return {k.strip("\n")[:-1]: v.replace("\0", "'") for k, v in zip(parts[::2], parts[1::2])}


def by_yaml(text):
    import yaml

    return yaml.load(text, getattr(yaml, "CSafeLoader", yaml.SafeLoader))


name = os.environ.get("ATTUNE_PARAMETER_FILE")
with open(name or 0, encoding="utf-8", newline="") as f:
    given = {"json": json.loads, "yaml": by_yaml, "dotenv": by_dotenv}[os.environ["ATTUNE_PARAMETER_FORMAT"]](f.read())
if "echo" in given:
    sys.stdout.write(json.dumps(given))
else:
    with open(given["out"], "wb") as f:
        for k in sorted(given):
            if k[0] == "v":
                b = given[k].encode()
                f.write(b"%d:" % len(b) + b)
