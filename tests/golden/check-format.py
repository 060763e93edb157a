#!/usr/bin/env python3
"""Holds doc/format.md to a reader that was made from that page alone (segment.py).

    check-format.py doc/format.md                    the page's own examples
    check-format.py doc/format.md kinds LOG PROGRAM  every kind of value, written now
    check-format.py doc/format.md golden DIRECTORY   segments that were written long ago

PROGRAM LEVEL LOG SEGMENT makes a segment of a log in which every line is a record and every
kind of value occurs. In DIRECTORY the records of NAME-ANY.seg are those of NAME.json.zst, and
those of NAME-ANY.seg.open are the first of them. Prints what is wrong; exit status 1.
"""

import os
import re
import shutil
import struct
import subprocess
import sys
import tempfile

sys.dont_write_bytecode = True  # the directory is the source's

# pylint: disable=wrong-import-position
import segment as format_1
from rendering import put_ipv6, put_time
from segment import Bad, Cursor, need
from xxh3 import check_hash, xxh3

LEVELS = ("fast", "default", "small")


# --- the page --------------------------------------------------------------------------


def fences(page):
    """Info string to lines of each fenced block."""
    return {info.strip(): body.split("\n")
            for info, body in re.findall(r"^```(\S[^\n]*)\n(.*?)\n```$", page,
                                         re.MULTILINE | re.DOTALL)}


def hex_bytes(lines):
    return bytes.fromhex("".join(line.split("#")[0] for line in lines
                                 if not line.startswith("=")))


def meaning(lines):
    """What stands behind the `=`."""
    told, = (line[2:] for line in lines if line.startswith("="))
    return told


def numbers(lines):
    return [int(word) & format_1.M64 for word in meaning(lines).split() if word != "|"]


def read_names(lines):
    names = {}
    for line in lines:
        table, number, name = line.split(" ", 2)
        names.setdefault(table.encode(), {})[int(number)] = name.encode()
    return names


def read_all(read, lines, *more):
    """What a function reads from an example, all of which it takes."""
    cursor = Cursor(hex_bytes(lines))
    found = read(cursor, *more)
    cursor.done()
    return found


def read_array_of_ranks(cursor, count):
    return format_1.pick(*format_1.read_ranked(cursor, count))


def check_small(blocks):
    for info, lines in blocks.items():
        if info.startswith("hex bytes"):
            told = meaning(lines).encode()
            got = read_all(format_1.read_bytes, lines, len(told))
        elif info.startswith(("hex numbers", "hex ranks", "hex table")):
            told = numbers(lines)
            read = {"numbers": format_1.read_numbers, "ranks": read_array_of_ranks,
                    "table": format_1.read_table}[info.split()[1]]
            got = read_all(read, lines, len(told))
        else:
            continue
        need(got == told, f"{info}: read as {got}")
    table = numbers(blocks["hex table numbers"])
    got = format_1.pick(table, [0, 0, 1, 1, 2, 0, 2])
    read_all(format_1.read_exceptions, blocks["hex exceptions"], got)
    need(got == numbers(blocks["hex exceptions"]), f"exceptions: {got}")


def check_example(blocks, names):
    header, data = hex_bytes(blocks["hex header"]), hex_bytes(blocks["hex segment"])
    need(data[:64] == header, "the segment does not begin with the header")
    told, found, logs = format_1.read_segment(data)
    need(told == {"serial": 1, "start": 1741996800 * 10**9, "length": 86400 * 10**9,
                  "last": 0}, f"the header says {told}")
    records = [line.encode() for line in blocks["json"]]
    block, = found
    texts = [block.text(row, names) for row in block.rows]
    need(texts == records, f"the records come back as {texts}")
    need(list(block.texts) == [3], "one of the records keeps its text")
    # the values of the one that keeps its text are there too
    kept = {c.name: c.values.get(3) for c in block.directory.columns}
    need(kept[b"bytes"] == 40 and kept[b"note"] == "café".encode(), f"it has {kept}")
    stats = block.stats
    need(stats["rows"] == 5 and stats["received_min"] == 1742058651500000000 and
         stats["received_max"] == 1742058653000000000 and
         stats["without_time"] == 1, f"statistics are {stats}")
    need(logs == block.logs and logs[0]["path"] == b"flows.json", f"logs are {logs}")
    log = b"".join(record + b"\n" for record in records)
    need(logs[0]["hash"] == logs[0]["head_hash"] == xxh3(log) and
         logs[0]["offset"] == len(log), "the log is not the records")
    told = meaning(blocks["hex bounds"]).replace("|", "").split()
    got = block.check_bounds(Cursor(hex_bytes(blocks["hex bounds"])))
    need(got == list(map(int, told)), f"bounds: read as {got}")
    need(not block.has_summary, "the example has no summary")
    format_1.read_items(Cursor(hex_bytes(blocks["hex summaries"])), found)
    need(block.has_summary, "no summary was read")
    check_every_byte(data)


