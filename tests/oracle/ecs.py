"""Documents of the Elastic Common Schema, computed from goflow2's objects a second time."""
import base64
import hashlib
import ipaddress
import json
import json.decoder
import json.scanner
import math
import re

from flow import Flow
from record import (HEX_ADDRESS, KINDS, MAC, MAPPED, NAMES, SECOND, SIGN, U32, U64,
                    address_of, by_field, is_ipv4, masked, no_constant, number_of,
                    octets_of, parse_address, prefix_of, text_of_address, text_of_prefix,
                    time_of)
from datetime import datetime, timedelta

# ---- reading ---------------------------------------------------------------------------


class Text(str):
    """A string of a log that has an escape somewhere: `raw` is how it was written."""


def scan_string(text, start, strict=True, scan=json.decoder.scanstring):
    value, end = scan(text, start, strict)
    value = Text(value)
    value.raw = text[start:end - 1]
    return value, end


class Twice(dict):
    """An object in which a key stands twice."""


def pairs(members):
    return (dict if len({key for key, _ in members}) == len(members) else Twice)(members)


DECODER = json.JSONDecoder(parse_constant=no_constant, object_pairs_hook=pairs)
SLOW = json.JSONDecoder(parse_constant=no_constant, object_pairs_hook=pairs)
SLOW.parse_string = scan_string
SLOW.scan_once = json.scanner.py_make_scanner(SLOW)


def read(octets):
    text = octets.decode("utf-8", "surrogateescape")
    if "\\" not in text:
        return dict(DECODER.decode(text))
    before = json.decoder.scanstring
    json.decoder.scanstring = scan_string
    try:
        return dict(SLOW.decode(text))
    finally:
        json.decoder.scanstring = before


def clean(text):
    """Each byte that is part of no character as U+FFFD."""
    return re.sub("[\udc80-\udcff]", "\ufffd", text)


def text_of(value):
    """A string as the library understands it: one that has an escape and cannot be decoded
    (a lone surrogate, bytes that are no UTF-8) stays as it was written."""
    raw = getattr(value, "raw", "")
    if "\\" in raw and re.search("[\ud800-\udfff]", value):
        return clean(raw)
    return clean(value)


# ---- values ----------------------------------------------------------------------------

LAYERS = {0: "Ethernet", 1: "IPv4", 2: "IPv6", 3: "TCP", 4: "UDP", 5: "MPLS", 6: "Dot1Q",
          7: "ICMP", 8: "ICMPv6", 9: "GRE", 10: "IPv6HeaderRouting",
          11: "IPv6HeaderFragment", 12: "Geneve", 13: "Teredo", 99: "Custom"}
NUMBERS = {field: {name: n for n, name in names.items()} for field, names in NAMES.items()}
NUMBERS["proto"]["ICMPv6"] = 58
LAYER_NUMBERS = {name: n for n, name in LAYERS.items()}


def named(record, field):
    """(number, name) of a field with names; a text that is none has no number."""
    value = record.get(field)
    number = number_of(value, U32)
    if number is not None:
        return number, NAMES[field].get(number)
    if not isinstance(value, str) or not value:
        return None, None
    text = text_of(value)
    number = NUMBERS[field].get(text)
    return (None, text) if number is None else (number, NAMES[field][number])


def any_address(value):
    if isinstance(value, str) and HEX_ADDRESS.fullmatch(value):
        return int(value, 16) | (MAPPED if len(value) == 8 else 0)
    return address_of(value)


def date(ns):
    ns -= 2 * SIGN if ns >= SIGN else 0
    ms = ns // 10**6
    moment = datetime(1970, 1, 1) + timedelta(milliseconds=ms)
    return moment.strftime("%Y-%m-%dT%H:%M:%S") + f".{ms % 1000:03d}Z"


def as_long(number):
    return number if number is not None and number < SIGN else None


# ---- Community ID ----------------------------------------------------------------------

PAIRS = {1: {8: 0, 13: 14, 15: 16, 10: 9, 17: 18},
         58: {128: 129, 130: 131, 133: 134, 135: 136, 139: 140, 144: 145}}
for table in PAIRS.values():
    table.update({b: a for a, b in table.items()})


def octets(address):
    return address.to_bytes(16, "big")[12 if is_ipv4(address) else 0:]


