#!/usr/bin/env bash
# Node's basic-ftp shows one ticket again and again. Many transfers in one
# session, and uploads in four parallel sessions.
# In the long run.
set -euo pipefail
. "$(dirname "$0")/opening" "$@"
modules=$(cd "$here/../../.." && pwd)/build/npm/node_modules
[[ -d $modules ]] || fail "basic-ftp is missing: run $here/npm/install"
: >up
for version in TLSv1.2 TLSv1.3; do
    step "$version: $many in one session, $each in each of four"
    timeout 100 node "$here/basic-ftp.js" "$modules" "$host" "$port" "$user" \
        "$passfile" "$cacert" "$version" many "$many" "$each" 2>>transcript
    other -Q 'DELE m' -l "ftp://$host:$port/" >/dev/null
done
echo "basic-ftp-tickets: done"
