# Completion of flowan-archive, flowan-dump and flowan-report for bash.
# Installed once under each command's name; without an installation: source this file.

_flowan_words()
{
    mapfile -t COMPREPLY < <(compgen -W "$1" -- "$word")
}

_flowan_files()
{
    compopt -o filenames 2>/dev/null
    mapfile -t COMPREPLY < <(compgen -f -- "$word")
}

# The value of the option before the word; 1 when that option takes none.
_flowan_value()
{
    case ${COMP_WORDS[0]##*/}:$1 in
        flowan-archive:-a | flowan-archive:--archive | *:--rejects | \
            *:--hold | *:--metrics | *:--hup-pidfile | *:--networks | *:--asn-db)
            _flowan_files ;;
        flowan-dump:-o | flowan-dump:--output) _flowan_words "table exact json csv ecs" ;;
        flowan-report:-o | flowan-report:--output) _flowan_words "table csv json" ;;
        *:--index) _flowan_words "nat" ;;
        *:--level) _flowan_words "fast default small" ;;
        *:--rotate | *:--older-than) _flowan_words "1h 1d" ;;
        *:--keep) _flowan_words "7d 30d 90d 1w" ;;
        *:--keep-size) _flowan_words "100G 1T" ;;
        *:--latency) _flowan_words "200ms 1s 5s" ;;
        *:--rotate-log) _flowan_words "5m 1h 500M" ;;
        *:--order) _flowan_words "bytes packets flows" ;;
        *:--bin) _flowan_words "1m 5m 15m 1h 1d" ;;
        *:--scheme) _flowan_words "proportional uniform start end middle" ;;
        *:--clock) _flowan_words "start-end received start end" ;;
        *:--nat | *:--at | *:--skew | *:--start | *:--end | *:-j | *:--jobs | *:-n | *:--limit | *:--fields | *:--by | \
            *:-f | *:--filter | *:--exclude | *:--ignore-older | *:--hup-pid | *:--hup-cmd | *:--tag | *:--top | *:--gap | *:--default-sampling | *:--map) ;;
        *) return 1 ;;
    esac
}

_flowan_complete()
{
    local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]}
    local commands='' options='--help --version'
    local common='--networks --asn-db --prefer-asdb -f --filter --start --end --order --top
        --raw-counts --default-sampling --clock --map -j --jobs --explain -o --output'

    COMPREPLY=()
    case ${COMP_WORDS[0]##*/}:${COMP_WORDS[1]} in
        flowan-archive:import)
            options='--help -a --archive --rotate --level --index --rejects --map --again
                --exclude --ignore-older --strict -j --jobs' ;;
        flowan-archive:follow)
            options='--help -a --archive --rotate --latency --drain --keep --keep-size --metrics --rotate-log
                --hup-pid --hup-pidfile --hup-cmd --remove-done --level --index --rejects --map
                --strict --exclude --ignore-older -j --jobs' ;;
        flowan-archive:info) options='--help -a --archive --json --gap --quick' ;;
        flowan-archive:verify) options='--help' ;;
        flowan-archive:repair) options='--help -a --archive' ;;
        flowan-archive:expire)
            options='--help -a --archive --keep --keep-size --hold --dry-run' ;;
        flowan-archive:merge) options='--help -a --archive --older-than --level' ;;
        flowan-archive:*) commands='import follow info verify repair expire merge' ;;
        flowan-dump:*)
            options+=' -o --output --fields --start --end --inside -n --limit --count
                --schema --map -f --filter -j --jobs --explain --networks --asn-db
                --nat --at --skew --gap --prefer-asdb --preserve-original --tag --ignore-older --elastic-compat' ;;
        flowan-report:top | flowan-report:matrix) options="--help --by $common" ;;
        flowan-report:series) options="--help --bin --by --scheme --gap $common" ;;
        flowan-report:networks | flowan-report:asns) options="--help $common" ;;
        flowan-report:*) commands='networks asns matrix top series' ;;
    esac

    if [ "$COMP_CWORD" -eq 1 ] && [ -n "$commands" ]; then
        _flowan_words "$commands $options"
    elif _flowan_value "$before"; then
        :
    elif [[ $word == -* ]]; then
        _flowan_words "$options"
    else
        _flowan_files
    fi
}

complete -F _flowan_complete flowan-archive flowan-dump flowan-report
