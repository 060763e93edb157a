# What is wrong with a report's options and files is said in a sentence that names it.

flow 10 1 5 10.8.0.1 198.51.100.1 100 >log

# expect_wrong STATUS PATTERN ARGUMENT...
expect_wrong()
{
    wrong=$1
    pattern=$2
    shift 2
    expect_status "$wrong" flowan-report "$@"
    expect_stderr "$pattern"
    expect_stdout ''
    [ "$(grep -c '^flowan-report: ' "$CASE_ERR")" -eq 1 ] || fail "not one message: $*"
}

expect_wrong 2 'name a report: networks'
expect_wrong 2 "unknown report 'netwroks': networks," netwroks log
expect_wrong 2 'name at least one PATH' networks
expect_wrong 2 'top needs --by KEYS' top log
expect_wrong 2 'this report has its own' networks --by proto log
expect_wrong 2 "not of 'proto'" matrix --by local_net,proto log
expect_wrong 2 "keys 'src_addr/24,,proto', column 13: expected the name" \
    top --by src_addr/24,,proto log
expect_wrong 2 "column 9: .*no address" top --by dst_port/8 log
expect_wrong 2 'column [0-9]+: expected' top --by src_addr/33,64 log
expect_wrong 2 'column [0-9]+: expected' top --by src_addr/129 log
expect_wrong 2 'column [0-9]+: expected' top --by src_addr/ log
expect_wrong 2 "two columns 'bytes'" top --by bytes log
expect_wrong 2 '--top wants a number' top --by proto --top -1 log
expect_wrong 2 "unknown measure 'octets': bytes, packets or flows" asns --order octets log
expect_wrong 2 "unknown format 'xml': table, csv or json" asns -o xml log
expect_wrong 2 '--bin: "0s" is no duration' series --bin 0s log
expect_wrong 2 '--gap: ' series --gap five log
expect_wrong 2 "unknown scheme 'equal': proportional, uniform, start, end or middle" \
    series --scheme equal log
expect_wrong 2 "unknown clock 'sent': start-end, received, start or end" top --clock sent log
expect_wrong 2 '--end must be after --start' asns --start 2025-03-16 --end 2025-03-15 log
expect_wrong 2 '--default-sampling' asns --default-sampling 1:1000 log
expect_wrong 2 'is no IPv4 or IPv6 address' asns --default-sampling router=100 log
expect_wrong 2 "unknown or ambiguous option '--nonsuch'" asns --nonsuch log
expect_wrong 2 "option '--by' needs a value" top log --by
expect_wrong 2 "unknown option '-x'" asns -x log
expect_wrong 2 "option '--raw-counts' takes no value" asns --raw-counts=yes log

# The networks file.
expect_wrong 1 'nowhere: No such file' asns --networks nowhere log
printf '# fine\n10.0.0.0/8 a\n\n10.8.0.1/16 b\n' >nets
expect_wrong 1 '^flowan-report: nets:4: "10.8.0.1/16" has bits set' asns --networks nets log
printf '10.0.0.0/8 a\n10.0.0.0/8 b\n' >nets
expect_wrong 1 'nets:2: ' asns --networks nets log
printf '10.0.0.0/8 a b\n' >nets
expect_wrong 1 'nets:1: ' asns --networks nets log
printf 'office 10.0.0.0/8\n' >nets
expect_wrong 1 'nets:1: ' asns --networks nets log
printf '10.0.0.0/8 a\0b\n' >nets
expect_wrong 1 'nets:1: ' asns --networks nets log
printf '\357\273\277# no prefix at all\r\n' >nets
expect_status 0 flowan-report networks --networks nets -o csv log
[ "$(wc -l <"$CASE_OUT")" -eq 1 ] || fail "nothing is local, but there are rows"

# The ASN database.
expect_wrong 1 'nowhere: No such file' asns --asn-db nowhere log
expect_wrong 1 'nets is not a usable ASN database' asns --asn-db nets log
head -c 5000 "$DATA/asn.mmdb" >cut.mmdb
expect_wrong 1 'cut.mmdb is not a usable ASN database' asns --asn-db cut.mmdb log
: >empty
expect_wrong 1 'empty is not a usable ASN database' asns --asn-db empty log
sed 's/Flowan-Test-ASN/GeoFlow2-Cities/; s/autonomous_system_number/autonomous_system_numbor/' \
    "$DATA/asn.mmdb" >city.mmdb
status=0
flowan-report asns --asn-db city.mmdb log >"$CASE_OUT" 2>"$CASE_ERR" || status=$?
[ $status -le 1 ] || fail "a database of another kind: status $status"

# Too many rows.
flow 10 1 5 10.8.0.1 198.51.100.1 100 >long
flow 90000000 89999990 90000000 10.8.0.1 198.51.100.1 100 >>long
expect_wrong 1 'would have [0-9]+ rows, which is more than 1000000: ask for wider bins' \
    series --bin 1m long

# a key that nothing has
expect_wrong 2 "--by: unknown field 'nosuch': neither goflow2 nor these inputs have it" \
    top --by proto,nosuch log
