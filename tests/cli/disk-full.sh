# A disk that is full: a sentence and exit status 1, nothing lost, nothing damaged, and all
# there once after somebody has made room.

mkdir disk
unshare -rm mount -t tmpfs tmpfs disk 2>/dev/null ||
    skip "no file system can be mounted here (unshare -rm mount)"

# Each log is a block of some KB that does not pack well.
python3 - <<'END'
import random
random.seed(20250315)
for name in range(24):
    with open("log.%02d" % name, "w") as log:
        for i in range(200):
            print('{"type":"IPFIX","time_received_ns":%d,"bytes":%d,"packets":%d,'
                  '"src_addr":"10.%d.%d.%d","dst_addr":"192.0.2.1","note":"%030x"}'
                  % (1741996800000000000 + (name * 200 + i) * 250000000,
                     random.randrange(1 << 40), random.randrange(1 << 20),
                     random.randrange(256), random.randrange(256), random.randrange(256),
                     random.randrange(1 << 120)), file=log)
END
cat log.?? >all

# check_prefix ARCHIVE: it opens, it is sound, and has the first records.
cat >inside <<'END'
set -eu
. "$1"
CASE_OUT=out CASE_ERR=err
check_prefix()
{
    expect_status 0 flowan-dump -o exact "$1"
    cp "$CASE_OUT" dump
    head -c "$(wc -c <dump)" all | cmp - dump >&2 || fail "not the beginning of the logs"
    expect_status 0 flowan-archive verify "$1"
}

# full PAGES INODES: imports onto a file system that has so much left, once more as it is
# full, and then with room.
full()
{
    mount -t tmpfs -o size=1m,nr_inodes=100 tmpfs disk
    mkdir disk/ballast
    head -c $(((256 - $1) * 4096)) /dev/zero >disk/ballast/0
    for i in $(seq $((97 - $2))); do
        : >disk/ballast/$i
    done
    for try in 1 2; do
        status=0
        # -j 1: which call fails first does not hang on threads
        flowan-archive import -a disk/A --rotate 5m -j 1 log.?? 2>"$CASE_ERR" || status=$?
        [ $status -eq 1 ] || fail "full $*: exit status $status"
        expect_stderr '^flowan-archive: cannot (create|write|open|sync) disk/A.*: No space left'
        [ "$(grep -c 'No space' "$CASE_ERR")" -eq 1 ] || fail "full $*: told more than once"
        if [ -e disk/A/flowan.lock ]; then
            check_prefix disk/A
            records=$(wc -l <dump)
        else
            records=0
        fi
    done
    echo "$1 pages, $2 inodes: $records records"
    rm -r disk/ballast
    # exit status 1 only tells that some logs are in already
    flowan-archive import -a disk/A --rotate 5m -j 1 log.?? 2>"$CASE_ERR" || status=$?
    ! grep -v -e ' is in the archive already' -e ' records ' "$CASE_ERR" ||
        fail "full $*: not gone on with"
    expect_status 0 flowan-dump -o exact disk/A
    expect_same all "$CASE_OUT"
    expect_status 0 flowan-archive verify disk/A
    [ -z "$(find disk/A -name '*.open')" ] || fail "full $*: a segment was left open"
    umount disk
}

for pages in 1 3 4 7 8 21 34; do
    full $pages 90
done
[ "$records" -gt 1000 ] || fail "only $records records fitted into 136 KB"
for inodes in 1 2 4 5 6 8; do
    full 200 $inodes
done
END
expect_status 0 unshare -rm sh -eu inside "$here/lib.sh"
