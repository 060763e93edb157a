# Documents of the Elastic Common Schema: the options, rejects, and that each is JSON.

{
    flow 100 90 95 10.0.0.1 8.8.8.8 1500 \
        ',"proto":"TCP","src_port":40000,"dst_port":443,"sampling_rate":0,"user":"a\"b"'
    printf 'torn {"bytes":1\n'
    flow 101 91 96 192.0.2.1 192.0.2.2 20 ',"sampling_rate":10,"packets":3,"bytes":7'
} >log
expect_status 3 flowan-archive import -a A log

# documents PROGRAM: Python that has the documents of the last expect_status in `d`.
documents()
{
    expect_python '
import json, sys
d = [json.loads(line) for line in open(sys.argv[1])]
exec(sys.argv[2])' "$CASE_OUT" "$1"
}

expect_status 3 flowan-dump -o ecs log
expect_stderr '^flowan-dump: .*rejected'
documents '
assert len(d) == 4, d
assert d[0]["@timestamp"] == "2025-03-15T00:01:30.000Z", d[0]
assert d[0]["source"]["ip"] == "10.0.0.1" and d[0]["network"]["direction"] == "outbound", d[0]
assert d[0]["network"]["community_id"] == "1:BbWJEWTpWJw0xPi4Ie+PnJi9rTk=", d[0]
assert d[0]["network"]["bytes"] == 1500 and d[0]["goflow2"]["user"] == "a\"b", d[0]
assert d[1]["network"]["bytes"] == 70 and d[1]["network"]["packets"] == 30, d[1]
assert d[0]["tags"] == ["forwarded", "sflow"], d[0]
assert "original" not in d[0]["event"] and "as" not in d[0]["source"], d[0]
assert [(e["event"]["original"], e["error"]["message"]) for e in d[2:]] == [
    ("torn ", "byte %d: no flow record (junk)" % (d0 := len(open("log", "rb").readline()))),
    ("{\"bytes\":1", "byte %d: no flow record (torn)" % (d0 + 5))], d[2:]
assert d[2]["@timestamp"] == "2025-03-15T00:01:41.000Z", d[2]'
grep -v '"error":' "$CASE_OUT" >records
expect_status 0 flowan-dump -o ecs A # an archive has no rejects
expect_same records "$CASE_OUT"
for choice in '--start 2025-03-15' '--end 2026-01-01' '-n 2'; do # nor has a choice
    expect_status 3 flowan-dump -o ecs $choice log
    expect_same records "$CASE_OUT"
done
expect_status 3 flowan-dump -o ecs -n 1 log
head -n 1 records >first
expect_same first "$CASE_OUT"

expect_status 3 flowan-dump -o ecs --elastic-compat --preserve-original --tag edge --tag sflow log
documents '
assert d[0]["network"]["bytes"] == 0 and d[0]["network"]["packets"] == 0, d[0]
assert d[1]["network"]["packets"] == 10 and d[1]["goflow2"]["packets"] == 3, d[1]
assert d[0]["event"]["original"] == open("log").readline()[:-1], d[0]
for e in d:
    assert e["tags"] == ["preserve_original_event", "forwarded", "sflow", "edge"], e'

printf '192.0.2.0/24 lab\n' >networks
expect_status 0 flowan-dump -o ecs --networks networks --asn-db "$DATA/asn.mmdb" A
documents '
assert [e["network"]["direction"] for e in d] == ["external", "internal"], d
assert d[0]["destination"]["as"]["number"] == 15169, d[0]
assert d[0]["destination"]["as"]["organization"]["name"], d[0]'
flow 100 90 95 10.0.0.1 8.8.8.8 1 ',"dst_as":64496' >own
expect_status 0 flowan-dump -o ecs --asn-db "$DATA/asn.mmdb" own
documents 'assert d[0]["destination"]["as"] == {"number": 64496}, d'
expect_status 0 flowan-dump -o ecs --asn-db "$DATA/asn.mmdb" --prefer-asdb own
documents 'assert d[0]["destination"]["as"]["number"] == 15169, d'

# Records of now, and of long ago.
printf '{"time_flow_start_ns":%s000000000,"bytes":1}\n' "$(date +%s)" >>log
expect_status 3 flowan-dump -o ecs --ignore-older 72h log
documents '
assert len(d) == 3 and d[0]["netflow"] == {"bytes": 1}, d
assert "error" in d[1] and "error" in d[2], d'
expect_status 3 flowan-dump -o ecs --ignore-older 10000w log
[ "$(wc -l <"$CASE_OUT")" -eq 5 ] || fail "--ignore-older of centuries"

# Called wrongly.
for option in '--tag x' --preserve-original --elastic-compat '--ignore-older 1h'; do
    expect_status 2 flowan-dump -o json $option log
    expect_stdout ''
    expect_stderr "^flowan-dump: ${option%% *} is for documents \(-o ecs\)$"
done
expect_status 2 flowan-dump --count --tag x -o ecs log
expect_stderr '^flowan-dump: --tag is for documents, and --count prints none$'
expect_status 2 flowan-dump -o ecs --fields bytes log
expect_stderr 'a document of ECS has its own fields: none can be chosen$'
expect_status 2 flowan-dump -o ecs --tag '' log
expect_stderr '^flowan-dump: --tag: a tag is empty$'
expect_status 2 flowan-dump -o ecs --ignore-older 3x log
expect_stderr '^flowan-dump: --ignore-older: "3x" is no duration'
expect_status 1 flowan-dump -o ecs --asn-db log log
expect_stderr '^flowan-dump: .*log'
expect_status 1 flowan-dump -o ecs --networks nowhere log
expect_stderr '^flowan-dump: .*nowhere'

# Every oddity, with every option.
expect_status 3 flowan-dump -o ecs --preserve-original --asn-db "$DATA/asn.mmdb" \
    --networks "$DATA/networks.txt" "$DATA/odd.json"
documents '
assert len(d) == 60 and sum("error" in e for e in d) == 8, len(d)
assert all("@timestamp" in e for e in d if "goflow2" in e and "time_received_ns" in e["goflow2"])'
