# bash completion of sallyportctl(8): the program itself says what fits, from its tables
# and the users file, if that can be read. Each line is a word, a tab, and its meaning.
_sallyportctl() {
    local line
    COMPREPLY=()
    while IFS= read -r line; do
        COMPREPLY+=("${line%%$'\t'*}")
    done < <(PATH=$PATH:/usr/local/sbin:/usr/sbin sallyportctl --complete \
        "${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null)
    if [[ ${COMPREPLY[0]-} = '*' ]]; then # a file
        COMPREPLY=()
        compopt -o default
    fi
}
complete -F _sallyportctl sallyportctl
