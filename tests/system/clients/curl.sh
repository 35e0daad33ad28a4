#!/usr/bin/env bash
# curl: upload, download, resuming both, appending, listing, renaming,
# directories, eight in parallel; explicit TLS by --ssl-reqd and by its older
# name; TLS 1.2 and 1.3.
set -euo pipefail
. "$(dirname "$0")/opening" "$@"
. "$here/../curl_parallel.sh"
url=ftp://$host:$port

(umask 077; printf 'machine %s login %s password "%s"\n' "$host" "$user" \
    "$(<"$passfile")" >netrc)
get() {
    curl --silent --show-error --fail --verbose --max-time 60 \
        --netrc-file netrc --cacert "$cacert" "$@" 2>>transcript
}

head -c 3000001 /dev/urandom >up
for version in --tlsv1.2:--tls-max:1.2 --tlsv1.3:--tls-max:1.3; do
    IFS=: read -ra tls <<<"$version"
    for ssl in --ssl-reqd --ftp-ssl-reqd; do
        step "up and down with $ssl ${tls[*]}"
        get "$ssl" "${tls[@]}" -T up "$url/$ssl-${tls[2]}"
        said '^< 226 Transfer complete: 3000001 bytes stored'
        get "$ssl" "${tls[@]}" -o down "$url/$ssl-${tls[2]}"
        same up down
        rm down
    done
done

for version in --tlsv1.2:--tls-max:1.2 --tlsv1.3:--tls-max:1.3; do
    IFS=: read -ra tls <<<"$version"
    step "up and down with implicit TLS, ${tls[*]}"
    get "${tls[@]}" -T up "ftps://$host:$implicit/ftps-${tls[2]}"
    said '^< 226 Transfer complete: 3000001 bytes stored'
    get "${tls[@]}" -o down "ftps://$host:$implicit/ftps-${tls[2]}"
    same up down
    rm down
done

step "a certificate that isn't trusted"
: >none.pem
! get --ssl-reqd --cacert none.pem "$url/" || fail "curl believed it"

step "resume of a download"
head -c 1000000 up >down
get --ssl-reqd -C - -o down "$url/--ssl-reqd-1.3"
said '^> REST 1000000'
same up down

step "an upload that is killed"
begin get --ssl-reqd --limit-rate 300k -T up "$url/cut"
kill_uploading cut

step "is gone on with"
get --ssl-reqd -C - -T up "$url/cut"
said '^> SIZE cut'
said '^< 213 [1-9]'
said '^< 226 Transfer complete'
get --ssl-reqd -o down "$url/cut"
same up down

up() { get --ssl-reqd "${@:1:$#-1}" -T "changed/${*: -1}" "$url/changed/${*: -1}"; }
down() { get --ssl-reqd "${@:1:$#-1}" -o "changed/${*: -1}" "$url/changed/${*: -1}"; }
changed upload 'curl `-T`' up
changed upload 'curl `-C - -T`' up -C -
changed download 'curl `-o`' down
changed download 'curl `-C - -o`' down -C -

interrupt_uploading get --ssl-reqd --limit-rate 300k -T up "$url/kept"

step "append"
get --ssl-reqd -a -T up "$url/twice"
get --ssl-reqd -a -T up "$url/twice"
get --ssl-reqd -o down "$url/twice"
cat up up >both
same both down

step "directories made on the way, listing, rename, delete"
get --ssl-reqd --ftp-create-dirs -T up "$url/a/b/c/file"
get --ssl-reqd "$url/a/b/c/" | grep -q '^-rw.* 3000001 .* file.\?$'
get --ssl-reqd "$url/a/b/" | grep -q '^drwx.* c.\?$'
get --ssl-reqd -l "$url/a/b/c/" | tr -d '\r' | grep -qx file
get --ssl-reqd -Q 'RNFR a/b/c/file' -Q 'RNTO a/b/moved' -l "$url/a/b/" |
    tr -d '\r' | grep -qx moved
get --ssl-reqd -o down "$url/a/b/moved"
same up down
get --ssl-reqd -Q 'DELE a/b/moved' -Q 'RMD a/b/c' -l "$url/a/b/" >left
[[ ! -s left ]] || fail "left: $(<left)"

step "size and time without a body"
get --ssl-reqd -I "$url/twice" | tr -d '\r' >headers
grep -qx 'Content-Length: 6000002' headers
grep -q '^Last-Modified: ' headers

step "a file that isn't there"
! get --ssl-reqd -o none "$url/none" || fail "it is there"

step "eight in parallel, up and down"
args=()
for i in 1 2 3 4 5 6 7 8; do args+=(-T up "$url/parallel-$i"); done
get --ssl-reqd -Z --parallel-max "$(at_once 8)" "${args[@]}"
args=()
for i in 1 2 3 4 5 6 7 8; do args+=(-o "down-$i" "$url/parallel-$i"); done
get --ssl-reqd -Z --parallel-max "$(at_once 8)" "${args[@]}"
for i in 1 2 3 4 5 6 7 8; do same up "down-$i"; done

step "checksums, as clients quote them: HASH with and without a range, XSHA256"
sum=$(sha256sum <up)
part=$(head -c 1000 up | sha256sum)
get --ssl-reqd -l -Q 'HASH parallel-1' -Q 'RANG 0 999' -Q 'HASH parallel-1' \
    -Q 'OPTS HASH SHA-256' -Q 'XSHA256 parallel-1' \
    -Q 'XSHA256 "/parallel-1" 0 1000' "$url/" >/dev/null
tr -d '\r' <transcript >replies
for reply in "213 SHA-256 0-3000000 ${sum%% *} /parallel-1" \
    "213 SHA-256 0-999 ${part%% *} /parallel-1" "200 SHA-256" \
    "250 ${sum%% *}" "250 ${part%% *}"; do
    grep -qxF "< $reply" replies || fail "no \"$reply\""
done

step "plain text is refused"
status=0
get --ftp-pasv "$url/" || status=$?
((status == 67)) || fail "exit status $status: change the docs"
said '^curl: .* Access denied: 530'
echo "curl: done"
