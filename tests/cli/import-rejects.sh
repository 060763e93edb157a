# What is no record is noted, with its place and its bytes, and the rest is kept.

check_notes='
import base64, json, sys
log = open(sys.argv[1], "rb").read()
notes = [json.loads(line) for line in open(sys.argv[2])]
assert len(notes) == int(sys.argv[3]), len(notes)
for note in notes:
    data = base64.b64decode(note["bytes"], validate=True)
    at = note["offset"]
    assert data and log[at:at + len(data)] == data, note
    assert note["source"] == sys.argv[4], note
reasons = sorted(note["reason"] for note in notes)
assert reasons == ["junk"] * 3 + ["syntax"] * 3 + ["torn"] * 2, reasons'

odd=$DATA/odd.json
expect_status 3 flowan-archive import -a A "$odd"
expect_stdout ''
expect_stderr ' 52 records '
expect_stderr "odd.json: 8 pieces rejected \(3 junk, 3 syntax, 2 torn\)"
expect_stderr 'noted in A/rejects$'
set -- A/rejects/*
[ $# -eq 1 ] || fail "one log has $# files of rejects"
case $1 in A/rejects/odd.json.*.jsonl) ;; *) fail "the file of rejects is $1" ;; esac
expect_python "$check_notes" "$odd" "$1" 8 "$odd"
[ "$(flowan-dump -o exact A | wc -l)" -eq 52 ] || fail "not 52 records"

# Offsets are those of the contents, not of the compressed file.
gzip -c "$odd" >odd.gz
expect_status 3 flowan-archive import -a B --rejects notes odd.gz
expect_stderr 'noted in notes$'
expect_python "$check_notes" "$odd" notes 8 odd.gz
[ ! -e B/rejects ] || fail "--rejects FILE left B/rejects too"
expect_status 1 flowan-archive import -a C --rejects /nowhere/notes odd.gz
expect_stderr 'cannot write /nowhere/notes: No such file'

# Strict: the first reject ends it, and the log can be taken without it.
expect_status 1 flowan-archive import -a D --strict "$odd"
expect_stderr 'odd.json: byte [0-9]+ is rejected \(junk\), and --strict was given'
expect_status 3 flowan-archive import -a D "$odd"
expect_python "$check_notes" "$odd" D/rejects/* 8 "$odd" # none twice
flowan-dump -o exact D >dump
flowan-dump -o exact A >expected
expect_same expected dump
flow 10 1 2 10.0.0.1 192.0.2.1 7 >clean
expect_status 0 flowan-archive import -a D --strict clean

# A torn end that becomes whole is a record then; it was noted once.
head -c 60 clean >growing
expect_status 3 flowan-archive import -a E growing
expect_stderr 'growing: no flow record in it, 1 piece rejected \(1 torn\)'
cp clean growing
expect_status 0 flowan-archive import -a E growing
flowan-dump -o exact E >dump
expect_same clean dump

# Bytes of all values.
python3 -c 'import sys; sys.stdout.buffer.write(bytes(range(256)) * 40)' >bytes
expect_status 3 flowan-archive import -a F bytes
expect_python '
import base64, json, sys
log = open("bytes", "rb").read()
seen = bytearray(len(log))
for line in open(sys.argv[1]):
    note = json.loads(line)
    data = base64.b64decode(note["bytes"], validate=True)
    at = note["offset"]
    assert log[at:at + len(data)] == data, note
    seen[at:at + len(data)] = b"x" * len(data)
lost = {log[i] for i in range(len(log)) if not seen[i]}
assert lost <= set(b" \t\r\n"), lost' F/rejects/*
