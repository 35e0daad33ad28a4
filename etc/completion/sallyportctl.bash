# bash completion of sallyportctl(8): commands, options, files, and the names of
# users, shares and teams, if the users file can be read.

# What comes after the words GROUP COMMAND. unit_ctl writes this function from
# src/ctl/commands.c and src/ctl/arguments.c, if SALLYPORT_REGENERATE is 1.
# tables: begin
_sallyportctl_tables() {
    case ${#given[@]}:${given[0]} in
    1:*) commands='user share team partials inspect quota retention status check metrics who top kick ban doctor log report drain reload' ;;
    2:user) commands='add change passwd rename import export del list show lock unlock totp totp-off can' ;;
    2:share) commands='add change grant revoke list show del' ;;
    2:team) commands='add join leave change list show del' ;;
    2:partials) commands='list purge' ;;
    2:inspect) commands='list read release reject' ;;
    2:quota) commands='set show report' ;;
    2:retention) commands='run' ;;
    2:metrics) commands='serve' ;;
    2:ban) commands='list add del' ;;
    esac
    case "${given[0]} ${given[1]}" in
    "user "add) first= more= options='--config --help --home --comment --role --rights-in --share --team --uid --gid --local-group --file-mode --dir-mode --hash-stdin --print-password --must-change --on-conflict --data-binding --upload-eof --certificate --login --expires --ttl --max-files --retain --sync --max-sessions --max-transfers --bandwidth-up --bandwidth-down --max-file-size --networks --hours' ;;
    "user "change) first=user more= options='--config --help --home --comment --role --rights-in --uid --gid --file-mode --dir-mode --hash-stdin --must-change --on-conflict --data-binding --upload-eof --certificate --login --expires --ttl --max-files --retain --sync --max-sessions --max-transfers --bandwidth-up --bandwidth-down --max-file-size --networks --hours' ;;
    "user "passwd) first=user more= options='--config --help --print-password --must-change' ;;
    "user "rename) first=user more= options='--config --help' ;;
    "user "import) first=file more= options='--config --help --format --sync --shadow --prefix --dry-run --yes' ;;
    "user "export) first= more= options='--config --help --hashes --json' ;;
    "user "del) first=user more= options='--config --help --purge --yes' ;;
    "user "list) first= more= options='--config --help --json' ;;
    "user "show) first=user more= options='--config --help --json' ;;
    "user "lock) first=user more= options='--config --help' ;;
    "user "unlock) first=user more= options='--config --help' ;;
    "user "totp) first=user more= options='--config --help --yes --json' ;;
    "user "totp-off) first=user more= options='--config --help' ;;
    "user "can) first=user more= options='--config --help --json' ;;
    "share "add) first= more=member options='--config --help --path --gid --local-group --file-mode --retain' ;;
    "share "change) first=share more= options='--config --help --file-mode --retain' ;;
    "share "grant) first=share more=member options='--config --help' ;;
    "share "revoke) first=share more=member options='--config --help' ;;
    "share "list) first= more= options='--config --help --json' ;;
    "share "show) first=share more= options='--config --help --json' ;;
    "share "del) first=share more= options='--config --help --purge --yes' ;;
    "team "add) first= more=user options='--config --help' ;;
    "team "join) first=team more=user options='--config --help' ;;
    "team "leave) first=team more=user options='--config --help' ;;
    "team "change) first=team more= options='--config --help --max-sessions --max-transfers --bandwidth-up --bandwidth-down --max-file-size --networks --hours' ;;
    "team "list) first= more= options='--config --help --json' ;;
    "team "show) first=team more= options='--config --help --json' ;;
    "team "del) first=team more= options='--config --help' ;;
    "partials "list) first=user more= options='--config --help --older-than --json' ;;
    "partials "purge) first=user more= options='--config --help --older-than --all --json' ;;
    "inspect "list) first=user more= options='--config --help --json' ;;
    "inspect "read) first= more= options='--config --help --yes' ;;
    "inspect "release) first= more= options='--config --help --yes' ;;
    "inspect "reject) first= more= options='--config --help' ;;
    "quota "set) first=account more= options='--config --help --files' ;;
    "quota "show) first=account more= options='--config --help --json' ;;
    "quota "report) first= more= options='--config --help --json' ;;
    "retention "run) first= more= options='--config --help --dry-run --json' ;;
    "status "*) first= more= options='--config --help --json' ;;
    "check "*) first= more= options='--config --help --warning --critical' ;;
    "metrics "serve) first= more= options='--config --help' ;;
    "metrics "*) first= more= options='--config --help' ;;
    "who "*) first= more= options='--config --help --json' ;;
    "top "*) first= more= options='--config --help' ;;
    "kick "*) first=user more= options='--config --help' ;;
    "ban "list) first= more= options='--config --help --json' ;;
    "ban "add) first= more= options='--config --help --yes --for --reason' ;;
    "ban "del) first=network more= options='--config --help' ;;
    "doctor "*) first= more= options='--config --help --json' ;;
    "log "*) first= more= options='--config --help --path --user --since --until --failed --event --serial --file --cursor --unit --directory --xferlog --json' ;;
    "report "*) first= more= options='--config --help --since --until --file --unit --directory --output' ;;
    "drain "*) first= more= options='--config --help --timeout --off' ;;
    "reload "*) first= more= options='--config --help' ;;
    esac
    case $previous in
    --config) value='FILE' ;;
    --home) value='DIR' ;;
    --comment) value='TEXT' ;;
    --role) value='ROLE' ;;
    --rights-in) value='PATH:ROLE' ;;
    --share) value='NAME[:ROLE]' ;;
    --team) value='TEAM' ;;
    --path) value='DIR' ;;
    --uid) value='N' ;;
    --gid) value='N' ;;
    --local-group) value='GROUP' ;;
    --file-mode) value='MODE' ;;
    --dir-mode) value='MODE' ;;
    --on-conflict) value='WORD' ;;
    --data-binding) value='WORD' ;;
    --upload-eof) value='WORD' ;;
    --certificate) value='NAMES' ;;
    --login) value='WORD' ;;
    --expires) value='WHEN' ;;
    --ttl) value='TIME' ;;
    --max-files) value='N' ;;
    --retain) value='[PATH:]TIME' ;;
    --format) value='WORD' ;;
    --sync) value='NAME' ;;
    --shadow) value='FILE' ;;
    --prefix) value='DIR' ;;
    --max-sessions) value='N' ;;
    --max-transfers) value='N' ;;
    --bandwidth-up) value='SIZE' ;;
    --bandwidth-down) value='SIZE' ;;
    --max-file-size) value='SIZE' ;;
    --networks) value='LIST' ;;
    --hours) value='LIST' ;;
    --files) value='N' ;;
    --older-than) value='DAYS' ;;
    --for) value='TIME' ;;
    --reason) value='TEXT' ;;
    --warning) value='DAYS,PERCENT' ;;
    --critical) value='DAYS,PERCENT' ;;
    --user) value='USER' ;;
    --since) value='TIME' ;;
    --until) value='TIME' ;;
    --event) value='EVENTS' ;;
    --serial) value='SERIAL' ;;
    --file) value='FILE' ;;
    --cursor) value='FILE' ;;
    --unit) value='NAME' ;;
    --directory) value='DIR' ;;
    --output) value='FILE' ;;
    --timeout) value='TIME' ;;
    esac
}
# tables: end

