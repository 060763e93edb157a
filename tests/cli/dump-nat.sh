# --nat: the same answer from a log, an archive and one with an index; the three verdicts;
# what is refused.

# nat SECOND SRC PUBLIC PORT: someone behind PUBLIC speaks to 198.51.100.1:443.
nat()
{
    flow "$1" $(($1 - 10)) $(($1 - 5)) "$2" 198.51.100.1 100 ",\"src_port\":1000,\
\"dst_port\":443,\"proto\":\"TCP\",\"sampler_address\":\"192.0.2.254\",\
\"post_nat_src_ipv4_address\":\"$3\",\"post_napt_src_transport_port\":$4"
}

for i in 1 2 3 4 5 6; do
    nat $((i * 100)) 10.0.0.$i cb007107 $((2000 + i))
done >log
for i in 1 2 3; do
    nat $((7200 + i * 100)) 10.0.1.$i cb007107 $((2000 + i))
done >>log
expect_status 0 flowan-archive import -a plain --rotate 1h log
expect_status 0 flowan-archive import -a indexed --rotate 1h --index nat log
expect_status 0 flowan-archive merge -a indexed --older-than 1d
expect_status 0 flowan-archive verify indexed

# 300 s after midnight: flow 3 ended 5 s before; the skew of 5 s just reaches it.
for path in log plain indexed; do
    expect_status 0 flowan-dump --nat 203.0.113.7:2003 --at 2025-03-15T00:05:00 $path
    expect_silence
    expect_python '
import json, sys
a = json.loads(open(sys.argv[1]).read())
assert list(a) == ["question", "answer", "matches", "segments_read", "blocks_read",
                   "blocks_skipped", "gaps"], list(a)
assert a["question"] == {"address": "203.0.113.7", "port": 2003,
    "at": "2025-03-15T00:05:00Z", "skew_ns": 5000000000}, a["question"]
assert a["answer"] == "found" and len(a["matches"]) == 1, a
m = a["matches"][0]
record = m.pop("record")
assert m == {"local_address": "10.0.0.3", "local_port": 1000,
    "public_address": "203.0.113.7", "public_port": 2003, "port_unknown": False,
    "remote_address": "198.51.100.1", "remote_port": 443, "proto": "TCP",
    "start": "2025-03-15T00:04:50Z", "end": "2025-03-15T00:04:55Z",
    "exporter": "192.0.2.254"}, m
assert list(m)[0] == "local_address" and record["src_addr"] == "10.0.0.3"
assert json.dumps(record, separators=(",", ":")) in open("log").read()' "$CASE_OUT"
    expect_status 0 flowan-dump --nat 203.0.113.7:2003 --at 2025-03-15T00:05:00 \
        --skew 4999ms -o json $path
    expect_in_stdout '"answer":"nobody","matches":\[\]'
    expect_status 0 flowan-dump --nat 203.0.113.7:2003 --at 2025-03-15T00:04:55 \
        --skew 0 -o json $path
    expect_in_stdout '"answer":"found"'
    expect_status 0 flowan-dump --nat 203.0.113.7:2003 --at 2025-03-15T01:00 -o json $path
    expect_in_stdout '"answer":"no data",.*"gaps":\[\{"from":"2025-03-15T00:10:00Z","to":"2025-03-15T02:01:40Z"\}\]'
    expect_status 0 flowan-dump --nat 203.0.113.7:2003 --at 2025-03-15T01:00 --gap 3h \
        -o json $path
    expect_in_stdout '"answer":"nobody"'
    expect_status 0 flowan-dump --nat 203.0.113.7:2003 --at 2025-03-16 -o json $path
    expect_in_stdout '"answer":"no data",.*"to":null\}\]'
    expect_status 0 flowan-dump --nat 203.0.113.7:2003 --start 2025-03-15 \
        --end 2025-03-16 -o json $path
    expect_in_stdout '10\.0\.0\.3.*10\.0\.1\.3'
    expect_status 0 flowan-dump --nat 203.0.113.7 --start 2025-03-15 -n 2 -o json $path
    expect_in_stdout '10\.0\.0\.1.*10\.0\.0\.2'
    ! grep -q '10\.0\.0\.3' "$CASE_OUT" || fail "-n 2 gave three"
done

# An index passes over blocks that do not have the address at all.
expect_status 0 flowan-dump --nat 203.0.113.9 --start 2025-03-15 --explain -o json indexed
expect_stderr '^blocks .* [1-9][0-9]* by an index$'
expect_status 0 flowan-dump --nat 203.0.113.9 --start 2025-03-15 --explain -o json plain
expect_stderr '^blocks .* 0 by an index$'

# For people.
expect_status 0 flowan-dump --nat 203.0.113.7:2003 --at 2025-03-15T00:05:00 -o table plain
expect_in_stdout '^203\.0\.113\.7:2003 at 2025-03-15T00:05:00Z, give or take 5 s: found$'
expect_in_stdout '^10\.0\.0\.3:1000$'
expect_in_stdout '^    to        198\.51\.100\.1:443, TCP$'
expect_in_stdout '^    exporter  192\.0\.2\.254$'
expect_status 0 flowan-dump --nat 203.0.113.7:2003 --at 2025-03-15T01:00 -o table plain
expect_in_stdout ': no data$'
expect_in_stdout '^Nothing was received from 2025-03-15T00:10:00Z to 2025-03-15T02:01:40Z\.$'

# IPv6, with and without a port.
flow 50 50 50 fd00::1 2001:db8::1 1 \
    ',"post_nat_src_ipv6_address":"2001:db8::7","post_napt_src_transport_port":9' >six
for question in 2001:db8::7 '[2001:db8::7]' '[2001:db8::7]:9'; do
    expect_status 0 flowan-dump --nat "$question" --at 2025-03-15T00:00:50 -o json six
    expect_in_stdout '"answer":"found".*"local_address":"fd00::1"'
done
expect_status 0 flowan-dump --nat '[2001:db8::7]:8' --at 2025-03-15T00:00:50 -o json six
expect_in_stdout '"answer":"nobody"'

# A block that cannot be read may have had the answer.
cp -r plain broken
damage "$(find broken -name '*.seg' | sort | sed -n 1p)" 250
expect_status 1 flowan-dump --nat 203.0.113.7:2003 --at 2025-03-15T00:05:00 -o json broken
expect_in_stdout '"answer":"no data"'
expect_stderr '.'

# What makes no question.
for options in '--nat x' '--nat 203.0.113.7:' '--nat 203.0.113.7:70000' '--nat [203.0.113.7' \
    '--nat 203.0.113.7:1:2' '--nat [::1]9' '--nat 203.0.113.7 --at x' \
    '--nat 203.0.113.7 --at now --skew x' '--nat 203.0.113.7 --at now --start -1h' \
    '--nat 203.0.113.7' '--at now' '--nat 203.0.113.7 --at now --count' \
    '--nat 203.0.113.7 --at now -o csv' '--nat 203.0.113.7 --at now -f any' \
    '--nat 203.0.113.7 --at now --fields bytes' '--nat 203.0.113.7 --at now --schema'; do
    # shellcheck disable=SC2086 # options are words
    expect_status 2 flowan-dump $options log
    expect_stdout ''
    expect_stderr '.'
done
expect_status 2 flowan-archive import -a other --index nonsense log
expect_stderr "nonsense"
