#!/usr/bin/env python3
"""Checks that the headers, the symbol map and the shared library name the same functions.

usage: symbols.py INCLUDE_DIR MAP LIBRARY SONAME   check, with nm and readelf
       symbols.py --update INCLUDE_DIR MAP         write MAP anew from the headers

--update is for a library that was never released: afterwards a map only grows, by a node
for each release.
"""
import pathlib
import re
import subprocess
import sys

NODE = "FLOWAN_0.1"


def statements(text):
    """The top-level statements of a header, without comments and preprocessor lines."""
    text = re.sub(r"/\*.*?\*/|//[^\n]*", " ", text, flags=re.S)
    text = re.sub(r"#ifdef __cplusplus\n.*?#endif", "", text, flags=re.S)
    text = re.sub(r"^[ \t]*#(?:[^\n]*\\\n)*[^\n]*", "", text, flags=re.M)
    text = re.sub(r"__attribute__\s*\(\(.*?\)\)", " ", text, flags=re.S)
    body = re.compile(r"\{[^{}]*\}")
    while body.search(text):
        text = body.sub(" ; ", text)
    return [" ".join(s.split()) for s in text.split(";")]


def declared(include_dir):
    """The functions of all public headers, and what is wrong with the declarations."""
    names, faults = [], []
    for header in sorted((include_dir / "flowan").glob("*.h")):
        for statement in statements(header.read_text()):
            function = re.search(r"\b(\w+) ?\(", statement)
            if not function or re.match(r"typedef|static", statement):
                continue
            if not statement.startswith("FLOWAN_API "):
                faults.append(f"{header.name}: no FLOWAN_API before: {statement}")
            elif not function[1].startswith("flowan_"):
                faults.append(f"{header.name}: not a flowan_ name: {function[1]}")
            elif function[1] in names:
                faults.append(f"{header.name}: declared twice: {function[1]}")
            else:
                names.append(function[1])
    return sorted(names), faults


def mapped(map_path):
    text = re.sub(r"/\*.*?\*/|#[^\n]*", "", map_path.read_text(), flags=re.S)
    listed = re.findall(r"global:(.*?)(?:local:|\})", text, re.S)
    return [name.strip() for part in listed for name in part.split(";") if name.strip()]


def exported(library):
    """The dynamic symbols that the library defines, and their version nodes."""
    out = subprocess.run(
        ["nm", "-D", "--defined-only", library], check=True, text=True,
        capture_output=True,
    ).stdout
    symbols = [line.split()[-2:] for line in out.splitlines()]
    return [name.split("@")[0] for kind, name in symbols if kind != "A"]


def differences(these, those, a, b):
    for name in sorted(set(these) - set(those)):
        yield f"{name}: in {a}, not in {b}"
    for name in sorted(set(those) - set(these)):
        yield f"{name}: in {b}, not in {a}"


def update(include_dir, map_path):
    names, faults = declared(include_dir)
    if faults:
        return faults
    listed = "".join(f"        {name};\n" for name in names)
    map_path.write_text(
        f"{NODE} {{\n    global:\n{listed}    local:\n        *;\n}};\n"
    )
    return []


def check(include_dir, map_path, library, soname):
    names, faults = declared(include_dir)
    listed = mapped(map_path)
    if listed != sorted(set(listed)):
        faults.append("the map is not sorted, or names a function twice")
    faults += differences(names, listed, "the headers", "the map")
    faults += differences(names, exported(library), "the headers", "the library")
    dynamic = subprocess.run(
        ["readelf", "-d", library], check=True, text=True, capture_output=True
    ).stdout
    if f"[{soname}]" not in dynamic:
        faults.append(f"the SONAME is not {soname}")
    return faults


def main():
    arguments = sys.argv[1:]
    if arguments[:1] == ["--update"]:
        faults = update(pathlib.Path(arguments[1]), pathlib.Path(arguments[2]))
    else:
        include_dir, map_path, library, soname = arguments
        faults = check(pathlib.Path(include_dir), pathlib.Path(map_path), library, soname)
    for fault in faults:
        print(fault)
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
