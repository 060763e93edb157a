# A follower at work: what it takes how soon, and what it leaves behind.
command -v python3 >/dev/null || skip "python3 is not there"

# until SECONDS COMMAND...: waits for it to come true.
until_true()
{
    tries=$(($1 * 20))
    shift
    while ! "$@"; do
        tries=$((tries - 1))
        [ $tries -gt 0 ] || { cat errors >&2; fail "not in time: $*"; }
        sleep 0.05
    done
}
follower=
writer=
stop()
{
    [ -z "$follower" ] || kill -9 "$follower" 2>/dev/null || :
    [ -z "$writer" ] || kill -9 "$writer" 2>/dev/null || :
}
trap 'status=$?; stop; (exit $status); leave' EXIT
start()
{
    flowan-archive follow -a A "$@" 2>>errors &
    follower=$!
}
# finish: SIGTERM, which ends it well.
finish()
{
    status=0
    kill -TERM $follower
    wait $follower || status=$?
    [ $status -eq 0 ] || { cat errors >&2; fail "the follower ended with $status"; }
    follower=
}
holds()
{
    flowan-dump -o exact A 2>/dev/null >dump
    [ "$(wc -l <dump)" -eq "$1" ]
}
told()
{
    grep -q -e "$1" errors
}

# A log in a directory that comes later; a line is readable within two seconds, also one
# without a line feed; no writer besides.
start --metrics metrics 'logs/*.log'
until_true 5 test -e A/flowan.lock
expect_status 1 flowan-archive follow -a A --drain nothing
expect_stderr "archive A is being written by process $follower\$"
mkdir logs
flow 1 1 1 10.0.0.1 192.0.2.1 1 >logs/goflow2.log
until_true 4 holds 1
flow 2 2 2 10.0.0.1 192.0.2.1 2 >>logs/goflow2.log
until_true 2 holds 2
printf '%s' "$(flow 3 3 3 10.0.0.1 192.0.2.1 3)" >>logs/goflow2.log
until_true 2 holds 3
[ -n "$(find A -name '*.open')" ] || fail "no segment is open"

# Renamed, still written to, then a new one.
mv logs/goflow2.log logs/old
printf '\n%s\n' "$(flow 4 4 4 10.0.0.1 192.0.2.1 4)" >>logs/old
until_true 2 holds 4
until_true 2 told 'goflow2.log was renamed to .*logs/old'
flow 5 5 5 10.0.0.1 192.0.2.1 5 >logs/goflow2.log
flow 6 6 6 10.0.0.1 192.0.2.1 6 >logs/other.log
until_true 3 holds 6
expect_python 'import sys
found = [line for line in open("dump")]
assert [("\"bytes\":%d," % n in line or "\"bytes\":%d}" % n in line)
        for n, line in enumerate(found[:5], 1)] == [True] * 5, found'

# Figures, whole and new at SIGHUP.
kill -HUP $follower
until_true 3 grep -q '^flowan_archive_records_total 6$' metrics
for name in 'rejects_total{reason="junk"} 0' 'lag_bytes 0' 'segments 1' \
    'build_info{version=".*"} 1'; do
    grep -q "^flowan_archive_$name\$" metrics || fail "the metrics lack $name: $(cat metrics)"
done
for name in bytes_in_total bytes_out_total lag_seconds last_write_timestamp_seconds; do
    grep -q "^# TYPE flowan_archive_$name " metrics || fail "the metrics lack $name"
    grep -q "^flowan_archive_$name [0-9.]*\$" metrics || fail "the metrics lack $name"
done
[ -z "$(find . -name 'metrics.*')" ] || fail "a temporary file is left"
finish
[ -z "$(find A -name '*.open')" ] || fail "a segment was left open"
expect_status 0 flowan-archive verify A

# The rotation is ours: the writer is told, renamed logs go, nothing is lost.
rm -rf A logs errors
mkdir logs
common=$DATA/../common
"$common/fake-goflow2" logs/goflow2.log 2000 &
writer=$!
echo $writer >pid
until_true 5 test -s logs/goflow2.log
flow 1 1 1 10.0.0.1 192.0.2.1 1 >logs/still.log
start --latency 200ms --rotate-log 1s --hup-pidfile pid 'logs/*.log'
renamed()
{
    [ "$(find logs -name 'goflow2_*.log' | wc -l)" -ge 3 ]
}
until_true 10 renamed
finish
kill -TERM $writer
wait $writer || :
writer=
[ -e logs/still.log ] || fail "a log that nobody writes to was rotated"
find logs -name 'goflow2_*.log' | grep -v -E '/goflow2_[0-9]{8}T[0-9]{6}Z(-[0-9]+)?\.log$' &&
    fail "a name of another style"
expect_status 0 flowan-archive follow -a A --drain 'logs/*.log'
cat logs/still.log logs/goflow2_*.log logs/goflow2.log | sed 's/}{/}\n{/g' | grep . | sort >want
flowan-dump -o exact A | sort >dump
expect_same want dump

# Removed once they are in: the renamed ones, and never the live one.
ls logs | grep goflow2_ >before
mv logs/goflow2.log logs/goflow2_last.log
flow 7 7 7 10.0.0.1 192.0.2.1 7 >logs/goflow2.log
start --remove-done 'logs/*.log'
until_true 5 test ! -e logs/goflow2_last.log
finish
[ -s logs/goflow2.log ] || fail "the live log is gone"
[ -s logs/still.log ] || fail "a log that was not renamed is gone"
told 'goflow2_last.log was removed: all of it is in the archive' || fail "nothing is told"

# Telling fails: told, and the log goes on being read.
rm -rf A logs errors
mkdir logs
flow 1 1 1 10.0.0.1 192.0.2.1 1 >logs/goflow2.log
start --latency 200ms --rotate-log 1K --hup-cmd false logs/goflow2.log
until_true 5 holds 1
i=1
append()
{
    i=$((i + 1))
    flow $i $i $i 10.0.0.1 192.0.2.1 $i >>"$(ls logs/goflow2.log 2>/dev/null || ls logs/*)"
    told 'goflow2 cannot be told: the command of --hup-cmd failed'
}
until_true 10 append
i=$((i + 1))
flow $i $i $i 10.0.0.1 192.0.2.1 $i >>"$(ls logs/goflow2_*.log)"
until_true 5 holds $i
finish

# Blocks are small while they are written, and full once the segment is sealed.
rm -rf A logs errors
"$common/fake-goflow2" log 2000 &
writer=$!
start --latency 100ms --rotate 2s log
segments()
{
    [ "$(find A -name '*.seg' | wc -l)" -ge 3 ]
}
until_true 12 segments
finish
kill -TERM $writer
wait $writer || :
writer=
blocks=$(flowan-archive info -a A --json | sed -n 's/.*"blocks":\([0-9]*\).*/\1/p')
found=$(find A -name '*.seg' | wc -l)
[ "$blocks" -le $((found + 4)) ] || fail "$found segments have $blocks blocks"
[ -z "$(find A -name '*.packing' -o -name '*.open')" ] || fail "something is left behind"
expect_status 0 flowan-archive verify A
expect_status 0 flowan-archive follow -a A --drain log
sed 's/}{/}\n{/g' log | grep . >want
flowan-dump -o exact A >dump
expect_same want dump
# A crash between the new name and the end of the old one.
segment=$(find A -name '*.seg' | sort | head -n 1)
cp "$segment" "$segment.open"
cp "$segment" "$segment.packing"
expect_status 0 flowan-archive follow -a A --drain log
[ -z "$(find A -name '*.open')" ] || fail "the old one is still there"
flowan-dump -o exact A >dump
expect_same want dump
