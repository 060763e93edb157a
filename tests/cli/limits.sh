# Inputs that try to take all the memory: bounded, and nothing is lost.

# peak COMMAND...: runs it; its largest resident size, MiB, is in the file `peak`. Under
# AddressSanitizer that says nothing, so only the status counts then.
peak()
{
    python3 - "$@" <<'END'
import resource, subprocess, sys
status = subprocess.run(sys.argv[1:]).returncode
size = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss // 1024
open("peak", "w").write(str(size))
sys.exit(status if status >= 0 else 128 - status)
END
}
# The symbol of the runtime is in the program whether it is linked in or shared.
if grep -q __asan_init "$(command -v flowan-dump)"; then
    limit=1000000
else
    limit=512
fi
expect_small()
{
    [ "$(cat peak)" -le $limit ] || fail "$* took $(cat peak) MiB"
}

flow 10 1 2 10.0.0.1 192.0.2.1 7 >record

# round_trip LOG STATUS LINES: imports it; an exact dump is LINES of the log.
round_trip()
{
    rm -rf A
    expect_status "$2" peak flowan-archive import -a A "$1"
    expect_small "import of $1"
    expect_status 0 peak flowan-dump -o exact A
    expect_small "dump of $1"
    expect_same "$3" "$CASE_OUT"
    expect_status "$2" peak flowan-dump -o exact "$1"
    expect_same "$3" "$CASE_OUT"
}

# A line of junk of 3 MB; an object over 1 MiB; one just below it.
{
    cat record
    head -c 3000000 /dev/zero | tr '\0' x
    echo
    cat record
} >junk
cat record record >two
round_trip junk 3 two
python3 - <<'END'
def record(size):
    head = '{"bytes":1,"note":"'
    return head + "n" * (size - len(head) - 2) + '"}\n'
one = open("record").read()
open("largest", "w").write(one + record(1 << 20) + one)
open("larger", "w").write(one + record((1 << 20) + 1) + one)
END
round_trip largest 0 largest
round_trip larger 3 two
expect_python '
import base64, json, sys
size = 0
for line in open(sys.argv[1]):
    note = json.loads(line)
    assert note["reason"] in ("limit", "too long", "too large"), note["reason"]
    size += len(base64.b64decode(note["bytes"]))
assert size == (1 << 20) + 1, size' A/rejects/*

# Never the same key twice, never the same shape twice.
python3 - <<'END'
with open("keys", "w") as file:
    for i in range(100000):
        print('{"bytes":%d,"key_%d":%d}' % (i, i, i), file=file)
with open("shapes", "w") as file:
    for i in range(10000):
        members = ['"k%d":%d' % (k, i) for k in range(14) if i >> k & 1]
        print("{" + ",".join(['"bytes":1'] + members) + "}", file=file)
with open("deep", "w") as file:
    print('{"bytes":1,"deep":' + "[" * 5000 + "]" * 5000 + "}", file=file)
    print('{"bytes":2,"deep":' + '{"a":' * 5000 + "1" + "}" * 5000 + "}", file=file)
with open("wide", "w") as file:
    print("{" + ",".join('"w%d":%d' % (i, i) for i in range(20000)) + "}", file=file)
    print('{"as_path":[' + ",".join(map(str, range(100000))) + "]}", file=file)
END
head -n 15000 keys >some-keys
round_trip some-keys 0 some-keys
rm -rf A
expect_status 0 peak flowan-archive import -a A keys
expect_small 'import of keys'
expect_status 0 flowan-dump --count -o json A
expect_in_stdout '"flows":100000,'
expect_status 0 flowan-dump -o csv --fields bytes,key_99999 A
[ "$(tail -n 1 "$CASE_OUT" | tr -d '\r')" = 99999,99999 ] || fail "the last key"
for log in shapes deep wide; do
    round_trip $log 0 $log
    expect_status 0 flowan-archive verify A
done

# A bomb: 100 MB of blanks around one record.
{
    head -c 50000000 /dev/zero | tr '\0' ' '
    cat record
    head -c 50000000 /dev/zero | tr '\0' ' '
} >bomb
gzip -1 bomb
expect_status 0 peak flowan-dump -o exact bomb.gz
expect_small 'dump of bomb.gz'
expect_same record "$CASE_OUT"
