#!/usr/bin/env python3
"""The reports of flowan-report, computed a second time from goflow2's logs.

This is the counting rules as a program: plain Python integers, one flow after the other,
nothing shared with the C code. It favours being readable over being fast, and reads no
file format but goflow2's own. README.md beside it says how it is used.

It does not know archives, filters, --dedup, other clocks than start-end or other schemes
than start.
"""
import argparse
import bisect
import json
import re
import sys
import threading

sys.dont_write_bytecode = True

from flow import DAY, Key, flows_of                                       # noqa: E402
from record import DIGITS, SECOND, Problem, iso, ns_of_rfc_3339           # noqa: E402
from sight import Sight                                                   # noqa: E402

MAX_ROWS = 1_000_000
DIRECTIONS = ("in", "out", "internal", "transit")
MEASURES = ("flows", "packets", "bytes")


# ---- counting --------------------------------------------------------------------------

class Count:
    """flows, packets, bytes."""

    def __init__(self):
        self.flows = self.packets = self.bytes = 0

    def add(self, flow):
        self.flows += flow.flows
        self.packets += flow.packets
        self.bytes += flow.bytes

    def merge(self, count):
        self.flows += count.flows
        self.packets += count.packets
        self.bytes += count.bytes

    def json(self):
        return {name: getattr(self, name) for name in MEASURES}


class Split:
    """A Count for each direction."""

    def __init__(self):
        self.ways = {way: Count() for way in DIRECTIONS}

    def add(self, flow):
        self.ways[flow.direction].add(flow)

    def merge(self, split):
        for way, count in split.ways.items():
            self.ways[way].merge(count)

    @property
    def all(self):
        count = Count()
        for way in self.ways.values():
            count.merge(way)
        return count

    def json(self, ways=DIRECTIONS):
        return {way: self.ways[way].json() for way in ways}


class Group(Split):
    def __init__(self, shown):
        super().__init__()
        self.shown = shown
        self.local, self.remote = set(), set()         # addresses
        self.remote_as = {}                            # of flows in and out: {number: Count}

    def note(self, flow, sides):
        for side in sides:
            self.local.add(side.local)
            if side.remote is not None:
                self.remote.add(side.remote)
            if flow.direction in ("in", "out"):
                self.remote_as.setdefault(side.remote_as, Count()).add(flow)


class Summary:
    """What frames the rows of every report."""

    def __init__(self):
        self.total, self.other, self.twice = Split(), Split(), Split()
        self.clock_faults = 0
        self.first = self.last = None

    def note(self, flow):
        self.total.add(flow)
        self.clock_faults += flow.broken
        if flow.counted:
            start, end = flow.counted
            self.first = start if self.first is None else min(self.first, start)
            self.last = end if self.last is None else max(self.last, end)

    def place(self, flow, key):
        """The places of a flow, once it has been counted in all else."""
        self.note(flow)
        places = key.places(flow)
        if not places:
            self.other.add(flow)
        if len(places) == 2:
            self.twice.add(flow)
        return places


def top(groups, options):
    """The keys in the order of the report, and those that do not fit."""
    ranked = sorted(groups, key=lambda k: (-getattr(groups[k].all, options.order), k))
    fit = options.top or len(ranked)
    return ranked[:fit], ranked[fit:]


def group_rows(flows, key, summary, options, sight, row_of):
    groups = {}
    for flow in flows:
        for value, (shown, sides) in summary.place(flow, key).items():
            if value not in groups:
                groups[value] = Group(shown)
            groups[value].add(flow)
            if sides != [None] and options.report in ("networks", "asns"):
                groups[value].note(flow, sides)
    shown, cut = top(groups, options)
    for value in cut:
        summary.other.merge(groups[value])
    return [row_of(groups[value], summary, options, sight) for value in shown]


def network_row(group, summary, options, sight):
    remote = sorted(group.remote_as.items(),
                    key=lambda item: (-getattr(item[1], options.order), item[0]))
    return {"local_net": group.shown[0],
            "prefix": " ".join(sight.networks.prefixes[group.shown[0]]),
            **group.json(("in", "out", "internal")),
            "local_addresses": len(group.local),
            "top_remote_as": [{"remote_as": number, "organization": sight.organization(number),
                               "bytes": count.bytes} for number, count in remote[:5]]}


def as_row(group, summary, options, sight):
    return {"remote_as": group.shown[0], "organization": sight.organization(group.shown[0]),
            **group.json(("in", "out")), "remote_addresses": len(group.remote)}


