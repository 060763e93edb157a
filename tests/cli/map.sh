# Keys that logs have in the place of goflow2's: those of its 1.x by themselves, others
# by --map.

cat >old <<'END'
{"Type":"SFLOW_5","TimeReceived":1742000453,"SamplingRate":1000,"TimeFlowStart":1742000453,"TimeFlowStartMs":0,"Bytes":1500,"Packets":3,"SrcAddr":"100.64.0.7","Etype":2048,"Proto":6,"SrcNet":15,"BgpNextHop":[192,0,2,254],"NextHop":"","MplsLabelIp":[],"HasMpls":false}
{"Type":"IPFIX","TimeReceived":1742000454,"TimeFlowStart":1742000390,"TimeFlowStartMs":1742000390050,"Bytes":40,"SrcAddr":"2001:db8::7","BgpNextHop":[]}
END
cat >theirs <<'END'
{"client":"100.64.0.8","octets":7,"a=b":6,"SrcAddr":"192.0.2.1"}
{"client":"","octets":8,"bytes":9,"SrcAddr":"192.0.2.2"}
END
set -- --map client=src_addr --map octets=bytes --map a=b=proto

expect_status 0 flowan-dump -o json old
expect_silence
expect_stdout '{"type":"SFLOW_5","time_received_ns":1742000453000000000,"sampling_rate":1000,"time_flow_start_ns":1742000453000000000,"TimeFlowStartMs":0,"bytes":1500,"packets":3,"src_addr":"100.64.0.7","etype":"IPv4","proto":"TCP","src_net":"100.64.0.0/15","bgp_next_hop":"192.0.2.254","mpls_ip":[],"HasMpls":false}
{"type":"IPFIX","time_received_ns":1742000454000000000,"TimeFlowStart":1742000390,"time_flow_start_ns":1742000390050000000,"bytes":40,"src_addr":"2001:db8::7"}'

expect_status 0 flowan-dump -o json "$@" theirs
mapped='{"src_addr":"100.64.0.8","bytes":7,"proto":"TCP","SrcAddr":"192.0.2.1"}
{"client":"","octets":8,"bytes":9,"src_addr":"192.0.2.2"}'
expect_stdout "$mapped"
expect_status 0 flowan-dump -o json theirs
expect_stdout '{"client":"100.64.0.8","octets":7,"a=b":6,"src_addr":"192.0.2.1"}
{"client":"","octets":8,"bytes":9,"src_addr":"192.0.2.2"}'
expect_status 0 flowan-dump -o csv "$@" theirs
expect_in_stdout '^bytes,src_addr,proto,SrcAddr,client,octets'
expect_status 0 flowan-dump --schema "$@" theirs
expect_in_stdout '^src_addr +address +- +2 100'
expect_status 0 flowan-dump -o exact "$@" theirs
expect_same theirs "$CASE_OUT"
expect_status 0 flowan-dump -o json --fields src_addr --map client=src_addr theirs
expect_stdout '{"src_addr":"100.64.0.8"}
{"src_addr":"192.0.2.2"}'
expect_status 2 flowan-dump -o json --fields a=b "$@" theirs # it is proto now
expect_stderr "unknown field 'a=b'"

# An archive remembers.
expect_status 0 flowan-archive import -a A "$@" theirs old
cat theirs old >both
for more in '' '--map octets=packets'; do
    expect_status 0 flowan-dump -o exact $more A
    expect_same both "$CASE_OUT"
    expect_status 0 flowan-dump -o json -n 2 $more A
    expect_stdout "$mapped"
done
expect_status 0 flowan-archive verify A

# Reports have the meaning from wherever it came.
for inputs in A both; do
    expect_status 0 flowan-report top --by src_addr -o csv "$@" $inputs
    cut -d , -f 1 "$CASE_OUT" | tr -d '\r' >addresses
    printf 'src_addr\n100.64.0.7\n2001:db8::7\n192.0.2.2\n100.64.0.8\n' >expected
    head -n 5 addresses >first
    expect_same expected first
done
expect_status 2 flowan-report top --by a=b "$@" theirs
expect_stderr "unknown field 'a=b'"

# Slips.
for tool in flowan-dump 'flowan-archive import -a B' 'flowan-report asns'; do
    for wrong in client client= =src_addr =; do
        expect_status 2 $tool --map "$wrong" theirs
        expect_stderr "THEIR_KEY=FIELD, not '$wrong'"
    done
    expect_status 2 $tool --map client=source theirs
    expect_stderr "unknown field 'source'"
    expect_status 2 $tool --map client=src_addr --map client=dst_addr theirs
    expect_stderr "'client' is mapped twice"
    expect_status 2 $tool --map bytes=packets theirs
    expect_stderr "'bytes' is a field itself"
    expect_status 2 $tool theirs --map
    expect_stderr "'--map' needs a value"
done
[ ! -e B ] || fail "a wrong call made an archive"
set --
i=0
while [ $i -lt 256 ]; do
    set -- "$@" --map "k$i=in_if"
    i=$((i + 1))
done
expect_status 0 flowan-dump "$@" old
expect_status 2 flowan-dump "$@" --map k256=in_if old
expect_stderr 'more than 256 keys'
