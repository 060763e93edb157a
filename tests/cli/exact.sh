# The objects that went in, byte for byte, whatever they are read from.

zstd -q -dc "$DATA/sample.json.zst" | head -n 2000 | sed 's/}{/}\n{/g' | grep . >log
flowan-archive import -a A log 2>/dev/null
segment=$(find A -name '*.seg')
gzip -c log >log.gz
zstd -q log -o log.zst
for path in A "$segment" log log.gz log.zst; do
    expect_status 0 flowan-dump -o exact "$path"
    expect_silence
    expect_same log "$CASE_OUT"
done
expect_status 0 flowan-dump -o exact - <log
expect_same log "$CASE_OUT"
expect_status 0 flowan-dump -o exact - <log.zst
expect_same log "$CASE_OUT"
expect_status 0 flowan-dump --output=exact A "$segment" log.gz
cat log log log >expected
expect_same expected "$CASE_OUT"
expect_status 0 flowan-dump -o exact -n 2001 log A
cat log log | head -n 2001 >expected
expect_same expected "$CASE_OUT"

# What no other reader would leave as it is.
expect_status 3 flowan-dump -o exact "$DATA/odd.json"
cp "$CASE_OUT" odd
[ "$(wc -l <odd)" -eq 52 ] || fail "odd.json: not 52 records"
status=0
flowan-archive import -a B "$DATA/odd.json" 2>/dev/null || status=$?
[ $status -eq 3 ] || fail "import: $status"
expect_status 0 flowan-dump -o exact B
expect_same odd "$CASE_OUT"
expect_python '
import sys
log, lines = (open(p, "rb").read() for p in (sys.argv[1], "odd"))
at = 0
for line in lines.split(b"\n")[:-1]:
    at = log.index(line, at) + len(line) # each is there, in order' "$DATA/odd.json"

expect_status 2 flowan-dump -o exact --fields bytes A
expect_stderr 'no fields can be chosen'
