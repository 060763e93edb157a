#!/usr/bin/env python3
"""Exact round trip: what goes into an archive comes out byte for byte, in order.

check-exact.py TOOLS_DIRECTORY LOG...: imports all logs into one archive, and compares an
exact dump of the archive, and of the logs themselves, with the objects that Python finds;
then every number and text of the normalised JSON with Python's own."""
import json
import os
import pathlib
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).parent))
sys.dont_write_bytecode = True
from objects import contents, objects  # noqa: E402
from record import address_of, by_field  # noqa: E402

TOOLS = pathlib.Path(sys.argv[1])
LOGS = sys.argv[2:]
ENUMS = {"type", "etype", "proto"}
PREFIXES = {"src_net", "dst_net"}
# Fields that hold any number up to 2^32 - 1: none of these may get lost.
NUMBERS = {"bytes", "packets", "sampling_rate", "src_port", "dst_port", "in_if", "out_if",
           "src_as", "dst_as", "sequence_num", "post_napt_src_transport_port"}


def run(*words, ok=(0,)):
    done = subprocess.run([str(w) for w in words], capture_output=True)
    if done.returncode not in ok:
        sys.exit(f"{' '.join(map(str, words[:4]))} …: status {done.returncode}: "
                 f"{done.stderr.decode(errors='replace')[-500:]}")
    return done.stdout


def first_difference(got, expected, what):
    got, expected = got.split(b"\n"), expected.split(b"\n")
    for i, (a, b) in enumerate(zip(got, expected)):
        if a != b:
            sys.exit(f"{what}: record {i}:\n  got      {a[:400]}\n  expected {b[:400]}")
    sys.exit(f"{what}: {len(got) - 1} records, expected {len(expected) - 1}")


def check_values(line, value):
    """A normalised record against the object that it came from."""
    record, value = json.loads(line), by_field(value)
    for key, got in record.items():
        want = value[key]
        if isinstance(want, bool) or want is None or isinstance(want, (float, dict)):
            same = got == want
        elif isinstance(want, int):
            same = got == want or key in ENUMS \
                or key in PREFIXES and got.endswith(f"/{want}")
        elif isinstance(want, list):
            same = got == want or key == "layer_stack" or (
                address_of(got[0] if key == "mpls_ip" else got) == address_of(want))
        elif isinstance(got, int):
            same = key.startswith("time_") or str(got) == want
        else:
            same = True  # texts: spelt anew (addresses) or not valid (bytes)
        if not same:
            return f"{key}: {got!r}, expected {want!r}"
    for key, want in value.items():
        if isinstance(want, int) and not isinstance(want, bool) and key in NUMBERS \
                and key not in record and 0 <= want < 2**32:
            return f"{key} is missing, expected {want!r}"
    return None


def main():
    expected, values = [], []
    for path in LOGS:
        for text, value in objects(contents(path)):
            expected.append(text)
            values.append(value)
    joined = b"".join(text + b"\n" for text in expected)
    with tempfile.TemporaryDirectory() as directory:
        archive = os.path.join(directory, "archive")
        run(TOOLS / "flowan-archive", "import", "-a", archive, "--again", *LOGS, ok=(0, 3))
        run(TOOLS / "flowan-archive", "verify", archive)
        if (got := run(TOOLS / "flowan-dump", "-o", "exact", archive)) != joined:
            first_difference(got, joined, "archive")
        lines = run(TOOLS / "flowan-dump", "-o", "json", archive).split(b"\n")[:-1]
    if (got := run(TOOLS / "flowan-dump", "-o", "exact", *LOGS, ok=(0, 3))) != joined:
        first_difference(got, joined, "logs")
    if len(lines) != len(values):
        sys.exit(f"normalised: {len(lines)} records, expected {len(values)}")
    for i, (line, value) in enumerate(zip(lines, values)):
        if (wrong := check_values(line, value)) is not None:
            sys.exit(f"normalised: record {i}: {wrong}\n  {line[:400]}\n  {expected[i][:400]}")
    print(f"{len(LOGS)} logs, {len(expected)} records, {len(joined)} bytes: exact")


main()
