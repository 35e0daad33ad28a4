#!/usr/bin/env bash
# Python's ftplib, which can't resume TLS sessions: SCRIPT HOST PORT USER
# PASSFILE CACERT WORKDIR
set -euo pipefail
cd "$6"
exec timeout 100 /usr/bin/python3 - "$@" <<'END'
import ftplib, io, os, ssl, sys

host, port, user, passfile, cacert, work = sys.argv[1:7]
password = open(passfile).read()


def connect(version):
    context = ssl.create_default_context(cafile=cacert)
    context.minimum_version = context.maximum_version = version
    ftp = ftplib.FTP_TLS(context=context, timeout=30)
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


def play(ftp):
    data = os.urandom(2000003)
    ftp.mkd("dir")
    ftp.cwd("dir")
    assert ftp.pwd() == "/dir", ftp.pwd()
    ftp.storbinary("STOR a", io.BytesIO(data))
    assert ftp.size("a") == len(data)
    got = io.BytesIO()
    ftp.retrbinary("RETR a", got.write)
    assert got.getvalue() == data
    got = io.BytesIO()
    ftp.retrbinary("RETR a", got.write, rest=1000000)
    assert got.getvalue() == data[1000000:]
    assert ftp.nlst() == ["a"], ftp.nlst()
    facts = dict(ftp.mlsd())["a"]
    assert facts["type"] == "file" and int(facts["size"]) == len(data), facts
    lines = []
    ftp.retrlines("LIST", lines.append)
    assert len(lines) == 1 and lines[0].endswith(" a"), lines
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
    play(connect(version))
    print("ftplib:", version.name, "done")

# Without PROT P nothing flows.
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
print("ftplib: done")
END
