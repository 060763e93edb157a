# Small segments become daily ones; what is in them stays as it was.

# Five minutes apart over two days and a bit, in logs of their own.
for part in 0 1 2 3; do
    for i in $(seq $((part * 150)) $((part * 150 + 149))); do
        flow $((i * 300 + 7)) $((i * 300)) $((i * 300 + 5)) 10.0.0.1 192.0.2.1 $i
    done >log.$part
    flowan-archive import -a A --rotate 1h log.$part 2>/dev/null
done
cat log.* >all
find A -name '*.seg' | wc -l >before
[ "$(cat before)" -ge 50 ] || fail "only $(cat before) segments"

expect_status 0 flowan-archive merge -a A
expect_silence
expect_in_stdout '^A/2025/03/15/flowan\.20250315T000000Z\.00000001-00000025\.seg: 25 segments, 288 records, [0-9]+ blocks? of [0-9]+, [0-9.]+ k?B of [0-9.]+ k?B$'
expect_in_stdout '^[0-9]+ segments became 3$'
[ "$(find A -type f ! -name '*.lock' ! -path '*/rejects/*' | wc -l)" -eq 3 ] ||
    fail "left: $(find A)"
expect_status 0 flowan-dump -o exact A
expect_same all "$CASE_OUT"
expect_status 0 flowan-archive verify A
expect_in_stdout '^3 segments'
expect_status 0 flowan-archive info -a A --json
expect_python '
import json, sys
info = json.load(open(sys.argv[1]))
log = open("all").read()
assert info["records"] == 600 and info["segments"] == 3, info
assert info["json_bytes"] == len(log) - 600, info
assert len(info["logs"]) == 4, info' "$CASE_OUT"

# Nothing more to do; and every log is still known.
expect_status 0 flowan-archive merge -a A
expect_stdout 'nothing to merge'
expect_status 1 flowan-archive import -a A log.1
expect_stderr 'already'

# Days that are not old enough stay.
expect_status 0 flowan-archive import -a B --rotate 1h all
expect_status 0 flowan-archive merge -a B --older-than 1000w
expect_stdout 'nothing to merge'
expect_status 0 flowan-archive merge -a B --older-than 1w --level small
expect_in_stdout 'became 3$'
expect_status 0 flowan-dump -o exact B
expect_same all "$CASE_OUT"

# What is damaged is not carried on.
expect_status 0 flowan-archive import -a C --rotate 1h all
set -- C/2025/03/16/*.seg
damage "$3" 200
expect_status 1 flowan-archive merge -a C
expect_stderr "^flowan-archive: $3: "
expect_in_stdout 'became 2$'
damage "$3" 200
damage "$3" -1
expect_status 1 flowan-archive merge -a C
expect_stderr '1 damaged segment was left'
damage "$3" -1
expect_status 0 flowan-dump -o exact C
expect_same all "$CASE_OUT"

expect_status 1 flowan-archive merge -a nowhere
expect_stderr 'nowhere: No such file'
mkdir other && : >other/file
expect_status 1 flowan-archive merge -a other
expect_stderr 'other is no archive'
[ "$(ls other)" = file ] || fail "something was put into what is no archive"
