# What an archive says of itself, and what a check of its bytes finds.

{
    flow 36001 36000 36001 10.0.0.1 192.0.2.1 1
    flow 86401 86399 86400 10.0.0.1 192.0.2.1 2
} >log
flowan-archive import -a A log 2>/dev/null
expect_status 0 flowan-archive info -a A
expect_silence
expect_in_stdout '^archive +A$'
expect_in_stdout '^segments +2 \(2 blocks\)$'
expect_in_stdout '^records +2$'
expect_in_stdout '^size +[0-9.]+ k?B of [0-9]+ B of JSON: [0-9.]+ : 1, [0-9.]+ bytes a record$'
expect_in_stdout '^flows +2025-03-15T10:00:00Z to 2025-03-16T00:00:00Z$'
expect_in_stdout '^received +2025-03-15T10:00:01Z to 2025-03-16T00:00:01Z$'
expect_in_stdout "^logs +log, read to byte $(wc -c <log)\$"

expect_status 0 flowan-archive info --json -a A
expect_python '
import glob, json, os, sys
info = json.load(open(sys.argv[1]))
bytes = sum(os.path.getsize(p) for p in glob.glob("A/*/*/*/*.seg"))
log = open("log").read()
assert info["archive"] == "A" and info["segments"] == 2 and info["blocks"] == 2, info
assert info["unfinished"] == 0 and info["damaged"] == 0 and info["records"] == 2, info
assert info["bytes"] == bytes and info["json_bytes"] == len(log) - 2, info
assert abs(info["ratio"] - info["json_bytes"] / bytes) < 0.001, info
assert abs(info["bytes_per_record"] - bytes / 2) < 0.001, info
assert info["received_from"] == "2025-03-15T10:00:01Z", info
assert info["received_to"] == "2025-03-16T00:00:01Z", info
assert info["flows_from"] == "2025-03-15T10:00:00Z", info
assert info["flows_to"] == "2025-03-16T00:00:00Z", info
assert info["logs"] == [{"path": "log", "offset": len(log)}], info' "$CASE_OUT"

# Gaps, over records that come late, and what exporters lost.
sent() # RECEIVED NUMBER EXPORTER [TYPE]
{
    flow "$1" "$1" "$1" 10.0.0.1 192.0.2.1 1 \
        ",\"sequence_num\":$2,\"sampler_address\":\"$3\"" |
        sed "s/IPFIX/${4:-IPFIX}/"
}
{
    for i in 0 1 2 3 4 5 6 8 9; do
        sent $((i * 100)) $((1000 + i)) 198.51.100.1
    done
    sent 7000 40 2001:db8::9 NETFLOW_V9
    sent 7000 40 2001:db8::9 NETFLOW_V9
    sent 7001 41 2001:db8::9 NETFLOW_V9
    sent 7001 44 2001:db8::9 NETFLOW_V9
    sent 3000 1010 198.51.100.1
    sent 7301 1011 198.51.100.1
} >lossy
flowan-archive import -a L lossy 2>/dev/null
for options in '' --quick; do
    expect_status 0 flowan-archive info -a L $options
    expect_silence
    expect_in_stdout '^gaps +2025-03-15T00:15:00Z to 2025-03-15T00:50:00Z, 2100\.000 s$'
    expect_in_stdout '^ +2025-03-15T00:50:00Z to 2025-03-15T01:56:40Z, 4000\.000 s$'
    expect_in_stdout '^ +2025-03-15T01:56:41Z to 2025-03-15T02:01:41Z, 300\.000 s$'
    expect_status 0 flowan-archive info -a L $options --gap 1w
    expect_in_stdout '^gaps +none$'
done
expect_status 0 flowan-archive info -a L
expect_in_stdout '^exporters +address +type +domain +records +lost, at most about +share$'
expect_in_stdout '^ +198\.51\.100\.1 +IPFIX +11 +1 records +8\.333 %$'
expect_in_stdout '^ +2001:db8::9 +NETFLOW_V9 +4 +2 datagrams +40\.000 %$'
expect_status 0 flowan-archive info -a L --json --gap 20m
expect_python '
import json, sys
info = json.load(open(sys.argv[1]))
assert info["gaps"] == [
    {"from": "2025-03-15T00:15:00Z", "to": "2025-03-15T00:50:00Z", "seconds": 2100.0},
    {"from": "2025-03-15T00:50:00Z", "to": "2025-03-15T01:56:40Z", "seconds": 4000.0},
], info["gaps"]
v9, ipfix = info["exporters"]
assert v9 == {"address": "2001:db8::9", "type": "NETFLOW_V9", "records": 4,
              "unit": "datagrams", "counted": 3, "lost": 2, "lost_share": 0.4}, v9
assert ipfix["lost"] == 1 and ipfix["counted"] == 11, ipfix
assert ipfix["unit"] == "records", ipfix
assert info["exporters_left_out"] == 0, info' "$CASE_OUT"
expect_status 0 flowan-archive info -a L --json --quick
expect_python '
import json, sys
info = json.load(open(sys.argv[1]))
assert len(info["gaps"]) == 3 and "exporters" not in info, info' "$CASE_OUT"

expect_status 0 flowan-archive verify A
expect_silence
expect_in_stdout '^2 segments, 2 blocks, [0-9.]+ k?B: every byte as written$'
set -- A/2025/03/15/*.seg A/2025/03/16/*.seg
expect_status 0 flowan-archive verify "$1" "$2"
expect_in_stdout '^2 segments, 2 blocks'
expect_status 0 flowan-archive verify "$1"
expect_in_stdout '^1 segment, 1 block, '

# Every single byte counts.
size=$(wc -c <"$1")
for at in 0 9 40 100 $((size / 2)) $((size - 40)) $((size - 1)); do
    cp "$1" copy.seg
    damage copy.seg $at
    expect_status 1 flowan-archive verify copy.seg
    expect_stderr '^flowan-archive: .*copy\.seg'
    expect_stdout ''
done
damage "$1" $((size / 2))
expect_status 1 flowan-archive verify A
expect_stderr "^flowan-archive: $1"
expect_stderr '1 of 2 segments is damaged'
expect_status 1 flowan-archive verify "$2" nowhere
expect_stderr 'nowhere: No such file'

# Nothing in it yet.
: >empty
flowan-archive import -a N empty 2>/dev/null
[ "$(ls -A N)" = flowan.lock ] || fail "an import of nothing leaves $(ls -A N)"
expect_status 0 flowan-archive info -a N
expect_in_stdout '^records +0$'
expect_in_stdout '^flows +- to -$'
expect_status 0 flowan-archive info -a N --json
expect_in_stdout '"records":0,"bytes":0,"json_bytes":0,"ratio":0.000,'
expect_in_stdout '"received_from":null,"received_to":null,'
python3 -m json.tool "$CASE_OUT" >/dev/null || fail "info --json is no JSON"
expect_status 0 flowan-archive verify N
expect_in_stdout '^0 segments'
expect_status 0 flowan-dump --count -o json N
expect_in_stdout '^\{"flows":0,'
expect_status 0 flowan-report networks -o json N
python3 -m json.tool "$CASE_OUT" >/dev/null || fail "a report of nothing is no JSON"
