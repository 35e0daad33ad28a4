#!/usr/bin/env bash
# Apache Commons Net on the JDK (JSSE): commons-net.java, in TLS 1.2 and 1.3.
set -euo pipefail
. "$(dirname "$0")/opening" "$@"
head -c 3000001 /dev/urandom >up

play() {
    timeout --foreground 60 java -XX:TieredStopAtLevel=1 -XX:-UsePerfData \
        --add-opens java.base/sun.security.ssl=ALL-UNNAMED \
        --add-opens java.base/sun.security.util=ALL-UNNAMED \
        -cp /usr/share/java/commons-net.jar "$here/commons-net.java" "$1" \
        "$host" "$port" "$user" "$passfile" "$cacert" "${@:2}" 2>>transcript
}

step "upload, download, resumed download, listing, rename, in TLS 1.2 and 1.3"
play whole
said '^226 Transfer complete'
said '^350 Restarting at 1000000'

step "two uploads, left in the middle"
play half "$home"
await nobody_is_in

step "are gone on with"
play rest
said '^REST [1-9]'
said '^226 Transfer complete'
mkfifo slow
interrupt_uploading play slowly
echo "commons-net: done"
