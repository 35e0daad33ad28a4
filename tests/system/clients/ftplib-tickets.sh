#!/usr/bin/env bash
# Python's ftplib with a common subclass that passes the TLS session to the data
# connections. Many transfers in one session, and uploads in four parallel
# sessions.
# In the long run.
set -euo pipefail
. "$(dirname "$0")/opening" "$@"
many=50 each=25 # ftplib is fast
step "$many in one session, $each in each of four, TLS 1.2 and 1.3"
timeout 100 /usr/bin/python3 - "$host" "$port" "$user" "$passfile" "$cacert" \
    "$many" "$each" >>transcript 2>&1 <<'END'
import ftplib, io, ssl, sys
from concurrent.futures import ThreadPoolExecutor

host, port, user, passfile, cacert = sys.argv[1:6]
many, each = map(int, sys.argv[6:])
password = open(passfile).read()


class Resuming(ftplib.FTP_TLS):
    def ntransfercmd(self, cmd, rest=None):
        conn, size = ftplib.FTP.ntransfercmd(self, cmd, rest)
        if self._prot_p:
            conn = self.context.wrap_socket(conn, server_hostname=self.host,
                                            session=self.sock.session)
            assert conn.session_reused, "not resumed"
        return conn, size


def enter(version):
    context = ssl.create_default_context(cafile=cacert)
    context.minimum_version = context.maximum_version = version
    ftp = Resuming(context=context, timeout=30)
    ftp.connect(host, int(port))
    ftp.login(user, password)
    ftp.prot_p()
    return ftp


def uploads(version, n):
    ftp = enter(version)
    for i in range(each):
        ftp.storbinary("STOR %d-%d" % (n, i), io.BytesIO(b"%d" % i))
    ftp.quit()


for version in ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3:
    ftp = enter(version)
    for i in range(many // 2):
        ftp.storbinary("STOR many", io.BytesIO(b"%d" % i))
        got = io.BytesIO()
        ftp.retrbinary("RETR many", got.write)
        assert got.getvalue() == b"%d" % i
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda n: uploads(version, n), range(4)))
    assert len(ftp.nlst()) == 1 + 4 * each
    ftp.quit()
END
echo "ftplib-tickets: done"
