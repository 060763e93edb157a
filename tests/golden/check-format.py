#!/usr/bin/env python3
"""Reads the examples of doc/format.md with a reader made from that page alone.

    check-format.py doc/format.md [LOG PROGRAM]

PROGRAM LOG SEGMENT makes a segment of a log in which every line is a record and every kind
of value occurs, and the records are read back from that. Standard library only: XXH3-64 is
here, zstd is not, so no column may be packed. Prints what is wrong; exit status 1.
"""

import os
import re
import struct
import subprocess
import sys
import tempfile
from datetime import datetime, timedelta, timezone

# --- XXH3-64, seed 0 (the specification of xxHash, "XXH3 algorithm") -------------------

M64 = (1 << 64) - 1
P32_1, P32_2, P32_3 = 0x9E3779B1, 0x85EBCA77, 0xC2B2AE3D
P1, P2, P3 = 0x9E3779B185EBCA87, 0xC2B2AE3D27D4EB4F, 0x165667B19E3779F9
P4, P5 = 0x85EBCA77C2B2AE63, 0x27D4EB2F165667C5
MX1, MX2 = 0x165667919E3779F9, 0x9FB21C651E98DF25
SECRET = bytes.fromhex(
    "b8fe6c3923a44bbe7c01812cf721ad1cded46de9839097db7240a4a4b7b3671f"
    "cb79e64eccc0e578825ad07dccff7221b8084674f743248ee03590e6813a264c"
    "3c2852bb91c300cb88d0658b1b532ea371644897a20df94e3819ef46a9deacd8"
    "a8fa763fe39c343ff9dcbbc7c70b4f1d8a51e04bcdb45931c89f7ec9d9787364"
    "eac5ac8334d3ebc3c581a0fffa1363eb170ddd51b7f0da49d316552629d4689e"
    "2b16be587d47a1fc8ff8b8d17ad031ce45cb3a8f95160428afd7fbcabb4b407e"
)


def r32(data, at):
    return struct.unpack_from("<I", data, at)[0]


def r64(data, at):
    return struct.unpack_from("<Q", data, at)[0]


def fold(a, b):
    product = a * b
    return (product & M64) ^ (product >> 64)


def rotate(x, bits):
    return (x << bits | x >> (64 - bits)) & M64


def swap(x, size):
    return int.from_bytes(x.to_bytes(size, "little"), "big")


def avalanche(h):
    h ^= h >> 37
    h = h * MX1 & M64
    return h ^ h >> 32


def avalanche_old(h):
    h ^= h >> 33
    h = h * P2 & M64
    h ^= h >> 29
    h = h * P3 & M64
    return h ^ h >> 32


def mix16(data, at, secret):
    return fold(r64(data, at) ^ r64(SECRET, secret),
                r64(data, at + 8) ^ r64(SECRET, secret + 8))


def hash_short(data):
    size = len(data)
    if size == 0:
        return avalanche_old(r64(SECRET, 56) ^ r64(SECRET, 64))
    if size <= 3:
        both = data[0] << 16 | data[size >> 1] << 24 | data[-1] | size << 8
        return avalanche_old(both ^ r32(SECRET, 0) ^ r32(SECRET, 4))
    if size <= 8:
        h = (r32(data, size - 4) + (r32(data, 0) << 32)) & M64
        h ^= r64(SECRET, 8) ^ r64(SECRET, 16)
        h ^= rotate(h, 49) ^ rotate(h, 24)
        h = h * MX2 & M64
        h ^= (h >> 35) + size
        h = h * MX2 & M64
        return h ^ h >> 28
    low = r64(data, 0) ^ r64(SECRET, 24) ^ r64(SECRET, 32)
    high = r64(data, size - 8) ^ r64(SECRET, 40) ^ r64(SECRET, 48)
    return avalanche((size + swap(low, 8) + high + fold(low, high)) & M64)


