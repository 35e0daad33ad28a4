#!/usr/bin/env bash
# Apache Commons Net without changes never resumes. With data_binding=address it
# transfers files all the same.
# In the long run.
set -euo pipefail
. "$(dirname "$0")/opening" "$@"
. "$here/commons-net-opening"
: >up
step "$many in one session, $each in each of four, in TLS 1.2 and 1.3"
play plain-many "$many" "$each"
echo "commons-net-plain: done"
