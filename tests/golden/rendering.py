"""How doc/format.md says that values are written as JSON."""

import re
import struct
from datetime import datetime, timedelta, timezone

EMPTY, NULL, INVALID_PREFIX, EMPTY_LIST = 1, 2, 3, 24
IPV4_MAPPED = bytes(10) + b"\xff\xff"


def has_value(kind):
    return kind >= 4 and kind != EMPTY_LIST


def quoted(text):
    return b'"' + text + b'"'


def put_list(items):
    return b"[" + b",".join(items) + b"]"


def put_ipv4(octets):
    if octets[:12] == IPV4_MAPPED:
        return b"%d.%d.%d.%d" % tuple(octets[12:])
    return put_ipv6(octets)


def put_ipv6(octets):
    if octets[:12] == IPV4_MAPPED:
        return b"::ffff:" + put_ipv4(octets)
    groups = ":".join(f"{g:x}" for g in struct.unpack(">8H", octets))
    runs = re.findall(r"(?:^|(?<=:))0(?::0)+(?=:|$)", groups)
    if not runs:
        return groups.encode()
    run = max(runs, key=len)  # of equal ones the first
    before, after = re.split(rf"(?:^|(?<=:)){run}(?=:|$)", groups, maxsplit=1)
    return (before.rstrip(":") + "::" + after.lstrip(":")).encode()


def put_time(ns):
    ns -= (ns >> 63) << 64
    seconds, fraction = divmod(ns, 10**9)
    time = datetime(1970, 1, 1, tzinfo=timezone.utc) + timedelta(seconds=seconds)
    digits = f".{fraction:09}".rstrip("0").rstrip(".")
    return f"{time:%Y-%m-%dT%H:%M:%S}{digits}Z".encode()


def put_number(number):
    return b"%d" % number


class Renderer:
    """Of one row: `names` are the page's, `column` gives values by row of another column."""

    def __init__(self, names, row, column):
        self.names, self.row, self.column = names, row, column

    def value(self, name, kind, value):
        if kind in BARE:
            return BARE[kind](self, name, value)
        return quoted(IN_QUOTES[kind](self, name, value))

    def name(self, column, number, suffix=b""):
        return self.names[column + suffix][number]

    def cidr(self, column, bits, more):
        """`more` bits stand before those that the length counts."""
        own = {b"src_net": b"src_addr", b"dst_net": b"dst_addr"}[column]
        address = int.from_bytes(self.column(own, "address")[self.row], "big")
        keep = (1 << 128) - (1 << 128 - (bits + more))
        masked = (address & keep).to_bytes(16, "big")
        return (put_ipv4 if more else put_ipv6)(masked) + b"/%d" % bits


# By kind, of a renderer, a column's name and a value.
BARE = {
    NULL: lambda *_: b"null",
    4: lambda r, n, v: put_number(v),
    6: lambda r, n, v: b"true" if v else b"false",
    18: lambda r, n, v: v,
    19: lambda r, n, v: put_list(map(put_number, v)),
    20: lambda r, n, v: put_list(quoted(r.name(n, item)) for item in v),
    21: lambda r, n, v: put_list(quoted(put_ipv4(item)) for item in v),
    22: lambda r, n, v: put_number(v // 10**9),
    23: lambda r, n, v: put_number(v // 10**6),
    EMPTY_LIST: lambda *_: b"[]",
    25: lambda r, n, v: put_list(map(put_number, v[12:])),
    26: lambda r, n, v: put_list(map(put_number, v)),
    27: lambda r, n, v: put_list(put_number(o) for item in v for o in item[12:]),
    28: lambda r, n, v: put_list(put_number(o) for item in v for o in item),
}
IN_QUOTES = {
    EMPTY: lambda *_: b"",
    INVALID_PREFIX: lambda *_: b"invalid Prefix",
    5: lambda r, n, v: put_number(v),
    7: lambda r, n, v: put_time(v),
    8: lambda r, n, v: put_ipv4(v),
    9: lambda r, n, v: put_ipv6(v),
    10: lambda r, n, v: v[12:].hex().encode(),
    11: lambda r, n, v: v.hex().encode(),
    12: lambda r, n, v: v.to_bytes(8, "big")[2:].hex(":").encode(),
    13: lambda r, n, v: r.name(n, v),
    14: lambda r, n, v: r.name(n, v, b"-old"),
    15: lambda r, n, v: r.cidr(n, v, 96),
    16: lambda r, n, v: r.cidr(n, v, 0),
    17: lambda r, n, v: v,
}
