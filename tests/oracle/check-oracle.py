#!/usr/bin/env python3
"""Checks the oracle itself against small logs whose reports were worked out by hand."""
import gzip
import json
import os
import subprocess
import sys
import tempfile
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
NETWORKS = """\
10.1.0.0/16  alpha
10.1.9.0/24  nine  site=x      # inside alpha
10.2.0.0/16  beta
fd00::/16    alpha
203.0.113.0/24 pool role=public
198.51.100.0/24
"""
T = 1742058000 * 10**9          # 2025-03-15T17:00:00Z
MINUTE = 60 * 10**9


def flow(src="", dst="", size=0, at=T, end=None, **more):
    return {"time_received_ns": at + 10**9, "time_flow_start_ns": at,
            "time_flow_end_ns": at if end is None else end, "bytes": size, "packets": 1,
            "src_addr": src, "dst_addr": dst, **more}


class OracleTest(unittest.TestCase):
    def setUp(self):
        self.directory = tempfile.TemporaryDirectory()
        self.addCleanup(self.directory.cleanup)
        self.networks = self.write("networks", NETWORKS.encode())

    def write(self, name, octets):
        path = os.path.join(self.directory.name, name)
        with open(path, "wb") as file:
            file.write(octets)
        return path

    def report(self, words, records, networks=True, status=0):
        octets = records
        if isinstance(records, list):
            octets = "".join(json.dumps(r) + "\n" for r in records).encode()
        words = words.split() + (["--networks", self.networks] if networks else [])
        run = subprocess.run([sys.executable, os.path.join(HERE, "oracle.py"), *words,
                              "--self-check", self.write("log", octets)],
                             capture_output=True)
        self.assertEqual(run.returncode, status, run.stderr)
        return json.loads(run.stdout) if status == 0 else None

    def rows(self, words, records, *columns):
        return [tuple(row[c] for c in columns) for row in self.report(words, records)["rows"]]

    def total(self, octets):
        return tuple(self.report("top --by proto", octets)["total"].values())

    def test_records(self):
        one = b'{"bytes":5,"packets":2}'
        self.assertEqual(self.total(b""), (0, 0, 0))
        self.assertEqual(self.total(one + one + b"\n\n" + one), (3, 6, 15))
        self.assertEqual(self.total(b"{}\n"), (1, 0, 0))
        self.assertEqual(self.total(b'{"bytes":5,\n"packets":2}'), (0, 0, 0))
        self.assertEqual(self.total(b'{"bytes":7,"pa' + one + b' junk}\n{"bytes":'), (1, 2, 5))
        self.assertEqual(self.total(b'{"a":"\x01"}{"a":NaN}{"a":01}' + one), (1, 2, 5))
        self.assertEqual(self.total(b'{"a":"\xff","bytes":1,"bytes":9}'), (1, 0, 9))
        self.assertEqual(self.total(b'{"a":' + b"[" * 600 + b"]" * 600 + b',"bytes":3}'),
                         (1, 0, 3))
        self.assertEqual(self.total(gzip.compress(one) * 3), (3, 6, 15))
        self.assertEqual(self.total(gzip.compress(one + b"\n" + one)[:-8]), (2, 4, 10))
        self.assertEqual(self.total(gzip.compress((one + b"\n") * 90000)),
                         (90000, 180000, 450000))
        whole = self.write("plain", (one + b"\n") * 5000)
        squeezed = subprocess.run(["zstd", "-cq", whole], stdout=subprocess.PIPE).stdout
        self.assertEqual(self.total(squeezed), (5000, 10000, 25000))

    def test_keys_of_1x(self):
        keys = "time_flow_start_ns,src_addr,SrcAddr,src_net"

        def row(**record):
            return self.rows(f"top --by {keys}", [record], *keys.split(","))[0]
        second = T // 10**9
        self.assertEqual(row(SrcAddr="10.1.0.7", SrcNet=15, TimeFlowStart=second),
                         (T, "10.1.0.7", None, "10.0.0.0/15"))
        self.assertEqual(row(SrcAddr="10.1.0.7", src_addr="", SrcNet=33),
                         (None, None, "10.1.0.7", 33))
        self.assertEqual(row(SrcAddr=[10, 1, 0, 7], SrcNet=33), (None, "10.1.0.7", None, 33))
        self.assertEqual(row(SrcAddr=[]), (None, None, None, None))
        for ms, ns in ((0, T), (second * 1000 + 5, T + 5 * 10**6), (2**63, T), ("", T),
                       (f"{second * 1000}", T), (None, T)):
            self.assertEqual(row(TimeFlowStart=second, TimeFlowStartMs=ms),
                             (ns, None, None, None), repr(ms))
        self.assertEqual(row(TimeFlowStartMs=0), (0, None, None, None))
        self.assertEqual(self.total(b'{"Bytes":5,"Packets":2,"SamplingRate":10}'),
                         (1, 20, 50))
        self.assertEqual(self.total(b'{"Bytes":5,"bytes":""}'), (1, 0, 0))

    def test_numbers(self):
        most = 2**64 - 1
        for value, counted in ((most, most), (most + 1, 0), (-1, 0), (1.0, 0), (True, 0),
                               ("7", 7), ("07", 0), (" 7", 0), ("", 0), (None, 0), ([7], 0)):
            self.assertEqual(self.total([{"bytes": value}]), (1, 0, counted), repr(value))
        most32 = {"bytes": most, "packets": 3, "sampling_rate": 2**32 - 1}
        self.assertEqual(self.total([most32, most32]), (2, 6 * (2**32 - 1),
                                                        2 * most * (2**32 - 1)))
        unknown = [{"bytes": 2, "sampling_rate": 0}, {"bytes": 3}, {"bytes": 4,
                                                                    "sampling_rate": 10}]
        for words, counted in (("", 45), ("--raw-counts", 9), ("--default-sampling 100", 540)):
            report = self.report("top --by proto " + words, unknown)
            self.assertEqual(report["total"]["bytes"], counted)

    def test_directions_and_local_address(self):
        def sides(record):
            out = self.report("matrix --by direction,local_net,local_ip,remote_ip", [record])
            return sorted(tuple(row.values())[:4] for row in out["rows"])
        remote = "8.8.8.8"
        self.assertEqual(sides(flow("10.1.0.1", remote)), [("out", "alpha", "10.1.0.1", remote)])
        self.assertEqual(sides(flow("::ffff:10.1.0.1", "::ffff:8.8.8.8")),
                         [("out", "alpha", "10.1.0.1", remote)])
        self.assertEqual(sides(flow(remote, "10.1.9.1")), [("in", "nine", "10.1.9.1", remote)])
        self.assertEqual(sides(flow(remote, "198.51.100.1")),
                         [("in", "198.51.100.0/24", "198.51.100.1", remote)])
        self.assertEqual(sides(flow(remote, "")), [])
        self.assertEqual(sides(flow("", "10.2.0.1")), [("in", "beta", "10.2.0.1", None)])
        for nat in ("0a010001", "10.1.0.1", "::ffff:10.1.0.1", "00000000000000000000ffff0A010001"):
            self.assertEqual(sides(flow(remote, "203.0.113.7", post_nat_dst_ipv4_address=nat)),
                             [("in", "alpha", "10.1.0.1", remote)])
        for nat in ("", "00000000", "0.0.0.0", "::", 167837697):
            self.assertEqual(sides(flow(remote, "203.0.113.7", post_nat_dst_ipv4_address=nat)),
                             [("in", "pool", "203.0.113.7", remote)])
        # the public network steps back, whichever of the two it is
        self.assertEqual(sides(flow(remote, "10.1.0.1", post_nat_dst_ipv4_address="cb007107")),
                         [("in", "alpha", "10.1.0.1", remote)])
        self.assertEqual(sides(flow(remote, "10.2.0.1", post_nat_dst_ipv4_address="0a010001")),
                         [("in", "alpha", "10.1.0.1", remote)])
        self.assertEqual(sides(flow(remote, remote, post_nat_dst_ipv6_address="fd00::1")),
                         [("in", "alpha", "fd00::1", remote)])
        self.assertEqual(sides(flow("10.1.0.1", "10.2.0.1")),
                         [("internal", "alpha", "10.1.0.1", "10.2.0.1"),
                          ("internal", "beta", "10.2.0.1", "10.1.0.1")])
        self.assertEqual(sides(flow("fe80::1%eth0", "10.300.0.1")), [])

    def test_networks(self):
        report = self.report("networks --order packets", [
            flow("10.1.0.1", "10.2.0.1", 1), flow("10.1.0.1", "10.1.0.2", 10),
            flow("10.1.0.1", "8.8.8.8", 100, dst_as=15169),
            flow("9.9.9.9", "fd00::1", 1000, src_as=19281), flow("1.1.1.1", "8.8.8.8", 10000)])
        alpha, beta = report["rows"]
        self.assertEqual((alpha["local_net"], alpha["prefix"]), ("alpha",
                                                                 "10.1.0.0/16 fd00::/16"))
        self.assertEqual([alpha[w]["bytes"] for w in ("in", "out", "internal")], [1000, 100, 11])
        self.assertEqual([alpha["internal"]["flows"], alpha["local_addresses"]], [2, 3])
        self.assertEqual([(a["remote_as"], a["bytes"]) for a in alpha["top_remote_as"]],
                         [(15169, 100), (19281, 1000)])
        self.assertEqual((beta["internal"]["bytes"], beta["top_remote_as"]), (1, []))
        self.assertEqual(report["counted_twice"], {"flows": 1, "packets": 1, "bytes": 1})
        self.assertEqual(report["other"]["transit"]["bytes"], 10000)
        self.assertEqual(report["total"]["internal"]["bytes"], 11)

    def test_asns(self):
        report = self.report("asns --top 1", [
            flow("10.1.0.1", "8.8.8.8", 5, dst_as=7, src_as=1), flow("8.8.8.8", "10.1.0.1", 5,
                                                                     src_as=7),
            flow("10.1.0.1", "9.9.9.9", 10), flow("10.1.0.1", "10.2.0.1", 3)])
        row, = report["rows"]               # 0 and 7 both have 10 bytes: the lower key first
        self.assertEqual((row["remote_as"], row["out"]["bytes"], row["in"]["bytes"]), (0, 10, 0))
        self.assertEqual([report["other"][w]["bytes"] for w in ("in", "out", "internal")],
                         [5, 5, 3])

    def test_keys(self):
        record = flow("10.1.9.1", "2001:db8:1:2::3", 1, proto="ICMPv6", src_port=443,
                      dst_port=53, src_net="10.1.0.0/16", custom=[1.5, None], src_mac=
                      "AA:bb:cc:dd:ee:ff", etype=2048, as_path=[2, 1])
        for key, value in (("src_addr/24", "10.1.9.0/24"), ("dst_addr/40", "2001:db8::/40"),
                           ("dst_addr/8,48", "2001:db8:1::/48"), ("src_addr/64", "10.1.9.1/32"),
                           ("proto", "IPv6-ICMP"), ("service", 53), ("src_net", "10.1.0.0/16"),
                           ("dst_net", None), ("custom", [1.5, None]), ("nothing", None),
                           ("src_mac", "aa:bb:cc:dd:ee:ff"), ("etype", "IPv4"), ("src_as", 0),
                           ("as_path", [2, 1]), ("hour", "2025-03-15T17:00:00Z"),
                           ("day", "2025-03-15"), ("exporter", None), ("src_port", 443)):
            self.assertEqual(self.rows("top --by " + key, [record], key), [(value,)])
        self.assertEqual(self.rows("top --by src_addr/24,64,proto", [record],
                                   "src_addr/24,64", "proto"), [("10.1.9.0/24", "IPv6-ICMP")])
        for key in ("proto/8", "src_addr/129", "src_addr/", "src_addr/33,64", "a,,b"):
            self.report("top --by " + key, [record], status=2)
        ties = [{"src_port": n} for n in (10, 9, 100)] + [{}, {"src_port": 2**32}]
        self.assertEqual(self.rows("top --by src_port", ties, "src_port", "flows"),
                         [(None, 2), (9, 1), (10, 1), (100, 1)])
        ties = [{"x": x} for x in ("b", "a", "Z", 2, 10, None, True)]
        self.assertEqual(self.rows("top --by x", ties, "x"),
                         [(None,), (2,), (10,), ("Z",), ("a",), ("b",), (True,)])

    def test_remote_keys_and_other(self):
        records = [flow("10.1.0.1", "10.2.0.1", 1), flow("10.1.0.1", "8.8.8.8", 10),
                   flow("1.1.1.1", "8.8.8.8", 100)]
        report = self.report("top --by remote_ip", records)
        self.assertEqual((len(report["rows"]), report["other"]["bytes"]), (1, 101))
        self.assertAlmostEqual(report["rows"][0]["share"], 10 / 111)
        report = self.report("top --by direction", records)
        self.assertEqual((len(report["rows"]), report["other"]["bytes"]), (3, 0))

    def test_clock(self):
        day = 1440 * MINUTE

        def hour(faults, **record):
            report = self.report("top --by hour", [record])
            self.assertEqual(report["clock_faults"], faults, record)
            return report["rows"][0]["hour"]
        at, later = "2025-03-15T17:00:00Z", "2025-03-16T17:00:00Z"

        def times(start=None, end=None, received=None):
            named = {"time_flow_start_ns": start, "time_flow_end_ns": end,
                     "time_received_ns": received}
            return {k: v for k, v in named.items() if v is not None}
        self.assertEqual(hour(0, **times(T)), at)
        self.assertEqual(hour(0, **times(None, T)), at)
        self.assertEqual(hour(0, **times("2025-03-15T18:00:00+01:00")), at)
        self.assertEqual(hour(0, **times(T, T + day, T)), at)
        self.assertEqual(hour(1, **times(T + 1, T + day + 1, T)), at)
        self.assertEqual(hour(1, **times(T, T + day + 1, T + day)), later)
        self.assertEqual(hour(1, **times(T, T + day + 1)), at)
        self.assertEqual(hour(1, **times(T + 1, T, T + day)), later)
        self.assertEqual(hour(1, **times(0, T, T + day)), later)
        self.assertEqual(hour(1, **times(0, T)), None)
        self.assertEqual(hour(1, **times(2**63, 2**63)), None)
        self.assertEqual(hour(1, **times("1677-09-21T00:12:43.145448384Z")), None)
        self.assertEqual(hour(1, **times(None, None, T)), at)
        self.assertEqual(hour(1), None)

    def test_window(self):
        def kept(words, *spans):
            records = [flow(at=T + a, end=T + b, size=1) for a, b in spans] + [{"bytes": 1}]
            return self.report("top --by proto " + words, records)["total"]["bytes"]
        spans = ((0, 0), (0, MINUTE), (-MINUTE, 0), (MINUTE, MINUTE), (-MINUTE, 2 * MINUTE))
        self.assertEqual(kept("", *spans), 6)
        self.assertEqual(kept("--start 2025-03-15T17:00 --end 2025-03-15T17:01", *spans), 3)
        self.assertEqual(kept("--start 1742058000", *spans), 4)
        self.assertEqual(kept("--end 2025-03-15T17:00:00Z", *spans), 2)

    def test_series(self):
        records = [flow(at=T + 30 * 10**9, size=60), flow(at=T + 10 * MINUTE, size=1),
                   flow(at=T + 12 * MINUTE, size=2), {"bytes": 7}]
        report = self.report("series --bin 1m", records)
        rows = report["rows"]
        self.assertEqual([r["bytes"] for r in rows], [60] + [0] * 9 + [1, 0, 2])
        self.assertEqual([r["gap"] for r in rows], [False] + [True] * 9 + [False] * 3)
        self.assertEqual((rows[0]["time"], rows[0]["bits_per_second"]),
                         ("2025-03-15T17:00:00Z", 8.0))
        self.assertEqual((report["other"]["bytes"], report["clock_faults"]), (7, 1))
        self.assertEqual((report["from"], report["to"]),
                         ("2025-03-15T17:00:30Z", "2025-03-15T17:12:00Z"))
        rows = self.report("series --bin 5m --start 2025-03-15T16:52 --end 2025-03-15T17:21",
                           records)["rows"]
        self.assertEqual([(r["time"][11:16], r["bytes"], r["gap"]) for r in rows],
                         [("16:50", 0, True), ("16:55", 0, True), ("17:00", 60, False),
                          ("17:05", 0, True), ("17:10", 3, False), ("17:15", 0, True),
                          ("17:20", 0, True)])
        self.report("series --bin 1s --start 2000-01-01 --end 2000-01-13", records, status=1)

    def test_series_by_key(self):
        records = [flow("10.1.0.1", "10.2.0.1", 5), flow("10.1.0.1", "8.8.8.8", 1),
                   flow("8.8.8.8", "198.51.100.1", 4), flow("10.1.0.1", "8.8.8.8", 1,
                                                            at=T + 3 * MINUTE)]
        report = self.report("series --bin 1m --by local_net --top 1", records)
        self.assertEqual([(r["time"][11:16], r["local_net"], r["bytes"])
                          for r in report["rows"]],
                         [("17:00", "alpha", 6), ("17:03", "alpha", 1)])
        self.assertEqual((report["other"]["bytes"], report["counted_twice"]["bytes"]), (9, 5))

    def test_private_space_without_a_file(self):
        report = self.report("networks", [flow("100.64.0.1", "8.8.8.8"),
                                          flow("fc00::1", "8.8.8.8"),
                                          flow("172.32.0.1", "8.8.8.8")], networks=False)
        self.assertEqual([r["local_net"] for r in report["rows"]], ["100.64.0.0/10", "fc00::/7"])


