#!/usr/bin/env python3
"""Checks the include graph against the table of layers.

usage: layers.py SOURCE_DIR TABLE

In lib/ and include/flowan/ an include points to a lower layer, or stays in its layer
without making a cycle of files; flowan.h is above all of them. tools/ and bindings/
include nothing of lib/: only flowan/*.h and headers of their own directory.
"""
import pathlib
import re
import sys


def read_table(path):
    layer_of = {}
    for line in path.read_text().splitlines():
        words = line.split("#")[0].split()
        for stem in words[1:]:
            layer_of[stem] = int(words[0])
    return layer_of


def includes(path):
    text = re.sub(r"/\*.*?\*/", "", path.read_text(), flags=re.S)
    return re.findall(r'^[ \t]*#[ \t]*include[ \t]*([<"][^>"]*)[>"]', text, re.M)


def library_graph(source_dir, layer_of):
    """Edges between stems and what is wrong with them."""
    edges, faults = {}, []
    files = sorted(
        [*source_dir.glob("lib/*.[ch]"), *source_dir.glob("include/flowan/*.h")]
    )
    for path in files:
        stem, where = path.stem, path.relative_to(source_dir)
        if stem == "flowan" and path.parent.name == "flowan":
            continue
        if stem not in layer_of:
            faults.append(f"{where}: not in the table of layers")
            continue
        for name in includes(path):
            target = pathlib.PurePath(name[1:])
            if name[0] == "<" and target.parts[0] != "flowan":
                continue
            if target.name == "flowan.h":
                faults.append(f"{where}: includes the umbrella flowan.h")
            elif path.parent.name == "flowan" and target.parts[0] != "flowan":
                faults.append(f"{where}: a public header includes \"{target}\"")
            elif target.stem not in layer_of:
                faults.append(f"{where}: {target} is not in the table of layers")
            elif layer_of[target.stem] > layer_of[stem]:
                faults.append(
                    f"{where} (layer {layer_of[stem]}) includes {target} "
                    f"(layer {layer_of[target.stem]}): upward"
                )
            elif target.stem != stem:
                edges.setdefault(stem, set()).add(target.stem)
    return edges, faults


def cycles(edges):
    done, path = set(), []

    def visit(stem):
        if stem in path:
            yield " -> ".join([*path[path.index(stem):], stem])
        elif stem not in done:
            path.append(stem)
            for target in sorted(edges.get(stem, ())):
                yield from visit(target)
            path.pop()
            done.add(stem)

    for stem in sorted(edges):
        yield from visit(stem)


def user_faults(source_dir):
    """tools/ and bindings/ stand on the public headers only."""
    for directory in ("tools", "bindings"):
        for path in sorted(source_dir.glob(directory + "/**/*.[chi]")):
            for name in includes(path):
                target = pathlib.PurePath(name[1:])
                if target.parts[0] == "flowan" or name[0] == "<":
                    continue
                if not (path.parent / target).is_file() or ".." in target.parts:
                    where = path.relative_to(source_dir)
                    yield f"{where}: includes \"{target}\", which is not public"


def main():
    source_dir, table = map(pathlib.Path, sys.argv[1:])
    edges, faults = library_graph(source_dir, read_table(table))
    faults += [f"a cycle of includes: {cycle}" for cycle in cycles(edges)]
    faults += user_faults(source_dir)
    for fault in faults:
        print(fault)
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
