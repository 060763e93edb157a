# What is sound of damaged segments is kept, and said is what was lost.

python3 - >log <<'END'
for i in range(150000):
    print('{"time_received_ns":%d,"bytes":%d}' % (1742000000000000000 + i * 1000000, i))
END
flowan-archive import -a A log 2>/dev/null
flow 160000 79999 80000 10.0.0.1 192.0.2.1 7 >other
flowan-archive import -a A other 2>/dev/null
expect_status 0 flowan-archive repair -a A
expect_stdout '2 segments: every byte as written'
[ ! -e A/damaged ] || fail "nothing was damaged"
first=$(find A -name '*00000001.seg')
name=$(basename "$first")
size=$(wc -c <"$first")
cp "$first" whole

# A block is hit: the others stay, and what was in it is known.
damage "$first" $((size / 2)) 4
cp "$first" hit
expect_status 1 flowan-archive verify A
expect_status 0 flowan-archive repair -a A
expect_silence
expect_in_stdout "^$first: lost bytes [0-9]+ to [0-9]+, [0-9]+ records, received 2025-03-15T00:5[0-9]:.*Z to 2025-03-15T.*Z\$"
expect_in_stdout "^$first: mended, [0-9]+ records lost; kept [0-9]+ blocks?, [0-9]+ records; the damaged file is A/damaged/$name\$"
expect_in_stdout '^2 segments: 1 mended, 0 moved aside, 0 not repaired; [0-9]+ records lost$'
lost=$(sed -n 's/^2 segments: .*repaired; \([0-9]*\) records lost$/\1/p' "$CASE_OUT")
expect_same hit "A/damaged/$name"
expect_status 0 flowan-archive verify A
expect_status 0 flowan-dump -o exact A
cp "$CASE_OUT" dump
[ $((150001 - lost)) -eq "$(wc -l <dump)" ] || fail "$lost are lost, $(wc -l <dump) left"
expect_python '
log = open("log").readlines() + open("other").readlines()
left = set(open("dump").readlines())
assert [line for line in log if line in left] == open("dump").readlines()'
expect_status 1 flowan-archive import -a A log
expect_stderr 'already'

# A footer alone, or a header: nothing is lost.
for at in -1 -30 -100 0 20 60; do
    cp whole "$first"
    damage "$first" $at
    expect_status 0 flowan-archive repair -a A
    expect_in_stdout 'mended, no record lost; kept [0-9]+ blocks, 150000 records'
    expect_same whole "$first"
done
[ "$(ls A/damaged | wc -l)" -eq 7 ] || fail "of $(ls A/damaged)"

# Without its end.
cp whole "$first"
truncate -s $((size / 2)) "$first"
expect_status 0 flowan-archive repair -a A
expect_in_stdout "^$first: lost bytes [0-9]+ to $((size / 2)), nobody knows how many records\$"
expect_in_stdout '; at least 0 records lost$'
expect_status 0 flowan-archive verify A

# What is no segment at all.
echo 'no segment, but a text that is longer than the header of one, which has 64 bytes' >"$first"
expect_status 0 flowan-archive repair -a A
expect_in_stdout "^$first: no segment, nothing could be kept; moved to A/damaged/$name.8\$"
[ ! -e "$first" ] || fail "it is still there"
expect_status 0 flowan-archive verify A
expect_status 0 flowan-dump -o exact A
expect_same other "$CASE_OUT"

# Left open with damage in the middle: recovery leaves that, a repair does not.
flowan-archive import -a B --rotate 1w log other 2>/dev/null
segment=$(find B -name '*.seg')
cp "$segment" "$segment.open"
rm "$segment"
truncate -s -200 "$segment.open"
damage "$segment.open" 300
: >empty
flowan-archive import -a B empty 2>/dev/null || fail "an import beside damage"
[ -e "$segment.open" ] || fail "recovery finished what is damaged"
expect_status 0 flowan-archive repair -a B
expect_in_stdout "^$segment.open: mended"
[ -e "$segment" ] && [ ! -e "$segment.open" ] || fail "not finished: $(find B)"
expect_status 0 flowan-archive verify B

expect_status 1 flowan-archive repair -a nowhere
expect_stderr 'nowhere: No such file'
