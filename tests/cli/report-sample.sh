# What must hold for every report of the sample, and what its README says of it.

set -- --networks "$DATA/networks.txt" --asn-db "$DATA/asn.mmdb" -o json
zstd -q -dc "$DATA/sample.json.zst" >log
cat >check.py <<'END'
import json, re, sys

MEASURES = ("flows", "packets", "bytes")
WAYS = ("in", "out", "internal")


def amount(row, measure):
    if measure in row:
        return row[measure]
    return sum(row[way][measure] for way in WAYS if way in row)


def check(path):
    report = json.load(open(path))
    for measure in MEASURES:
        rows = sum(amount(row, measure) for row in report["rows"])
        assert (rows + report["other"][measure] - report["counted_twice"][measure]
                == report["total"][measure]), (path, measure)
    total = report["total"]
    assert tuple(total[m] for m in MEASURES) == truth, (path, total)
    order = [amount(row, "bytes") for row in report["rows"]]
    if report["report"] != "series":
        assert order == sorted(order, reverse=True), path
    assert report["clock_faults"] == 0, path
    return report


text = open("log").read()
records = [json.loads(line) for line in text.replace("}{", "}\n{").split("\n") if line]
truth = (len(records), sum(r["packets"] for r in records),
         sum(r["bytes"] for r in records))
assert truth[0] == 40000

networks = check("networks")
assert sum(r["in"]["flows"] for r in networks["rows"]) == 20062
assert sum(r["out"]["flows"] for r in networks["rows"]) == 19938
assert {r["local_net"] for r in networks["rows"]} == {
    "access-a", "access-b", "business", "ipv6"}
asns = check("asns")
assert asns["rows"][0]["organization"] == "Google"
assert sum(r["remote_addresses"] for r in asns["rows"]) > 1000
few = check("asns.3")
assert few["rows"] == asns["rows"][:3] and few["other"]["flows"] > 0
matrix = check("matrix")
assert len(matrix["rows"]) == 20
port = {}
for r in records:
    port[r["dst_port"]] = port.get(r["dst_port"], 0) + r["bytes"]
top = check("top")
assert {r["dst_port"]: r["bytes"] for r in top["rows"]} == port
check("top.2")
bins = {}
for r in records:
    at = r["time_flow_start_ns"] // 10**9 // 3600
    bins[at] = bins.get(at, 0) + r["bytes"]
series = check("series")
assert [r["bytes"] for r in series["rows"]] == [bins[k] for k in sorted(bins)]
assert all(re.fullmatch(r"2026-11-2[01]T\d\d:00:00Z", r["time"]) for r in series["rows"])
check("series.by")
END

flowan-archive import -a archive log 2>/dev/null
report()
{
    name=$1
    shift
    expect_status 0 flowan-report "$@"
    cp "$CASE_OUT" "$name"
}
report networks networks "$@" archive
report asns asns "$@" --top 0 archive
report asns.3 asns "$@" --top 3 archive
report matrix matrix "$@" archive
report top top "$@" --by dst_port --top 0 archive
report top.2 top "$@" --by src_addr/16,32,proto --top 2 archive
report series series "$@" --bin 1h --scheme start archive
report series.by series "$@" --bin 1h --by proto,direction --top 3 archive
python3 check.py || fail "the reports are wrong"

# The log gives the same.
report log.networks networks "$@" log
expect_same networks log.networks
report log.series series "$@" --bin 1h --by proto,direction --top 3 - <log
expect_same series.by log.series
