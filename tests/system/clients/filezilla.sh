#!/usr/bin/env bash
# FileZilla (GnuTLS), the real one, on an X server that shows nothing. Its
# configuration, its trust in our certificate and its queue of transfers are
# files; by the keyboard it is told to process the queue, and to rename.
# It closes by itself when the queue is done, and writes its log to transcript.
set -euo pipefail
. "$(dirname "$0")/opening" "$@"
export XDG_CONFIG_HOME=$work/config XDG_CACHE_HOME=$work/cache
export XDG_RUNTIME_DIR=$work GDK_BACKEND=x11 NO_AT_BRIDGE=1
export DBUS_SESSION_BUS_ADDRESS=unix:path=$work/nobody
export FZDEBUG=1 # else it doesn't log listings
settings=$XDG_CONFIG_HOME/filezilla
mkdir -p "$settings" local

finish() {
    local jobs
    jobs=$(jobs -p)
    # shellcheck disable=SC2086 # one word a process
    [[ -z $jobs ]] || kill $jobs 2>/dev/null || true
    wait
}
trap 'explain finish' EXIT
timeout 100 Xvfb -displayfd 3 -screen 0 1024x768x24 -nolisten tcp \
    3>display >xvfb 2>&1 &
await test -s display
DISPLAY=:$(<display)
export DISPLAY

# NAME=VALUE…: its settings, beside those that resume, that write the log, that
# end it with the queue, and that show nothing but the two lists.
configure() {
    {
        echo '<?xml version="1.0"?><FileZilla3><Settings>'
        for one in "$@" \
            "File exists action download=5" \
            "File exists action upload=5" \
            "Greeting version=99" \
            "Logging file=$work/transcript" \
            "Logging Raw Listing=1" \
            "Number of Transfers=1" \
            "Queue completion action=3" \
            "Reconnect count=0" \
            "Show message log=0" \
            "Show queue=0" \
            "Show quickconnect bar=0" \
            "Show Tree Local=0" \
            "Show Tree Remote=0" \
            "Toolbar hidden=1" \
            "Window position and size=0 0 0 1000 700"
        do
            echo "<Setting name=\"${one%%=*}\">${one#*=}</Setting>"
        done
        echo '</Settings></FileZilla3>'
    } >"$settings/filezilla.xml"
}

der=$(openssl x509 -in "$cacert" -outform der | od -An -v -tx1 | tr -d ' \n')
cat >"$settings/trustedcerts.xml" <<END
<?xml version="1.0"?><FileZilla3>
<TrustedCerts><Certificate><Data>$der</Data>
<ActivationTime>1</ActivationTime><ExpirationTime>4000000000</ExpirationTime>
<Host>$host</Host><Port>$port</Port><TrustSANs>0</TrustSANs>
</Certificate></TrustedCerts>
<FtpSessionResumption>
<Entry Host="$host" Port="$port">0</Entry>
</FtpSessionResumption></FileZilla3>
END

# Protocol 4 is FTP with explicit TLS, and nothing else.
(umask 077; cat >"$settings/sitemanager.xml" <<END
<?xml version="1.0"?><FileZilla3><Servers><Server>
<Host>$host</Host><Port>$port</Port><Protocol>4</Protocol><Type>0</Type>
<User>$user</User><Pass encoding="base64">$(base64 <"$passfile")</Pass>
<Logontype>1</Logontype><Name>door</Name>
</Server></Servers></FileZilla3>
END
)

