#!/usr/bin/env bash
# rclone (Go) has one cache of tickets for all its connections, so a data
# connection may show a ticket of another control connection. A hundred files
# over one connection, and over four. (TLS 1.2 needs an rclone made with Go
# 1.21: older ones have no extended master secret.)
# In the long run.
set -euo pipefail
. "$(dirname "$0")/opening" "$@"
export RCLONE_CONFIG=$work/rclone.conf
(umask 077; cat >rclone.conf <<END
[door]
type = ftp
host = $host
port = $port
user = $user
pass = $(rclone obscure - <"$passfile")
explicit_tls = true
END
)
go() { SSL_CERT_FILE=$cacert timeout 100 rclone --retries 1 --low-level-retries \
    1 --contimeout 20s --timeout 30s "$@"; }

mkdir -p tree
for i in $(seq 100); do head -c $((i * 500)) /dev/urandom >"tree/f$i"; done
for transfers in 4 1; do
    step "a hundred files, $transfers at a time"
    go copy --transfers "$transfers" --checkers "$transfers" tree door:tree
    go copy --transfers "$transfers" --checkers "$transfers" door:tree back
    diff -r tree back
    rm -r back
    go purge door:tree
done
echo "rclone-tickets: done"
