#!/usr/bin/env python3
"""Compare a report of flowan-report with the oracle's: compare.py TOOL_JSON ORACLE_JSON.

Only what the oracle prints is compared, and `report` and `policy` only where both have
them. Integers, texts and the number of rows must be equal; floats may differ by rounding.
Exit status: 0 equal, 1 different (the first differences are printed), 2 not comparable.
"""
import json
import math
import sys

MOST = 20               # differences that are printed
OPTIONAL = ("report", "policy")


def is_number(value):
    return type(value) in (int, float)


def is_same(tool, oracle, name):
    if is_number(tool) and isinstance(oracle, float):
        if name == "share":
            return math.isclose(tool, oracle, rel_tol=0, abs_tol=1e-6)
        return math.isclose(tool, oracle, rel_tol=1e-9, abs_tol=1e-6)
    return type(tool) is type(oracle) and tool == oracle     # True is not 1, 1 is not 1.0


def differences(tool, oracle, path="", name=""):
    if isinstance(oracle, dict) and isinstance(tool, dict):
        for key, value in oracle.items():
            where = f"{path}.{key}" if path else key
            if key in tool:
                yield from differences(tool[key], value, where, key)
            elif path or key not in OPTIONAL:
                yield f"{where}: missing != {json.dumps(value)}"
    elif isinstance(oracle, list) and isinstance(tool, list):
        if len(tool) != len(oracle):
            yield f"{path}: {len(tool)} items != {len(oracle)} items"
        for i, (one, other) in enumerate(zip(tool, oracle)):
            yield from differences(one, other, f"{path}[{i}]", name)
    elif not is_same(tool, oracle, name):
        yield f"{path}: {json.dumps(tool)} != {json.dumps(oracle)}"


def load(path):
    with open(path, encoding="utf-8", errors="surrogateescape") as file:
        return json.load(file)


def main(arguments):
    if len(arguments) != 2:
        print("usage: compare.py TOOL_JSON ORACLE_JSON", file=sys.stderr)
        return 2
    if hasattr(sys, "set_int_max_str_digits"):
        sys.set_int_max_str_digits(0)
    try:
        tool, oracle = (load(path) for path in arguments)
    except (OSError, ValueError) as problem:
        print(f"compare: {problem}", file=sys.stderr)
        return 2
    found = 0
    for text in differences(tool, oracle):
        found += 1
        if found > MOST:
            print("… and more")
            break
        print(text)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
