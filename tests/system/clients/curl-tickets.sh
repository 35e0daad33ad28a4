#!/usr/bin/env bash
# curl uses each ticket of TLS 1.3 once, and resumes by the session's number in
# TLS 1.2. Many uploads and downloads in one session each, and uploads in four
# parallel sessions.
# In the long run.
set -euo pipefail
. "$(dirname "$0")/opening" "$@"
. "$here/../curl_parallel.sh"
many=50 each=25 # curl is fast
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

# Connections of one process share their TLS sessions; in TLS 1.2 a session
# serves only one of them.
step "TLS 1.3, parallel transfers in one process"
get --tlsv1.3 -Z --parallel-max "$(at_once 6)" -K ups
echo "curl-tickets: done"
