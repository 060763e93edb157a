# Old segments go, whole ones, and logs stay known.

for day in 0 1 2 3 4; do
    flow $((day * 86400 + 3600)) $((day * 86400)) $((day * 86400 + 60)) 10.0.$day.1 \
        192.0.2.$day $day ',"sampler_address":"198.51.100.1"'
done >log
flowan-archive import -a A log 2>/dev/null
cp -r A sound

# Since the first day, and since the third; records are an hour into their days.
now=$(date +%s)
all=$((now - 1741996800))s
third=$((now - 1741996800 - 2 * 86400))s

expect_status 0 flowan-archive expire -a A --keep $all
expect_in_stdout '^removed 0 segments, 0 records, 0 B; [0-9.]+ k?B left$'
expect_status 0 flowan-archive expire -a A --keep $third --dry-run
expect_in_stdout '^would remove A/2025/03/15/flowan\.20250315T000000Z\.00000001\.seg: 1 record, [0-9.]+ k?B, received 2025-03-15T01:00:00Z to 2025-03-15T01:00:00Z$'
expect_in_stdout '^would remove 2 segments, 2 records, [0-9.]+ k?B; [0-9.]+ k?B would be left$'
diff -r -x flowan.care.lock A sound >&2 || fail "a dry run did something"
expect_status 0 flowan-archive expire -a A --keep $third
expect_silence
expect_in_stdout '^removed A/2025/03/16/.*\.00000002\.seg: 1 record, '
expect_in_stdout '^removed 2 segments, 2 records, '
tail -n 3 log >rest
expect_status 0 flowan-dump -o exact A
expect_same rest "$CASE_OUT"

# By size, oldest first; 1K is 1024 bytes.
size=$(cat A/2025/03/18/*.seg A/2025/03/19/*.seg | wc -c)
expect_status 0 flowan-archive expire -a A --keep-size "$size"
expect_in_stdout '^removed 1 segment, 1 record, '
tail -n 2 log >rest
expect_status 0 flowan-dump -o exact A
expect_same rest "$CASE_OUT"
expect_status 0 flowan-archive expire -a A --keep-size 10K
expect_in_stdout '^removed 0 segments'

# Held.
rm -rf A
cp -r sound A
cat >holds <<'END'
# the third day, and an address of the first
2025-03-17T00:30 2025-03-17T01:30
10.0.0.0/24
END
expect_status 0 flowan-archive expire -a A --keep 1d --hold holds
expect_in_stdout '^kept A/2025/03/15/.*: 1 record, .*; held by holds:3: 10\.0\.0\.0/24$'
expect_in_stdout '^kept A/2025/03/17/.*; held by holds:2: 2025-03-17T00:30 2025-03-17T01:30$'
expect_in_stdout '^removed 3 segments, 3 records, '
sed -n '1p;3p' log >rest
expect_status 0 flowan-dump -o exact A
expect_same rest "$CASE_OUT"
echo 198.51.100.1 >holds
expect_status 0 flowan-archive expire -a A --keep 1d --hold holds
expect_in_stdout '^removed 0 segments'
echo 'holds of ours' >holds
expect_status 1 flowan-archive expire -a A --keep 1d --hold holds
expect_stderr "holds:1: neither a time nor a prefix: 'holds'"
expect_status 1 flowan-archive expire -a A --keep 1d --hold nowhere
expect_stderr 'nowhere: No such file'

# All of it: the logs are still known.
expect_status 0 flowan-archive expire -a A --keep 1d
expect_in_stdout '^removed 2 segments, 2 records, '
expect_status 0 flowan-dump -o exact A
expect_stdout ''
expect_status 0 flowan-archive verify A
expect_status 1 flowan-archive import -a A log
expect_stderr 'already'
expect_status 0 flowan-archive expire -a A --keep 1d
expect_in_stdout '^removed 0 segments, 0 records, 0 B; [0-9]+ B left$'

# What is damaged stays until it is repaired.
rm -rf A
cp -r sound A
damage "$(echo A/2025/03/15/*.seg)" -1
expect_status 1 flowan-archive expire -a A --keep 1d
expect_stderr '^flowan-archive: A/2025/03/15/.*\.seg: is damaged: repair it first$'
expect_in_stdout '^removed 4 segments'
expect_status 0 flowan-archive repair -a A
expect_status 0 flowan-archive expire -a A --keep 1d
expect_in_stdout '^removed 1 segment'
