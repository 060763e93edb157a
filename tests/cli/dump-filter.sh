# -f, -j and --explain: what is found is the same from a log, a segment and an archive.

for i in 1 2 3 4 5 6 7 8; do
    flow $((i * 4000)) $((i * 4000 - 5)) $((i * 4000)) 10.0.0.$i 192.0.2.$((i % 2)) $((i * 100))
done >log
expect_status 0 flowan-archive import -a A --rotate 1h log
segments=$(find A -name '*.seg' | wc -l)
[ "$segments" -eq 8 ] || fail "$segments segments"

for filter in 'src ip 10.0.0.3' 'dst ip 192.0.2.1' 'bytes > 450' 'not bytes > 450' any \
    'src net 10.0.0.4/30 and bytes in [400-600]' 'direction out' 'ip 192.0.2.77'; do
    expect_status 0 flowan-dump -o exact -f "$filter" log
    cp "$CASE_OUT" wanted
    for jobs in 1 3; do
        expect_status 0 flowan-dump -o exact -f "$filter" -j $jobs A
        expect_same wanted "$CASE_OUT"
    done
    expect_status 0 flowan-dump --count -o json -f "$filter" log
    cp "$CASE_OUT" wanted
    expect_status 0 flowan-dump --count -o json -f "$filter" -j 2 A
    expect_same wanted "$CASE_OUT"
done
expect_status 0 flowan-dump -o exact -f 'src ip 10.0.0.3' A
[ "$(wc -l <"$CASE_OUT")" -eq 1 ] || fail "not one record"
expect_status 0 flowan-dump -o exact -n 1 -f 'dst ip 192.0.2.1' A
sed -n 1p log >wanted
expect_same wanted "$CASE_OUT"

# Columns that are not asked for are not printed, though the filter looks at them.
expect_status 0 flowan-dump -o csv --fields bytes -f 'src ip 10.0.0.3 and direction out' A
printf 'bytes\r\n300\r\n' >wanted
expect_same wanted "$CASE_OUT"

# Of a count, only what is asked for.
expect_status 0 flowan-dump --count --fields bytes,flows -f 'src ip 10.0.0.3' A
printf 'bytes    300\nflows    1\n' >wanted
expect_same wanted "$CASE_OUT"
expect_status 0 flowan-dump --count -o json --fields last -f 'src ip 10.0.0.3' A
echo '{"last":"2025-03-15T03:20:00Z"}' >wanted
expect_same wanted "$CASE_OUT"
expect_status 2 flowan-dump --count --fields flows,src_addr A
expect_stderr "not 'src_addr'"

# That nothing holds is no sign of an empty archive.
expect_status 0 flowan-dump --count -f 'src port 1' A
[ ! -s "$CASE_ERR" ] || fail "a message: $(cat "$CASE_ERR")"

# What was read is told on standard error, beside a window and a filter.
expect_status 0 flowan-dump --count --explain -f 'src ip 10.0.0.3' \
    --start 2025-03-15T03:00 --end 2025-03-15T03:30 A
expect_stderr "^segments  1 read, 7 passed over by their times, 0 by their footers$"
expect_stderr '^read '

# Mistakes: where they are, what was expected; names that no log has.
expect_status 2 flowan-dump -f 'src port 80 and nonsense 3' log
expect_stderr 'column 17'
expect_status 2 flowan-dump -f 'field nowhere = 3' log
expect_stderr 'nowhere'
expect_status 2 flowan-dump -f 'local net nowhere' log
expect_status 2 flowan-dump -j x log
expect_status 1 flowan-dump -f any --asn-db log log
