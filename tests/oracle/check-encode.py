#!/usr/bin/env python3
"""Normalised JSON and CSV, byte for byte, against records spelt anew here: from the texts of
an exact dump, by the rules of what values mean, without a line of the C code.

check-encode.py TOOLS_DIRECTORY LOG...: all of each record as JSON, then chosen fields and
all columns as JSON and CSV. A record with a key twice, or with keys of goflow2 1.x, which
are renamed, is compared by its members, in any order."""
import json
import pathlib
import re
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parent))
sys.dont_write_bytecode = True
import record as R  # noqa: E402
from objects import DECODER  # noqa: E402

TOOLS = pathlib.Path(sys.argv[1])
LOGS = sys.argv[2:]
CHOSEN = "dst_net,src_net,bytes,proto,layer_stack,mpls_ip,icmp_name,src_mac,bytes".split(",")
LAYERS = {0: "Ethernet", 1: "IPv4", 2: "IPv6", 3: "TCP", 4: "UDP", 5: "MPLS", 6: "Dot1Q",
          7: "ICMP", 8: "ICMPv6", 9: "GRE", 10: "IPv6HeaderRouting",
          11: "IPv6HeaderFragment", 12: "Geneve", 13: "Teredo", 99: "Custom"}
NUMBERS = {kind: {name: number for number, name in names.items()}
           for kind, names in {**R.NAMES, "layer_stack": LAYERS}.items()}
NUMBERS["proto"]["ICMPv6"] = 58             # as goflow2 2.0 and 2.1 write it
ESCAPES = {"b": b"\b", "f": b"\f", "n": b"\n", "r": b"\r", "t": b"\t"}
SPELT = {9: "\\t", 10: "\\n", 13: "\\r", 8: "\\b", 12: "\\f", 34: '\\"', 92: "\\\\"}


def run(*words):
    done = subprocess.run(words, capture_output=True)
    if done.returncode not in (0, 3):           # 3: some of the log was no record
        sys.exit(f"{words}: status {done.returncode}: {done.stderr.decode()[-500:]}")
    return done.stdout


# ---- reading -----------------------------------------------------------------------------

def string_of(text):
    """The bytes that a JSON string, with its quotes, stands for; what stands between them
    where half a surrogate pair stands for nothing."""
    def decoded(match):
        escape = match[1]
        if escape[0] != "u":
            return ESCAPES.get(escape, escape.encode()).decode("latin-1")
        units = [int(unit, 16) for unit in re.findall("u(....)", escape)]
        code = units[0] if len(units) == 1 else \
            0x10000 + (units[0] - 0xD800 << 10) + units[1] - 0xDC00
        return chr(code).encode().decode("latin-1")
    pair = r"u[dD][89abAB]..\\u[dD][c-fC-F].."
    if re.search("[\ud800-\udfff]", json.loads(text, strict=False)):
        return text[1:-1].encode("latin-1")
    return re.sub(rf"\\({pair}|u....|.)", decoded, text[1:-1]).encode("latin-1")


def members(line):
    """(key, text, value) of each; text is Latin-1, the value what Python reads."""
    blank = re.compile(r"[ \t\r\n]*")
    at = blank.match(line, 1).end()
    while line[at] != "}":
        key, end = DECODER.raw_decode(line, at)
        key = string_of(line[at:end])
        at = blank.match(line, blank.match(line, end).end() + 1).end()
        value, end = DECODER.raw_decode(line, at)
        yield key, line[at:end], value
        at = blank.match(line, end).end()
        at = blank.match(line, at + (line[at] == ",")).end()


# ---- writing -----------------------------------------------------------------------------

def valid(data):
    """Bytes that are no UTF-8 become U+FFFD, each on its own."""
    out = b""
    while data:
        try:
            return out + data.decode().encode()
        except UnicodeDecodeError as error:
            out += data[:error.start] + b"\xef\xbf\xbd"
            data = data[error.start + 1:]
    return out


def quoted(data):
    return b'"' + b"".join(
        (SPELT.get(c) or f"\\u{c:04x}").encode() if c < 32 or c in (34, 92) else bytes([c])
        for c in valid(data)) + b'"'


def cell(data):
    if re.search(rb'[",\r\n]', data):
        return b'"' + data.replace(b'"', b'""') + b'"'
    return data


# ---- values: what a member is, as (JSON, CSV); None where it is absent ------------------------

def plain(data):
    return data, data


def text_value(data):
    return quoted(data), data


def named(names, number):
    name = names.get(number)
    return text_value(name.encode()) if name else plain(b"%d" % number)


def address_value(address):
    return text_value(R.text_of_address(address).encode())


def listed(items):
    return plain(b"[" + b",".join(json_text for json_text, _ in items) + b"]")


def enum_value(field, value, text):
    if isinstance(value, str) and value in NUMBERS[field]:
        value = NUMBERS[field][value]
    number = R.number_of(value, R.U32)
    if number is not None:
        return named(R.NAMES[field], number)
    return text_value(string_of(text)) if isinstance(value, str) and value else None


def hex_or_address(value):
    if isinstance(value, str) and R.HEX_ADDRESS.fullmatch(value):
        return int(value, 16) | (R.MAPPED if len(value) == 8 else 0)
    return R.address_of(value)


