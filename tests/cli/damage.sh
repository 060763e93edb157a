# A damaged segment: said where, and everything that is sound is still there.

python3 - >log <<'END'
for i in range(300000):
    print('{"time_received_ns":%d,"bytes":%d}'
          % (1742000000000000000 + i, i * 2654435761 % 4294967296))
END
flowan-archive import -a A log 2>/dev/null
flow 80000 79999 80000 10.0.0.1 192.0.2.1 7 >other
flowan-archive import -a A other 2>/dev/null
first=$(find A -name '*00000001.seg')
second=$(find A -name '*00000002.seg')
[ -f "$second" ] || fail "no second segment"
size=$(wc -c <"$first")
cp "$first" whole

# Three blocks of 131072, 131072 and 37856 records: whichever is hit, the others come.
for part in 5 50 90; do
    cp whole "$first"
    damage "$first" $((size / 100 * part)) 4
    expect_status 1 flowan-dump -o exact A
    expect_stderr "^flowan-dump: .*$first.*(byte|offset) ?[0-9]+"
    [ "$(grep -c . "$CASE_ERR")" -eq 1 ] || fail "one damage, several messages"
    expect_python '
import sys
log = open("log").readlines() + open("other").readlines()
dump = open(sys.argv[1]).readlines()
blocks = [log[:131072], log[131072:262144], log[262144:300000], log[300000:]]
left = [b for b in blocks if b[0] in dump]
assert len(left) == 3 and dump == sum(left, []), [len(b) for b in left]' "$CASE_OUT"
    expect_status 1 flowan-dump --count A
    expect_stderr "$first"
    expect_in_stdout '^flows +[0-9]+$'
    expect_status 1 flowan-archive verify A
    expect_stderr "$first"
    expect_status 1 flowan-report top --by proto -o json A
    expect_stderr "$first"
    python3 -m json.tool "$CASE_OUT" >/dev/null || fail "the report is no JSON"
done

# Without its end, footer and all.
for left in $((size - 10)) $((size / 2)) 200 60 10 0; do
    cp whole "$first"
    truncate -s $left "$first"
    expect_status 1 flowan-dump -o exact A
    cp "$CASE_OUT" dump
    expect_stderr "^flowan-dump: $first"
    expect_status 1 flowan-archive info -a A
    expect_in_stdout '1 damaged'
    tail -n 1 dump | cmp - other >&2 || fail "cut to $left bytes: the rest is not there"
    expect_status 1 flowan-archive verify A
    expect_stderr "$first"
done
cp whole "$first"
truncate -s $((size - 10)) "$first"
status=0
flowan-dump -o exact "$first" >dump 2>/dev/null || status=$?
cmp log dump >&2 || fail "a lost footer loses records"

# A header that is none.
cp whole "$first"
damage "$first" 0 8
expect_status 1 flowan-archive info -a A
expect_stderr "$first"
expect_in_stdout '1 damaged'

# Random damage: never a crash, never a wrong record.
cp whole "$first"
python3 - "$first" <<'END' || fail "damage made wrong records"
import random, subprocess, sys
path = sys.argv[1]
whole = open("whole", "rb").read()
log = set(open("log", "rb").read().split(b"\n"))
random.seed(7)
for turn in range(12):
    data = bytearray(whole)
    for _ in range(random.randint(1, 20)):
        data[random.randrange(len(data))] = random.randrange(256)
    open(path, "wb").write(data)
    done = subprocess.run(["flowan-dump", "-o", "exact", path], capture_output=True)
    if done.returncode not in (0, 1, 3) or b"Sanitizer" in done.stderr:
        sys.exit("turn %d: %d: %s" % (turn, done.returncode, done.stderr.decode()[-500:]))
    wrong = [line for line in done.stdout.split(b"\n") if line not in log]
    if done.returncode != 3 and wrong:
        sys.exit("turn %d: %r" % (turn, wrong[0]))
END
