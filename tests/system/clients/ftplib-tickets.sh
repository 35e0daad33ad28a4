#!/usr/bin/env bash
# Python's ftplib with what many write around it, a subclass that hands the TLS
# session over to the data connections: fifty transfers in one session.
set -euo pipefail
. "$(dirname "$0")/opening" "$@"
step "fifty in one session, TLS 1.2 and 1.3"
timeout 60 /usr/bin/python3 - "$@" >>transcript 2>&1 <<'END'
import ftplib, io, ssl, sys

host, port, user, passfile, cacert = sys.argv[1:6]
password = open(passfile).read()


class Resuming(ftplib.FTP_TLS):
    def ntransfercmd(self, cmd, rest=None):
        conn, size = ftplib.FTP.ntransfercmd(self, cmd, rest)
        if self._prot_p:
            conn = self.context.wrap_socket(conn, server_hostname=self.host,
                                            session=self.sock.session)
            assert conn.session_reused, "not resumed"
        return conn, size


for version in ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3:
    context = ssl.create_default_context(cafile=cacert)
    context.minimum_version = context.maximum_version = version
    ftp = Resuming(context=context, timeout=30)
    ftp.connect(host, int(port))
    ftp.login(user, password)
    ftp.prot_p()
    for i in range(25):
        ftp.storbinary("STOR many", io.BytesIO(b"%d" % i))
        got = io.BytesIO()
        ftp.retrbinary("RETR many", got.write)
        assert got.getvalue() == b"%d" % i
    ftp.quit()
END
echo "ftplib-tickets: done"
