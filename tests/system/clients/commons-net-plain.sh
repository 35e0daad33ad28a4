#!/usr/bin/env bash
# Apache Commons Net without changes never resumes. With data_binding=address it
# transfers files all the same.
set -euo pipefail
. "$(dirname "$0")/opening" "$@"
play() {
    timeout 100 java -XX:TieredStopAtLevel=1 -XX:-UsePerfData \
        -cp /usr/share/java/commons-net.jar "$here/commons-net.java" "$1" \
        "$host" "$port" "$user" "$passfile" "$cacert" "$many" "$each" \
        2>>transcript
}
: >up
step "$many in one session, $each in each of four, in TLS 1.2 and 1.3"
play plain-many
echo "commons-net-plain: done"
