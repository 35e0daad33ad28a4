#!/usr/bin/env bash
# Python's ftplib: without changes, when it never resumes a TLS session, and
# with the few lines that pass the control connection's session on.
set -euo pipefail
. "$(dirname "$0")/opening" "$@"
step "all five, TLS 1.2 and 1.3"
timeout 60 /usr/bin/python3 - "$@" >>transcript 2>&1 <<'END'
import ftplib, io, os, ssl, sys

host, port, user, passfile, cacert = sys.argv[1:6]
password = open(passfile).read()


class Resuming(ftplib.FTP_TLS):
    def ntransfercmd(self, cmd, rest=None):
        conn, size = ftplib.FTP.ntransfercmd(self, cmd, rest)
        if self._prot_p:
            conn = self.context.wrap_socket(conn, server_hostname=self.host,
                                            session=self.sock.session)
        return conn, size


def connect(version, kind):
    context = ssl.create_default_context(cafile=cacert)
    context.minimum_version = context.maximum_version = version
    ftp = kind(context=context, timeout=30)
    ftp.set_debuglevel(1)
    ftp.connect(host, int(port))
    ftp.login(user, password)
    ftp.prot_p()
    return ftp


def refused(code, function, *arguments):
    try:
        function(*arguments)
    except ftplib.Error as error:
        assert str(error).startswith(code), error
        return
    raise AssertionError("not refused: %r" % (arguments,))


def done(reply):
    assert reply.startswith("226"), reply


# The connection breaks in the middle of an upload: closing without unwrap()
# sends no close_notify.
def go_on(ftp, data):
    with ftp.transfercmd("STOR c") as conn:
        conn.sendall(data[:1500000])
    refused("426", ftp.voidresp)
    assert ftp.nlst() == ["a"], ftp.nlst()
    at = ftp.size("c")
    assert 0 < at < 1500000, at
    done(ftp.storbinary("STOR c", io.BytesIO(data[at:]), rest=at))
    got = io.BytesIO()
    ftp.retrbinary("RETR c", got.write)
    assert got.getvalue() == data
    ftp.delete("c")


def play(ftp):
    data = os.urandom(2000003)
    ftp.mkd("dir")
    ftp.cwd("dir")
    assert ftp.pwd() == "/dir", ftp.pwd()
    done(ftp.storbinary("STOR a", io.BytesIO(data)))
    assert ftp.size("a") == len(data)
    got = io.BytesIO()
    ftp.retrbinary("RETR a", got.write)
    assert got.getvalue() == data
    got = io.BytesIO()
    done(ftp.retrbinary("RETR a", got.write, rest=1000000))
    assert got.getvalue() == data[1000000:]
    assert ftp.nlst() == ["a"], ftp.nlst()
    facts = dict(ftp.mlsd())["a"]
    assert facts["type"] == "file" and int(facts["size"]) == len(data), facts
    lines = []
    ftp.retrlines("LIST", lines.append)
    assert len(lines) == 1 and lines[0].endswith(" a"), lines
    assert " %d " % len(data) in lines[0], lines
    go_on(ftp, data)
    ftp.rename("a", "b")
    refused("550", ftp.size, "a")
    refused("550", ftp.rmd, "/dir")
    ftp.delete("b")
    ftp.cwd("..")
    ftp.rmd("dir")
    assert ftp.nlst() == []
    refused("534", ftp.prot_c)
    ftp.quit()


for version in ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3:
    for kind in ftplib.FTP_TLS, Resuming:
        play(connect(version, kind))

# Without PROT P there are no transfers.
context = ssl.create_default_context(cafile=cacert)
ftp = ftplib.FTP_TLS(context=context, timeout=30)
ftp.connect(host, int(port))
ftp.login(user, password)
refused("521", ftp.storbinary, "STOR x", io.BytesIO(b"x"))
ftp.quit()

# Without TLS there is no login at all.
ftp = ftplib.FTP(timeout=30)
ftp.connect(host, int(port))
refused("530", ftp.login, user, password)
END
said "^[*]resp[*] '226 Transfer complete"

cat >changed.py <<'END'
import ftplib, os, ssl, sys

host, port, user, passfile, cacert, way, name = sys.argv[1:]
ftp = ftplib.FTP_TLS(context=ssl.create_default_context(cafile=cacert))
ftp.connect(host, int(port))
ftp.login(user, open(passfile).read())
ftp.prot_p()
name = "changed/" + name
if way == "up":
    at = ftp.size(name)
    with open(name, "rb") as file:
        file.seek(at)
        ftp.storbinary("STOR " + name, file, rest=at)
else:
    with open(name, "ab") as file:
        ftp.retrbinary("RETR " + name, file.write, rest=file.tell())
END
go_on() { timeout 60 /usr/bin/python3 changed.py "${opening[@]:0:5}" "$@" >>transcript 2>&1; }
changed upload 'ftplib `rest=`' go_on up
changed download 'ftplib `rest=`' go_on down

mkfifo slow
cat >slow.py <<'END'
import ftplib, ssl, sys

host, port, user, passfile, cacert = sys.argv[1:6]
ftp = ftplib.FTP_TLS(context=ssl.create_default_context(cafile=cacert))
ftp.connect(host, int(port))
ftp.login(user, open(passfile).read())
ftp.prot_p()
ftp.storbinary("STOR kept", open("slow", "rb"))
END
upload_slowly() {
    timeout --foreground 60 /usr/bin/python3 slow.py "$@" >>transcript 2>&1
}
interrupt_uploading upload_slowly "$@"
echo "ftplib: done"
