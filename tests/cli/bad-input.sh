# What cannot be read is said in one sentence.

flow 10 1 2 10.0.0.1 192.0.2.1 7 >log

# expect_refused STATUS PATTERN COMMAND...: one message, nothing on standard output.
expect_refused()
{
    wrong=$1
    pattern=$2
    shift 2
    expect_status "$wrong" "$@"
    expect_stderr "$pattern"
    expect_stdout ''
    [ "$(grep -c "^$1: " "$CASE_ERR")" -eq 1 ] || fail "not one message: $*"
}

mkdir directory
touch directory/thesis.txt
for tool in 'flowan-dump' 'flowan-dump --count' 'flowan-dump -o csv' 'flowan-dump --schema' \
    'flowan-report networks' 'flowan-archive verify'; do
    expect_refused 1 'cannot open nowhere: No such file or directory' $tool nowhere
    expect_refused 1 'directory is no archive: no segment and no flowan.lock in it' \
        $tool directory
    # A wrong path is told before anything is printed.
    case $tool in *archive*) ;; *) expect_refused 1 'nowhere' $tool log nowhere ;; esac
done
expect_refused 1 'cannot open nowhere: No such file' flowan-archive import -a A nowhere
expect_refused 1 'nowhere: No such file' flowan-archive info -a nowhere
expect_refused 1 'log is no archive' flowan-archive info -a log
expect_refused 1 'directory is no archive and is not empty: name a new directory' \
    flowan-archive import -a directory log
[ "$(ls directory)" = thesis.txt ] || fail "an import into a foreign directory left traces"
expect_refused 1 'log' flowan-archive import -a log log
expect_refused 1 'log' flowan-archive import -a log/below log
mkdir -p disk/lost+found
expect_status 0 flowan-archive import -a disk log

if [ "$(id -u)" -ne 0 ]; then
    cp log secret
    chmod 0 secret
    expect_refused 1 'secret: Permission denied' flowan-dump secret
    expect_refused 1 'secret: Permission denied' flowan-archive import -a A secret
fi

# What is no log.
flowan-archive import -a B log 2>/dev/null
segment=$(find B -name '*.seg')
expect_refused 1 "$segment is a segment of an archive, not a log" \
    flowan-archive import -a A "$segment"
gzip -c "$segment" >segment.gz
expect_refused 1 'is a segment of an archive, not a log' \
    flowan-archive import -a A segment.gz
expect_refused 1 'B is a directory, not a log' flowan-archive import -a A B
expect_refused 1 'log' flowan-archive verify log
expect_status 3 flowan-dump /bin/ls
expect_stderr '/bin/ls: no flow record in it, .* rejected \(.*is it a log of goflow2\?'
[ "$(wc -l <"$CASE_ERR")" -eq 1 ] || fail "more than one line on /bin/ls"
expect_status 3 flowan-archive import -a A /bin/ls
expect_stderr '/bin/ls: no flow record in it'
# Nothing is no mistake.
: >empty
for command in flowan-dump 'flowan-dump --count' 'flowan-report asns' \
    'flowan-report series'; do
    expect_status 0 $command empty
    expect_stderr 'empty: no flow records'
done
expect_status 0 flowan-dump --schema empty
expect_silence
expect_status 0 flowan-archive import -a E empty
expect_stderr 'empty: no records: it is empty'

# Compressed, but not to its end.
zstd -q -dc "$DATA/sample.json.zst" | head -n 1000 >lines
gzip -c lines | head -c 20000 >cut.gz
zstd -q -c lines | head -c 20000 >cut.zst
for log in cut.gz cut.zst; do
    expect_status 1 flowan-dump -o exact $log
    expect_stderr "$log"
    rows=$(wc -l <"$CASE_OUT")
    rm -rf C
    expect_status 1 flowan-archive import -a C $log
    expect_stderr "$log"
    [ "$(flowan-dump -o exact C | wc -l)" -eq "$rows" ] || fail "$log: other rows archived"
done

# Output that cannot be written, and output that nobody wants any more.
full()
{
    "$@" >/dev/full
}
if [ -c /dev/full ]; then
    for command in 'flowan-dump lines' 'flowan-dump -o exact lines' \
        'flowan-dump --count lines' 'flowan-dump --schema lines' \
        'flowan-dump --help' 'flowan-report top --by proto lines' 'flowan-report --help' \
        'flowan-archive info -a B' 'flowan-archive info -a B --json' \
        'flowan-archive verify B' 'flowan-archive --version'; do
        expect_status 1 full $command
        expect_stderr "^${command%% *}: cannot write standard output: No space left"
        [ "$(wc -l <"$CASE_ERR")" -eq 1 ] || fail "more than one line: $command"
    done
fi
cat lines lines lines lines lines lines >many
closed()
{
    { "$@" || echo $? >status; } | head -n 1 >first
    return "$(cat status)"
}
for command in 'flowan-dump many' 'flowan-dump -o exact many' 'flowan-dump -o csv many' \
    'flowan-dump -o csv --fields bytes,proto many' 'flowan-dump -o table many' \
    'flowan-dump -o table --fields bytes many' \
    'flowan-report top --by src_port,dst_port --top 0 -o csv many'; do
    echo 0 >status
    expect_status 0 closed $command
    expect_silence
    [ "$(wc -l <first)" -eq 1 ] || fail "no first line: $command"
done
