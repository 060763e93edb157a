#!/usr/bin/env python3
"""Documents of the Elastic Common Schema equal an independent computation, field for field,
and hold nothing but fields of the schema, of its types.

check-ecs.py TOOLS_DIRECTORY ASN_DB NETWORKS LOG..., or
check-ecs.py TOOLS_DIRECTORY --real CHECKOUT: over the logs beside the checkout; skips
where these are absent."""
import argparse
import csv
import json
import pathlib
import re
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).parent))
sys.dont_write_bytecode = True
import ecs  # noqa: E402
from objects import contents, objects  # noqa: E402
from sight import AsDatabase, Sight  # noqa: E402

TOOLS = pathlib.Path(sys.argv[1])
SKIPPED = 77
LONG = 10000            # records


def run(*words, ok=(0, 3)):
    done = subprocess.run([str(w) for w in words], capture_output=True)
    if done.returncode not in ok:
        sys.exit(f"{' '.join(map(str, words))}: status {done.returncode}: "
                 f"{done.stderr.decode(errors='replace')[-500:]}")
    return done.stdout


def ways(asns, networks):
    """The options of a run, and who computes the same. It takes long to read a database."""
    def sight(networks=None, database=None, prefer=False):
        seen = Sight(argparse.Namespace(networks=networks, asn_db=None, prefer_asdb=prefer,
                                        raw_counts=True, default_sampling=1,
                                        clock="start-end"))
        seen.database = database
        return seen
    database = AsDatabase(asns)
    return [
        ([], ecs.Writer(sight())),
        (["--elastic-compat", "--preserve-original", "--tag", "a", "--tag", "sflow"],
         ecs.Writer(sight(), compat=True, original=True, tags=["a"])),
        (["--networks", networks, "--asn-db", asns],
         ecs.Writer(sight(networks, database), with_asns=True)),
        (["--networks", networks, "--asn-db", asns, "--prefer-asdb"],
         ecs.Writer(sight(networks, database, True), with_asns=True)),
    ]


def no_twins(members):
    assert len(dict(members)) == len(members), members
    return dict(members)


def check_reject(document, data, writer):
    """A document that tells of a reject; what is wrong with it."""
    kind = "event" if writer.compat else "pipeline_error"
    told = re.fullmatch(r"byte (\d+): no flow record \([a-z ]+(, continued)?\)",
                        document["error"]["message"])
    original = document["event"]["original"].encode()
    if not told or document["tags"] != writer.tags or document["event"]["kind"] != kind:
        return "not as it should be"
    at = int(told[1])
    there = ecs.clean(data[at:at + 70000].decode("utf-8", "surrogateescape")).encode()
    return None if original and there.startswith(original) else "the bytes are not there"


def check(log, words, writer, data, texts, turn):
    """Every record; of a long log each in one way of four."""
    step = 4 if len(texts) > LONG else 1
    lines = run(TOOLS / "flowan-dump", "-o", "ecs", *words, log).split(b"\n")[:-1]
    at = 0
    rejects = 0
    for line in lines:
        if at % step != turn % step and at < len(texts) and b'"error":{' not in line:
            at += 1
            continue
        document = json.loads(line.decode("utf-8"), object_pairs_hook=no_twins)
        wrong = list(ecs.faults(document))
        if "error" in document:
            rejects += 1
            wrong.append(check_reject(document, data, writer))
        elif at == len(texts):
            wrong.append("one document too many")
        else:
            want = writer.document(texts[at])
            have = dict(ecs.leaves(document))
            for path, value in ecs.leaves(want):
                if path not in have or have[path] != value \
                        or type(have[path]) is not type(value):
                    wrong.append(f"{path}: {have.get(path)!r}, expected {value!r}")
            wrong += [f"{path} is too much" for path in have.keys() - dict(ecs.leaves(want))]
            at += 1
        wrong = [w for w in wrong if w]
        if wrong:
            sys.exit(f"{log} {' '.join(map(str, words))}: {'; '.join(wrong)}\n  {line[:3000]}")
    if at != len(texts):
        sys.exit(f"{log}: {at} documents of {len(texts)} records")
    return lines, rejects


def check_archive(log, words, lines):
    """From an archive comes what came from the log, but for rejects."""
    with tempfile.TemporaryDirectory() as directory:
        archive = pathlib.Path(directory) / "archive"
        run(TOOLS / "flowan-archive", "import", "-a", archive, log)
        got = run(TOOLS / "flowan-dump", "-o", "ecs", *words, archive, ok=(0,))
    if got.split(b"\n")[:-1] != [line for line in lines if b'"error":{' not in line]:
        sys.exit(f"{log} {' '.join(map(str, words))}: an archive of it gives others")


def check_schema(path):
    """The fields that we write are those of the published list."""
    with open(path, newline="") as file:
        published = {row["Field"]: row for row in csv.DictReader(file)}
    for field, kind in ecs.FIELDS.items():
        if field not in published or published[field]["Type"] != kind:
            sys.exit(f"{field}: no {kind} in {path}")


def check_real(checkout):
    """The hundreds of logs beside the checkout, as one."""
    shared = pathlib.Path(checkout).parent / "shared" / "data"
    logs = sorted((shared / "real").rglob("*.json"))
    if not logs:
        print("skipped: no shared/data/real beside the checkout")
        sys.exit(SKIPPED)
    check_schema(shared / "ecs-8.16-fields.csv")
    with tempfile.TemporaryDirectory() as directory:
        joined = pathlib.Path(directory) / "log"
        joined.write_bytes(b"\n".join(contents(log) for log in logs))
        check_logs(shared / "asn.mmdb", shared / "networks.txt", [joined])


def check_logs(asns, networks, logs):
    all_ways = ways(asns, networks)
    documents = rejects = 0
    for log in logs:
        data = contents(log)
        texts = [text for text, _ in objects(data)]
        for turn, (words, writer) in enumerate(all_ways):
            lines, count = check(log, words, writer, data, texts, turn)
            documents += len(lines)
            rejects += count
        check_archive(log, words, lines)
    print(f"{len(logs)} logs, {documents} documents, {rejects} of them of rejects: all equal")


if sys.argv[2] == "--real":
    check_real(sys.argv[3])
else:
    check_logs(sys.argv[2], sys.argv[3], sys.argv[4:])