# The names of a kind: user, share or team; member, a word of "share grant";
# account, a word of "quota set"; network, a word of "ban del". The file may be another
# user's, and compgen runs a $(command) in a word, so other characters are left out.
_sallyportctl_names() {
    local file
    file=$(sed -n 's/^[[:blank:]]*users[[:blank:]]*=[[:blank:]]*//p' -- "$config")
    file=${file:-/etc/sallyport/users}
    case $1 in
    user) sed -n 's/^\([A-Za-z0-9._][A-Za-z0-9._@-]*\):.*/\1/p' -- "$file" ;;
    share | team) sed -n "s/^@$1:\([A-Za-z0-9._@-]*\):.*/\1/p" -- "$file" ;;
    member)
        _sallyportctl_names user
        _sallyportctl_names team | sed 's/^/team:/'
        ;;
    account)
        _sallyportctl_names user
        _sallyportctl_names share | sed 's/^/share:/'
        ;;
    network) sallyportctl ban list --config "$config" | sed '1d;s/ .*//' ;;
    esac
} 2>/dev/null

# OPTION…: the answers of compgen. zsh, which reads this file too, has no mapfile.
_sallyportctl_reply() {
    local reply
    while IFS= read -r reply; do
        COMPREPLY+=("$reply")
    done < <(compgen "$@" -- "$current")
}

_sallyportctl() {
    local current=$2 previous=$3 words=
    local commands= options='--help --version' first= more= value=
    local config=/etc/sallyport/sallyport.conf given=() i
    for ((i = 1; i <= COMP_CWORD; i++)); do
        if [[ ${COMP_WORDS[i]} = --config ]] && ((i + 1 < COMP_CWORD)); then
            config=${COMP_WORDS[++i]}
        else
            given+=("${COMP_WORDS[i]}")
        fi
    done
    _sallyportctl_tables
    COMPREPLY=()
    if [[ $value = NAME* ]]; then
        words=$(_sallyportctl_names share)
    elif [[ $value = TEAM || $previous = : ]]; then
        words=$(_sallyportctl_names team) # bash makes three words of team:NAME
    elif [[ $value = USER ]]; then
        words=$(_sallyportctl_names user)
    elif [[ $value = FILE || $value = DIR || $first = file && $current != -* ]]; then
        _sallyportctl_reply -f
        return
    elif [[ $value ]]; then
        return
    elif [[ $current = -* ]]; then
        words=$options
    elif [[ $commands ]]; then
        words=$commands
    else
        ((${#given[@]} < 4)) || first=$more
        words=$(_sallyportctl_names "$first")
    fi
    _sallyportctl_reply -W "$words"
}
complete -F _sallyportctl sallyportctl
