# bash completion of sallyport(1): commands, options, profiles, local files.
_sallyport() {
    local current=$2 previous=$3 config
    local commands="put get ls cat mkdir rm rmdir mv chmod passwd hash sync doctor help"
    config=${XDG_CONFIG_HOME:-$HOME/.config}/sallyport/config
    COMPREPLY=()
    case $previous in
    --cacert|--cert|--key|--config|--known-hosts|--netrc|--password-file)
        mapfile -t COMPREPLY < <(compgen -f -- "$current")
        return
        ;;
    --conflict)
        mapfile -t COMPREPLY < <(compgen -W "ask skip rename overwrite" -- "$current")
        return
        ;;
    esac
    if [[ $current = -* ]]; then
        mapfile -t COMPREPLY < <(compgen -W "--all --by-hash --cacert --cert --config --conflict --debug --dry-run --help --human --json --key --known-hosts --limit-rate --min-age --netrc --no-preserve --no-resume --no-verify --one-time-code --parallel --password-command --password-file --pin --proxy --quiet --recursive --remove-source --retries --timeout --trust-new --user --version --yes" -- "$current")
    elif ((COMP_CWORD == 1)); then
        mapfile -t COMPREPLY < <(compgen -W "$commands ftps://" -- "$current")
    elif [[ ${COMP_WORDS[1]} = help ]]; then
        mapfile -t COMPREPLY < <(compgen -W "$commands" -- "$current")
    else
        mapfile -t COMPREPLY < <(
            compgen -f -- "$current"
            compgen -W "$(sed -n 's/^\[\([^]]*\)\]$/\1:/p' "$config" 2>/dev/null)" \
                -- "$current"
        )
    fi
}
complete -o nospace -o filenames -F _sallyport sallyport
