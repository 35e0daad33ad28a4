"""Active mode, with PORT and with EPRT: PORT CACERT PASSWORD of a user anna.

By Python's ftplib, since curl 7.87 and 7.88 (Debian 12) leave TLS out of the
data connections of active mode, with any option (curl/curl#10666)."""
import ftplib
import io
import os
import ssl
import sys


class Plain(ftplib.FTP_TLS):
    """Hands the control connection's TLS session to the data connections."""

    def ntransfercmd(self, cmd, rest=None):
        conn, size = ftplib.FTP.ntransfercmd(self, cmd, rest)
        return self.context.wrap_socket(
            conn, server_hostname=self.host, session=self.sock.session
        ), size


class Extended(Plain):
    def sendport(self, host, port):
        return self.sendeprt(host, port)


def play(kind, port, cacert, password):
    client = kind(context=ssl.create_default_context(cafile=cacert), timeout=30)
    client.connect("127.0.0.1", port)
    client.login("anna", password)
    client.prot_p()
    client.set_pasv(False)
    sent, got = os.urandom(1000001), io.BytesIO()
    client.storbinary("STOR f", io.BytesIO(sent))
    client.retrbinary("RETR f", got.write)
    assert got.getvalue() == sent, "differs"
    assert client.nlst() == ["f"], "the listing"
    client.quit()


for one in (Plain, Extended):
    play(one, int(sys.argv[1]), sys.argv[2], sys.argv[3])