def key_row(group, summary, options, sight):
    count, whole = group.all, summary.total.all.bytes
    return {**dict(zip(options.key.names, group.shown)), **count.json(),
            "share": count.bytes / whole if whole else 0.0}


def is_gap(start, end, seen, gap):
    """Whether the bin lies wholly between two receive times, or before or after all."""
    at = bisect.bisect_left(seen, start)
    if at < len(seen) and seen[at] < end:
        return False
    return at in (0, len(seen)) or seen[at] - seen[at - 1] >= gap


def bins_shown(bins, options):
    """range of the bins that have rows."""
    width = options.bin
    first = min(bins, default=None) if options.start is None else options.start // width
    after = (max(bins, default=-1) + 1 if options.end is None else -(-options.end // width))
    shown = range(0) if first is None else range(first, max(first, after))
    return shown


def series_rows(flows, key, summary, options, sight):
    bins, seen = {}, set()                             # {bin: {key: Group}}
    for flow in flows:
        if flow.seen is not None:
            seen.add(flow.seen)
        if flow.moment is None:                        # in totals only
            summary.note(flow)
            summary.other.add(flow)
            continue
        shares = flow.shares(options.bin, options.scheme)
        for value, (shown, _) in summary.place(flow, key).items():
            for number, share in shares.items():
                groups = bins.setdefault(number, {})
                groups.setdefault(value, Group(shown)).add(share)
    shown_bins = bins_shown(bins, options)
    whole = {}
    for number, groups in bins.items():
        for value, group in groups.items():
            if number in shown_bins:
                whole.setdefault(value, Group(group.shown)).merge(group)
            else:
                summary.other.merge(group)
    shown_keys, cut = top(whole, options) if key.names else (list(whole), [])
    for value in cut:
        summary.other.merge(whole[value])
    if not key.names and len(shown_bins) > MAX_ROWS:
        raise Problem(f"{len(shown_bins)} rows are more than {MAX_ROWS}")
    filled = sorted(number for number in bins if number in shown_bins)
    shown_keys = sorted(shown_keys)                    # by time, then by key
    rows, seen = [], sorted(seen)
    for number in filled if key.names else shown_bins:
        groups = bins.get(number, {})
        start = number * options.bin
        for value in shown_keys if key.names else [()]:
            if value in groups or not key.names:
                gap = not groups and is_gap(start, start + options.bin, seen, options.gap)
                rows.append(series_row(start, groups.get(value, Group([])), gap, options))
        if len(rows) > MAX_ROWS:
            raise Problem(f"more than {MAX_ROWS} rows")
    return rows


def series_row(start, group, gap, options):
    count = group.all
    return {"time": iso(start), **dict(zip(options.key.names, group.shown)), **count.json(),
            "bits_per_second": 8 * count.bytes * SECOND / options.bin,
            "packets_per_second": count.packets * SECOND / options.bin, "gap": gap}


def report_of(options):
    sight, summary = Sight(options), Summary()
    flows = flows_of(options, sight)
    if options.report == "series":
        rows = series_rows(flows, options.key, summary, options, sight)
    else:
        row_of = {"networks": network_row, "asns": as_row}.get(options.report, key_row)
        rows = group_rows(flows, options.key, summary, options, sight, row_of)
    first = summary.first if options.start is None else options.start
    last = summary.last if options.end is None else options.end
    split = options.report in ("networks", "asns")
    return {
        "report": options.report,
        "from": None if first is None else iso(first),
        "to": None if last is None else iso(last),
        "policy": {"clock": options.clock,
                   "scheme": options.scheme if options.report == "series" else None,
                   "counts": "raw" if options.raw_counts else "scaled", "dedup": None,
                   "asn_order": "asdb" if options.prefer_asdb else "record"},
        "rows": rows,
        "other": {**summary.other.all.json(), **(summary.other.json() if split else {})},
        "total": {**summary.total.all.json(), **(summary.total.json() if split else {})},
        "counted_twice": summary.twice.all.json(),
        "clock_faults": summary.clock_faults,
    }


def self_check(report):
    """Whether the table adds up: rows + other - counted_twice = total, in every way."""
    rows, other, total = report["rows"], report["other"], report["total"]
    twice = report["counted_twice"]
    ways = [way for way in DIRECTIONS if way in total]
    for name in MEASURES:
        shown = sum(row[way][name] for row in rows for way in ways if way in row)
        shown += sum(row[name] for row in rows if name in row)
        if shown + other[name] - twice[name] != total[name]:
            raise Problem(f"self-check: {name} do not add up")
        for way in ways:
            shown = sum(row[way][name] for row in rows if way in row)
            again = twice[name] if way == "internal" else 0
            if shown + other[way][name] - again != total[way][name]:
                raise Problem(f"self-check: {way} {name} do not add up")
        for part in (other, total):
            if ways and sum(part[way][name] for way in ways) != part[name]:
                raise Problem(f"self-check: {name} of the directions do not add up")


# ---- the command -----------------------------------------------------------------------

def duration(text):
    m = re.fullmatch(r"([0-9]+)(ms|s|m|h|d)", text)
    scale = {"ms": SECOND // 1000, "s": SECOND, "m": 60 * SECOND, "h": 3600 * SECOND, "d": DAY}
    if not m or int(m[1]) == 0:
        raise argparse.ArgumentTypeError(f"{text} is not a duration such as 5m")
    return int(m[1]) * scale[m[2]]


def point_in_time(text):
    if DIGITS.fullmatch(text):
        return int(text) * SECOND
    m = re.fullmatch(r"([0-9-]{10})(?:[T ]([0-9]{2}:[0-9]{2})(:[0-9]{2}(?:\.[0-9]{1,9})?)?"
                     r"(Z|[+-][0-9]{2}:[0-9]{2})?)?", text)
    ns = m and ns_of_rfc_3339(f"{m[1]}T{m[2] or '00:00'}{m[3] or ':00'}{m[4] or 'Z'}")
    if ns is None:
        raise argparse.ArgumentTypeError(f"{text} is not a time such as 2025-03-15T17:00:00Z")
    return ns


def options_of(arguments):
    p = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    p.add_argument("report", choices=("networks", "asns", "matrix", "top", "series"))
    p.add_argument("paths", nargs="+", metavar="PATH")
    p.add_argument("--networks", metavar="FILE")
    p.add_argument("--asn-db", metavar="FILE.mmdb")
    p.add_argument("--by", metavar="KEYS")
    p.add_argument("--top", type=int, default=20, metavar="N")
    p.add_argument("--order", choices=("bytes", "packets", "flows"), default="bytes")
    p.add_argument("--raw-counts", action="store_true")
    p.add_argument("--prefer-asdb", action="store_true")
    p.add_argument("--default-sampling", type=int, default=1, metavar="N")
    p.add_argument("--scheme", default="proportional",
                   choices=("proportional", "uniform", "start", "end", "middle"))
    p.add_argument("--clock", choices=("start-end", "received", "start", "end"),
                   default="start-end")
    p.add_argument("--bin", type=duration, default=60 * SECOND, metavar="DURATION")
    p.add_argument("--gap", type=duration, default=300 * SECOND, metavar="DURATION")
    p.add_argument("--start", type=point_in_time, metavar="T")
    p.add_argument("--end", type=point_in_time, metavar="T")
    p.add_argument("--self-check", action="store_true", help="fail unless the rows add up")
    # so that a test can give both programs the same words
    p.add_argument("-o", choices=("json",), help="the only format")
    options = p.parse_intermixed_args(arguments)
    keys = {"networks": "local_net", "asns": "remote_as",
            "matrix": options.by or "local_net,remote_as,local_ip"}
    if options.by and options.report in ("networks", "asns"):
        p.error(f"{options.report} has its own keys")
    if not options.by and options.report == "top":
        p.error("top needs --by")
    if options.top < 0 or options.default_sampling < 1:
        p.error("--top and --default-sampling take no such number")
    try:
        options.key = Key(keys.get(options.report, options.by))
    except Problem as problem:
        p.error(str(problem))
    return options


def main():
    options = options_of(sys.argv[1:])
    try:
        report = report_of(options)
        if options.self_check:
            self_check(report)
        json.dump(report, sys.stdout, indent=1)
        print()
    except (Problem, OSError) as problem:
        print(f"oracle: {problem}", file=sys.stderr)
        return 1
    return 0


def main_on_a_deep_stack():
    """Nested arrays are records too, and Python's parser recurses."""
    if hasattr(sys, "set_int_max_str_digits"):
        sys.set_int_max_str_digits(0)
    sys.setrecursionlimit(100_000)
    threading.stack_size(512 << 20)
    status = []

    def run():
        try:
            status.append(main())
        except SystemExit as leave:
            status.append(leave.code)
    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    sys.exit(status[0] if status else 1)


if __name__ == "__main__":
    main_on_a_deep_stack()
