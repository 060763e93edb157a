# Help, versions, and calls that make no sense.

flow 10 1 2 10.0.0.1 192.0.2.1 7 >log

for command in flowan-archive 'flowan-archive import' 'flowan-archive follow' \
    'flowan-archive info' 'flowan-archive verify' 'flowan-archive merge' 'flowan-archive repair' \
    'flowan-archive expire' flowan-dump flowan-report 'flowan-report networks' \
    'flowan-report asns' 'flowan-report matrix' 'flowan-report top' \
    'flowan-report series'; do
    expect_status 0 $command --help
    expect_silence
    expect_in_stdout "^Usage: ${command%% *} "
    expect_in_stdout '^ +--help '
    [ "$(wc -L <"$CASE_OUT")" -le 88 ] || fail "$command --help is wider than 88"
done
for tool in flowan-archive flowan-dump flowan-report; do
    expect_status 0 $tool --version
    expect_silence
    expect_in_stdout "^$tool [0-9]+\.[0-9]+\.[0-9]+$"
done

# expect_usage PATTERN COMMAND...: status 2, a message, and where help is.
expect_usage()
{
    pattern=$1
    shift
    expect_status 2 "$@"
    expect_stdout ''
    expect_stderr "^$1: $pattern"
    expect_stderr "^Try '$1.* --help'\.$"
}

expect_usage 'name a command: ' flowan-archive
expect_usage "unknown command 'imprt'" flowan-archive imprt -a A log
expect_usage "unknown command '-a'" flowan-archive -a A
expect_usage '-a DIR is missing' flowan-archive import log
expect_usage '-a DIR is missing' flowan-archive info
expect_usage '-a DIR is missing' flowan-archive merge
expect_usage '--gap: ' flowan-archive info -a A --gap x
expect_usage '-a DIR is missing' flowan-archive repair
expect_usage '-a DIR is missing' flowan-archive expire --keep 1d
expect_usage "'log' is one word too many" flowan-archive repair -a A log
expect_usage "'log' is one word too many" flowan-archive expire -a A --keep 1d log
expect_usage '--keep or --keep-size is missing' flowan-archive expire -a A
expect_usage '--keep: ' flowan-archive expire -a A --keep 3x
for size in '' 0 x 5x 5GG -1 1.5G 99999999P; do
    expect_usage '--keep-size wants' flowan-archive expire -a A --keep-size "$size"
done
expect_usage "'log' is one word too many" flowan-archive merge -a A log
expect_usage '--older-than: ' flowan-archive merge -a A --older-than x
expect_usage '--level: ' flowan-archive merge -a A --level huge
expect_usage 'name at least one log' flowan-archive import -a A
expect_usage "'log' is one word too many" flowan-archive info -a A log
expect_usage 'name at least one archive' flowan-archive verify
expect_usage "unknown or ambiguous option '--jsn'" flowan-archive info --jsn
expect_usage "unknown or ambiguous option '--r'" flowan-archive import -a A --r x log
expect_usage "option '--rotate' needs a value" flowan-archive import log --rotate
expect_usage "option '-a' needs a value" flowan-archive import log -a
expect_usage "unknown option '-q'" flowan-archive verify -q A
expect_usage 'name at least one PATH' flowan-dump
expect_usage 'name at least one PATH' flowan-dump --count
expect_usage "unknown option '-z'" flowan-dump -z log
expect_usage "unknown option '-z'" flowan-dump -zn 1 log
expect_usage "option '--count' takes no value" flowan-dump --count=1 log
expect_usage "option '--tag' needs a value" flowan-dump log -o ecs --tag
expect_usage '--elastic-compat is for documents \(-o ecs\)' flowan-dump --elastic-compat log
expect_usage 'name a report' flowan-report
[ ! -e A ] || fail "a call that made no sense made an archive"

# A path that begins with a dash, and options behind a path.
cp log ./-log
expect_status 0 flowan-dump -o exact -- -log
expect_same log "$CASE_OUT"
expect_status 0 flowan-dump log -o exact
expect_same log "$CASE_OUT"

# No locale, no terminal, no environment changes what is printed.
expect_status 0 env LC_ALL=de_DE.UTF-8 TZ=Asia/Tokyo COLUMNS=20 flowan-dump -o table log
cp "$CASE_OUT" table
expect_status 0 env -i "$(command -v flowan-dump)" -o table log
expect_same table "$CASE_OUT"
