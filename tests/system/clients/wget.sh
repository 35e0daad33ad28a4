#!/usr/bin/env bash
# wget 1.21 (GnuTLS): downloads only. It can't upload or rename, so curl does
# that here; wget downloads, resumes, lists and mirrors.
set -euo pipefail
. "$(dirname "$0")/opening" "$@"
head -c 3000001 /dev/urandom >up
(umask 077; printf 'machine %s login %s password "%s"\n' "$host" "$user" \
    "$(<"$passfile")" >.netrc)

get() {
    timeout 60 wget --ca-certificate="$cacert" --secure-protocol="$tls" \
        --tries=2 --timeout=30 --no-verbose --server-response -a transcript "$@"
}

for tls in TLSv1_2 TLSv1_3; do
    url=ftps://$host:$port/$tls

    step "$tls: an upload by curl, for there is something to fetch"
    other --ftp-create-dirs -T up "ftp://$host:$port/$tls/a"

    step "$tls: a download"
    get -O down "$url/a"
    said '150 Opening the data connection for .* \(3000001 bytes\)'
    said '226 Transfer complete'
    same up down

    step "$tls: a download is gone on with"
    head -c 1000000 up >a
    get -c "$url/a"
    said '350 Restarting at 1000000'
    said '226 Transfer complete'
    same up a

    step "$tls: a listing"
    rm -f .listing
    get --no-remove-listing -O listing.html "$url/"
    said '226 Transfer complete'
    tr -d '\r' <.listing | grep -q '^-rw.* 3000001 .* a$' ||
        fail "a isn't listed with its size: $(<.listing)"
    grep -q '(3000001 bytes)' listing.html

    step "$tls: renamed by curl, the new name is fetched, the old one isn't"
    other -Q "RNFR $tls/a" -Q "RNTO $tls/b" -l "ftp://$host:$port/" >/dev/null
    ! get -O none "$url/a" || fail "a is still there"
    said '^550 '
    get -O down "$url/b"
    same up down

    step "$tls: a tree"
    rm -rf tree
    get -r -nH -P tree "$url/"
    same up "tree/$tls/b"
done

tls=TLSv1_3
down() { get -O "changed/$1" "ftps://$host:$port/changed/$1"; }
go_on() { (cd changed && get -a ../transcript -c "ftps://$host:$port/changed/$1"); }
tree() { get -r -nH "ftps://$host:$port/changed/"; }
changed download 'wget `-O`' down
changed download 'wget `-c`' go_on
changed download 'wget `-r`' tree

step "a certificate that isn't trusted"
: >none.pem
! get --ca-certificate=none.pem -O none "$url/b" || fail "wget believed it"
said 'not trusted'

step "without TLS there is no login"
! get -O none "ftp://$host:$port/$tls/b" || fail "wget got in"
said '^530 '
echo "wget: done"
