# The reports of a few flows that can be counted by hand.

cat >nets <<'END'
# PREFIX        NAME    tags
10.8.0.0/16     office  site=north
10.9.0.0/16     home
203.0.113.0/24  pool    role=public
END
{
    flow 10 1 5 10.8.0.1 198.51.100.1 100 ',"packets":2,"sampling_rate":10,"dst_as":64501'
    flow 11 2 6 198.51.100.1 203.0.113.5 300 \
        ',"packets":3,"sampling_rate":0,"src_as":64501,"post_nat_dst_ipv4_address":"10.8.0.1"'
    flow 70 61 62 10.8.0.1 10.9.0.1 50 ',"packets":1'
    flow 71 62 63 10.8.0.1 10.8.0.2 7 ',"packets":1'
    flow 72 -1000000000 5 192.0.2.1 192.0.2.2 11 ',"packets":1' # a broken clock
    flow 500 480 490 10.9.0.9 198.51.100.2 500 ',"packets":4'
} >log
flowan-archive import -a A log 2>/dev/null

# expect_report PROGRAM ARGUMENT...: the JSON is `report`, its rows are `rows`.
expect_report()
{
    program=$1
    shift
    for path in log A; do
        expect_status 0 flowan-report "$@" -o json --networks nets $path
        expect_silence
        expect_python "
import json, sys
report = json.load(open(sys.argv[1]))
rows = report['rows']
def m(flows, packets, bytes):
    return {'flows': flows, 'packets': packets, 'bytes': bytes}
assert {k: report['total'][k] for k in m(0, 0, 0)} == \\
    m(6, report['total']['packets'], report['total']['bytes']), report['total']
assert report['clock_faults'] == 1
$program" "$CASE_OUT"
    done
}

expect_report '
assert report["report"] == "networks" and report["policy"]["counts"] == "scaled"
assert (report["from"], report["to"]) == ("2025-03-15T00:00:01Z", "2025-03-15T00:08:10Z"), report
assert report["total"]["bytes"] == 1868 and report["total"]["packets"] == 30
assert report["counted_twice"] == m(1, 1, 50)
assert report["other"]["bytes"] == 11 and report["other"]["transit"] == m(1, 1, 11)
assert [r["local_net"] for r in rows] == ["office", "home"]
office, home = rows
assert office["prefix"] == "10.8.0.0/16"
assert office["in"] == m(1, 3, 300) and office["out"] == m(1, 20, 1000)
assert office["internal"] == m(2, 2, 57) and office["local_addresses"] == 2
assert home["in"] == m(0, 0, 0) and home["out"] == m(1, 4, 500)
assert home["internal"] == m(1, 1, 50) and home["local_addresses"] == 2
top = [(a["remote_as"], a["bytes"]) for a in office["top_remote_as"]]
assert (64501, 1300) in top, top' networks
expect_report '
assert report["total"]["bytes"] == 968 and report["policy"]["counts"] == "raw"
assert rows[0]["local_net"] == "home" and rows[1]["out"] == m(1, 2, 100)' \
    networks --raw-counts
expect_report '
assert report["total"]["bytes"] == 1000 + 7 * 868
assert [r["local_net"] for r in rows] == ["home", "office"]
assert rows[0]["out"] == m(1, 28, 3500)' networks --default-sampling 7
expect_report '
assert [r["remote_as"] for r in rows] == [64501, 0]
assert rows[0]["in"] == m(1, 3, 300) and rows[0]["out"] == m(1, 20, 1000)
assert rows[0]["remote_addresses"] == 1 and rows[1]["out"] == m(1, 4, 500)
assert report["other"]["flows"] == 3 and report["other"]["bytes"] == 68
assert report["counted_twice"] == m(0, 0, 0)' asns
expect_report '
assert [(r["local_ip"], r["flows"], r["packets"], r["bytes"]) for r in rows] == [
    ("10.8.0.1", 4, 25, 1357), ("10.9.0.9", 1, 4, 500), ("10.9.0.1", 1, 1, 50),
    ("10.8.0.2", 1, 1, 7)], rows
assert report["counted_twice"] == m(2, 2, 57) and report["other"] == m(1, 1, 11)' \
    matrix --by local_ip
expect_report '
assert list(rows[0])[:3] == ["local_net", "remote_as", "local_ip"], rows[0]
assert sum(r["bytes"] for r in rows) + 11 - report["counted_twice"]["bytes"] == 1868' matrix
expect_report '
assert rows == [{"dst_addr/24": "198.51.100.0/24", "flows": 2, "packets": 24,
                 "bytes": 1500, "share": 0.802998}], rows
