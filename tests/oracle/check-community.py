#!/usr/bin/env python3
"""Community IDs of documents equal those of the published package communityid, over random
flows of every kind; skips where the package is not installed.

check-community.py TOOLS_DIRECTORY"""
import ipaddress
import json
import pathlib
import random
import subprocess
import sys

SKIPPED = 77
FLOWS = 20000
PROTOCOLS = [1, 6, 17, 58, 132]

try:
    from communityid import CommunityID, FlowTuple
except ImportError:
    print("skipped: the Python package communityid is not installed")
    sys.exit(SKIPPED)


def address(draw, six):
    low = draw.choice([draw.getrandbits(128 if six else 32), draw.randrange(4), 2**32 - 1])
    if six:
        return str(ipaddress.IPv6Address(low | 0x2001 << 112))
    return str(ipaddress.IPv4Address(low & 0xFFFFFFFF))


def flow(draw):
    """A record, and what the package makes of it."""
    six = draw.random() < 0.5
    proto = draw.choice(PROTOCOLS + [draw.randrange(256)])
    source = address(draw, six)
    target = source if draw.random() < 0.1 else address(draw, six)
    record = {"src_addr": source, "dst_addr": target, "proto": proto}
    ports = None
    if proto in (1, 58):
        ports = draw.randrange(256), draw.randrange(256)
        if draw.random() < 0.6:                        # the types that have an answer
            ports = draw.randrange(20) if proto == 1 else draw.randrange(128, 146), 0
        record["icmp_type"], record["icmp_code"] = ports
        if draw.random() < 0.3:                        # as NetFlow has them
            del record["icmp_type"], record["icmp_code"]
            record["dst_port"] = 256 * ports[0] + ports[1]
    elif proto in PROTOCOLS:
        ports = tuple(draw.choice([draw.randrange(65536), 53, 0, 65535]) for _ in "ab")
        record["src_port"], record["dst_port"] = ports
    return record, CommunityID().calc(FlowTuple(proto, source, target, *(ports or ())))


def main():
    draw = random.Random(1)
    flows = [flow(draw) for _ in range(FLOWS)]
    log = "".join(json.dumps(record) + "\n" for record, _ in flows).encode()
    done = subprocess.run([pathlib.Path(sys.argv[1]) / "flowan-dump", "-o", "ecs", "-"],
                          input=log, capture_output=True, check=True)
    documents = [json.loads(line) for line in done.stdout.splitlines()]
    if len(documents) != FLOWS:
        sys.exit(f"{len(documents)} documents of {FLOWS} records")
    for (record, want), document in zip(flows, documents):
        if document["network"].get("community_id") != want:
            sys.exit(f"{record}: {document['network']}, expected {want}")
    print(f"{FLOWS} flows: equal")


main()
