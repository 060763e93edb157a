# The completion for bash offers exactly what the tools take.

command -v bash >/dev/null || skip "bash is not there"
file=$DATA/../../tools/completion/flowan.bash

# offered WORD...: what is offered for the last word.
offered()
{
    bash -c '
        . "$1"
        shift
        COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
        _flowan_complete
        printf "%s\n" "${COMPREPLY[@]}" | sort' bash "$file" "$@"
}

# Options of the help text; those with one letter have a long sister.
options_of()
{
    "$@" --help | sed -n 's/^  \(  \)\{0,2\}\(-[a-z], \)\{0,1\}\(--[a-z-]*\).*/\3/p' | sort -u
}
for command in 'flowan-archive import' 'flowan-archive follow' 'flowan-archive info' \
    'flowan-archive verify' 'flowan-archive merge' 'flowan-archive repair' 'flowan-archive expire' flowan-dump; do
    options_of $command >known
    offered $command -- >offers
    diff known offers >&2 || fail "$command: the options of its help are not those offered"
done
flowan-report --help | grep -o -e '--[a-z][a-z-]*' | sort -u >known
for report in networks asns matrix top series; do
    offered flowan-report $report -- >offers
    [ -z "$(comm -13 known offers)" ] || fail "$report: offered, but not in the help"
    while read -r option; do
        status=0
        flowan-report $report "$option" >/dev/null 2>message || status=$?
        ! grep -q 'unknown' message || fail "$report does not know $option"
    done <offers
done
expect_status 0 offered flowan-archive ''
for command in import info verify repair expire merge; do
    expect_in_stdout "^$command\$"
done
expect_status 0 offered flowan-dump -o ''
expect_stdout 'csv
ecs
exact
json
table'
expect_status 0 offered flowan-archive import --level ''
expect_stdout 'default
fast
small'