# up|down NAME: the queue is that one file, of the folder local.
queue() {
    rm -f "$settings"/queue.sqlite3*
    (umask 077; /usr/bin/python3 - "$settings/queue.sqlite3" "$@" \
        "$work/local/" "$host" "$port" "$user" "$passfile" <<'END'
import sqlite3, sys

database, way, name, local, host, port, user, passfile = sys.argv[1:]
db = sqlite3.connect(database)
db.execute("PRAGMA encoding = 'UTF-16le'")
for table, columns in (
    ("servers", "host TEXT NOT NULL, port INTEGER, user TEXT, password TEXT,"
     " account TEXT, keyfile TEXT, protocol INTEGER, type INTEGER,"
     " logontype INTEGER, timezone_offset INTEGER, transfer_mode TEXT,"
     " max_connections INTEGER, encoding TEXT, bypass_proxy INTEGER,"
     " post_login_commands TEXT, name TEXT, parameters TEXT,"
     " site_path TEXT DEFAULT NULL"),
    ("files", "server INTEGER NOT NULL, source_file TEXT, target_file TEXT,"
     " local_path INTEGER, remote_path INTEGER, size INTEGER,"
     " error_count INTEGER, priority INTEGER, flags INTEGER,"
     " default_exists_action INTEGER, extra_flags TEXT"),
    ("local_paths", "path TEXT NOT NULL"),
    ("remote_paths", "path TEXT NOT NULL"),
):
    db.execute("CREATE TABLE %s (id INTEGER PRIMARY KEY AUTOINCREMENT"
               " NOT NULL, %s)" % (table, columns))
db.execute("PRAGMA user_version = 7")
db.execute("INSERT INTO servers (host, port, user, password, protocol, type,"
           " logontype, timezone_offset, max_connections, bypass_proxy)"
           " VALUES (?, ?, ?, ?, 4, 0, 1, 0, 1, 0)",
           (host, port, user, open(passfile).read()))
db.execute("INSERT INTO local_paths (path) VALUES (?)", (local,))
db.execute("INSERT INTO remote_paths (path) VALUES ('1 0')")
db.execute("INSERT INTO files (server, source_file, local_path, remote_path,"
           " priority, flags) VALUES (1, ?, 1, 1, 2, ?)",
           (name, 0x10 if way == "down" else 0))
db.commit()
END
    )
}

# PATTERN KEYS…: a key that comes before the window listens is lost. So they are
# pressed until the transcript has the pattern.
press_until() {
    local want=$1 end=$((SECONDS + 40)) i
    shift
    until has_said "$want"; do
        ((SECONDS < end)) || fail "pressed in vain for: $want"
        timeout 5 xdotool search --sync --onlyvisible --name FileZilla \
            windowfocus "$@" >>keys 2>&1 || true
        for ((i = 0; i < 30; i++)); do
            ! has_said "$want" || return 0
            sleep 0.1
        done
    done
}

start() { begin timeout --foreground 60 filezilla "$@" >>window 2>&1; }
has_ended() { ! kill -0 "$running" 2>/dev/null; }
process_queue() {
    start
    press_until 'Status:.Connecting' key ctrl+p
}
transfer() {
    configure
    queue "$@"
    process_queue
    await has_ended
    said 'Response:.226 Transfer complete'
    said 'Status:.File transfer successful'
}

head -c 3000001 /dev/urandom >up

step "an upload"
cp up local/a
transfer up a
said 'Command:.STOR a'
other -o down "ftp://$host:$port/a"
same up down

step "a download"
rm local/a
transfer down a
same up local/a

step "a download is gone on with"
head -c 1000000 up >local/a
transfer down a
said 'Command:.REST 1000000'
same up local/a

step "an upload of what has grown goes on behind what is there"
head -c 1000000 up >part
other -T part "ftp://$host:$port/grown"
cp up local/grown
transfer up grown
said 'Command:.REST 1000000'
said 'Command:.STOR grown'
other -o down "ftp://$host:$port/grown"
same up down

# It asks the listing what is there, and no SIZE: an unfinished upload isn't in
# it, so FileZilla begins anew, where others go on.
step "an upload that is killed"
cp up local/cut
configure "Enable speed limits=1" "Speedlimit outbound=300"
queue up cut
process_queue
kill_uploading cut

step "is whole after the next"
transfer up cut
said 'Command:.STOR cut'
other -o down "ftp://$host:$port/cut"
same up down

step "a listing, and a rename by F2"
other -Q "DELE a" -Q "DELE grown" -l "ftp://$host:$port/" >/dev/null
configure
start -c 0/door
await has_said 'Directory listing of "/" successful'
said 'Listing:.*size=3000001;.* cut'
# The right half is the server's list; its last entry is the file.
press_until 'Command:.RNTO renamed' mousemove 750 500 click 1 key End key F2 \
    key ctrl+a key r e n a m e d Return
await has_said 'Response:.250 '
other -o down "ftp://$host:$port/renamed"
same up down
echo "filezilla: done"
