#!/usr/bin/env bash
# Apache Commons Net without changes never resumes. By default the server
# refuses it, and its reply says what to change.
set -euo pipefail
. "$(dirname "$0")/opening" "$@"
play() {
    timeout 100 java -XX:TieredStopAtLevel=1 -XX:-UsePerfData \
        -cp /usr/share/java/commons-net.jar "$here/commons-net.java" "$1" \
        "$host" "$port" "$user" "$passfile" "$cacert" 2>>transcript
}
: >up
step "no upload and no listing, in TLS 1.2 and 1.3"
play plain-refused
said '^425 .*not resumed'
echo "commons-net-refused: done"
