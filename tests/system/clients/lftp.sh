#!/usr/bin/env bash
# lftp (GnuTLS): a tree mirrored up and down with the certificate verified,
# times, modes; resuming both, listing, renaming.
set -euo pipefail
. "$(dirname "$0")/opening" "$@"
export LFTP_HOME=$work/lftp
mkdir -p "$LFTP_HOME"

# The password is in a file that only this user can read, not on a command line.
say() {
    (umask 077; cat >commands <<END
debug -o transcript 5
set ftp:ssl-force yes
set ftp:ssl-protect-data yes
set ssl:verify-certificate yes
set ssl:ca-file $cacert
set ssl:check-hostname yes
set mirror:overwrite yes
set net:max-retries 2
set net:timeout 20
set net:reconnect-interval-base 1
set cmd:fail-exit yes
open -p ${open:-$port $host}
user $user "$(<"$passfile")"
$1
bye
END
    )
    timeout --foreground 60 lftp -f commands
}

mkdir -p tree/one/two "tree/with blank"
head -c 1500000 /dev/urandom >tree/large
head -c 70000 /dev/urandom >tree/one/middle
: >tree/one/two/empty
echo text >"tree/with blank/ä ö"
for i in $(seq 40); do echo "$i" >"tree/one/two/small-$i"; done

step "mirror up"
say "mirror -R --no-perms --parallel=3 tree up"
step "mirror down"
say "mirror --no-perms --parallel=3 up back"
diff -r tree back
step "mirror up, with removals"
rm tree/one/two/small-1
say "mirror -R -e --no-perms tree up"
[[ ! -e $home/up/one/two/small-1 ]]

step "the same with implicit TLS"
open="$implicit ftps://$host" say "mirror -R --no-perms --parallel=3 tree up-990
mirror --no-perms --parallel=3 up-990 back-990
rm -r up-990"
diff -r tree back-990

step "a second mirror moves nothing"
say "mirror -R --no-perms --only-newer -vvv tree up" >second
! grep -q 'Transferring' second || fail "$(<second)"

times() {
    (cd "$1" && find . -type f -printf '%P %TY-%Tm-%Td %TH:%TM:%.2TS\n' | LC_ALL=C sort)
}
step "times survive the way up and down"
mkdir dated
echo 1 >"dated/with blank"
echo 2 >dated/two
touch -d '2001-02-03 04:05:06 UTC' "dated/with blank"
touch -d '2020-02-29 23:59:58 UTC' dated/two
say "mirror -R --no-perms dated dated
mirror --no-perms dated back-dated
rm -r dated"
diff <(times dated) <(times back-dated)

step "modes"
say "chmod 640 up/large"
[[ $(say "cls -l --perms up/large") == -rw-r-----* ]]

step "resume of a download"
head -c 400000 tree/large >part
say "get -c up/large -o part"
said '^---> REST 400000'
said '^<--- 226 '
same tree/large part

up() { say "put -c changed/$1 -o changed/$1"; }
down() { say "get -c changed/$1 -o changed/$1"; }
changed upload 'lftp `put -c`' up
changed download 'lftp `get -c`' down
up() { say "mirror ${*:1:$#-1} --no-perms changed changed"; }
down() { say "mirror --no-perms changed changed"; }
changed upload 'lftp `mirror -R`' up -R
changed upload 'lftp `mirror -R -e`' up -R -e
changed download 'lftp `mirror`' down

interrupt_uploading say "set net:limit-rate 0:100k
put tree/large -o kept"
mkdir large
cp tree/large large/kept
interrupt_uploading say "set net:limit-rate 0:100k
mirror -R --no-perms large ."

# By default "mirror" deletes the old file first.
step "mirror without mirror:overwrite"
echo old | other -T - "ftp://$host:$port/kept"
begin say "set net:limit-rate 0:100k; set mirror:overwrite no
mirror -R --no-perms large ."
kill_uploading kept
[[ ! -e $home/kept ]] || fail "the old file stays: change the docs"
rm -f "$home"/.sallyport-*.part

step "an upload that is killed"
begin say "set net:limit-rate 0:100k
put tree/large -o cut"
kill_uploading cut

step "is gone on with"
say "put -c tree/large -o cut"
said '^---> REST [1-9]'
said '^<--- 226 '
say "get cut -o back-cut"
same tree/large back-cut
say "rm cut"

step "listing, rename, remove"
say "ls up" >list
grep -q '^-rw.* 1500000 .* large' list
say "cls -1 up/one/two" | grep -q small-40
say "mv up/large up/renamed"
said '^<--- 350 '
said '^<--- 250 Done'
say "cls -1 up" | grep -qx up/renamed
say "rm up/renamed"
say "rm -r up"
[[ -z $(say "cls -1") ]]
for mlsd in no yes; do
    step "rm -r follows no link, use-mlsd $mlsd"
    make_links
    say "set ftp:use-mlsd $mlsd
mirror --no-perms linked copied-$mlsd
rm -r linked"
    links_are_gone
    [[ -z $(find copied-$mlsd -mindepth 1 -type d) ]] || fail "it went round"
done

step "without TLS it gives up at once"
! say "set ftp:ssl-force no
set ftp:ssl-allow no
ls" 2>message || fail "lftp got in"
grep -q '^ls: .* 530 TLS comes before USER' message || fail "$(<message)"
(($(grep -c '^---> USER' <(sed '/^==> without TLS/,$!d' transcript)) == 1)) ||
    fail "lftp tried again"
echo "lftp: done"
