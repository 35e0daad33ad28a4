#!/usr/bin/env bash
# rclone (Go's TLS, several connections with one ticket cache). It can't resume
# an upload: a killed one is sent again from its beginning. It can't resume a
# download either, but can ask for the rest of a file.
set -euo pipefail
. "$(dirname "$0")/opening" "$@"
. "$here/rclone-opening"

mkdir -p tree/one
for i in $(seq 12); do head -c $((i * 50000)) /dev/urandom >"tree/one/f$i"; done
touch -d '2001-02-03 04:05:06 UTC' tree/one/f1
step "copy up"
go copy --transfers 4 tree door:tree
said 'FTP Rx: "226 Transfer complete: 600000 bytes stored'
step "compare"
go check --download tree door:tree
step "copy down"
go copy --transfers 4 door:tree back
diff -r tree back
[[ $(stat -c %Y back/one/f1) == 981173106 ]]
step "a second copy moves nothing"
go copy tree door:tree
! has_said 'Copied' || fail "it copied"

step "rclone sync removes, too; rclone copy does not"
rm tree/one/f2
go sync tree door:tree
diff -r tree "$home/tree"

step "over one connection, as into a drop (transcripts/server/drops.txt)"
go copy --ftp-concurrency 1 tree door:single
diff -r tree "$home/single"
rm -r "$home/single"

step "the rest of a file"
go cat --offset 200000 door:tree/one/f12 >rest
said 'REST 200000'
same <(tail -c +200001 tree/one/f12) rest

head -c 3000001 /dev/urandom >up
up() { go "$1" changed door:changed; }
down() { go copy door:changed changed; }
changed upload 'rclone `copy`' up copy
changed upload 'rclone `sync`' up sync
changed download 'rclone `copy`' down

interrupt_uploading go copyto --bwlimit 300k up door:kept

# It deletes the old file after an upload that the server has ended.
step "a replacement that fails"
echo old | other -T - "ftp://$host:$port/kept"
begin go copyto --bwlimit 300k up door:kept
end_upload
[[ ! -e $home/kept ]] || fail "the old file stays: change the docs"

step "an upload that is killed"
begin go copyto --bwlimit 300k up door:cut
kill_uploading cut
step "is whole after the next"
go copyto up door:cut
same up "$home/cut"

step "listing, rename"
go lsl door: >list
grep -q '^ *3000001 .* cut$' list
go moveto door:cut door:moved
said 'RNTO /?moved'
go lsf door: >list
[[ $(LC_ALL=C sort list) == moved$'\n'tree/ ]] || fail "$(<list)"
step "purge"
go purge door:tree
step "purge follows no link"
make_links
go purge door:linked
links_are_gone
echo "rclone: done"