def community_id(source, target, proto, ports):
    if source is None or target is None or proto is None or proto > 255 \
            or is_ipv4(source) != is_ipv4(target):
        return None
    ends = [octets(source), octets(target)]
    tail = b""
    if proto in (1, 6, 17, 58, 132):
        if ports is None or max(ports) > (255 if proto in PAIRS else 65535):
            return None
        answer = PAIRS.get(proto, {}).get(ports[0])
        if answer is not None:
            ports = (ports[0], answer)
        sides = list(zip(ends, ports))
        if proto not in PAIRS or answer is not None:
            sides.sort()
        ends = [side[0] for side in sides]
        tail = b"".join(side[1].to_bytes(2, "big") for side in sides)
    else:
        ends.sort()
    hashed = b"\0\0" + b"".join(ends) + bytes([proto, 0]) + tail
    return "1:" + base64.b64encode(hashlib.sha1(hashed).digest()).decode()


def icmp_of(record):
    kind, code = (number_of(record.get(k), U32) for k in ("icmp_type", "icmp_code"))
    port = number_of(record.get("dst_port"), U32)
    if kind or code or port is None or port > 65535:
        return None if kind is None and code is None else (kind or 0, code or 0)
    return port // 256, port % 256


def flow_id(record, source, target, proto):
    if proto in PAIRS:
        return community_id(source, target, proto, icmp_of(record))
    ports = tuple(number_of(record.get(k), U32) for k in ("src_port", "dst_port"))
    return community_id(source, target, proto, None if None in ports else ports)


# ---- what has no place in the schema ---------------------------------------------------

TAKEN = set("""type sequence_num sampling_rate sampler_address time_flow_start_ns
time_flow_end_ns bytes packets src_addr dst_addr etype proto src_port dst_port in_if out_if
src_mac dst_mac src_vlan dst_vlan post_nat_src_ipv4_address post_nat_dst_ipv4_address
post_nat_src_ipv6_address post_nat_dst_ipv6_address post_napt_src_transport_port
post_napt_dst_transport_port""".split())


def is_key(key):
    return not re.search("[\0-\x1f\udc80-\udcff]", key) and \
        all(part.strip(" ") for part in key.split("."))


class Refused(Exception):
    pass


def json_of(value):
    """A value inside an unknown one, as a reader with the usual limits takes it."""
    if isinstance(value, str):
        text = clean(getattr(value, "raw", value))
        if hasattr(value, "raw"):
            text = json.loads(f'"{text}"')
        if re.search("[\0\ud800-\udfff]", text):
            raise Refused
        return text
    if isinstance(value, Twice) or type(value) is float and math.isinf(value) \
            or type(value) is int and not -SIGN <= value < SIGN:
        raise Refused
    if isinstance(value, list):
        return [json_of(item) for item in value]
    if isinstance(value, dict):
        return {json_of(key): json_of(item) for key, item in value.items()}
    return value


def unknown(value):
    if isinstance(value, str):
        return text_of(value)
    if type(value) is int and 0 <= value <= U64:
        return as_long(value)
    if isinstance(value, list) and all(type(n) is int and 0 <= n <= U64 for n in value):
        return value if all(n < SIGN for n in value) else None
    try:
        return json_of(value)
    except Refused:
        return None


def net(record, key, value):
    own = any_address(record.get({"src_net": "src_addr", "dst_net": "dst_addr"}[key]))
    if isinstance(value, str):
        return None if value in ("", "invalid Prefix") else text_of(value)
    length = number_of(value, 128)
    if length is None or own is None or length > (32 if is_ipv4(own) else 128):
        return None if length is None else str(length)
    return text_of_prefix(masked(own, length), length)


def spelt_prefix(record, key, text):
    """A prefix is spelt anew only when it is one of the record's own address."""
    own = any_address(record.get({"src_net": "src_addr", "dst_net": "dst_addr"}[key]))
    prefix = prefix_of(text) if isinstance(text, str) and "/" in text else None
    if own is None or prefix is None or is_ipv4(prefix[0]) != is_ipv4(own) \
            or (":" in text) == is_ipv4(own):
        return text
    address = parse_address(text.partition("/")[0])
    if masked(own, prefix[1]) != address:
        return text
    return text_of_prefix(*prefix)


