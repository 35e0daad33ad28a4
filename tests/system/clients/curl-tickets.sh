#!/usr/bin/env bash
# curl spends each ticket of TLS 1.3 once, and in TLS 1.2 resumes by the
# session's number: as many uploads and downloads in one session each, and
# uploads in each of four.
set -euo pipefail
. "$(dirname "$0")/opening" "$@"
many=50 each=25 # it is quick
url=ftp://$host:$port

(umask 077; printf 'machine %s login %s password "%s"\n' "$host" "$user" \
    "$(<"$passfile")" >netrc)
get() { curl --silent --show-error --fail --max-time 60 --netrc-file netrc \
    --cacert "$cacert" --ssl-reqd "$@"; }

head -c 20000 /dev/urandom >up
for version in 1.2 1.3; do
    tls=("--tlsv$version" --tls-max "$version")
    step "TLS $version, $many in one session"
    for i in $(seq "$many"); do
        printf 'upload-file = up\nurl = %s/%s-%s\n' "$url" "$version" "$i"
    done >ups
    for i in $(seq "$many"); do
        printf 'output = down-%s\nurl = %s/%s-%s\n' "$i" "$url" "$version" "$i"
    done >downs
    get "${tls[@]}" -K ups
    get "${tls[@]}" -K downs
    for i in $(seq "$many"); do same up "down-$i"; done

    step "TLS $version, $each uploads in each of four sessions"
    for n in 1 2 3 4; do
        head -n $((2 * each)) ups | sed "s,/$version-,/$n-$version-,g" >"ups-$n"
        get "${tls[@]}" -K "ups-$n" &
    done
    for n in 1 2 3 4; do wait -n; done
done

# Connections of one process share what they remember; in TLS 1.2 a session is
# good for one of them only.
step "TLS 1.3, parallel transfers in one process"
get --tlsv1.3 -Z --parallel-max 6 -K ups
echo "curl-tickets: done"
