# Imports that meet another, are stopped, or are killed.

python3 - >log <<'END'
for i in range(280000):
    print('{"type":"IPFIX","time_received_ns":%d,"bytes":%d,"packets":1,'
          '"src_addr":"10.0.%d.%d","dst_addr":"192.0.2.1"}'
          % (1742000000000000000 + i * 1000000, i, i >> 8 & 255, i & 255))
END

# import_part ARCHIVE LINES SIGNAL: feeds that many lines to an import, waits until it
# has read them, sends the signal, feeds one more line; its exit status.
import_part()
{
    python3 - "$@" <<'END'
import fcntl, glob, os, signal, struct, subprocess, sys, termios, time
archive, lines, number = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
log = open("log", "rb").readlines()
job = subprocess.Popen(["flowan-archive", "import", "-a", archive, "-"],
                       stdin=subprocess.PIPE)
job.stdin.write(b"".join(log[:lines]))
job.stdin.flush()
end = time.monotonic() + 30
def waiting():
    left = struct.unpack("i", fcntl.ioctl(job.stdin, termios.FIONREAD, b"\0\0\0\0"))[0]
    open_size = sum(os.path.getsize(p) for p in glob.glob(archive + "/*/*/*/*.open"))
    return left > 0 or (lines > 140000 and open_size < 100)
while waiting() and time.monotonic() < end:
    time.sleep(0.01)
time.sleep(0.1) # what was read is perhaps not parsed yet
job.send_signal(number)
try:
    job.stdin.write(log[lines])
    job.stdin.flush()
    time.sleep(0.1)
    job.stdin.close()
except BrokenPipeError:
    pass
status = job.wait(30)
sys.exit(status if status >= 0 else 128 - status)
END
}

for number in 2 15; do
    archive=stopped.$number
    expect_status $((128 + number)) import_part $archive 5000 $number
    expect_stderr '^flowan-archive: 500[01] records '
    [ -z "$(find $archive -name '*.open')" ] || fail "a segment was left open"
    flowan-dump -o exact $archive >dump
    [ "$(wc -l <dump)" -ge 5000 ] || fail "what was read is not in the archive"
    head -n "$(wc -l <dump)" log | cmp - dump >&2 || fail "not the beginning of the log"
done
expect_status 0 flowan-archive import -a stopped.2 log
flowan-dump -o exact stopped.2 >dump
expect_same log dump

# Killed: what its blocks hold is there, can be read, and is not taken twice.
expect_status 137 import_part killed 240000 9
[ -n "$(find killed -name '*.open')" ] || fail "no segment was left open"
flowan-dump -o exact killed >dump
rows=$(wc -l <dump)
[ "$rows" -ge 131072 ] || fail "only $rows records survived"
head -n "$rows" log | cmp - dump >&2 || fail "not the beginning of the log"
expect_status 0 flowan-archive info -a killed
expect_in_stdout '1 unfinished'
expect_status 0 flowan-archive import -a killed log
expect_stderr "^flowan-archive: $((280000 - rows)) records "
[ -z "$(find killed -name '*.open')" ] || fail "the open segment was not finished"
flowan-dump -o exact killed >dump
expect_same log dump
expect_status 0 flowan-archive verify killed
expect_status 1 flowan-archive import -a killed log

# A tail that was torn while it was written.
cp -r stopped.15 torn
segment=$(find torn -name '*.seg')
truncate -s -100 "$segment"
mv "$segment" "$segment.open"
expect_status 0 flowan-archive import -a torn log
flowan-dump -o exact torn >dump
expect_same log dump

# One writer at a time; the second is told whom to ask.
head -n 10 log >short
mkfifo pipe
flowan-archive import -a both - <pipe 2>first &
first=$!
exec 9>pipe
tries=0
until [ "$(cat both/flowan.lock 2>/dev/null)" = "$first" ]; do
    tries=$((tries + 1))
    [ $tries -lt 200 ] || fail "flowan.lock does not name process $first"
    sleep 0.05
done
expect_status 1 flowan-archive import -a both short
expect_stderr "archive both is being written by process $first\$"
expect_status 0 flowan-dump --count both # reading needs no lock
cat short >&9
exec 9>&-
wait $first || fail "the first import failed: $(cat first)"
flowan-dump -o exact both >dump
expect_same short dump
