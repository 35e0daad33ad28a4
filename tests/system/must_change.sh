#!/usr/bin/env bash
# A user who must change the password first. Arguments: HOST PORT USER PASSWORD
# DIRECTORY (to work in). No client may hang, and lftp and ftplib show what to do.
set -euo pipefail
host=$1 port=$2 user=$3 password=$4
mkdir -p "$5/lftp"
cd "$5"
export LFTP_HOME=$5/lftp LC_ALL=C.UTF-8
sentence='Change the password first: SITE PSWD old new'
echo text >file

fail() {
    echo "$1: $2" >&2
    cat said >&2
    exit 1
}

# COMMANDS…: lftp, one command on a line.
lftp_says() {
    (umask 077; cat >commands <<END
set ftp:ssl-force yes
set ssl:verify-certificate no
set net:max-retries 2
set net:timeout 20
set cmd:fail-exit yes
open -p $port $host
user $user "$password"
$1
END
    )
    timeout --foreground 30 lftp -f commands >said 2>&1
}

# For lftp a 550 to NLST is an empty directory, whatever the server.
for command in ls "ls x" "get x" "put file" "cd x" "mirror x" \
    "mirror -R . x" "rm x" "mkdir x" "mv x y" "du" "find" "chmod 600 x"; do
    status=0
    lftp_says "$command" || status=$?
    ((status == 1)) || fail "lftp $command" "exit status $status"
    grep -q "$sentence" said || fail "lftp $command" "the sentence is missing"
done

for command in LIST NLST MLSD "RETR x" "STOR x" "SIZE x" "CWD x"; do
    timeout 30 /usr/bin/python3 - "$command" >said 2>&1 <<END ||
import ftplib, ssl, sys
context = ssl._create_unverified_context()
ftp = ftplib.FTP_TLS(context=context, timeout=20)
ftp.connect("$host", $port)
ftp.login("$user", "$password")
ftp.prot_p()
ftp.voidcmd("TYPE I")
try:
    if sys.argv[1][:4] in ("SIZE", "CWD "):
        ftp.voidcmd(sys.argv[1])
    else:
        ftp.transfercmd(sys.argv[1])
except ftplib.error_perm as error:
    assert str(error) == "550 $sentence", error
else:
    sys.exit("not refused")
END
        fail "ftplib $command" "exit status $?"
done

# curl shows codes only; each is the one of the refused command.
url=ftp://$host:$port
for wish in "$url/" "$url/x" "-T file $url/x" "-I $url/x"; do
    status=0
    # shellcheck disable=SC2086
    timeout 30 curl -sSk --ssl-reqd -v -u "$user:$password" $wish >said 2>&1 ||
        status=$?
    case $status in 0 | 124) fail "curl $wish" "exit status $status" ;; esac
    grep -q "$sentence" said || fail "curl $wish" "the sentence is missing"
done

lftp_says "quote SITE PSWD \"\\\"$password\\\"\" another-password
ls
put file" || fail "lftp, the change" "exit status $?"
