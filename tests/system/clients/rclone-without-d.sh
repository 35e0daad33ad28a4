#!/usr/bin/env bash
# rclone whose user has all rights but d (--role lrwonm): an upload that fails leaves the old file.
set -euo pipefail
. "$(dirname "$0")/opening" "$@"
. "$here/rclone-opening"
head -c 3000001 /dev/urandom >up

step "a replacement that fails"
echo old | other -T - "ftp://$host:$port/kept"
begin go copyto --bwlimit 300k up door:kept
end_upload
said '550 .* right to delete'
[[ $(<"$home/kept") = old ]] || fail "the old file is gone"
step "the next one"
go copyto up door:kept
same up "$home/kept"
echo "rclone-without-d: done"
