#!/usr/bin/env bash
# Apache Commons Net on the JDK, with the hook that passes a TLS session on.
# JSSE uses each ticket of TLS 1.3 once. Many transfers in one session, and
# uploads in four parallel sessions.
# In the long run.
set -euo pipefail
. "$(dirname "$0")/opening" "$@"
. "$here/commons-net-opening"
opens=(--add-opens java.base/sun.security.ssl=ALL-UNNAMED
    --add-opens java.base/sun.security.util=ALL-UNNAMED)
: >up
step "$many in one session, $each in each of four, in TLS 1.2 and 1.3"
play many "$many" "$each"
echo "commons-net-tickets: done"
