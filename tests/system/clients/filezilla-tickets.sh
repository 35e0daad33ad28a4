#!/usr/bin/env bash
# FileZilla (GnuTLS) shows the newest ticket of its control connection: many
# uploads in one session, and by four sessions at once.
set -euo pipefail
. "$(dirname "$0")/opening" "$@"
. "$here/filezilla-opening"

# How often, since the last step.
said_times() {
    WANT=$1 awk '/^==> / { n = 0 } $0 ~ ENVIRON["WANT"] { n++ }
        END { print n + 0 }' transcript
}

# NAMES…: they are there, and each is what was sent.
are_there() {
    local name
    rm -rf down
    for name in "$@"; do
        printf 'url = "ftp://%s:%s/%s"\noutput = "down/%s"\n' \
            "$host" "$port" "$name" "$name"
    done >downs
    other --create-dirs -K downs
    diff -r local down
    rm -f local/*
}

head -c 10000 /dev/urandom >up
step "$many in one session"
names=()
for i in $(seq "$many"); do
    names+=("m$i")
    head -c $((i * 100)) up >"local/m$i"
done
transfer up "${names[@]}"
are_there "${names[@]}"

step "$((4 * each)) by four at once"
names=()
for i in $(seq $((4 * each))); do
    names+=("n$i")
    head -c $((i * 100)) up >"local/n$i"
done
connections=4
transfer up "${names[@]}"
(($(said_times 'Status:.Logged in') >= 4)) || fail "not four sessions"
are_there "${names[@]}"

# It has noted by itself that the server resumes, and from now on refuses one of
# that name and port which doesn't.
grep -qF "<Entry Host=\"$host\" Port=\"$port\">true</Entry>" \
    "$settings/trustedcerts.xml" || fail "$(<"$settings/trustedcerts.xml")"
echo "filezilla-tickets: done"
