#!/usr/bin/env python3
"""Simulate an ISP's exporters: deterministic flow records for benchmarks and soak tests.

Writes the records either as the JSON lines that goflow2 writes with
tests/data/field-map.yaml (--json FILE, "-" for standard output), or as IPFIX
datagrams sent to collectors on the loopback range (--ipfix HOST:PORT, may be
repeated), so that goflow2 and another collector see the very same flows.

The network: 20,000 subscribers in 100.64.0.0/14 and 10.8.0.0/16 behind a
carrier-grade NAT whose public addresses are in 103.153.236.0/22, some IPv6
subscribers in 2001:db8::/32 without NAT, three exporters, a diurnal rhythm,
heavy-tailed flow sizes, and destinations drawn by popularity from real prefixes.
A download record carries the public address as dst_addr and the subscriber in
post_nat_dst_ipv4_address, as NAT exporters report it.

--more adds elements that such exporters leave out and a filter may ask for (IPFIX only):
type of service, TCP flags, prefix lengths, AS numbers, VLANs, next hops, the direction at the
interface and the forwarding status. The flows stay the same.

Needs numpy. Same arguments, same records: only time_received_ns differs when the
records go through a real collector. A run of up to 200,000 records is spread evenly
over its time unless --chunk says how many records follow one point of the daily
rhythm; longer runs follow it in steps of that size.
"""
import argparse
import socket
import struct
import sys
import time
from datetime import datetime, timezone

import numpy as np

# (first address, prefix length, popularity weight); origin AS in the comment
DESTINATIONS_V4 = [
    ("35.208.0.0", 13, 17),    # AS15169
    ("34.112.0.0", 14, 8),     # AS15169
    ("104.16.0.0", 13, 12),    # AS13335
    ("57.144.0.0", 14, 11),    # AS32934
    ("64.120.128.0", 17, 9),   # AS2906
    ("3.96.0.0", 11, 6),       # AS16509
    ("44.192.0.0", 11, 4),     # AS14618
    ("23.72.0.0", 15, 6),      # AS20940
    ("20.48.0.0", 12, 5),      # AS8075
    ("151.101.0.0", 16, 4),    # AS54113
    ("17.0.0.0", 9, 4),        # AS714
    ("52.129.128.0", 17, 2),   # AS46489
    ("155.133.232.0", 22, 2),  # AS32590
    ("71.18.64.0", 18, 3),     # AS396986
    ("91.108.4.0", 22, 1),     # AS62041
    ("95.216.0.0", 15, 1),     # AS24940
    ("57.128.0.0", 14, 1),     # AS16276
    ("68.183.0.0", 16, 1),     # AS14061
    ("73.0.0.0", 8, 1),        # AS7922
    ("93.192.0.0", 10, 1),     # AS3320
    ("117.192.0.0", 10, 2),    # AS9829
    ("157.32.0.0", 12, 2),     # AS55836
    ("43.160.0.0", 13, 1),     # AS132203
]
DESTINATIONS_V6 = [
    (0x2C0FFB50 << 96, 8),              # AS15169
    (0x2A0A6C80 << 96, 4),              # AS13335
    (0x2A0383E0 << 96, 4),              # AS32934
    (0x2A044E42 << 96, 2),              # AS54113
    (0x26031000 << 96, 2),              # AS8075
]
RESOLVERS = ["1.1.1.1", "8.8.8.8", "9.9.9.9"]
SUBSCRIBERS = 20_000
NAT_POOL = int.from_bytes(socket.inet_aton("103.153.236.0"), "big")
EXPORTERS = 3
BATCH = 24              # records in one datagram
PROTO_NAMES = {1: "ICMP", 6: "TCP", 17: "UDP", 47: "GRE", 50: "ESP", 58: "IPv6-ICMP"}


def ip4(text):
    return int.from_bytes(socket.inet_aton(text), "big")


