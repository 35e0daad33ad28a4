#!/usr/bin/env bash
# curl after transfers that the server has refused or broken off: each ends with
# its own exit status, and every other transfer of the same command succeeds.
# CASE HOST PORT USER PASSFILE CACERT WORKDIR HOME LOG ROUNDS: HOME is the
# user's on the server, LOG the server's.
set -euo pipefail
case=$1 host=$2 port=$3 user=$4 passfile=$5 cacert=$6 work=$7 home=$8 log=$9
rounds=${10}
unset "${!SSL_@}" "${!CURL_@}"
export HOME=$work LC_ALL=C.UTF-8
cd "$work"
url=ftp://$host:$port
(umask 077; printf 'machine %s login %s password "%s"\n' "$host" "$user" \
    "$(<"$passfile")" >netrc)
options=(--silent --show-error --verbose --max-time 60 --netrc-file netrc
    --cacert "$cacert" --ssl-reqd --write-out '%{exitcode}\n')

fail() {
    echo "$case, round $round: $*"
    cat transcript
    exit 1
}

# PATTERN, then OPTION FILE PATH for each transfer of one curl: -T or -o, and
# more options in one word. Prints the exit status of each, with a blank after
# it.
curls() {
    local wanted=$1 got transfers=()
    shift
    while (($# > 0)); do
        # shellcheck disable=SC2206 # one word per option
        transfers+=("${options[@]}" $1 "$2" "$url/$3" --next)
        shift 3
    done
    unset 'transfers[-1]'
    got=$(curl "${transfers[@]}" 2>transcript | tr '\n' ' ') || :
    [[ $got =~ ^$wanted$ ]] || fail "exit statuses $got, not $wanted"
}
same() { cmp "$1" "$2" || fail "$1 and $2 differ"; }
stored() { same "$1" "$home/$1"; }
absent() { [[ ! -e $home/$1 ]] || fail "$1 can be seen"; }
said() { grep -q "^< $1 " transcript || fail "no $1"; }

failure='[1-9][0-9]*'

# In TYPE A curl sends no SIZE, so RETR is refused.
missing() {
    curls '78 0 0 ' '-B -o' a none '-B -o' b n1 '-B -o' c n2
    said 550
    [[ ! -e a ]] || fail "there is an a"
    same b "$home/n1"
    same c "$home/n2"
}
denied() {
    curls '25 0 ' -T k1 closed/k1 -o b n1
    said 550
    same b "$home/n1"
    absent closed/k1
}
taken() {
    curls '25 0 0 ' -T k1 k1 -T new1 new1 -T new2 new2
    said 553
    same old "$home/k1"
    stored new1
    stored new2
}
several() {
    curls '25 0 78 9 25 0 ' -T k1 closed/k1 -T new1 new1 '-B -o' a none \
        -o a none/ -T k1 k1 -o c n1
    stored new1
    same c "$home/n1"
}
# 425: the data connection resumes no session.
unbound() {
    curls "0 $failure 0 " -T new1 new1 '--no-sessionid -T' new2 lost \
        -T new2 new2
    said 425
    stored new1
    stored new2
    absent lost
}
# Runs COMMAND while curl waits for the reader of its output.
while_waiting() {
    local reader
    [[ -p pipe ]] || mkfifo pipe
    { head -c 1 && "$@" && cat; } <pipe >/dev/null &
    reader=$!
    curls "$failure 0 0 " -o pipe sparse -o b n1 -T new1 new1
    wait "$reader"
    same b "$home/n1"
    stored new1
}
logged() { grep -c "path=/sparse .* result=$1 " "$log" || :; }
has_stalled() {
    until (($(logged 426) > before)); do
        sleep 0.1
    done
}
# 426: nothing moves for stall_timeout.
stalled() {
    local before
    before=$(logged 426)
    truncate -s 64M "$home/sparse"
    while_waiting has_stalled
}
# 451: the file was shortened.
shortened() {
    local before i
    before=$(logged 451)
    truncate -s 64M "$home/sparse"
    while_waiting truncate -s 1M "$home/sparse"
    for ((i = 0; i < 100 && $(logged 451) <= before; i++)); do sleep 0.1; done
    (($(logged 451) > before)) || fail "no 451"
}
# 452: the disk is full.
full() {
    curls "$failure 0 0 " -T big lost -o b n1 -o c n2
    said 452
    same b "$home/n1"
    same c "$home/n2"
    absent lost
}
# 552: larger than max_file_size.
large() {
    curls "$failure 0 0 " -T big lost -T new1 new1 -o b n1
    said 552
    stored new1
    same b "$home/n1"
    absent lost
}

for name in k1 new1 new2; do head -c 30000 /dev/urandom | base64 >"$name"; done
echo "what was there" >old
head -c 3000000 /dev/urandom >big
for ((round = 1; round <= rounds; round++)); do
    rm -f a b c "$home"/new[12]
    "$case"
done
echo "refusals: $case done"
