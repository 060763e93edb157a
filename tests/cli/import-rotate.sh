# Which segment a record comes to, and what it is called.

{
    flow 36001 36000 36001 10.0.0.1 192.0.2.1 1 # 10:00
    flow 39599 39590 39599 10.0.0.1 192.0.2.1 2
    flow 39600 39590 39599 10.0.0.1 192.0.2.1 3 # 11:00 to the second
    flow 36002 36000 36001 10.0.0.1 192.0.2.1 4 # late: stays in the open segment
    flow 46801 46800 46801 10.0.0.1 192.0.2.1 5 # 13:00
    printf '{"bytes":6}\n'                      # no time: that of the one before
    flow 86400 86399 86400 10.0.0.1 192.0.2.1 7 # the next day
} >log

expect_status 0 flowan-archive import -a A --rotate 1h log
find A -name '*.seg*' | sort >files
cat >expected <<END
A/2025/03/15/flowan.20250315T100000Z.00000001.seg
A/2025/03/15/flowan.20250315T110000Z.00000002.seg
A/2025/03/15/flowan.20250315T130000Z.00000003.seg
A/2025/03/16/flowan.20250316T000000Z.00000004.seg
END
diff expected files >&2 || fail "other files than expected"
expect_rows()
{
    flowan-dump -o csv --fields bytes "$1" | tail -n +2 | tr -d '\r' | tr '\n' ' ' >rows
    [ "$(cat rows)" = "$2" ] || fail "$1 holds $(cat rows), not $2"
}
expect_rows A/2025/03/15/flowan.20250315T100000Z.00000001.seg '1 2 '
expect_rows A/2025/03/15/flowan.20250315T110000Z.00000002.seg '3 4 '
expect_rows A/2025/03/15/flowan.20250315T130000Z.00000003.seg '5 6 '
expect_rows A/2025/03/16/flowan.20250316T000000Z.00000004.seg '7 '
expect_rows A '1 2 3 4 5 6 7 '

# As a crash in the middle of all this leaves it: the first segments are there, the log
# was not read to the end of a batch. Nothing is taken twice, nothing left out.
for left in 3 2 1; do
    rm -rf C
    cp -r A C
    find C -name '*.seg' | sort | tail -n +$((left + 1)) | xargs rm
    expect_status 0 flowan-archive import -a C --rotate 1h log
    expect_rows C '1 2 3 4 5 6 7 '
done
rm -rf C

# A day by default; serials go on.
expect_status 0 flowan-archive import -a B log
[ "$(find B -name '*.seg' | wc -l)" -eq 2 ] || fail "two days are not two segments"
[ -f B/2025/03/15/flowan.20250315T000000Z.00000001.seg ] || fail "no segment of the 15th"
flow 36001 36000 36001 10.0.0.1 192.0.2.1 8 >earlier
expect_status 0 flowan-archive import -a B earlier
[ -f B/2025/03/15/flowan.20250315T000000Z.00000003.seg ] || fail "no third segment"
expect_rows B '1 2 3 4 5 6 7 8 '

for wrong in 0 1x 500ms -1h ''; do
    expect_status 2 flowan-archive import -a C --rotate "$wrong" log
    expect_stderr '^flowan-archive: --rotate: '
done
[ ! -e C ] || fail "a wrong --rotate made an archive"
