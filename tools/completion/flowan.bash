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
    case $1 in
        -a | --rejects | --metrics | --hold | --hup-pidfile | --networks | --asn-db | --save)
            _flowan_files ;;
        -o)
            case ${COMP_WORDS[0]##*/}:${COMP_WORDS[1]} in
                flowan-dump:*) _flowan_words "table exact json csv ecs" ;;
                *:html) _flowan_files ;;
                *) _flowan_words "table csv json" ;;
            esac ;;
        --level) _flowan_words "fast default small" ;;
        --rotate) _flowan_words "1h 1d" ;;
        --index) _flowan_words "nat" ;;
        --order) _flowan_words "bytes packets flows" ;;
        --clock) _flowan_words "start-end received start end" ;;
        --bin) _flowan_words "1m 5m 15m 1h 1d" ;;
        --scheme) _flowan_words "proportional" ;;
        --start | --end | --at | -f | -n | -j | --fields | --nat | --skew | --tag | --map | \
            --rollup | --exclude | --ignore-older | --keep | --keep-size | --rotate-log | \
            --hup-pid | --hup-cmd | --older-than | --by | --top | --memory | --gap | \
            --dedup | --default-sampling | --month) ;;
        *) return 1 ;;
    esac
}

_flowan_complete()
{
    local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]}
    local commands='' options='--help --version'
    local import='-a --rotate --level --rejects -j --map --index --rollup --exclude
        --ignore-older --strict --again'
    local common='--networks --asn-db --start --end -f --order --top --raw-counts -j
        --memory --clock --gap --dedup --prefer-asdb --default-sampling --explain -o --save'

    COMPREPLY=()
    case ${COMP_WORDS[0]##*/}:${COMP_WORDS[1]} in
        flowan-archive:import) options="--help $import" ;;
        flowan-archive:follow)
            options="--help $import --drain --keep --keep-size --metrics --rotate-log
                --hup-pid --hup-pidfile --hup-cmd --remove-done" ;;
        flowan-archive:info) options='--help -a --json' ;;
        flowan-archive:verify) options='--help' ;;
        flowan-archive:repair) options='--help -a' ;;
        flowan-archive:expire) options='--help -a --keep --keep-size --hold --dry-run' ;;
        flowan-archive:merge) options='--help -a --older-than' ;;
        flowan-archive:*) commands='import follow info verify repair expire merge' ;;
        flowan-dump:*)
            options+=' --start --end --inside -f -n --fields -o --count --explain --networks
                --asn-db -j --preserve-original --tag --ignore-older --elastic-compat --nat
                --at --skew --schema' ;;
        flowan-report:top | flowan-report:matrix) options="--help --by $common" ;;
        flowan-report:series) options="--help --bin --by --scheme $common" ;;
        flowan-report:anomalies) options="--help --bin $common" ;;
        flowan-report:billing) options="--help --month --by $common" ;;
        flowan-report:networks | flowan-report:asns | flowan-report:html)
            options="--help $common" ;;
        flowan-report:*)
            commands='networks asns matrix top series anomalies billing html' ;;
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
