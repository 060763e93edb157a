#!/usr/bin/env python3
"""Write asn.mmdb, a small ASN database in MaxMind DB format 2.0, from asn.csv.

    make-asdb.py [--csv FILE] [--out FILE]

The same table gives the same bytes. What readers meet in it: prefixes within prefixes,
names that are not ASCII, strings that are pointers, IPv4 under ::/96 and through the
aliases ::ffff:0:0/96 and 2002::/16, and space that no row covers. Only Python's
standard library is needed. The format: https://maxmind.github.io/MaxMind-DB/
"""
import argparse
import csv
import ipaddress
import pathlib
import sys

BUILD_EPOCH = 1741996800  # 2025-03-15T00:00:00Z: a fixed date makes fixed bytes
RECORD_SIZE = 24
EMPTY = None
ALIASES = ("::ffff:0:0/96", "2002::/16")

POINTER, UTF8, MAP, UINT16, UINT32, UINT64, ARRAY = 1, 2, 7, 5, 6, 9, 11


# --- the data section ---

def control(kind, size):
    """The control bytes of a value of `size` bytes (or items)."""
    if size < 29:
        low, extra = size, b""
    elif size < 29 + 256:
        low, extra = 29, bytes([size - 29])
    elif size < 285 + 65536:
        low, extra = 30, (size - 285).to_bytes(2, "big")
    else:
        raise ValueError(f"a value of {size} bytes is longer than this writer stores")
    if kind > 7:  # an extended type: 0, then the type less 7
        return bytes([low, kind - 7]) + extra
    return bytes([kind << 5 | low]) + extra


def number(kind, value):
    body = value.to_bytes((value.bit_length() + 7) // 8, "big")
    return control(kind, len(body)) + body


def text(value):
    body = value.encode("utf-8")
    return control(UTF8, len(body)) + body


def pointer(offset):
    """To an offset of the data section; size classes of 11, 19 and 27 bits."""
    if offset < 2048:
        return bytes([POINTER << 5 | offset >> 8, offset & 255])
    if offset < 2048 + (1 << 19):
        offset -= 2048
        return ((POINTER << 5 | 1 << 3) << 16 | offset).to_bytes(3, "big")
    raise ValueError("the data section is larger than this writer can point into")


class Data:
    """The values that leaves point at; what occurs twice is stored once."""

    def __init__(self):
        self.bytes = bytearray()
        self.texts = {}
        self.entries = {}

    def put_text(self, value):
        if value in self.texts:
            self.bytes += pointer(self.texts[value])
        else:
            self.texts[value] = len(self.bytes)
            self.bytes += text(value)

    def put_entry(self, asn, organization):
        """Returns the offset of the map of that AS."""
        key = (asn, organization)
        if key not in self.entries:
            self.entries[key] = len(self.bytes)
            self.bytes += control(MAP, 2)
            self.put_text("autonomous_system_number")
            self.bytes += number(UINT32, asn)
            self.put_text("autonomous_system_organization")
            self.put_text(organization)
        return self.entries[key]


# --- the search tree ---
# A node is [left, right]; a side is EMPTY, a data offset or another node.

def path(network):
    """The bits of a prefix in the 128-bit tree; IPv4 lies under ::/96."""
    bits, value = network.prefixlen, int(network.network_address)
    if network.version == 4:
        bits += 96
    return [value >> (127 - i) & 1 for i in range(bits)]


def node_at(root, bits):
    """The node behind these bits; a leaf on the way is pushed down to both sides."""
    node = root
    for bit in bits:
        if not isinstance(node[bit], list):
            node[bit] = [node[bit], node[bit]]
        node = node[bit]
    return node


def put(root, bits, side):
    node_at(root, bits[:-1])[bits[-1]] = side


def build_tree(rows, data):
    root = [EMPTY, EMPTY]
    # Shorter prefixes first, so that a longer one only ever refines what is there.
    for network, asn, organization in sorted(rows, key=lambda r: len(path(r[0]))):
        put(root, path(network), data.put_entry(asn, organization))
    ipv4_root = node_at(root, [0] * 96)
    for alias in ALIASES:
        put(root, path(ipaddress.ip_network(alias)), ipv4_root)
    return root


def tree_bytes(root):
    """The nodes, breadth first, and their count. An alias makes a node occur twice."""
    nodes, index = [root], {id(root): 0}
    for node in nodes:  # grows as it goes
        for side in node:
            if isinstance(side, list) and id(side) not in index:
                index[id(side)] = len(nodes)
                nodes.append(side)
    out = bytearray()
    for node in nodes:
        for side in node:
            if side is EMPTY:
                value = len(nodes)
            elif isinstance(side, list):
                value = index[id(side)]
            else:
                value = len(nodes) + 16 + side
            out += value.to_bytes(RECORD_SIZE // 8, "big")
    return bytes(out), len(nodes)


def metadata(node_count):
    fields = [
        ("binary_format_major_version", number(UINT16, 2)),
        ("binary_format_minor_version", number(UINT16, 0)),
        ("build_epoch", number(UINT64, BUILD_EPOCH)),
        ("database_type", text("Flowan-Test-ASN")),
        ("description", control(MAP, 1) + text("en") +
         text("A few large networks and the simulated operator, for flowan's tests")),
        ("ip_version", number(UINT16, 6)),
        ("languages", control(ARRAY, 1) + text("en")),
        ("node_count", number(UINT32, node_count)),
        ("record_size", number(UINT16, RECORD_SIZE)),
    ]
    return control(MAP, len(fields)) + b"".join(text(k) + v for k, v in fields)


def read_table(file):
    rows, seen = [], set()
    for line in csv.DictReader(file):
        network = ipaddress.ip_network(line["prefix"])  # refuses host bits
        if network in seen:
            raise ValueError(f"{network} is there twice")
        seen.add(network)
        rows.append((network, int(line["asn"]), line["organization"]))
    return rows


def main():
    here = pathlib.Path(__file__).resolve().parent
    ap = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    ap.add_argument("--csv", type=pathlib.Path, default=here / "asn.csv")
    ap.add_argument("--out", type=pathlib.Path, default=here / "asn.mmdb")
    a = ap.parse_args()
    try:
        with open(a.csv, encoding="utf-8", newline="") as file:
            rows = read_table(file)
        data = Data()
        tree, node_count = tree_bytes(build_tree(rows, data))
        a.out.write_bytes(tree + bytes(16) + data.bytes + b"\xab\xcd\xefMaxMind.com" +
                          metadata(node_count))
    except (OSError, ValueError, KeyError) as e:
        sys.exit(f"make-asdb.py: {a.csv}: {e}")
    size = a.out.stat().st_size
    print(f"{a.out}: {len(rows)} prefixes, {node_count} nodes, {size} bytes")


if __name__ == "__main__":
    main()