def check_every_byte(data):
    """No byte can change without this reader seeing it, so it looks at all of them."""
    for at in range(len(data)):
        changed = bytearray(data)
        changed[at] ^= 0x55
        try:
            format_1.read_segment(bytes(changed))
        except Bad:
            continue
        raise Bad(f"a changed byte {at} is not seen")


def check_rendering():
    """Spellings that the example on the page does not have."""
    for octets, text in (
        ("20010db8000000000000000000000001", b"2001:db8::1"),
        ("00000000000000000000000000000000", b"::"),
        ("00000000000000000000000000000001", b"::1"),
        ("20010db8000000010000000000000000", b"2001:db8:0:1::"),
        ("00010000000000010000000000000001", b"1:0:0:1::1"),
        ("20010db8000000000001000000000001", b"2001:db8::1:0:0:1"),
        ("00010000000200030004000500060007", b"1:0:2:3:4:5:6:7"),
        ("00000000000000000000ffffc0000201", b"::ffff:192.0.2.1"),
        ("000000000000000000000000c0000201", b"::c000:201"),
        ("00100000000000000000000000010000", b"10::1:0"),
    ):
        got = put_ipv6(bytes.fromhex(octets))
        need(got == text, f"{octets} is written as {got}")
    for ns, text in ((0, b"1970-01-01T00:00:00Z"),
                     (1742058651500000000, b"2025-03-15T17:10:51.5Z"),
                     (2**64 - 1, b"1969-12-31T23:59:59.999999999Z")):
        need(put_time(ns) == text, f"{ns} is written as {put_time(ns)}")


# --- segments --------------------------------------------------------------------------


def read_file(path):
    with open(path, "rb") as file:
        return file.read()


def compare(got, records, what):
    need(len(got) == len(records), f"{what}: {len(got)} of {len(records)} records")
    for text, record in zip(got, records):
        need(text == record, f"{what}: {record} comes back as {text}")


def texts_of(blocks, names):
    texts = []
    for block in blocks:
        found = [block.text(row, names) for row in block.rows]
        need(block.stats["text_bytes"] == sum(map(len, found)), "bytes of texts")
        texts += found
    return texts


def check_kinds(log, program, names):
    records = read_file(log).splitlines()
    for level in LEVELS:
        with tempfile.TemporaryDirectory() as directory:
            path = os.path.join(directory, "a.seg")
            subprocess.run([program, level, log, path], check=True)
            _, blocks, _ = format_1.read_segment(read_file(path))
        compare(texts_of(blocks, names), records, level)
        kinds = {kind for block in blocks for shape in block.directory.shapes
                 for _, kind, _ in shape}
        need(kinds == set(range(29)), f"only kinds {sorted(kinds)} occur")


def check_golden(directory, names):
    found = sorted(name for name in os.listdir(directory)
                   if name.endswith((".seg", ".seg.open")))
    need(found, f"{directory}: no segments")
    for name in found:
        path = os.path.join(directory, name)
        log = os.path.join(directory, name.split("-")[0] + ".json.zst")
        records = subprocess.run(["zstd", "-dcq", log], check=True,
                                 stdout=subprocess.PIPE).stdout.split(b"\n")[:-1]
        if name.endswith(".open"):
            _, blocks, logs = format_1.read_unfinished(read_file(path))
            texts = texts_of(blocks, names)
            need(0 < len(texts) < len(records), f"{name}: not a part of the records")
            records = records[:len(texts)]
        else:
            _, blocks, logs = format_1.read_segment(read_file(path))
            texts = texts_of(blocks, names)
        need(logs, f"{name}: no log states")
        if name.startswith("asked-"):
            need(all(b.has_bounds and b.has_summary for b in blocks),
                 f"{name}: no bounds, or no summaries")
        compare(texts, records, name)


def check(page, what=None, *more):
    blocks = fences(read_file(page).decode())
    names = read_names(blocks["names"])
    check_hash()
    if what is None:
        check_rendering()
        check_small(blocks)
        check_example(blocks, names)
    elif what == "kinds":
        check_kinds(*more, names)
    else:
        check_golden(*more, names)


def main():
    if len(sys.argv) != 2 and sys.argv[2:3] not in (["kinds"], ["golden"]):
        sys.exit(__doc__)
    if not shutil.which("zstd"):
        print("check-format.py: no command zstd to unpack frames with")
        sys.exit(77)  # skipped
    try:
        check(*sys.argv[1:])
    except (Bad, struct.error, KeyError) as wrong:
        sys.exit(f"check-format.py: {wrong!r}")


if __name__ == "__main__":
    main()
