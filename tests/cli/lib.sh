# Helpers for the cases of the command-line tests; run-case reads this first.
#
#   expect_status 0 flowan-dump --count log.json
#   expect_stdout '{"flows":3}'
#   expect_stderr 'rejected'

# fail WHY: ends the case.
fail()
{
    echo "FAILED: $*" >&2
    exit 1
}

# skip WHY: ends the case as skipped.
skip()
{
    echo "skipped: $*"
    exit 77
}

# expect_status N COMMAND...: runs it with its output kept for the other helpers, in
# $CASE_OUT and $CASE_ERR. Standard input is the caller's.
expect_status()
{
    expected=$1
    shift
    status=0
    "$@" >"$CASE_OUT" 2>"$CASE_ERR" || status=$?
    if [ "$status" -ne "$expected" ]; then
        echo "--- standard output (the first lines)" >&2
        head -n 20 "$CASE_OUT" >&2
        echo "--- standard error (the last lines)" >&2
        tail -n 40 "$CASE_ERR" >&2
        fail "exit status $status, expected $expected: $*"
    fi
}

# expect_stdout TEXT: standard output of the last expect_status is exactly TEXT, with or
# without a line feed at its end; '' means that there was none.
expect_stdout()
{
    printf '%s' "$1" >"$CASE_OUT.expected"
    [ -z "$1" ] || echo >>"$CASE_OUT.expected"
    cp "$CASE_OUT" "$CASE_OUT.actual"
    [ -z "$(tail -c 1 "$CASE_OUT.actual")" ] || echo >>"$CASE_OUT.actual"
    diff -u "$CASE_OUT.expected" "$CASE_OUT.actual" >&2 ||
        fail "standard output differs (- expected, + actual)"
}

# expect_in_stdout PATTERN, expect_stderr PATTERN: some line matches (grep -E).
expect_in_stdout()
{
    grep -E -q -e "$1" "$CASE_OUT" && return
    cat "$CASE_OUT" >&2
    fail "standard output has no line that matches: $1"
}

expect_stderr()
{
    grep -E -q -e "$1" "$CASE_ERR" && return
    cat "$CASE_ERR" >&2
    fail "standard error has no line that matches: $1"
}

# expect_silence: standard error of the last expect_status is empty.
expect_silence()
{
    [ ! -s "$CASE_ERR" ] && return
    cat "$CASE_ERR" >&2
    fail "standard error is not empty"
}

# expect_same FILE FILE: equal byte for byte.
expect_same()
{
    cmp "$1" "$2" >&2 || fail "$1 and $2 differ"
}

# flow RECEIVED START END SRC DST BYTES [MORE]: writes one record. The times are seconds
# after 2025-03-15T00:00:00Z; MORE are further members, such as ',"proto":"TCP"'.
flow()
{
    printf '{"type":"IPFIX","time_received_ns":%d000000000,' $((1741996800 + $1))
    printf '"time_flow_start_ns":%d000000000,' $((1741996800 + $2))
    printf '"time_flow_end_ns":%d000000000,' $((1741996800 + $3))
    printf '"src_addr":"%s","dst_addr":"%s","bytes":%s%s}\n' "$4" "$5" "$6" "${7-}"
}

# expect_python PROGRAM [ARGUMENT]...: a Python program whose assertions hold.
expect_python()
{
    program=$1
    shift
    python3 -c "$program" "$@" >&2 || fail "the Python program's assertion does not hold"
}

# damage FILE OFFSET [SIZE]: flips every bit of some bytes; a negative OFFSET counts from
# the end.
damage()
{
    python3 -c '
import os, sys
at, size = int(sys.argv[2]), int(sys.argv[3])
with open(sys.argv[1], "r+b") as file:
    file.seek(at, os.SEEK_END if at < 0 else os.SEEK_SET)
    old = file.read(size)
    assert len(old) == size
    file.seek(-size, os.SEEK_CUR)
    file.write(bytes(b ^ 0xff for b in old))' "$1" "$2" "${3:-1}"
}