def known(record, key, value):
    kind = KINDS[key]
    if kind in ("u32", "u64"):
        return as_long(number_of(value, U32 if kind == "u32" else U64))
    if kind == "time":
        return as_long(time_of(value))
    if kind in ("address", "nat"):
        address = any_address(value)
        return None if address is None else text_of_address(address)
    if kind == "prefix":
        return spelt_prefix(record, key, net(record, key, value))
    if kind == "text":
        return text_of(value) if isinstance(value, str) else None
    if not isinstance(value, list):
        return None
    if kind == "addresses":
        if octets_of(value) is not None:
            return [text_of_address(octets_of(value))]
        items = [parse_address(item) if isinstance(item, str) else None for item in value]
        return None if None in items else [text_of_address(item) for item in items]
    if kind == "texts":
        numbers = [LAYER_NUMBERS.get(n) if isinstance(n, str) else
                   n if type(n) is int and 0 <= n <= U64 else None for n in value]
        if None in numbers or any(isinstance(n, str) for n in value) \
                and not all(isinstance(n, str) for n in value) \
                or any(n >= SIGN for n in numbers):
            return None
        return [LAYERS.get(n, str(n)) for n in numbers]
    if all(type(n) is int and 0 <= n <= U64 for n in value):
        return value if all(n < SIGN for n in value) else None
    return None


def rest_of(record):
    rest = {}
    for key, value in record.items():
        if key in TAKEN:
            continue
        if key in KINDS:
            shown = known(record, key, value)
        else:
            key = text_of(key) if hasattr(key, "raw") else key
            shown = unknown(value) if is_key(key) else None
        if shown is not None:
            rest[key] = shown
    return rest


# ---- documents -------------------------------------------------------------------------

def pruned(value):
    """Without what is None, and objects and lists that are empty then."""
    if isinstance(value, dict):
        value = {key: pruned(item) for key, item in value.items()}
        return {key: item for key, item in value.items() if item not in (None, {}, [])}
    return value


class Writer:
    def __init__(self, sight, compat=False, original=False, tags=(), with_asns=False):
        self.sight, self.compat, self.original = sight, compat, original
        self.with_asns = with_asns
        tags = (["preserve_original_event"] if original else []) + ["forwarded", "sflow",
                                                                    *tags]
        self.tags = list(dict.fromkeys(tags))

    def document(self, octets_):
        record = by_field(read(octets_))
        flow = Flow(record, self.sight)
        get = lambda key, most=U32: number_of(record.get(key), most)   # noqa: E731
        start, end = (time_of(record.get(f"time_flow_{k}_ns")) for k in ("start", "end"))
        stamp = next((t for t in (start, time_of(record.get("time_received_ns")), end)
                      if t is not None), None)
        kind, action = named(record, "type")
        etype, etype_name = named(record, "etype")
        proto, proto_name = named(record, "proto")
        space = "sflow" if kind == 1 else "netflow"
        duration = None
        if start is not None and end is not None:
            duration = (end ^ SIGN) - (start ^ SIGN)
        size, packets, rate = (get(k, U64) for k in ("bytes", "packets", "sampling_rate"))
        factor = rate if rate or self.compat else 1
        scaled = [None if value is None or rate is None else as_long(value * factor)
                  for value in (size, packets)]
        network_packets = as_long(rate) if self.compat else scaled[1]
        ends, related, left = {}, [], {}
        addresses = []
        for side, name in (("src", "source"), ("dst", "destination")):
            address = any_address(record.get(f"{side}_addr"))
            addresses.append(address)
            nats = [any_address(record.get(f"post_nat_{side}_ipv{v}_address"))
                    for v in (4, 6)]
            nats = [None if a in (0, MAPPED) else a for a in nats]
            nat = nats[0] if nats[0] is not None else nats[1]
            if nats[0] is not None and nats[1] is not None:
                left[f"post_nat_{side}_ipv6_address"] = text_of_address(nats[1])
            mac = record.get(f"{side}_mac")
            if isinstance(mac, str) and MAC.fullmatch(mac):
                mac = mac.upper().replace(":", "-")
            else:
                number = number_of(mac, 2**48 - 1)
                mac = None if number is None else "-".join(
                    f"{octet:02X}" for octet in number.to_bytes(6, "big"))
            asn = (flow.source_as() if side == "src" else flow.target_as()) \
                if self.with_asns else 0
            shown = None if address is None else text_of_address(address)
            ends[name] = {
                "ip": shown, "address": shown and [shown], "port": get(f"{side}_port"),
                "mac": mac,
                "nat": {"ip": None if nat is None else text_of_address(nat),
                        "port": get(f"post_napt_{side}_transport_port")},
                "as": {"number": asn or None,
                       "organization": {"name": clean(self.sight.organization(asn)) or None
                                        if asn else None}},
            }
        for name in ("source", "destination"):
            ip = ends[name]["ip"]
            if ip and (ip not in related or self.compat):
                related.append(ip)
        for name in ("source", "destination"):
            ip = ends[name]["nat"]["ip"]
            if ip and ip not in related:
                related.append(ip)
        if self.compat or scaled[1] is None:
            left["packets"] = as_long(packets)
        if start is None:
            left["time_flow_end_ns"] = as_long(end)
        if kind is not None and action is None:
            left["type"] = str(kind)
        if etype is not None and etype_name is None:
            left["etype"] = str(etype)

        def port(interface, vlan):
            return {"interface": {"id": text(get(interface))}, "vlan": {"id": text(get(vlan))}}

        def text(number):
            return None if number is None else str(number)
        exporter = any_address(record.get("sampler_address"))
        both = start is not None and end is not None
        document = pruned({
            "@timestamp": None if stamp is None else date(stamp),
            "ecs": {"version": "8.16.0"},
            "event": {
                "kind": "event", "category": ["network"], "type": ["connection"],
                "dataset": f"goflow2.{space}", "timezone": "+00:00", "action": action,
                "start": date(start) if both else None,
                "end": date(end) if both else None,
                "duration": duration if duration is not None and 0 <= duration < SIGN
                else None,
                "original": clean(octets_.decode("utf-8", "surrogateescape"))
                if self.original else None,
            },
            **ends,
            "network": {
                "type": etype_name and lower(etype_name),
                "transport": proto_name and lower(proto_name),
                "iana_number": text(proto),
                "community_id": flow_id(record, *addresses, proto),
                "bytes": scaled[0], "packets": network_packets,
                "direction": {"out": "outbound", "in": "inbound", "internal": "internal",
                              "transit": "external"}[flow.direction],
            },
            "observer": {"ip": exporter is not None and [text_of_address(exporter)] or None,
                         "ingress": port("in_if", "src_vlan"),
                         "egress": port("out_if", "dst_vlan")},
            space: {"bytes": as_long(size), "sequence_num": get("sequence_num"),
                    "sample_rate": as_long(rate)},
            "related": {"ip": related},
            "tags": self.tags,
        })
        rest = {**rest_of(record), **pruned(left)}
        if rest:
            document["goflow2"] = rest
        return document


