# Sourced by the scripts that tests/lab/booted.sh runs in a tree. They write
# facts, one "name: value" per line.
export LC_ALL=C HOME=/root

part=$1
facts=/root/facts.$part
work=$(mktemp -d /root/work-XXXXXX)
unit=sallyport.service
url=ftp://ftp.example.org
limit=60 # seconds, for a transfer or until something is true

fact() { printf '%s: %s\n' "$1" "$2" >>"$facts"; }
property() { systemctl show --value -p "$1" "$unit"; }
transfer() {
    curl --silent --show-error --ssl-reqd --max-time "$limit" \
        --cacert /etc/sallyport/tls/certificate.pem \
        --user "anna:$(</root/password)" "$@"
}

# until_true COMMAND…: tries it until it succeeds, or $limit seconds have passed.
until_true() {
    local end=$((SECONDS + limit))
    until "$@"; do
        ((SECONDS < end)) || return 1
        sleep 0.05
    done
}

# Sends a file up and down, and compares. The fact $1 has the result.
both_ways() {
    rm -f "$work/down"
    if transfer -T "$work/up" "$url/$1.bin" &&
        transfer -o "$work/down" "$url/$1.bin" &&
        cmp "$work/up" "$work/down"; then
        fact "$1" same
    else
        fact "$1" different
    fi
}

# Prints the service's processes, whatever their titles: "pid title".
processes() {
    local folder title
    for folder in /proc/[0-9]*; do
        grep -q "/$unit\$" "$folder/cgroup" 2>/dev/null || continue
        title=$(tr '\0' ' ' <"$folder/cmdline" 2>/dev/null) || continue
        [[ -z $title ]] || echo "${folder#/proc/} ${title%% }"
    done
}

has_files() { processes | grep -q ' sallyport: files'; }

# An upload that continues as long as descriptor 9 is open.
upload_begins() {
    mkfifo "$work/pipe"
    transfer -T - "$url/open.bin" <"$work/pipe" >"$work/said" 2>&1 &
    upload=$!
    exec 9>"$work/pipe"
    head -c 100000 /dev/zero >&9
    until_true has_files || fact open "no process files appeared"
}

upload_ends() {
    exec 9>&-
    wait "$upload"
    fact "$1" "$?"
    rm -f "$work/pipe"
}

# The last facts of a part.
end_facts() {
    journalctl --unit "$unit" --output cat --no-pager >"/root/journal.$part"
    fact findings "$(grep -cE ' (syscall|peer-error) ' "/root/journal.$part")"
    fact end "$part"
}
