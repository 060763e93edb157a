# --start and --end are [start, end), and a flow is [start, end): what overlaps is shown.

{
    flow 900 100 200 10.0.0.1 192.0.2.1 1
    flow 900 200 200 10.0.0.1 192.0.2.1 2 # an instant
    flow 900 150 250 10.0.0.1 192.0.2.1 3
    flow 900 300 400 10.0.0.1 192.0.2.1 4
    flow 900 199 200 10.0.0.1 192.0.2.1 5
    printf '{"time_flow_start_ns":1741997000000000000,"bytes":6}\n' # at 200, no end
    printf '{"time_received_ns":1741997050000000000,"bytes":7}\n'   # received at 250
    flow 260 -900000000 210 10.0.0.1 192.0.2.1 8 # before 2000: believed at 260
    flow 270 280 275 10.0.0.1 192.0.2.1 9        # ends before it starts: at 270
    printf '{"bytes":10}\n'                      # no time: in no window
} >log
flowan-archive import -a A --rotate 1m log 2>/dev/null

# expect_bytes LIST OPTION...: the records of that many bytes, from log and archive.
expect_bytes()
{
    list=$1
    shift
    for path in log A; do
        expect_status 0 flowan-dump -o csv --fields bytes "$@" $path
        got=$(tail -n +2 "$CASE_OUT" | tr -d '\r' | sort -n | tr '\n' ' ')
        [ "$got" = "$list" ] || fail "$path $*: $got, not $list"
    done
}

at=2025-03-15T00
expect_bytes '1 2 3 4 5 6 7 8 9 10 '
expect_bytes '2 3 6 7 8 9 ' --start $at:03:20 --end $at:05:00Z       # [200, 300)
expect_bytes '2 6 7 8 9 ' --start $at:03:20 --end $at:05:00 --inside
expect_bytes '1 3 5 ' --start $at:01:40 --end $at:03:20              # [100, 200)
expect_bytes '1 5 ' --start $at:01:40 --end $at:03:20 --inside
expect_bytes '1 3 5 ' --start $at:03:19.999999999 --end $at:03:20    # one ns
expect_bytes '2 3 6 ' --start $at:03:20 --end $at:03:20.000000001
expect_bytes '4 ' --start $at:05:00
expect_bytes '4 ' --start 1741997199                                 # 399
expect_bytes '' --start 1741997200                                   # 400: it ended
expect_bytes '1 3 5 ' --end $at:03:20
expect_bytes '1 2 3 4 5 6 7 8 9 ' --start 2025-03-15 --end 2025-03-16
expect_bytes '2 3 6 7 8 9 ' --start 2025-03-15T01:03:20+01:00 --end $at:05
expect_bytes '' --start now
expect_bytes '' --start -2h --end now

expect_status 0 flowan-dump --count -o json --start $at:03:20 --end $at:05:00 A
expect_in_stdout '"flows":6,'
expect_status 0 flowan-dump -o exact --start $at:05:00 A
sed -n 4p log >expected
expect_same expected "$CASE_OUT"
expect_status 0 flowan-dump -n 1 -o exact --start $at:03:20 --end $at:05:00 log
[ "$(wc -l <"$CASE_OUT")" -eq 1 ] || fail "-n 1 in a window"

expect_status 2 flowan-dump --start yesterday log
expect_stderr '^flowan-dump: --start: "yesterday" is no time'
expect_status 2 flowan-dump --end 2025-02-30 log
expect_stderr '^flowan-dump: --end: '
expect_status 2 flowan-dump --start 2025-03-15 --end 2025-03-15 log
expect_stderr '--end must be after --start'
