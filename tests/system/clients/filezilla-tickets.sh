#!/usr/bin/env bash
# FileZilla (GnuTLS) shows the newest ticket of its control connection. Many
# uploads in one session, and in four sessions at once.
# In the long run.
set -euo pipefail
. "$(dirname "$0")/opening" "$@"
. "$here/filezilla-opening"

# Prints how often the transcript has it since the last step.
said_times() {
    WANT=$1 awk '/^==> / { n = 0 } $0 ~ ENVIRON["WANT"] { n++ }
        END { print n + 0 }' transcript
}

# NAMES…: the files are on the server, and equal to what was sent.
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

# FileZilla has noted by itself that the server resumes. From now on it refuses
# a server of that name and port that doesn't.
grep -qF "<Entry Host=\"$host\" Port=\"$port\">true</Entry>" \
    "$settings/trustedcerts.xml" || fail "$(<"$settings/trustedcerts.xml")"
echo "filezilla-tickets: done"
