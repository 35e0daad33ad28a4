#!/usr/bin/env bash
# lftp (GnuTLS) keeps one ticket and shows it again and again. Many transfers in
# one session, and uploads in four parallel sessions.
# In the long run.
set -euo pipefail
. "$(dirname "$0")/opening" "$@"
many=50 each=25 # lftp is fast
export LFTP_HOME=$work/lftp
mkdir -p "$LFTP_HOME"

# NAME VERSION COMMANDS: runs lftp with them.
say() {
    (umask 077; cat >"commands-$1" <<END
set ftp:ssl-force yes
set ftp:ssl-protect-data yes
set ssl:ca-file $cacert
set ssl:priority $2
set net:max-retries 1
set net:timeout 20
set cmd:fail-exit yes
open -p $port $host
user $user "$(<"$passfile")"
$3
bye
END
    )
    timeout 100 lftp -f "commands-$1"
}

head -c 20000 /dev/urandom >up
for version in 1.2 1.3; do
    priority="NORMAL:-VERS-ALL:+VERS-TLS$version"
    step "TLS $version, $many in one session"
    say one "$priority" "$(for i in $(seq $((many / 2))); do
        echo "put up -o $version-$i"
        echo "get $version-$i -o down-$i"
    done)"
    for i in $(seq $((many / 2))); do
        same up "down-$i"
        rm "down-$i"
    done
    step "TLS $version, $each uploads in each of four sessions"
    for n in 1 2 3 4; do
        say "$n" "$priority" \
            "$(for i in $(seq "$each"); do echo "put up -o $n-$version-$i"; done)" &
    done
    for n in 1 2 3 4; do wait -n; done
done
echo "lftp-tickets: done"
