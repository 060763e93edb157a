# What is printed of records, in which form.

{
    flow 100 90 95 10.0.0.1 192.0.2.1 1500 \
        ',"proto":"TCP","as_path":[64496,64511],"mpls_ip":["192.0.2.7","2001:db8::1"],"note":"a,\"b\"\nc"'
    flow 101 91 96 2001:db8::a 192.0.2.2 20 \
        ',"src_net":"2001:db8::/32","post_nat_src_ipv4_address":"6799ef23","load":1.5,"up":true'
    printf '{ "bytes" : 3 }\n'
} >log
flowan-archive import -a A log 2>/dev/null

for path in log A; do
    expect_status 0 flowan-dump -o json "$path"
    expect_silence
    expect_stdout '{"type":"IPFIX","time_received_ns":1741996900000000000,"time_flow_start_ns":1741996890000000000,"time_flow_end_ns":1741996895000000000,"src_addr":"10.0.0.1","dst_addr":"192.0.2.1","bytes":1500,"proto":"TCP","as_path":[64496,64511],"mpls_ip":["192.0.2.7","2001:db8::1"],"note":"a,\"b\"\nc"}
{"type":"IPFIX","time_received_ns":1741996901000000000,"time_flow_start_ns":1741996891000000000,"time_flow_end_ns":1741996896000000000,"src_addr":"2001:db8::a","dst_addr":"192.0.2.2","bytes":20,"src_net":"2001:db8::/32","post_nat_src_ipv4_address":"103.153.239.35","load":1.5,"up":true}
{"bytes":3}'
    cp "$CASE_OUT" json
    expect_status 0 flowan-dump "$path" # json is the default in a pipe
    expect_same json "$CASE_OUT"
    expect_status 0 flowan-dump -o csv --fields note,bytes,as_path,load,src_addr "$path"
    printf 'note,bytes,as_path,load,src_addr\r\n' >csv
    printf '"a,""b""\nc",1500,"[64496,64511]",,10.0.0.1\r\n,20,,1.5,2001:db8::a\r\n' >>csv
    printf ',3,,,\r\n' >>csv
    expect_same csv "$CASE_OUT"
    expect_status 0 flowan-dump -o csv "$path"
    expect_python '
import csv, sys
rows = list(csv.DictReader(open(sys.argv[1], newline="")))
assert len(rows) == 3, rows
assert rows[0]["note"] == "a,\"b\"\nc" and rows[0]["mpls_ip"] == "[\"192.0.2.7\",\"2001:db8::1\"]", rows[0]
assert rows[1]["up"] == "true" and rows[1]["post_nat_src_ipv4_address"] == "103.153.239.35", rows[1]
assert [k for k, v in rows[2].items() if v] == ["bytes"], rows[2]' "$CASE_OUT"
done

expect_status 0 flowan-dump -o json --fields bytes,proto log
expect_stdout '{"bytes":1500,"proto":"TCP"}
{"bytes":20}
{"bytes":3}'
expect_status 0 flowan-dump -o table --fields bytes,proto,time_flow_start_ns log
expect_stdout 'bytes  proto  start (UTC)
 1500  TCP    2025-03-15T00:01:30.000
   20  -      2025-03-15T00:01:31.000
    3  -      -'
expect_status 0 flowan-dump -o table A
expect_in_stdout '^start \(UTC\) +seconds +proto +source +destination +bytes +NAT source$'
expect_in_stdout '^2025-03-15T00:01:31.000 +5.000 +- +2001:db8::a +192.0.2.2 +20 +103.153.239.35$'
[ "$(wc -L <"$CASE_OUT")" -le 100 ] || fail "a table is wider than 100"

# Fields that nothing has.
for path in log A; do
    expect_status 2 flowan-dump --fields bytes,nonsuch "$path"
    expect_stderr "unknown field 'nonsuch'"
    expect_stdout ''
done
expect_status 0 flowan-dump --fields dst_as log # goflow2 knows it: no slip
expect_stdout '{}
{}
{}'
expect_status 2 flowan-dump --fields bytes,,proto log
expect_stderr "a name is empty in 'bytes,,proto'"
expect_status 2 flowan-dump -o csv - <log
expect_stderr 'csv of standard input needs --fields'
expect_status 0 flowan-dump -o csv --fields bytes - <log
[ "$(wc -l <"$CASE_OUT")" -eq 4 ] || fail "csv of standard input"
expect_status 2 flowan-dump -o yaml log
expect_stderr "unknown format 'yaml': exact, json, csv, ecs or table"

# -n
expect_status 0 flowan-dump -n 1 log
head -n 1 json >expected
expect_same expected "$CASE_OUT"
expect_status 0 flowan-dump -n 0 log
expect_stdout ''
expect_status 0 flowan-dump -n 0 -o csv --fields bytes log
expect_stdout "$(printf 'bytes\r')"
expect_status 0 flowan-dump -n 4 log A # across inputs
[ "$(wc -l <"$CASE_OUT")" -eq 4 ] || fail "-n 4 of six"
expect_status 0 flowan-dump --limit 18446744073709551615 log
expect_same json "$CASE_OUT"
for wrong in -1 18446744073709551616 1k '' ' 1'; do
    expect_status 2 flowan-dump -n "$wrong" log
    expect_stderr '^flowan-dump: -n wants a number from 0 '
done

# --count: as exported, with the time that the flows span.
expect_status 0 flowan-dump --count log
expect_stdout 'flows    3
packets  0
bytes    1523
first    2025-03-15T00:01:30Z
last     2025-03-15T00:01:36Z'
expect_status 0 flowan-dump --count -o json log A
expect_stdout '{"flows":6,"packets":0,"bytes":3046,"first":"2025-03-15T00:01:30Z","last":"2025-03-15T00:01:36Z"}'
printf '{"bytes":18446744073709551615,"packets":2,"sampling_rate":1000}\n' >big
cat big big >bigger
expect_status 0 flowan-dump --count -o json bigger # wider than 64 bits, and not scaled
expect_stdout '{"flows":2,"packets":4,"bytes":36893488147419103230,"first":null,"last":null}'
expect_status 0 flowan-dump --count big
expect_in_stdout '^first    -$'
expect_status 0 flowan-dump --count -n 1 -o json log
expect_in_stdout '"flows":1,.*"bytes":1500,'

# --schema
expect_status 0 flowan-dump --schema log
expect_in_stdout '^column +type +unit +records +fill '
expect_in_stdout '^bytes +u64 +B +3 +100.00% +octets'
expect_in_stdout '^as_path +list_u64 +- +1 +33.33% '
expect_in_stdout '^load +json +- +1 +33.33% +\(a key of this log\)'
for path in log A; do
    expect_status 0 flowan-dump --schema -o json "$path"
    expect_in_stdout '^\{"name":"src_addr","type":"address","unit":"","ipfix":8,"present":2,"rows":3\}$'
    cp "$CASE_OUT" "schema.$(basename "$path")"
done
expect_same schema.log schema.A