def hash_middle(data):
    size = len(data)
    h = size * P1
    if size <= 128:
        for i in range((size - 1) // 32, -1, -1):
            h += mix16(data, 16 * i, 32 * i)
            h += mix16(data, size - 16 * (i + 1), 32 * i + 16)
        return avalanche(h & M64)
    for i in range(8):
        h += mix16(data, 16 * i, 16 * i)
    h = avalanche(h & M64)
    for i in range(8, size // 16):
        h += mix16(data, 16 * i, 16 * (i - 8) + 3)
    h += mix16(data, size - 16, 136 - 17)
    return avalanche(h & M64)


def add_stripe(lanes, data, at, secret):
    for i in range(8):
        value = r64(data, at + 8 * i)
        keyed = value ^ r64(SECRET, secret + 8 * i)
        lanes[i ^ 1] = (lanes[i ^ 1] + value) & M64
        lanes[i] = (lanes[i] + (keyed & 0xFFFFFFFF) * (keyed >> 32)) & M64


def hash_long(data):
    size = len(data)
    lanes = [P32_3, P1, P2, P3, P4, P32_2, P5, P32_1]
    stripes = (size - 1) // 64  # the last 64 bytes come once more at the end
    for n in range(stripes):
        add_stripe(lanes, data, 64 * n, 8 * (n % 16))
        if n % 16 == 15:
            for i in range(8):
                h = lanes[i]
                h ^= h >> 47
                h ^= r64(SECRET, 128 + 8 * i)
                lanes[i] = h * P32_1 & M64
    add_stripe(lanes, data, size - 64, 192 - 64 - 7)
    h = size * P1
    for i in range(4):
        h += fold(lanes[2 * i] ^ r64(SECRET, 11 + 16 * i),
                  lanes[2 * i + 1] ^ r64(SECRET, 19 + 16 * i))
    return avalanche(h & M64)


def xxh3(data):
    if len(data) <= 16:
        return hash_short(data)
    return hash_middle(data) if len(data) <= 240 else hash_long(data)


# Of the first n bytes of 0, 7, 14, … modulo 256; taken from the reference implementation.
KNOWN_HASHES = {
    0: 0x2d06800538d394c2, 1: 0xc44bdff4074eecdb, 2: 0x9093381c8763d62e,
    3: 0xc3489259e968ad9e, 4: 0xd3d60c1519014e89, 7: 0x0ffc4827844c63a6,
    8: 0xb88dee77f6bf6980, 9: 0x03688dcad730d826, 15: 0x2e52bc81c6a30fa3,
    16: 0x9da23836adf2be1e, 17: 0xf34c3c9cf5a112d1, 31: 0x1c67766271b95c64,
    32: 0x99cb9ad0f1a11fbe, 33: 0xc077b45492d29cde, 64: 0x6efb76ff16f37561,
    65: 0x2640848e9137156b, 96: 0x764d2d5db92942df, 97: 0x077acb7e5f4fd940,
    127: 0x92113fc28f4b970c, 128: 0x65f3c2c00fa93185, 129: 0x28065c6ec25f5b25,
    144: 0x600e8d345ff9620d, 239: 0x6ce0b13191e635ea, 240: 0x4917a75c0ef8eed7,
    241: 0x541b19226f0052e8, 256: 0xff5a1cefade75bb9, 320: 0x35e81fc050847c13,
    1023: 0x2cc3eb48d98f537f, 1024: 0xdc5acf0b043c445b, 1025: 0xe1d9cd946277ae26,
    1088: 0x4a9c221912b93194, 1089: 0x0e6de48c4a6482d5, 2048: 0x848d24cc268f7498,
    2049: 0xc757a52bb931999d, 4100: 0x39e3b140eae53293,
}


def check_hash():
    data = bytes(7 * i & 255 for i in range(max(KNOWN_HASHES)))
    for size, known in KNOWN_HASHES.items():
        if xxh3(data[:size]) != known:
            raise Bad(f"XXH3-64 of {size} bytes is not what it should be")


# --- a segment -------------------------------------------------------------------------


class Bad(Exception):
    """A sentence about what is wrong."""


def need(condition, sentence):
    if not condition:
        raise Bad(sentence)


class Cursor:
    """Bytes that are read from the front."""

    def __init__(self, data):
        self.data, self.at = data, 0

    def take(self, size):
        need(size <= len(self.data) - self.at, "more is asked for than there is")
        self.at += size
        return self.data[self.at - size:self.at]

    def u(self, size):
        return int.from_bytes(self.take(size), "little")

    def done(self):
        need(self.at == len(self.data), "bytes are left over")


WIDTH = {1: 4, 2: 8, 3: 8, 4: 8, 5: 8, 6: 4, 7: 4, 8: 16, 9: 1, 10: 1, 11: 8, 12: 16}
RUNS = (9, 10, 11, 12)
NUMBERS = (1, 2, 3, 4, 5, 6, 7)
FITS = {3: (7,), 4: NUMBERS, 5: NUMBERS, 6: (5,), 7: (3,), 8: (8,), 9: (8,), 10: (8,),
        11: (8,), 12: (4,), 13: (6,), 14: (6,), 15: (7,), 16: (7,), 17: (9,), 18: (10,),
        19: (11,), 20: (11,), 21: (12,), 22: (3,), 23: (3,), 24: (8,), 25: (8,), 26: (8,),
        27: (12,), 28: (12,)}
STATS = ("rows", "text_bytes", "received_min", "received_max", "span_min", "span_max",
         "without_time")


def checked(data, what):
    """The bytes without the checksum at their end."""
    need(len(data) >= 8, f"{what}: too short")
    need(xxh3(data[:-8]) == r64(data, len(data) - 8), f"{what}: checksum")
    return Cursor(data[:-8])


def read_stats(cursor):
    return {name: cursor.u(8) for name in STATS}


def read_log(cursor):
    size = cursor.u(4)
    if size == 0:
        return None
    path = cursor.take(size)
    need(path[-1] == 0 and 0 not in path[:-1], "path of a log: NUL")
    names = ("device", "inode", "head_hash", "head_size", "offset", "hash", "rows_after")
    log = {name: cursor.u(4 if name in ("head_size", "rows_after") else 8)
           for name in names}
    return {"path": path[:-1], **log}


def read_header(data):
    cursor = checked(data, "header")
    need(cursor.take(8) == b"\x89FLOWAN\n", "header: magic")
    need(cursor.u(4) == 0, "header: version")
    need(cursor.u(4) == 64, "header: size")
    return {"serial": cursor.u(8), "start": cursor.u(8), "length": cursor.u(8)}


class Column:
    def __init__(self, cursor):
        self.role, self.type, self.codec = cursor.u(1), cursor.u(1), cursor.u(1)
        self.name = cursor.take(cursor.u(2))
        self.present, self.items = cursor.u(4), cursor.u(4)
        self.plain, self.stored = cursor.u(8), cursor.u(8)
        self.checksum = cursor.u(8)
        self.values = {}

    def unpack(self, stored):
        need(xxh3(stored) == self.checksum, f"column {self.name}: checksum")
        need(self.codec == 0, f"column {self.name}: packed with zstd, not read here")
        need(len(stored) == self.plain, f"column {self.name}: sizes")
        return Cursor(stored)

    def item(self, data):
        return data if WIDTH[self.type] in (1, 16) else int.from_bytes(data, "little")

    def load(self, cursor, rows):
        """Values for the rows that have one."""
        need(len(rows) == self.present, f"column {self.name}: present")
        width = WIDTH[self.type]
        if self.type not in RUNS:
            for row in rows:
                self.values[row] = self.item(cursor.take(width))
            return cursor.done()
        counts = [cursor.u(4) for _ in rows]
        need(sum(counts) == self.items, f"column {self.name}: items")
        for row, count in zip(rows, counts):
            if width == 1:
                self.values[row] = cursor.take(count)
            else:
                self.values[row] = [self.item(cursor.take(width)) for _ in range(count)]
        cursor.done()


class Block:
    def __init__(self, data, names):
        """`data` begins with the block and may go on behind it."""
        self.names = names
        need(data[:8] == b"FLBLOCK\n" and len(data) >= 104, "block: no magic")
        head_size, self.size = r32(data, 8), r64(data, 16)
        need(104 <= head_size <= self.size <= len(data), "block: sizes")
        cursor = checked(data[:head_size], "head of a block")
        cursor.take(24)
        self.stats = read_stats(cursor)
        column_count, shape_count, shapes_size = cursor.u(4), cursor.u(4), cursor.u(4)
        spelling_count = cursor.u(4)
        self.columns = [Column(cursor) for _ in range(column_count)]
        roles = [column.role for column in self.columns]
        need(roles == [0, 1] + [2] * (column_count - 2), "block: roles of columns")
        need(spelling_count <= 4095, "block: too many spellings")
        self.spellings = [cursor.take(cursor.u(2)) for _ in range(spelling_count)]
        need(all(key and 0 not in key for key in self.spellings), "block: spelling")
        self.read_shapes(Cursor(cursor.take(shapes_size)), shape_count)
        self.log = read_log(cursor)
        cursor.done()
        self.read_columns(Cursor(data[head_size:self.size]))

    def read_shapes(self, cursor, count):
        self.shapes = []
        for _ in range(count):
            shape = [(cursor.u(2), cursor.u(1), cursor.u(2))
                     for _ in range(cursor.u(2))]
            for column, kind, spelling in shape:
                need(spelling <= len(self.spellings), "shape: no such spelling")
                need(2 <= column < len(self.columns), "shape: no such column")
                need(kind <= 2 or self.columns[column].type in FITS.get(kind, ()),
                     "shape: kind and type")
            self.shapes.append(shape)
        cursor.done()

    def read_columns(self, data):
        rows = range(self.stats["rows"])
        stored = [column.unpack(data.take(column.stored)) for column in self.columns]
        data.done()
        self.shape_of = [stored[0].u(2) for _ in rows]
        stored[0].done()
        need(all(shape < len(self.shapes) for shape in self.shape_of), "row: no shape")
        texts = self.columns[1]
        kept = [stored[1].u(4) for _ in range(texts.present)]
        need(kept == sorted(set(kept)) and all(row in rows for row in kept),
             "texts: rows")
        texts.type = 9
        texts.load(stored[1], kept)
        for number, column in enumerate(self.columns[2:], 2):
            having = {index for index, shape in enumerate(self.shapes)
                      if any(c == number and kind >= 4 and kind != 24
                             for c, kind, _ in shape)}
            column.load(stored[number],
                        [row for row in rows if self.shape_of[row] in having])

    # --- back to JSON ---

    def text(self, row):
        if row in self.columns[1].values:
            return self.columns[1].values[row]
        fields = []
        for number, kind, spelling in self.shapes[self.shape_of[row]]:
            column = self.columns[number]
            key = self.spellings[spelling - 1] if spelling else column.name
            fields.append(quoted(key) + b":" + self.value(row, column, kind))
        return b"{" + b",".join(fields) + b"}"

    def value(self, row, column, kind):
        if kind == 2:
            return b"null"
        value = column.values.get(row)
        if kind == 4:
            return b"%d" % value
        if kind == 6:
            return b"true" if value else b"false"
        if kind == 18:
            return value
        if kind == 19:
            return b"[" + b",".join(b"%d" % item for item in value) + b"]"
        if kind in (22, 23):
            return b"%d" % (value // {22: 10**9, 23: 10**6}[kind])
        if kind == 24:
            return b"[]"
        if kind >= 25:
            octets = b"".join(value) if kind >= 27 else value
            return b"[" + b",".join(b"%d" % octet for at, octet in enumerate(octets)
                                    if kind % 2 == 0 or at % 16 >= 12) + b"]"
        if kind in (20, 21):
            one = {20: lambda item: self.name(column, item), 21: put_ipv4}[kind]
            return b"[" + b",".join(quoted(one(item)) for item in value) + b"]"
        return quoted(self.bare(row, column, kind, value))

    def bare(self, row, column, kind, value):
        """What stands between the quotes."""
        put = {1: lambda _: b"", 3: lambda _: b"invalid Prefix", 5: lambda v: b"%d" % v,
               7: put_time, 8: put_ipv4, 9: put_ipv6,
               10: lambda v: v[12:].hex().encode(), 11: lambda v: v.hex().encode(),
               12: lambda v: v.to_bytes(8, "big")[2:].hex(":").encode(),
               13: lambda v: self.name(column, v),
               14: lambda v: self.name(column, v, b"-old"),
               15: lambda v: self.cidr(row, column, v, 96),
               16: lambda v: self.cidr(row, column, v, 0),
               17: lambda v: v}
        need(kind in put, f"kind {kind} without a text")
        return put[kind](value)

    def name(self, column, number, suffix=b""):
        table = self.names.get(column.name + suffix, {})
        need(number in table, f"{column.name}: {number} has no name")
        return table[number]

    def cidr(self, row, column, bits, more):
        own = b"src_addr" if column.name == b"src_net" else b"dst_addr"
        address, = (c.values[row] for c in self.columns[2:]
                    if c.name == own and c.type == 8)
        keep = (1 << 128) - (1 << 128 - (bits + more))
        masked = (int.from_bytes(address, "big") & keep).to_bytes(16, "big")
        return (put_ipv4 if more else put_ipv6)(masked) + b"/%d" % bits


def quoted(text):
    return b'"' + text + b'"'


def put_ipv4(octets):
    mapped = octets[:12] == bytes(10) + b"\xff\xff"
    return b"%d.%d.%d.%d" % tuple(octets[12:]) if mapped else put_ipv6(octets)


def put_ipv6(octets):
    if octets[:12] == bytes(10) + b"\xff\xff":
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


def read_segment(data, names):
    """The blocks by the footer, and the same by walking over them."""
    read_header(data[:64])
    trailer = checked(data[-32:], "trailer")
    offset, size = trailer.u(8), trailer.u(8)
    need(trailer.take(8) == b"FLOWEND\n", "trailer: magic")
    need(offset + size + 32 == len(data), "trailer: place of the footer")
    footer = checked(data[offset:offset + size], "footer")
    need(footer.take(8) == b"FLINDEX\n", "footer: magic")
    block_count, log_count = footer.u(4), footer.u(4)
    blocks, at = [], 64
    for _ in range(block_count):
        need(footer.u(8) == at, "footer: a block is not where it should be")
        block = Block(data[at:offset], names)
        need(footer.u(8) == block.size, "footer: size of a block")
        need(read_stats(footer) == block.stats, "footer: statistics of a block")
        blocks.append(block)
        at += block.size
    need(at == offset, "bytes between the last block and the footer")
    logs = [read_log(footer) for _ in range(log_count)]
    need(None not in logs, "footer: a log without a path")
    footer.done()
    return blocks, logs


# --- the page --------------------------------------------------------------------------


def fences(page):
    """Info string to lines of each fenced block."""
    return {info.strip(): body.split("\n")
            for info, body in re.findall(r"^```(\S[^\n]*)\n(.*?)\n```$", page,
                                         re.MULTILINE | re.DOTALL)}


def hex_bytes(lines):
    return bytes.fromhex("".join(line.split("#")[0] for line in lines))


def read_names(lines):
    names = {}
    for line in lines:
        table, number, name = line.split(" ", 2)
        names.setdefault(table.encode(), {})[int(number)] = name.encode()
    return names


def check_page(path):
    with open(path, encoding="utf-8") as file:
        blocks = fences(file.read())
    names = read_names(blocks["names"])
    header, segment = hex_bytes(blocks["hex header"]), hex_bytes(blocks["hex segment"])
    need(segment[:64] == header, "the segment does not begin with the header")
    told = read_header(header)
    need(told == {"serial": 1, "start": 1741996800 * 10**9, "length": 86400 * 10**9},
         f"the header says {told}")
    found, logs = read_segment(segment, names)
    records = [line.encode() for line in blocks["json"]]
    texts = [block.text(row) for block in found for row in range(block.stats["rows"])]
    need(texts == records, f"the records come back as {texts}")
    need(1 in found[0].columns[1].values and len(found[0].columns[1].values) == 1,
         "one of the three records keeps its text")
    # the values of the one that keeps its text are there too
    kept = {c.name: c.values.get(1) for c in found[0].columns[2:]}
    need(kept[b"bytes"] == 40 and kept[b"note"] == "café".encode(), f"it has {kept}")
    other = {c.name: c.values.get(2) for c in found[0].columns[2:]}
    need(other[b"bytes"] == 9 and other[b"src_addr"] is None, f"the third has {other}")
    need(found[0].spellings == [b"TimeReceived", b"Bytes", b"SrcAddr"],
         f"spellings are {found[0].spellings}")
    stats = found[0].stats
    need(stats["rows"] == 3 and stats["text_bytes"] == sum(map(len, records)) and
         stats["received_min"] == 1742058651500000000 and
         stats["received_max"] == 1742058652000000000 and
         stats["without_time"] == 1, f"statistics are {stats}")
    need(logs == [found[0].log] and logs[0]["path"] == b"flows.json", f"logs are {logs}")
    log = b"".join(record + b"\n" for record in records)
    need(logs[0]["hash"] == logs[0]["head_hash"] == xxh3(log) and
         logs[0]["offset"] == len(log), "the log is not the records")
    check_every_byte(segment, names)
    return names


def check_every_byte(segment, names):
    """No byte can change without this reader seeing it, so it looks at all of them."""
    for at in range(len(segment)):
        changed = bytearray(segment)
        changed[at] ^= 0x55
        try:
            read_segment(bytes(changed), names)
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


def check_kinds(log, program, names):
    with tempfile.TemporaryDirectory() as directory:
        path = os.path.join(directory, "a.seg")
        subprocess.run([program, log, path], check=True)
        with open(path, "rb") as file:
            blocks, _ = read_segment(file.read(), names)
    with open(log, "rb") as file:
        lines = file.read().splitlines()
    need(len(blocks) == len(lines), "a block for each record")
    for line, block in zip(lines, blocks):
        need(block.text(0) == line, f"{line} comes back as {block.text(0)}")
    kinds = {kind for block in blocks for shape in block.shapes for _, kind, _ in shape}
    need(kinds == set(range(29)), f"only kinds {sorted(kinds)} occur")


def main():
    if len(sys.argv) not in (2, 4):
        sys.exit(__doc__)
    try:
        check_hash()
        check_rendering()
        names = check_page(sys.argv[1])
        if len(sys.argv) == 4:
            check_kinds(sys.argv[2], sys.argv[3], names)
    except (Bad, struct.error, KeyError) as wrong:
        sys.exit(f"check-format.py: {wrong!r}")


if __name__ == "__main__":
    main()
