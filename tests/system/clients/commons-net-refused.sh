#!/usr/bin/env bash
# Apache Commons Net without changes never resumes. By default the server
# refuses it, and its reply says what to change.
# In the long run.
set -euo pipefail
. "$(dirname "$0")/opening" "$@"
. "$here/commons-net-opening"
: >up
step "no upload and no listing, in TLS 1.2 and 1.3"
play plain-refused
said '^425 .*not resumed'
echo "commons-net-refused: done"
