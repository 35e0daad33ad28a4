#!/usr/bin/env bash
# Node's basic-ftp, by basic-ftp.js, in TLS 1.2 and 1.3. npm/package-lock.json
# pins its version, and npm/install has put it under build.
set -euo pipefail
. "$(dirname "$0")/opening" "$@"
modules=$(cd "$here/../../.." && pwd)/build/npm/node_modules
[[ -d $modules ]] || fail "basic-ftp is missing: run $here/npm/install"
head -c 3000001 /dev/urandom >up

play() {
    timeout --foreground 60 node "$here/basic-ftp.js" "$modules" "$host" "$port" "$user" \
        "$passfile" "$cacert" "$@" 2>>transcript
}

for version in TLSv1.2 TLSv1.3; do
    step "$version: all five, and an upload that is left in the middle"
    play "$version" begin "$home"
    said '^< 226 Transfer complete'
    said '^> REST 1000000'
    await nobody_is_in

    step "$version: it is gone on with"
    play "$version" goOn
    said '^> APPE c'
    said '^< 226 Transfer complete'
done
step "removeDir follows no link"
make_links
play TLSv1.3 removeLinks
links_are_gone
changed upload 'basic-ftp `appendFrom`' play TLSv1.3 changed up
changed download 'basic-ftp `downloadTo`' play TLSv1.3 changed down
mkfifo slow
interrupt_uploading play TLSv1.3 slowly
echo "basic-ftp: done"
