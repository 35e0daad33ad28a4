#!/usr/bin/env bash
# Apache Commons Net on the JDK (JSSE): commons-net.java, in TLS 1.2 and 1.3.
# In the long run.
set -euo pipefail
. "$(dirname "$0")/opening" "$@"
. "$here/commons-net-opening"
opens=(--add-opens java.base/sun.security.ssl=ALL-UNNAMED
    --add-opens java.base/sun.security.util=ALL-UNNAMED)
head -c 3000001 /dev/urandom >up

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
changed upload 'Commons Net `setRestartOffset(`' play changed up
changed download 'Commons Net `setRestartOffset(`' play changed down
mkfifo slow
interrupt_uploading play slowly
echo "commons-net: done"
