#!/usr/bin/env bash
# The client of this tree: what becomes of changed files. Its own tests have the rest.
set -euo pipefail
. "$(dirname "$0")/opening" "$@"
url=ftps://$user@$host:$port

play() {
    timeout 60 "$SALLYPORT_BUILD/bin/sallyport" "$1" --cacert "$cacert" \
        --password-file "$passfile" "${@:2}" >>transcript 2>&1
}
up() { play put --conflict skip "changed/$1" "$url/changed"; }
down() { play get --conflict skip "$url/changed/$1" changed; }
both() { play sync "${@:1:2}"; }
changed upload 'sallyport `put --conflict skip`' up
changed download 'sallyport `get --conflict skip`' down
changed upload 'sallyport `sync`' both changed "$url/changed"
changed download 'sallyport `sync`' both "$url/changed" changed
echo "sallyport: done"