assert report["other"] == m(4, 6, 368)' top --by dst_addr/24 --top 1
expect_report '
assert [(r["direction"], r["bytes"]) for r in rows] == [
    ("out", 1500), ("in", 300), ("internal", 57), ("transit", 11)], rows
assert report["other"] == m(0, 0, 0)' top --by direction --top 0
expect_report '
assert [(r["direction"], r["flows"]) for r in rows] == [
    ("internal", 2), ("out", 2), ("in", 1), ("transit", 1)], rows' \
    top --by direction --order flows # a tie: by key
expect_report '
assert [(r["time"][11:16], r["flows"], r["bytes"], r["gap"]) for r in rows] == [
    ("00:00", 2, 1300, False), ("00:01", 3, 68, False), ("00:02", 0, 0, True),
    ("00:03", 0, 0, True), ("00:04", 0, 0, True), ("00:05", 0, 0, True),
    ("00:06", 0, 0, True), ("00:07", 0, 0, True), ("00:08", 1, 500, False)], rows
assert rows[0]["bits_per_second"] * 60 == 8 * 1300 or \
    abs(rows[0]["bits_per_second"] - 8 * 1300 / 60) < 1e-5
assert report["policy"]["scheme"] == "proportional"' series
expect_report '
assert [r["gap"] for r in rows] == [False] * 9 and len(rows) == 9' series --gap 10m

# A window, and the rows that it asks for.
expect_status 0 flowan-report series --bin 1m --start 2025-03-15T00:01 --end 2025-03-15T00:03 \
    -o csv --networks nets A
expect_stdout "$(printf '%s\r\n' \
    time,flows,packets,bytes,bits_per_second,packets_per_second,gap \
    2025-03-15T00:01:00Z,3,3,68,9.066667,0.05,false \
    2025-03-15T00:02:00Z,0,0,0,0,0,true)"

expect_status 0 flowan-report top --by src_addr,dst_addr/24 --top 2 -o csv --networks nets log
expect_stdout "$(printf '%s\r\n' \
    'src_addr,dst_addr/24,flows,packets,bytes,share' \
    10.8.0.1,198.51.100.0/24,1,20,1000,0.535332 \
    10.9.0.9,198.51.100.0/24,1,4,500,0.267666)"
expect_status 0 flowan-report networks --networks nets log
expect_in_stdout '^network '
expect_in_stdout '^office '
expect_in_stdout '^total '
! grep -q "$(printf '\033')" "$CASE_OUT" || fail "colour that is not for a terminal"
expect_status 0 flowan-report asns log --asn-db "$DATA/asn.mmdb" # options behind a path

# Behind a destination that is local twice: the host, not the public address.
flow 10 1 5 192.0.2.1 203.0.113.5 3 ',"post_nat_dst_ipv4_address":"10.8.0.7"' >both
flow 10 1 5 192.0.2.1 10.8.0.8 2 ',"post_nat_dst_ipv4_address":"cb007106"' >>both
flow 10 1 5 192.0.2.1 10.8.0.9 1 ',"post_nat_dst_ipv4_address":"00000000"' >>both
expect_status 0 flowan-report top --by local_ip,direction -o csv --networks nets both
expect_in_stdout '^10.8.0.7,in,1,'
expect_in_stdout '^10.8.0.8,in,1,'
expect_in_stdout '^10.8.0.9,in,1,'

# Without a file, private space is local.
expect_status 0 flowan-report networks -o csv A
expect_in_stdout '^10.0.0.0/8,'

# A filter, from a log and from an archive, and in several threads.
for i in 1 2 3 4; do
    flow $((i * 4000)) $((i * 4000 - 5)) $((i * 4000)) 10.0.0.$i 192.0.2.$i $((i * 100))
done >filtered
rm -rf B
expect_status 0 flowan-archive import -a B --rotate 1h filtered
expect_status 0 flowan-report top --by src_addr -o csv -f 'bytes > 150 and not src ip 10.0.0.3' filtered
cp "$CASE_OUT" wanted
[ "$(grep -c '^10\.' wanted)" -eq 2 ] || fail "not two rows"
expect_status 0 flowan-report top --by src_addr -o csv -j 3 --explain \
    -f 'bytes > 150 and not src ip 10.0.0.3' B
expect_same wanted "$CASE_OUT"
expect_stderr '^segments  4 read'
expect_status 2 flowan-report top --by src_addr -f 'bytes >' filtered
expect_stderr 'column'
