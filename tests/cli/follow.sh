# What a drain takes: logs that grew, were renamed, truncated behind a copy, compressed.

n=0
# more FILE COUNT: appends so many records, all different.
more()
{
    i=0
    while [ $i -lt "$2" ]; do
        n=$((n + 1))
        i=$((i + 1))
        flow $n $n $n 10.0.0.1 192.0.2.1 $n >>"$1"
    done
}
# expect_archived ARCHIVE FILE...: it holds these, in this order, and nothing else.
expect_archived()
{
    archive=$1
    shift
    cat "$@" >expected
    flowan-dump -o exact "$archive" >dump
    expect_same expected dump
}
drain()
{
    expect_status 0 flowan-archive follow -a "$@" --drain
    expect_stdout ''
}

# A log that grows; nothing new is no failure.
more log 30
drain A log
expect_stderr 'log is read from its beginning$'
drain A log
more log 10
drain A log
expect_archived A log

# Renamed; nobody names the old one, which has more.
more log 5
mv log log.1
more log 5
drain A log
expect_stderr 'log\.1 holds what log was: it is taken up at byte '
expect_archived A log.1 log

# Renamed twice since, and both are named: in order of age.
more log 5
mv log log.2
touch -d '1 hour ago' log.2
more log.3 5
touch -d '1 minute ago' log.3
more log 5
drain A 'log*'
expect_archived A log.1 log.2 log.3 log

# Truncated behind a copy.
more log 5
cp log copy
: >log
more log 5
drain A log
expect_stderr 'copy holds what log was'
expect_archived A log.1 log.2 log.3 copy log

# ... which is compressed at once, in either way.
mkdir keep
for how in 'gzip -q' 'zstd -q --rm'; do
    before=$(wc -l <log)
    more log 5
    cp log copy2
    cp log keep/kept
    : >log
    $how copy2
    more log 5
    drain A log
    expect_stderr 'copy2\.[a-z]* holds what log was'
    # what the log held before was the end of what is expected
    head -n -"$before" expected >want
    cat keep/kept log >>want
    flowan-dump -o exact A >dump
    expect_same want dump
    mv want expected
    rm -f copy2*
done

# The copy is gone: told, with the place, and what follows is taken.
more log 5
: >log
more log 5
drain A log
expect_stderr 'log: what came behind byte [0-9]* of the log that had this name is in no file of \.'
tail -n 5 log >last
flowan-dump -o exact A | tail -n 5 >dump
expect_same last dump

# Compressed files of what is in: nothing is taken twice, whatever their names.
mkdir d
more d/a.log 20
drain B 'd/*'
gzip -c d/a.log >d/z.gz
zstd -q d/a.log -o d/z.zst
cp d/a.log d/b.log
drain B 'd/*'
expect_archived B d/a.log
# A plain log that was read in part, and is compressed with more.
more d/a.log 7
gzip -f d/a.log
rm d/b.log d/z.*
drain B 'd/*'
zcat d/a.log.gz >whole
expect_archived B whole

# Files that are not read: by name, by age.
mkdir e
more e/one.log 2
more e/two.log 2
more e/three.log 2
touch -d '2 days ago' e/three.log
drain C --exclude '^tw' --ignore-older 1d 'e/*'
expect_archived C e/one.log
expect_status 0 flowan-archive import -a D --exclude '^tw' --ignore-older 1d e/*
expect_archived D e/one.log

# Objects glued on a line, blank lines, no line feed at the end.
printf '%s%s\n\n%s' "$(flow 1 1 1 10.0.0.1 192.0.2.1 1)" "$(flow 2 2 2 10.0.0.1 192.0.2.1 2)" \
    "$(flow 3 3 3 10.0.0.1 192.0.2.1 3)" >odd
drain F odd
{ flow 1 1 1 10.0.0.1 192.0.2.1 1; flow 2 2 2 10.0.0.1 192.0.2.1 2; flow 3 3 3 10.0.0.1 192.0.2.1 3; } >want
expect_archived F want

# Half an object: not now, but when the rest is there; and a reject when it has settled.
more half 1
flow 9000 9000 9000 10.0.0.1 192.0.2.1 9000 >rest
head -c 40 rest >>half
drain G half
head -n 1 half >want
expect_archived G want
tail -c +41 rest >>half
drain G half
expect_archived G half
head -c 40 rest >>half
touch -d '1 minute ago' half
expect_status 3 flowan-archive follow -a G --drain half
expect_stderr '1 piece rejected \(1 torn\)'
cat G/rejects/* | grep -q '"reason":"torn"' || fail "the reject is not noted"

# Rejects: noted, status 3; --strict stops.
echo junk >bad
more bad 2
expect_status 3 flowan-archive follow -a H --drain bad
expect_status 1 flowan-archive follow -a I --drain --strict bad
expect_stderr 'byte 0 is rejected \(junk\), and --strict was given'

# Nothing matches, no directory, a directory: nothing to do.
drain J 'nothing*' 'no/directory/*' .
expect_status 0 flowan-dump --count J

# What makes no sense.
for wrong in '--rotate-log 5m' '--rotate-log 100 --hup-pid 1' '--rotate-log x --hup-pid 1' \
    '--hup-pid 1' '--hup-pid 0 --rotate-log 5m' '--hup-pid 1 --hup-cmd true --rotate-log 1M' \
    '--latency 0' '--latency 2h' '--exclude [' '--rotate 1'; do
    expect_status 2 flowan-archive follow -a K $wrong log
done
[ ! -e K ] || fail "a call that made no sense made an archive"
expect_status 2 flowan-archive follow -a K
expect_stderr 'name at least one log'