class CompareTest(unittest.TestCase):
    def compare(self, tool, oracle):
        with tempfile.TemporaryDirectory() as directory:
            paths = [os.path.join(directory, name) for name in ("tool", "oracle")]
            for path, value in zip(paths, (tool, oracle)):
                with open(path, "w") as file:
                    json.dump(value, file)
            run = subprocess.run([sys.executable, os.path.join(HERE, "compare.py"), *paths],
                                 capture_output=True, text=True)
            return run.returncode, run.stdout.splitlines()

    def test_compare(self):
        same = (0, [])
        self.assertEqual(self.compare({"n": 2**70, "extra": 1}, {"n": 2**70}), same)
        self.assertEqual(self.compare({"n": 2**70 + 1}, {"n": 2**70})[0], 1)
        self.assertEqual(self.compare({"rows": [{"in": {"bytes": 7}}]},
                                      {"rows": [{"in": {"bytes": 8}}]}),
                         (1, ["rows[0].in.bytes: 7 != 8"]))
        self.assertEqual(self.compare({"rows": []}, {"rows": [1]})[0], 1)
        self.assertEqual(self.compare({}, {"policy": {"a": 1}, "report": "top"}), same)
        self.assertEqual(self.compare({"policy": {}}, {"policy": {"a": 1}})[0], 1)
        self.assertEqual(self.compare({}, {"total": 1})[0], 1)
        self.assertEqual(self.compare({"share": 0.5}, {"share": 0.5000009}), same)
        self.assertEqual(self.compare({"share": 0.5}, {"share": 0.500002})[0], 1)
        self.assertEqual(self.compare({"rate": 0}, {"rate": 0.0}), same)
        self.assertEqual(self.compare({"bytes": 1.0}, {"bytes": 1})[0], 1)
        self.assertEqual(self.compare({"gap": 1}, {"gap": True})[0], 1)


if __name__ == "__main__":
    unittest.main()
