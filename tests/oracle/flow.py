"""A flow: its clock, its local and remote ends, and the keys that it is grouped by."""
import json
import math
from collections import namedtuple
from fractions import Fraction

from record import (KINDS, MAC, NAMES, SECOND, SIGN, U32, U64, Problem, address_of, is_ipv4,
                    iso, masked, nat_address_of, number_of, octets_of, open_log,
                    parse_address, prefix_of, records_of, text_of_address, text_of_prefix,
                    time_of)

DAY = 86400 * SECOND
YEAR_2000 = 946684800 * SECOND


# ---- flows -----------------------------------------------------------------------------

class Side:
    """A flow seen from one of its local ends."""

    __slots__ = ("local", "network", "remote", "remote_as")

    def __init__(self, local, network, remote, remote_as):
        self.local, self.network = local, network
        self.remote, self.remote_as = remote, remote_as


def share_out(number, weights):
    """In whole numbers, by largest remainder."""
    exact = [number * weight for weight in weights]
    parts = [math.floor(x) for x in exact]
    order = sorted(range(len(parts)), key=lambda i: (parts[i] - exact[i], i))
    for i in order[:number - sum(parts)]:
        parts[i] += 1
    return parts


Share = namedtuple("Share", "direction flows packets bytes")


class Flow:
    """A record with what the counting rules derive from it."""

    flows = 1

    def __init__(self, record, sight):
        self.record = record
        self.sight = sight
        rate = number_of(record.get("sampling_rate"), U64) or sight.default_sampling
        scale = 1 if sight.raw else rate
        self.bytes = (number_of(record.get("bytes"), U64) or 0) * scale
        self.packets = (number_of(record.get("packets"), U64) or 0) * scale
        self.read_clock()
        self.find_sides()

    def read_clock(self):
        start = time_of(self.record.get("time_flow_start_ns"))
        end = time_of(self.record.get("time_flow_end_ns"))
        received = time_of(self.record.get("time_received_ns"))
        start, end = end if start is None else start, start if end is None else end
        self.received = received if received and received < SIGN else None
        self.broken = (start is None or min(start, end) < YEAR_2000
                       or max(start, end) >= SIGN or end < start or end - start > DAY
                       or (self.received is not None
                           and max(start, end) > self.received + DAY))
        self.good_start = (start if start is not None and YEAR_2000 <= start < SIGN
                           else None)
        if not self.broken:
            self.span = (start, end)
        else:
            point = self.good_start if self.received is None else self.received
            self.span = None if point is None else (point, point)
        self.counted = self.span and self.by_clock()
        self.moment = self.counted and self.counted[0] # its hour and day are of this

    def by_clock(self):
        """The span that counts."""
        point = {"received": self.received if self.received else self.span[0],
                 "start": self.span[0], "end": self.span[1]}.get(self.sight.clock)
        return self.span if point is None else (point, point)

    def shares(self, width, scheme):
        """What of the flow is in each bin that it is in: {bin: Share}."""
        start, end = self.counted
        ends = range(start // width, max(start, end - 1) // width + 1)
        one = {"start": ends[0], "end": ends[-1], "middle": (start + end) // 2 // width}
        if scheme in one or len(ends) == 1:
            return {one.get(scheme, ends[0]): self}
        if scheme == "uniform":
            weights = [Fraction(1, len(ends))] * len(ends)
        else:
            weights = [Fraction(min(end, (k + 1) * width) - max(start, k * width), end - start)
                       for k in ends]
        packets, octets = share_out(self.packets, weights), share_out(self.bytes, weights)
        return {k: Share(self.direction, int(i == 0), packets[i], octets[i])
                for i, k in enumerate(ends)}

    def find_sides(self):
        record, find = self.record, self.sight.networks.find
        self.source = source = address_of(record.get("src_addr"))
        self.target = target = address_of(record.get("dst_addr"))
        behind_nat = [nat_address_of(record.get("post_nat_dst_ipv4_address")),
                      nat_address_of(record.get("post_nat_dst_ipv6_address"))]
        home = find(source)
        ends = [(a, find(a)) for a in behind_nat + [target] if find(a)]
        # not public before public; among equals the translated address first
        end = min(ends, key=lambda e: e[1][1], default=None)
        self.sides = []
        if home:
            self.sides.append(Side(source, home[0], target, self.target_as()))
        if end:
            self.sides.append(Side(end[0], end[1][0], source, self.source_as()))
        self.direction = ("internal" if home and end else "out" if home
                          else "in" if end else "transit")

    def source_as(self):
        own = number_of(self.record.get("src_as"), U32)
        return self.sight.as_number(own, self.source)

    def target_as(self):
        own = number_of(self.record.get("dst_as"), U32)
        return self.sight.as_number(own, self.target)

    def is_within(self, first, last):
        if first is None and last is None:
            return True
        if self.span is None:
            return False
        start, end = self.span
        before_last = last is None or start < last
        if start == end:
            return before_last and (first is None or start >= first)
        return before_last and (first is None or end > first)


def flows_of(options, sight):
    """The selected flows, each with the receive time that gaps are made of."""
    for path in options.paths:
        lines, modified = open_log(path)
        latest = None
        for record in records_of(lines):
            flow = Flow(record, sight)
            latest = flow.received or latest
            flow.seen = latest or flow.good_start or modified
            if flow.is_within(options.start, options.end):
                yield flow


# ---- keys ------------------------------------------------------------------------------
# A key part gives a pair: what it is grouped and sorted by, and what the report shows.

NULL = ((0,), None)


def octets(text):
    try:
        return text.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:                         # a lone surrogate was written as \ud800
        return text.encode("utf-8", "surrogatepass")


def part_of_number(value):
    return NULL if value is None else ((1, value), value)


def part_of_text(value):
    return NULL if value is None else ((2, octets(value)), value)


def part_of_json(value):
    if isinstance(value, str):
        return part_of_text(value)
    if value is None or type(value) is int:
        return part_of_number(value)
    if isinstance(value, float):
        return (1, value, "float"), value              # 1.0 is not the group of 1
    return (3, json.dumps(value, separators=(",", ":"))), value


def part_of_address(address, lengths):
    if address is None:
        return NULL
    if lengths is None:
        return (1, address), text_of_address(address)
    length = lengths[0] if is_ipv4(address) else lengths[1]
    network = masked(address, length)
    return (1, network, length), text_of_prefix(network, length)


def part_of_list(value, kind):
    if not isinstance(value, list):
        return NULL
    if kind == "numbers":
        items = [number_of(item, U64) for item in value]
    elif kind == "addresses" and octets_of(value) is not None:
        items = [octets_of(value)]
    elif kind == "addresses":
        items = [parse_address(item) if isinstance(item, str) else None for item in value]
    else:
        items = [item if isinstance(item, str) else None for item in value]
    if None in items:
        return NULL
    shown = [text_of_address(a) for a in items] if kind == "addresses" else items
    return (4, tuple(octets(i) if isinstance(i, str) else i for i in items)), shown


def part_of_field(name, value, lengths):
    kind = KINDS.get(name)
    if kind == "address":
        return part_of_address(address_of(value), lengths)
    if kind == "nat":
        return part_of_address(nat_address_of(value), lengths)
    if kind == "u32":
        return part_of_number(number_of(value, U32))
    if kind == "u64":
        return part_of_number(number_of(value, U64))
    if kind == "time":
        return part_of_number(time_of(value))
    if kind in ("numbers", "texts", "addresses"):
        return part_of_list(value, kind)
    if kind is None:
        return part_of_json(value)
    number = number_of(value, U32) if kind == "enum" else None
    if number is not None:
        value = NAMES[name].get(number)
        return part_of_number(number) if value is None else part_of_text(value)
    if not isinstance(value, str):
        return NULL
    if kind == "enum" and value == "":
        return NULL                     # "any other": neither a number nor a name
    if kind == "enum":
        return part_of_text("IPv6-ICMP" if (name, value) == ("proto", "ICMPv6") else value)
    if kind == "mac":
        return part_of_text(value.lower()) if MAC.fullmatch(value) else NULL
    if kind == "prefix":
        prefix = prefix_of(value) if "/" in value else None
        if prefix and text_of_prefix(*prefix) == value:
            return (2.5, *prefix), value
        # what says more or other than a masked network stays the text that it is
        return part_of_text(value) if "/" in value else NULL
    return part_of_text(value)


def part_of_net(name, flow, own):
    """A length is that of the record's address, as far as it is one for it."""
    value = flow.record.get(name)
    length = number_of(value, 128)
    if length is None:
        return part_of_field(name, value, None)
    if own is None or (is_ipv4(own) and length > 32):
        return part_of_number(length)
    return (2.5, masked(own, length), length), text_of_prefix(masked(own, length), length)


def service_of(flow):
    ports = [number_of(flow.record.get(name), U32) for name in ("src_port", "dst_port")]
    return min((p for p in ports if p is not None and 1 <= p <= 1023), default=None)


DERIVED = {
    "local_net": lambda flow, side, lengths: part_of_text(side.network),
    "local_ip": lambda flow, side, lengths: part_of_address(side.local, lengths),
    "remote_ip": lambda flow, side, lengths: part_of_address(side.remote, lengths),
    "remote_as": lambda flow, side, lengths: part_of_number(side.remote_as),
    "src_as": lambda flow, side, lengths: part_of_number(flow.source_as()),
    "dst_as": lambda flow, side, lengths: part_of_number(flow.target_as()),
    "src_net": lambda flow, side, lengths: part_of_net("src_net", flow, flow.source),
    "dst_net": lambda flow, side, lengths: part_of_net("dst_net", flow, flow.target),
    "direction": lambda flow, side, lengths: part_of_text(flow.direction),
    "exporter": lambda flow, side, lengths: part_of_field(
        "sampler_address", flow.record.get("sampler_address"), lengths),
    "service": lambda flow, side, lengths: part_of_number(service_of(flow)),
    "hour": lambda flow, side, lengths: part_of_text(
        None if flow.moment is None else iso(flow.moment)[:13] + ":00:00Z"),
    "day": lambda flow, side, lengths: part_of_text(
        None if flow.moment is None else iso(flow.moment)[:10]),
}


class Key:
    """The list of --by: src_addr/24,64,proto has two parts."""

    def __init__(self, text):
        self.names, self.parts = [], []
        for word in text.split(",") if text else []:
            if word.isdigit() and self.names and "/" in self.names[-1]:
                self.names[-1] += "," + word
            elif word:
                self.names.append(word)
            else:
                raise Problem(f"{text}: a key without a name")
        for shown in self.names:
            name, slash, digits = shown.partition("/")
            self.parts.append((name, self.lengths_of(name, digits) if slash else None))
        names = {name for name, _ in self.parts}
        self.is_local = bool(names & {"local_net", "local_ip"})
        self.is_remote = bool(names & {"remote_ip", "remote_as"})

    @staticmethod
    def lengths_of(name, digits):
        lengths = [number_of(d, 128) for d in digits.split(",")]
        if (None in lengths or len(lengths) > 2 or (len(lengths) == 2 and lengths[0] > 32)
                or not (name in ("local_ip", "remote_ip", "exporter")
                        or KINDS.get(name) in ("address", "nat"))):
            raise Problem(f"{name}/{digits}: no such prefix of an address")
        return min(lengths[0], 32), lengths[-1]

    def value(self, flow, side):
        pairs = [DERIVED[name](flow, side, lengths) if name in DERIVED
                 else part_of_field(name, flow.record.get(name), lengths)
                 for name, lengths in self.parts]
        return tuple(p[0] for p in pairs), [p[1] for p in pairs]

    def places(self, flow):
        """{key: (shown, sides)} of the groups that the flow counts in; none: `other`."""
        sides = [None]
        if self.is_local:
            sides = flow.sides
        elif self.is_remote:
            sides = flow.sides if flow.direction in ("in", "out") else []
        places = {}
        for side in sides:
            key, shown = self.value(flow, side)
            places.setdefault(key, (shown, []))[1].append(side)
        return places
