#!/usr/bin/env python3
"""A client like aioftp or Go's jlaffaye/ftp before 0.2: PORT PASSWORD CACERT WAY…

For each WAY: begins TLS on the data connection before it sends the command, which
no server answers; gives up after a second, and ends by WAY: quit, close or reset.
"""
import ftplib
import socket
import ssl
import struct
import sys

port, password, cacert = sys.argv[1:4]
context = ssl.create_default_context(cafile=cacert)
context.check_hostname = False
for way in sys.argv[4:]:
    ftp = ftplib.FTP_TLS(context=context, timeout=20)
    ftp.connect("127.0.0.1", int(port))
    ftp.login("anna", password)
    ftp.prot_p()
    data = socket.create_connection(ftp.makepasv(), timeout=1)
    try:
        context.wrap_socket(data, session=ftp.sock.session)
    except (TimeoutError, ssl.SSLError):
        pass
    else:
        sys.exit("the server began TLS before the command")
    if way == "quit":
        ftp.quit()
    elif way == "reset":
        ftp.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    ftp.close()
