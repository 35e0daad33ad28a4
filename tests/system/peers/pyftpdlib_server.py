"""pyftpdlib with TLS on both channels: DIRECTORY PORT PASSWORD."""
import sys

from pyftpdlib.authorizers import DummyAuthorizer
from pyftpdlib.handlers import TLS_FTPHandler
from pyftpdlib.servers import FTPServer

directory, port, password = sys.argv[1:]
users = DummyAuthorizer()
users.add_user("anna", password, f"{directory}/home", perm="elradfmwMT")
TLS_FTPHandler.authorizer = users
TLS_FTPHandler.certfile = f"{directory}/pair.pem"
TLS_FTPHandler.tls_control_required = True
TLS_FTPHandler.tls_data_required = True
FTPServer(("127.0.0.1", int(port)), TLS_FTPHandler).serve_forever()
