#!/usr/bin/env bash
# curl and lftp through a proxy: SCRIPT HOST PORT USER PASSWORD WORKDIR. Their
# own address is 127.0.0.77.
set -euo pipefail
. "$(dirname "$0")/curl_parallel.sh"
host=$1 port=$2 user=$3 password=$4 work=$5/proxied
mkdir -p "$work"
cd "$work"
url=ftp://$host:$port

(umask 077; printf 'machine %s login %s password "%s"\n' "$host" "$user" \
    "$password" >netrc)
get() { curl --silent --show-error --fail --max-time 60 --netrc-file netrc \
    --insecure --ssl-reqd --interface 127.0.0.77 "$@"; }

head -c 3000001 /dev/urandom >up
for version in 1.2 1.3; do
    get --tls-max "$version" -T up "$url/curl-$version"
    get --tls-max "$version" -o down "$url/curl-$version"
    cmp up down
done
for i in 1 2 3 4 5 6; do
    head -c 200000 /dev/urandom >many-$i
done
get --parallel --parallel-max "$(at_once 6)" -T '{many-1,many-2,many-3,many-4,many-5,many-6}' "$url/"
get -l "$url/" | tr -d '\r' | grep -c '^many-[1-6]$' | grep -qx 6

mkdir -p tree/a/b
cp many-* tree/a/b/
lftp -c "set ssl:verify-certificate no
set ftp:ssl-force yes
set ftp:ssl-protect-data yes
set net:socket-bind-ipv4 127.0.0.77
set net:max-retries 2
set net:timeout 20
open -u $user,'$password' $url
mirror --reverse tree up-tree
mirror up-tree back" >lftp.out 2>&1 || { cat lftp.out; exit 1; }
diff -r tree back
