# The archive is the same for any number of threads.

# The sample twice, which is more than a batch, and rejects in it.
zstd -q -dc "$DATA/sample.json.zst" >sample
{
    cat sample
    printf 'junk\n{"torn":\n'
    cat "$DATA/odd.json" sample
} >log

# same_archive ARCHIVE ARCHIVE: the same files, byte for byte, but for whose process it was.
same_archive()
{
    diff -r -x flowan.lock "$1" "$2" >&2 || fail "$1 and $2 differ"
}

# told ARCHIVE: what the last import into it said, but for how long it took.
told()
{
    sed "s/ in [0-9.]* s$//; s/in $1\/rejects/in ARCHIVE\/rejects/" "$CASE_ERR"
}

expect_status 3 flowan-archive import -a one -j 1 --rotate 1s log
told one >expected
[ "$(find one -name '*.seg' | wc -l)" -gt 3 ] || fail "too few segments to tell anything"
for jobs in 2 5; do
    expect_status 3 flowan-archive import -a "by-$jobs" --jobs=$jobs --rotate 1s log
    told "by-$jobs" >actual
    expect_same expected actual
    same_archive one "by-$jobs"
done
expect_status 3 flowan-archive import -a default --rotate 1s log
same_archive one default
flowan-dump -o exact one >dump
cat log | expect_status 3 flowan-archive import -a pipe -j 4 --rotate 1s -
flowan-dump -o exact pipe >actual
expect_same dump actual
expect_status 0 flowan-archive verify by-5

# The first reject stops it at the same place.
expect_status 1 flowan-archive import -a strict -j 1 --strict log
told strict >expected
expect_status 1 flowan-archive import -a strict-4 -j 4 --strict log
expect_stderr 'is rejected \(junk\), and --strict was given'
told strict-4 >actual
expect_same expected actual
same_archive strict strict-4

# One takes up what another left.
head -c 25000000 log >grows
expect_status 3 flowan-archive import -a grown -j 4 grows
cat log >grows
expect_status 3 flowan-archive import -a grown -j 2 grows
flowan-dump -o exact grown >actual
expect_same dump actual

for wrong in 0 257 -1 x 4x '' 99999999999999999999; do
    expect_status 2 flowan-archive import -a X -j "$wrong" log
    expect_stderr '^flowan-archive: --jobs wants a number from 1 to 256, not '
done
[ ! -e X ] || fail "a wrong option made an archive"