def prefix_value(value, text, own):
    """A text that is no prefix of the record's own address is only a text."""
    if value in ("", "invalid Prefix"):
        return None
    bits = R.number_of(value, 128)
    if isinstance(value, str) and bits is None:
        address, _, length = value.partition("/")
        network, bits = R.address_of(address), R.number_of(length, 128)
        if None in (own, network, bits) or network != R.masked(own, bits) or \
                R.is_ipv4(own) != (":" not in address):
            return text_value(string_of(text))
    if bits is None or own is None or bits > (32 if R.is_ipv4(own) else 128):
        return None if bits is None else plain(b"%d" % bits)
    return text_value(R.text_of_prefix(R.masked(own, bits), bits).encode())


def list_value(field, kind, value):
    if not isinstance(value, list):
        return None
    if kind == "addresses":
        own = [R.octets_of(value)] if R.octets_of(value) is not None else \
            [R.address_of(item) for item in value]
        return None if None in own else listed([address_value(item) for item in own])
    if kind == "numbers":
        own = [R.number_of(item, R.U64) for item in value]
        return None if None in own else listed([plain(b"%d" % item) for item in own])
    own = [NUMBERS[field].get(item, item) if isinstance(item, str) else item
           for item in value]
    return listed([named(LAYERS, item) for item in own]) \
        if all(type(item) is int for item in own) else None


def own_value(field, text, value, record):
    """Of a field of the table."""
    kind = R.KINDS[field]
    if kind == "enum":
        return enum_value(field, value, text)
    if kind in ("u32", "u64"):
        number = R.number_of(value, R.U32 if kind == "u32" else R.U64)
        return None if number is None else plain(b"%d" % number)
    if kind == "time":
        ns = R.time_of(value)
        return None if ns is None else plain(b"%d" % ns)
    if kind in ("address", "nat"):
        address = hex_or_address(value)
        return None if address is None else address_value(address)
    if kind == "prefix":
        return prefix_value(value, text, hex_or_address(record.get(field[:3] + "_addr")))
    if kind == "mac":
        return text_value(value.lower().encode()) \
            if isinstance(value, str) and R.MAC.fullmatch(value) else None
    if kind == "text":
        return text_value(string_of(text)) if isinstance(value, str) else None
    return list_value(field, kind, value)


def other_value(text, value):
    """Of a key that the table does not know."""
    if isinstance(value, str):
        return text_value(string_of(text))
    if type(value) is int and R.number_of(value, R.U64) is not None and text[0] != "-":
        return plain(b"%d" % value)
    return plain(valid(text.encode("latin-1")))


def values(line):
    """[(key, (JSON, CSV))] of what a record has, in its order, and whether that is sure."""
    found = list(members(line))
    record = {key.decode("latin-1"): value for key, _, value in found}
    sure = len(record) == len(found) and not R.SPELLINGS.keys() & record.keys()
    out = []
    for key, text, value in found:
        name = key.decode("latin-1")
        made = own_value(name, text, value, record) if name in R.KINDS \
            else other_value(text, value)
        if made is not None:
            out.append((key, made))
    return out, sure


# ---- the comparison ------------------------------------------------------------------------

def compare(what, got, want, sure, line):
    if got == want or not sure:
        return
    sys.exit(f"{what}:\n  got      {got[:600]}\n  expected {want[:600]}\n  of       {line[:600]}")


def json_line(pairs):
    return b"{" + b",".join(quoted(key) + b":" + made[0] for key, made in pairs) + b"}"


def check(path):
    lines = run(TOOLS / "flowan-dump", "-o", "exact", path).decode("latin-1").split("\n")[:-1]
    records = [values(line) for line in lines]
    schema = run(TOOLS / "flowan-dump", "-o", "csv", path).split(b"\r\n")[0].split(b",")
    extra = [name for name in schema if name.decode("latin-1") not in R.KINDS
             and name and b'"' not in name]
    names = [name.encode() for name in CHOSEN] + extra[:3]
    chosen = b",".join(names)
    outputs = {
        "json": (run(TOOLS / "flowan-dump", "-o", "json", path).split(b"\n"), None),
        "json, chosen": (run(TOOLS / "flowan-dump", "-o", "json", "--fields", chosen,
                             path).split(b"\n"), names),
    }
    for what, (got, fields) in outputs.items():
        for i, (pairs, sure) in enumerate(records):
            if fields:
                own = dict(pairs)
                pairs = [(name, own[name]) for name in fields if name in own]
            compare(f"{path}: {what}: record {i}", got[i], json_line(pairs), sure, lines[i])
            if not sure:
                json.loads(got[i])
        if len(got) != len(records) + 1:
            sys.exit(f"{path}: {what}: {len(got) - 1} records, expected {len(records)}")
    # a text may hold CR LF, so lines are joined again and not cut
    for what, fields, words in (("csv, chosen", names, ["--fields", chosen]),
                                ("csv", schema, [])):
        got = run(TOOLS / "flowan-dump", "-o", "csv", *words, path)
        at = got.index(b"\r\n") + 2
        for i, (pairs, sure) in enumerate(records):
            own = dict(pairs)
            want = b",".join(cell(own[name][1]) if name in own else b""
                             for name in fields) + b"\r\n"
            end = at + len(want) if sure else got.index(b"\r\n", at) + 2
            compare(f"{path}: {what}: record {i}", got[at:end], want, sure, lines[i])
            at = end
        if at != len(got):
            sys.exit(f"{path}: {what}: more than the records")
    return len(records), sum(sure for _, sure in records)


def main():
    totals = [check(path) for path in LOGS]
    print(f"{len(LOGS)} logs, {sum(n for n, _ in totals)} records, "
          f"{sum(n for _, n in totals)} of them byte for byte")


main()