def lower(text):
    return re.sub("[A-Z]", lambda m: m[0].lower(), text)


# ---- what a document may be ------------------------------------------------------------

# The fields of ECS 8.16 that are written, and their types; lists: what is always a list.
FIELDS = {
    "@timestamp": "date", "ecs.version": "keyword", "error.message": "match_only_text",
    "event.kind": "keyword", "event.category": "keyword", "event.type": "keyword",
    "event.dataset": "keyword", "event.timezone": "keyword", "event.action": "keyword",
    "event.start": "date", "event.end": "date", "event.duration": "long",
    "event.original": "keyword", "network.type": "keyword", "network.transport": "keyword",
    "network.iana_number": "keyword", "network.community_id": "keyword",
    "network.bytes": "long", "network.packets": "long", "network.direction": "keyword",
    "observer.ip": "ip", "observer.ingress.interface.id": "keyword",
    "observer.egress.interface.id": "keyword", "observer.ingress.vlan.id": "keyword",
    "observer.egress.vlan.id": "keyword", "related.ip": "ip", "tags": "keyword",
    **{f"{end}.{name}": kind for end in ("source", "destination") for name, kind in {
        "ip": "ip", "address": "keyword", "port": "long", "mac": "keyword", "nat.ip": "ip",
        "nat.port": "long", "as.number": "long", "as.organization.name": "keyword",
    }.items()},
}
LISTS = {"event.category", "event.type", "observer.ip", "related.ip", "tags",
         "source.address", "destination.address"}
OURS = {"sflow", "netflow"}
DATE = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")


def is_ip(value):
    try:
        ipaddress.ip_address(value)
    except ValueError:
        return False
    return isinstance(value, str)


FITS = {
    "date": lambda value: isinstance(value, str) and DATE.fullmatch(value),
    "ip": is_ip,
    "long": lambda value: type(value) is int and -SIGN <= value < SIGN,
    "keyword": lambda value: isinstance(value, str),
    "match_only_text": lambda value: isinstance(value, str),
}


def leaves(value, path=""):
    if isinstance(value, dict):
        for key, item in value.items():
            yield from leaves(item, f"{path}.{key}" if path else key)
    else:
        yield path, value


def faults(document):
    """What is wrong with the fields of a document."""
    document = dict(document)
    document.pop("goflow2", None)
    for path, value in leaves(document):
        kind = "long" if path.partition(".")[0] in OURS else FIELDS.get(path)
        if kind is None:
            yield f"{path} is no field of the schema"
        elif isinstance(value, list) != (path in LISTS):
            yield f"{path}: a list, or none, where it should not be"
        elif not all(FITS[kind](v) for v in (value if path in LISTS else [value])):
            yield f"{path}: {value!r} is no {kind}"
