"""pyftpdlib with TLS on both channels, for the user anna with a hashed
password: HOME PORT PAIR, and the hash in BENCH_HASH."""
import ctypes
import ctypes.util
import logging
import os
import sys

from pyftpdlib.authorizers import AuthenticationFailed, DummyAuthorizer
from pyftpdlib.handlers import TLS_FTPHandler
from pyftpdlib.servers import FTPServer

home, port, pair = sys.argv[1:]
wanted = os.environ["BENCH_HASH"].encode()
# Python 3.13 has no module crypt any more.
libcrypt = ctypes.CDLL(ctypes.util.find_library("crypt"))
libcrypt.crypt.restype = ctypes.c_char_p


class Users(DummyAuthorizer):
    def validate_authentication(self, username, password, handler):
        if username != "anna" or libcrypt.crypt(password.encode(), wanted) != wanted:
            raise AuthenticationFailed


logging.basicConfig(level=logging.ERROR)
users = Users()
users.add_user("anna", "", home, perm="elradfmwMT")
TLS_FTPHandler.authorizer = users
TLS_FTPHandler.certfile = pair
TLS_FTPHandler.tls_control_required = True
TLS_FTPHandler.tls_data_required = True
server = FTPServer(("127.0.0.1", int(port)), TLS_FTPHandler, backlog=1000)
server.max_cons = 4000
server.serve_forever()
