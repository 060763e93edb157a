# goflow2 itself, fed with IPFIX on loopback, and the follower killed while its log is
# rotated. What goflow2 loses at SIGHUP is not ours: its logs are the truth.
common=$DATA/../common
goflow2=$(command -v goflow2 || :)
if [ -z "$goflow2" ]; then
    go=$(command -v go || :)
    [ -n "$go" ] || skip "neither goflow2 nor go is there"
    goflow2=$(go env GOPATH)/bin/goflow2
    [ -x "$goflow2" ] ||
        timeout 60 go install github.com/netsampler/goflow2/v2/cmd/goflow2@v2.2.6 \
            >/dev/null 2>&1 || skip "goflow2 cannot be installed"
fi
for python in python3 /usr/bin/python3; do # the system's has the packages of tests/run
    $python -c 'import numpy' 2>/dev/null && break
done
$python -c 'import numpy' 2>/dev/null || skip "python3 has no numpy, which sends the flows"

port=$(python3 -c '
import socket
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.bind(("127.0.0.1", 0))
print(s.getsockname()[1])')
mkdir logs
cat >run <<END
#!/bin/sh
exec "$goflow2" -listen netflow://127.0.0.1:$port -transport file \\
    -transport.file logs/goflow2.log -format json -addr 127.0.0.1:0 >goflow2.out 2>&1
END
chmod +x run
$python "$DATA/../bench/flowsim.py" --ipfix 127.0.0.1:$port --rate 3000 --records 10000000 \
    >sim.out 2>&1 &
sim=$!
trap 'status=$?; kill $sim 2>/dev/null || :; (exit $status); leave' EXIT
expect_status 0 timeout 100 "$common/follow-kill" 55 all ./run
expect_in_stdout '^55 kills, [0-9]+ rotations, [0-9]{4,} records$'
expect_status 0 flowan-archive verify A