class Simulator:
    def __init__(self, seed, start_ns, hours, more=False):
        self.rng = np.random.default_rng(seed)
        # draws of its own, so that the others stay what they are without it
        self.more_rng = np.random.default_rng([seed, 1]) if more else None
        self.start_ns = start_ns
        self.span_ns = int(hours * 3600e9)
        sub = np.arange(SUBSCRIBERS, dtype=np.uint32)
        # three access networks: two in shared address space, one in 10.8/16
        home = np.where(sub % 4 == 3, ip4("10.8.0.0") + (sub >> 2),
                        np.where(sub % 4 == 2, ip4("100.66.0.0"), ip4("100.64.0.0")) + (sub >> 1))
        self.sub_addr = home.astype(np.uint32)
        self.sub_public = (NAT_POOL + sub // 48).astype(np.uint32)
        self.sub_port0 = (1024 + (sub % 48) * 1344).astype(np.uint32)
        self.sub_exporter = (sub % EXPORTERS).astype(np.uint8)
        self.sub_weight = self.rng.pareto(1.2, SUBSCRIBERS) + 0.05
        self.sub_cdf = np.cumsum(self.sub_weight)
        self.sub_cdf /= self.sub_cdf[-1]
        # servers: a popular few behind every prefix
        servers, weight = [], []
        for text, plen, pop in DESTINATIONS_V4:
            n = 400
            hosts = self.rng.integers(0, 1 << (32 - plen), n, dtype=np.uint32)
            servers.append(ip4(text) + hosts)
            weight.append(pop / (np.arange(1, n + 1) ** 1.05))
        self.servers = np.concatenate(servers).astype(np.uint32)
        cdf = np.cumsum(np.concatenate(weight))
        self.server_cdf = cdf / cdf[-1]

    def at(self, u):
        """The times at which the shares u (0 to 1) of a diurnal rhythm's traffic are past (ns)."""
        grid = np.linspace(0, 1, 1441)
        hour = (self.start_ns / 3600e9 + grid * self.span_ns / 3600e9) % 24
        rate = 0.35 + 0.65 * (0.5 - 0.5 * np.cos((hour - 5) / 24 * 2 * np.pi)) ** 1.5
        cdf = np.concatenate([[0], np.cumsum((rate[1:] + rate[:-1]) / 2)])
        cdf /= cdf[-1]
        return self.start_ns + (np.interp(u, cdf, grid) * self.span_ns).astype(np.int64)

    def times(self, n):
        """n random times over the span, by that rhythm, in order (ns)."""
        return self.at(np.sort(self.rng.random(n)))

    def chunk(self, first_ns, last_ns, n):
        """n records that the exporters sent between two times: a dict of columns."""
        r = self.rng
        sub = np.searchsorted(self.sub_cdf, r.random(n)).astype(np.uint32)
        remote = self.servers[np.searchsorted(self.server_cdf, r.random(n))].copy()
        kind = r.random(n)
        dns = kind < 0.30
        quic = (kind >= 0.30) & (kind < 0.48)
        tls = (kind >= 0.48) & (kind < 0.82)
        web = (kind >= 0.82) & (kind < 0.86)
        p2p = (kind >= 0.86) & (kind < 0.95)
        icmp = (kind >= 0.95) & (kind < 0.97)
        odd = kind >= 0.97                                  # GRE, ESP, other TCP
        stray = (p2p | odd)
        remote[stray] = r.integers(ip4("1.0.0.0"), ip4("223.255.255.255"), int(stray.sum()),
                                   dtype=np.uint32)
        remote[dns] = np.array([ip4(x) for x in RESOLVERS], np.uint32)[
            r.choice(3, int(dns.sum()), p=[.4, .5, .1])]
        proto = np.select([dns | quic, tls | web, icmp, p2p], [17, 6, 1, 17], 6)
        gre = odd & (r.random(n) < 0.2)
        proto = np.where(gre, np.where(r.random(n) < 0.5, 47, 50), proto).astype(np.uint8)
        ports = ~(icmp | gre)
        eph = r.integers(32768, 61000, n, dtype=np.uint32)
        well = np.select([dns, quic | tls, web], [53, 443, 80], r.integers(1024, 65535, n))
        local_port = np.where(ports, eph, 0).astype(np.uint32)
        remote_port = np.where(ports, well, 0).astype(np.uint32)
        nat_port = np.where(ports, np.where(sub & 1, self.sub_port0[sub] + eph % 1344, eph), 0)
        v6 = (r.random(n) < 0.12) & ~icmp & ~dns
        down = r.random(n) < 0.5                             # the reply direction
        # sizes: one packet for DNS, heavy-tailed otherwise, downloads larger
        packets = np.where(dns | icmp, 1, 1 + (r.pareto(1.15, n) * 3)).clip(1, 4_000_000).astype(np.int64)
        packets = np.where(down, packets, (packets * 0.55).astype(np.int64).clip(1)).astype(np.int64)
        size = np.where(dns, r.integers(52, 120, n) + 180 * down,
                        np.where(down, r.integers(400, 1460, n), r.integers(52, 400, n)))
        octets = packets * size
        dur_ms = np.where(packets == 1, 0, r.exponential(4000, n) + packets * 0.4).clip(0, 60_000).astype(np.int64)
        sent = np.sort(r.integers(first_ns, last_ns + 1, n))
        idle_ms = r.integers(100, 15_000, n)
        end_ms = sent // 1_000_000 - idle_ms
        start_ms = end_ms - dur_ms
        coarse = self.sub_exporter[sub] == 0                 # one exporter reports whole seconds
        start_ms = np.where(coarse, start_ms // 1000 * 1000, start_ms)
        end_ms = np.where(coarse, end_ms // 1000 * 1000, end_ms)
        columns = dict(sub=sub, exporter=self.sub_exporter[sub], remote=remote, proto=proto,
                    local_port=local_port, remote_port=remote_port, nat_port=nat_port.astype(np.uint32),
                    v6=v6, down=down, packets=packets, octets=octets, start_ms=start_ms,
                    end_ms=end_ms, sent=sent, icmp=icmp,
                    v6host=r.integers(0, 2**63 - 1, n), v6dst=r.choice(len(DESTINATIONS_V6), n,
                    p=np.array([d[1] for d in DESTINATIONS_V6]) / sum(d[1] for d in DESTINATIONS_V6)))
        if self.more_rng:
            columns["more"] = self.more(proto, packets, down)
        return columns

    def more(self, proto, packets, down):
        """What MORE_V4_FIELDS and MORE_V6_FIELDS have behind the next hops: a row a record,
        as it is sent."""
        r, n = self.more_rng, len(proto)
        tcp = proto == 6
        flags = np.where(packets == 1, r.choice([0x02, 0x04, 0x14, 0x12], n),
                         r.choice([0x1b, 0x1a, 0x1f, 0x18, 0x10, 0xda, 0x3f], n,
                                  p=[.5, .2, .1, .1, .04, .04, .02]))
        rows = np.zeros(n, [("tos", "u1"), ("flags", "u1"), ("src_mask", "u1"), ("dst_mask", "u1"),
                            ("src_as", ">u4"), ("dst_as", ">u4"), ("src_vlan", ">u2"), ("dst_vlan", ">u2"),
                            ("direction", "u1"), ("status", "u1")])
        rows["tos"] = r.choice([0, 0x28, 0x48, 0xb8, 1], n, p=[.7, .1, .1, .08, .02])
        rows["flags"] = np.where(tcp, flags, 0)
        remote_mask, remote_as = r.integers(8, 25, n), r.choice([15169, 13335, 32934, 4200000001, 0], n)
        vlan = r.choice([0, 10, 20, 4094], n)
        rows["src_mask"] = np.where(down, remote_mask, 16)
        rows["dst_mask"] = np.where(down, 16, remote_mask)
        rows["src_as"] = np.where(down, remote_as, 64500)
        rows["dst_as"] = np.where(down, 64500, remote_as)
        rows["src_vlan"] = np.where(down, 0, vlan)
        rows["dst_vlan"] = np.where(down, vlan, 0)
        rows["direction"] = down
        rows["status"] = r.choice([64, 128, 66, 0], n, p=[.8, .1, .05, .05])
        return rows

    def records(self, n, size):
        """Yield chunks of columns until n records have been made, in order of time."""
        done = 0
        if size:                            # even quantiles: the rhythm without noise
            edges = self.at(np.linspace(0, 1, -(-n // size) + 1))
        else:
            size = 200_000
            edges = self.times(max(2, n // 1000 + 2))
        while done < n:
            m = min(size, n - done)
            lo, hi = done * (len(edges) - 1) // n, (done + m) * (len(edges) - 1) // n
            yield self.chunk(int(edges[lo]), int(edges[max(hi, lo + 1)]) - 1, m)
            done += m


def dotted(a):
    return f"{a >> 24}.{a >> 16 & 255}.{a >> 8 & 255}.{a & 255}"


def v6_pair(c, i, sub):
    local = (0x20010DB8 << 96) | (int(sub) << 64) | (int(c["v6host"][i]) & 0xFFFFFF)
    remote = DESTINATIONS_V6[int(c["v6dst"][i])][0] | (int(c["v6host"][i]) >> 40)
    return local, remote


def datagrams(sim, n, size):
    """Yield (exporter, is_v6, sent_ns, columns, row numbers): one exporter's records of one template."""
    pending = {}
    for c in sim.records(n, size):
        key = c["exporter"] * 2 + c["v6"]
        for i in range(len(key)):
            k = int(key[i])
            rows = pending.setdefault(k, [])
            rows.append(i)
            if len(rows) == BATCH:
                yield k >> 1, k & 1, int(c["sent"][i]), c, rows
                pending[k] = []
        for k, rows in pending.items():
            if rows:
                yield k >> 1, k & 1, int(c["sent"][rows[-1]]), c, rows
        pending = {}


def iso_ns(ns):
    s, f = divmod(ns, 1_000_000_000)
    frac = f"{f:09d}".rstrip("0")
    return datetime.fromtimestamp(s, timezone.utc).strftime("%Y-%m-%dT%H:%M:%S") + (f".{frac}" if frac else "") + "Z"


def write_json(sim, n, size, out):
    import ipaddress
    seq = [2259237964, 88112, 0]
    rng = np.random.default_rng(7)
    for exporter, v6, sent, c, rows in datagrams(sim, n, size):
        received = iso_ns(sent + int(rng.integers(0, 999_999)))
        head = (f'{{"type":"IPFIX","time_received_ns":"{received}","sequence_num":{seq[exporter] & 0xFFFFFFFF},'
                f'"sampling_rate":0,"sampler_address":"10.255.255.{254 - exporter}","time_flow_start_ns":')
        seq[exporter] += len(rows)
        lines = []
        for i in rows:
            sub = int(c["sub"][i])
            down = c["down"][i]
            lp, rp = int(c["local_port"][i]), int(c["remote_port"][i])
            proto = int(c["proto"][i])
            icmp = "unknown"
            nat = ""
            if v6:
                local, remote = (str(ipaddress.IPv6Address(x)) for x in v6_pair(c, i, sub))
                src, dst, net = (remote, local, "::/0") if down else (local, remote, "::/0")
                sp, dp = (rp, lp) if down else (lp, rp)
            else:
                net = "0.0.0.0/0"
                home, public, remote = int(sim.sub_addr[sub]), int(sim.sub_public[sub]), int(c["remote"][i])
                np_ = int(c["nat_port"][i])
                if down:
                    src, dst, sp, dp = dotted(remote), dotted(public), rp, np_
                    nat = (remote, home, rp, lp)
                else:
                    src, dst, sp, dp = dotted(home), dotted(remote), lp, rp
                    nat = (public, remote, np_, rp)
                nat = (f',"post_nat_src_ipv4_address":"{nat[0]:08x}","post_nat_dst_ipv4_address":"{nat[1]:08x}",'
                       f'"post_napt_src_transport_port":{nat[2]},"post_napt_dst_transport_port":{nat[3]}')
                if proto == 1:
                    icmp = "EchoReply" if down else "Echo"
            inif, outif = (35, 4 + sub % 4) if down else (4 + sub % 4, 35)
            lines.append(
                f'{head}{int(c["start_ms"][i])}000000,"time_flow_end_ns":{int(c["end_ms"][i])}000000,'
                f'"bytes":{int(c["octets"][i])},"packets":{int(c["packets"][i])},"src_addr":"{src}","src_net":"{net}",'
                f'"dst_addr":"{dst}","dst_net":"{net}","etype":"{"IPv6" if v6 else "IPv4"}",'
                f'"proto":"{PROTO_NAMES[proto]}","src_port":{sp},"dst_port":{dp},"in_if":{inif},"out_if":{outif},'
                f'"src_mac":"2c:c8:1b:ac:cf:{0x81 + exporter:02x}","dst_mac":"dc:2c:6e:8c:c6:f3","icmp_name":"{icmp}"{nat}}}\n')
        out.write("".join(lines))


V4_FIELDS = [(152, 8), (153, 8), (1, 8), (2, 8), (8, 4), (12, 4), (4, 1), (7, 2), (11, 2), (10, 4), (14, 4),
             (32, 2), (56, 6), (80, 6), (225, 4), (226, 4), (227, 2), (228, 2)]
V6_FIELDS = [(152, 8), (153, 8), (1, 8), (2, 8), (27, 16), (28, 16), (4, 1), (7, 2), (11, 2), (10, 4), (14, 4),
             (139, 2), (56, 6), (80, 6)]
# with --more behind these: the next hops, and the rows of Simulator.more()
MORE_V4_FIELDS = [(15, 4), (18, 4), (5, 1), (6, 1), (9, 1), (13, 1), (16, 4), (17, 4), (58, 2), (59, 2), (61, 1), (89, 1)]
MORE_V6_FIELDS = [(62, 16), (63, 16), (5, 1), (6, 1), (29, 1), (30, 1), (16, 4), (17, 4), (58, 2), (59, 2), (61, 1), (89, 1)]


def template_set(more):
    body = b""
    for tid, fields in ((256, V4_FIELDS + more * MORE_V4_FIELDS), (257, V6_FIELDS + more * MORE_V6_FIELDS)):
        body += struct.pack("!HH", tid, len(fields)) + b"".join(struct.pack("!HH", *f) for f in fields)
    return struct.pack("!HH", 2, 4 + len(body)) + body


def next_hops(v6, exporter, down):
    """IGP and BGP next hop: one of a link each way, and the border router of upstream."""
    link = 2 * exporter + down
    if v6:
        return ((0x20010DB8FFFF << 80) + link).to_bytes(16, "big") + ((0x20010DB8FFFF << 80) + 0xFF).to_bytes(16, "big")
    return struct.pack("!II", ip4("10.255.0.0") + link, ip4("10.255.255.1"))


def send_ipfix(sim, n, size, targets, rate):
    socks = []
    for e in range(EXPORTERS):
        s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        s.bind((f"127.0.0.{2 + e}", 0))
        socks.append(s)
    seq, sent_records, t0, count = [0] * EXPORTERS, 0, time.time(), [0] * EXPORTERS
    tmpl = template_set(bool(sim.more_rng))
    for exporter, v6, sent, c, rows in datagrams(sim, n, size):
        body = []
        mac = 0x2CC81BACCF81 + exporter
        for i in rows:
            sub = int(c["sub"][i])
            down = c["down"][i]
            lp, rp, proto = int(c["local_port"][i]), int(c["remote_port"][i]), int(c["proto"][i])
            inif, outif = (35, 4 + sub % 4) if down else (4 + sub % 4, 35)
            common = struct.pack("!QQQQ", int(c["start_ms"][i]), int(c["end_ms"][i]), int(c["octets"][i]), int(c["packets"][i]))
            icmp = 0 if down else 0x0800
            tail = struct.pack("!IIH", inif, outif, icmp if proto == 1 else 0) + mac.to_bytes(6, "big") + bytes.fromhex("dc2c6e8cc6f3")
            if v6:
                local, remote = v6_pair(c, i, sub)
                s, d, sp, dp = (remote, local, rp, lp) if down else (local, remote, lp, rp)
                body.append(common + s.to_bytes(16, "big") + d.to_bytes(16, "big") + struct.pack("!BHH", proto, sp, dp) + tail)
            else:
                home, public, remote = int(sim.sub_addr[sub]), int(sim.sub_public[sub]), int(c["remote"][i])
                np_ = int(c["nat_port"][i])
                if down:
                    a = struct.pack("!IIBHH", remote, public, proto, rp, np_)
                    b = struct.pack("!IIHH", remote, home, rp, lp)
                else:
                    a = struct.pack("!IIBHH", home, remote, proto, lp, rp)
                    b = struct.pack("!IIHH", public, remote, np_, rp)
                body.append(common + a + tail + b)
            if sim.more_rng:
                body.append(next_hops(bool(v6), exporter, bool(down)) + c["more"][i].tobytes())
        data = b"".join(body)
        data = struct.pack("!HH", 257 if v6 else 256, 4 + len(data)) + data
        if count[exporter] % 500 == 0:
            data = tmpl + data
        count[exporter] += 1
        msg = struct.pack("!HHIII", 10, 16 + len(data), sent // 1_000_000_000, seq[exporter], 1) + data
        seq[exporter] = seq[exporter] + len(rows) & 0xFFFFFFFF
        for t in targets:
            socks[exporter].sendto(msg, t)
        sent_records += len(rows)
        ahead = sent_records / rate - (time.time() - t0)
        if ahead > 0.002:
            time.sleep(ahead)
    print(f"{sent_records} records sent in {time.time() - t0:.1f} s", file=sys.stderr)


def main():
    ap = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    ap.add_argument("--records", type=int, default=100_000)
    ap.add_argument("--seed", type=int, default=1)
    ap.add_argument("--start", default="2025-03-15T00:00:00+00:00", help="first flow, ISO 8601")
    ap.add_argument("--hours", type=float, default=24)
    ap.add_argument("--chunk", type=int, default=0, metavar="N", help="follow the daily rhythm in steps of N records")
    ap.add_argument("--json", metavar="FILE")
    ap.add_argument("--ipfix", metavar="HOST:PORT", action="append", default=[])
    ap.add_argument("--rate", type=float, default=30_000, help="records a second for --ipfix")
    ap.add_argument("--more", action="store_true", help="add elements to --ipfix")
    a = ap.parse_args()
    if a.json and a.more:
        ap.error("--more goes with --ipfix")
    sim = Simulator(a.seed, int(datetime.fromisoformat(a.start).timestamp()) * 1_000_000_000, a.hours, a.more)
    if a.json:
        with (sys.stdout if a.json == "-" else open(a.json, "w", buffering=1 << 20)) as out:
            write_json(sim, a.records, a.chunk, out)
    else:
        targets = []
        for t in a.ipfix:
            host, port = t.rsplit(":", 1)
            if not host.startswith("127."):
                ap.error("--ipfix sends to the loopback range only")
            targets.append((host, int(port)))
        send_ipfix(sim, a.records, a.chunk, targets, a.rate)


if __name__ == "__main__":
    main()
