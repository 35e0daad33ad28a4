#!/usr/bin/env bash
# Apache Commons Net on the JDK, with the hook that passes a TLS session on.
# JSSE uses each ticket of TLS 1.3 once. Many transfers in one session, and
# uploads in four parallel sessions.
set -euo pipefail
. "$(dirname "$0")/opening" "$@"
play() {
    timeout 100 java -XX:TieredStopAtLevel=1 -XX:-UsePerfData \
        --add-opens java.base/sun.security.ssl=ALL-UNNAMED \
        --add-opens java.base/sun.security.util=ALL-UNNAMED \
        -cp /usr/share/java/commons-net.jar "$here/commons-net.java" "$1" \
        "$host" "$port" "$user" "$passfile" "$cacert" "$many" "$each" \
        2>>transcript
}
: >up
step "$many in one session, $each in each of four, in TLS 1.2 and 1.3"
play many
echo "commons-net-tickets: done"
