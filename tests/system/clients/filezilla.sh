#!/usr/bin/env bash
# FileZilla (GnuTLS), the real program: see filezilla-opening.
# In the long run.
set -euo pipefail
. "$(dirname "$0")/opening" "$@"
. "$here/filezilla-opening"

head -c 3000001 /dev/urandom >up

step "an upload"
cp up local/a
transfer up a
said 'Command:.STOR a'
other -o down "ftp://$host:$port/a"
same up down

step "a download"
rm local/a
transfer down a
same up local/a

step "a download is gone on with"
head -c 1000000 up >local/a
transfer down a
said 'Command:.REST 1000000'
same up local/a

step "an upload of what has grown goes on after what is there"
head -c 1000000 up >part
other -T part "ftp://$host:$port/grown"
cp up local/grown
transfer up grown
said 'Command:.REST 1000000'
said 'Command:.STOR grown'
other -o down "ftp://$host:$port/grown"
same up down

# It looks for the file in the listing, and sends no SIZE. An unfinished upload
# isn't in the listing, so FileZilla begins again where others resume.
step "an upload that is killed"
cp up local/cut
configure "Enable speed limits=1" "Speedlimit outbound=300"
queue up cut
process_queue
kill_uploading cut

step "is whole after the next"
transfer up cut
said 'Command:.STOR cut'
other -o down "ftp://$host:$port/cut"
same up down

step "a listing, and a rename by F2"
other -Q "DELE a" -Q "DELE grown" -l "ftp://$host:$port/" >/dev/null
configure
start -c 0/door
await has_said 'Directory listing of "/" successful'
said 'Listing:.*size=3000001;.* cut'
# The right half is the server's list; its last entry is the file. If F2 comes too early,
# the name opens a transfer and its dialog: Escape closes it before the next try.
press_until 'Command:.RNTO renamed' key Escape mousemove 750 500 click 1 key End key F2 \
    key ctrl+a key r e n a m e d Return
await has_said 'Response:.250 '
other -o down "ftp://$host:$port/renamed"
same up down

echo "filezilla: done"
