#!/usr/bin/env python3
"""Checks what the compiler sees of the public headers.

usage: headers.py INCLUDE_DIR CC...

Every header of INCLUDE_DIR/flowan compiles alone, as C11 with the compiler CC and as C++17
with the first C++ compiler found, without a warning; flowan.h includes all the others.
"""
import pathlib
import re
import shutil
import subprocess
import sys

WARNINGS = ["-Wall", "-Wextra", "-Wpedantic", "-Werror"]


def umbrella_faults(directory):
    included = re.findall(
        r'^#include "flowan/(\w+)\.h"', (directory / "flowan.h").read_text(), re.M
    )
    there = sorted(p.stem for p in directory.glob("*.h") if p.stem != "flowan")
    for stem in sorted(set(there) - set(included)):
        yield f"flowan.h does not include flowan/{stem}.h"
    for stem in sorted(set(included) - set(there)):
        yield f"flowan.h includes flowan/{stem}.h, which is not there"
    if included != sorted(included):
        yield "flowan.h: includes are not sorted"


def compile_faults(directory, command, language, standard):
    for header in sorted(directory.glob("*.h")):
        done = subprocess.run(
            [*command, "-x", language, "-std=" + standard, *WARNINGS, "-fsyntax-only",
             "-I", str(directory.parent), "-"],
            input=f'#include "flowan/{header.name}"\nextern int not_empty;\n',
            text=True, capture_output=True,
        )
        if done.returncode != 0:
            yield f"flowan/{header.name} alone as {standard}:\n{done.stderr}"


def main():
    directory = pathlib.Path(sys.argv[1]) / "flowan"
    faults = list(umbrella_faults(directory))
    faults += compile_faults(directory, sys.argv[2:], "c", "c11")
    cxx = next(filter(None, map(shutil.which, ("c++", "g++", "clang++"))), None)
    if cxx:
        faults += compile_faults(directory, [cxx], "c++", "c++17")
    else:
        print("no C++ compiler: the headers were not tried as C++17")
    for fault in faults:
        print(fault)
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
