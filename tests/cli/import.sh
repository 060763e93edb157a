# Logs of every kind into an archive: what is kept, what is rejected, what is refused.

zstd -q -dc "$DATA/sample.json.zst" | head -n 3000 | grep . >whole
# Two records on one line are two lines of an exact dump.
sed 's/}{/}\n{/g' whole >lines
gzip -c whole >whole.gz
zstd -q whole -o whole.zst

for log in whole whole.gz whole.zst; do
    rm -rf A
    expect_status 0 flowan-archive import -a A $log
    expect_stdout ''
    expect_stderr "^flowan-archive: $(wc -l <lines) records "
    flowan-dump -o exact A >dump
    expect_same lines dump
    [ ! -e A/rejects ] || fail "a log without rejects leaves A/rejects"
done
rm -rf A
expect_status 0 flowan-archive import --archive=A/deep/er - <whole.gz
flowan-dump -o exact A/deep/er >dump
expect_same lines dump

# Several at once are in the order in which they are named; levels differ in size only.
flow 10 1 2 10.0.0.1 192.0.2.1 7 >one
for level in fast default small; do
    expect_status 0 flowan-archive import -a L.$level --level $level one whole
    flowan-dump -o exact L.$level | tail -n +2 >dump
    expect_same lines dump
done
expect_status 2 flowan-archive import -a X --level best one
expect_stderr "unknown level 'best'"
[ ! -e X ] || fail "a wrong option made an archive"

# The same log again, under whatever name and compression.
rm -rf A
flowan-archive import -a A whole 2>/dev/null
cp whole other-name
for log in whole other-name whole.gz whole.zst; do
    expect_status 1 flowan-archive import -a A $log
    expect_stderr "$log: is in the archive already, all $(wc -c <whole) bytes"
    expect_stdout ''
done
expect_status 1 flowan-archive import -a A - <whole
expect_stderr 'is in the archive already'
head -c 100000 whole >shorter
expect_status 1 flowan-archive import -a A shorter
expect_stderr 'of which more is in the archive already'
flowan-dump -o exact A >dump
expect_same lines dump
# What comes after a refused log is taken all the same.
expect_status 1 flowan-archive import -a A whole one
flowan-dump -o exact A | tail -n 1 >dump
expect_same one dump
expect_status 0 flowan-archive import -a A --again whole
[ "$(flowan-dump -o exact A | wc -l)" -eq $((2 * $(wc -l <lines) + 1)) ] ||
    fail "--again did not double"

# A log that has grown is taken up where it stopped.
rm -rf A
head -c 600000 whole >growing
status=0
flowan-archive import -a A growing 2>/dev/null || status=$?
[ $status -eq 3 ] || fail "a torn end is a reject: 3, not $status"
cp whole growing
expect_status 0 flowan-archive import -a A growing
flowan-dump -o exact A >dump
expect_same lines dump
cat one >>growing
expect_status 0 flowan-archive import -a A growing
expect_stderr ' 1 record '
cat lines one >expected
flowan-dump -o exact A >dump
expect_same expected dump
# Two logs of one beginning are two.
{ head -n 100 whole; cat one; } >fork
rm -rf B
flowan-archive import -a B fork 2>/dev/null
expect_status 0 flowan-archive import -a B whole
{ head -n 100 whole | sed 's/}{/}\n{/g'; cat one lines; } >expected
flowan-dump -o exact B >dump
expect_same expected dump

# Nothing in it is no failure.
: >empty
printf '\n \n' >blank
expect_status 0 flowan-archive import -a E empty
expect_stderr 'empty: no records: it is empty'
expect_status 0 flowan-archive import -a E blank
expect_stderr 'blank: no records in it'
