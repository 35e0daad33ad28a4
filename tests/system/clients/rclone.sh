#!/usr/bin/env bash
# rclone (Go's TLS, several connections with one ticket cache): SCRIPT HOST PORT
# USER PASSFILE CACERT WORKDIR
set -euo pipefail
host=$1 port=$2 user=$3 passfile=$4 cacert=$5 work=$6
cd "$work"
export HOME=$work RCLONE_CONFIG=$work/rclone.conf
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
    2 --contimeout 20s --timeout 30s "$@"; }

mkdir -p tree/one
for i in $(seq 12); do head -c $((i * 50000)) /dev/urandom >"tree/one/f$i"; done
touch -d '2001-02-03 04:05:06 UTC' tree/one/f1
echo "rclone: copy up"
go copy --transfers 4 tree door:tree
echo "rclone: compare"
go check --download tree door:tree
echo "rclone: copy down"
go copy --transfers 4 door:tree back
diff -r tree back
[[ $(stat -c %Y back/one/f1) == 981173106 ]]
echo "rclone: a second copy moves nothing"
go copy -v tree door:tree 2>&1 | tee second
! grep -q 'Copied' second
echo "rclone: purge"
go purge door:tree
echo "rclone: done"
