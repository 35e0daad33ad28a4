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
exists=5 transfer down a
said 'Command:.REST 1000000'
same up local/a

# WAY NAME: the first NAME moves all three; the window calls a file done or skipped.
go() {
    [[ $2 != longer ]] || transfer "$1" longer equal shorter || return
    awk -v name="/$2\$" '/^==> / { done = 0 } / Starting / { now = $0 ~ name }
        now && / File transfer (successful|skipped)/ { done = 1 } END { exit !done }' transcript
}
local=changed remote='1 0 7 changed'
changed upload 'FileZilla "Overwrite"' go up
changed download 'FileZilla "Overwrite"' go down
exists=5
changed upload 'FileZilla "Resume"' go up
changed download 'FileZilla "Resume"' go down
local=local remote='1 0' exists=1

# Return in the list on the left uploads its last file. The queue's files of "queue"
# would all be binary.
# With "ascii = yes" the server takes it out again: tests/system/type_a_clients.
step "text with CR LF: by Auto it gets a CR more, by Binary it doesn't"
mkdir text
printf 'text\r\nof Windows\r\n' >text/crlf.txt
for mode in 0 2; do
    configure
    start -c 0/door -a "$work/text"
    press_until 'Command:.STOR crlf.txt' key Escape mousemove 250 500 click 1 key End Return
    await has_ended
    cp "$home/crlf.txt" "crlf-$mode"
    other -Q "DELE crlf.txt" "ftp://$host:$port/" >/dev/null
    step "again"
done
same <(printf 'text\r\r\nof Windows\r\r\n') crlf-0
same text/crlf.txt crlf-2

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
other -Q "DELE a" -l "ftp://$host:$port/" >/dev/null
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
