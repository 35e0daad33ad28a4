"""Gives any FTPS server a limit, for tests of the client.

usage: limits.py LIMIT PORT SERVER_PORT CERTIFICATE KEY

It stands between the client and the server on the control connection only: data
connections go to the server, which must not ask for a resumed TLS session. LIMIT is:
  no_mlsd  MLST and MLSD aren't known
  no_mfmt  MFMT is refused
  no_hash  HASH is in FEAT, and refused
  one_425  the third data connection is refused
  idle     a session ends after two seconds without a command
  away     while the file "away" is here, no file and no directory is there
  dash_a   as no_mlsd, and LIST -a shows an empty directory, /void"""
import os
import socket
import ssl
import sys
import threading
import time

LIMIT, PORT, SERVER_PORT, CERTIFICATE, KEY = sys.argv[1:]
DATA = ("STOR", "APPE", "RETR", "MLSD", "LIST", "NLST")
NAMES = DATA + ("MLST", "SIZE", "CWD", "MKD", "RNFR", "DELE", "MDTM")
IDLE_S = 2
lock = threading.Lock()
transfers = 0


def is_third(verb):
    global transfers
    with lock:
        transfers += verb in DATA
        return verb in DATA and transfers == 3


def client_context():
    c = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    c.load_cert_chain(CERTIFICATE, KEY)
    return c


def server_context():
    c = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    c.check_hostname = False
    c.verify_mode = ssl.CERT_NONE
    return c


CLIENTS, SERVERS = client_context(), server_context()


class Lines:
    def __init__(self, s):
        self.s, self.rest = s, b""

    def get(self):
        while b"\n" not in self.rest:
            more = self.s.recv(65536)
            if not more:
                raise ConnectionError
            self.rest += more
        line, self.rest = self.rest.split(b"\n", 1)
        return line.rstrip(b"\r")

    def put(self, line):
        self.s.sendall(line + b"\r\n")

    # All lines of a reply; the last one has a blank after the code.
    def reply(self):
        lines = [self.get()]
        code = lines[0][:3]
        while not (lines[-1][:3] == code and lines[-1][3:4] != b"-"):
            lines.append(self.get())
        return lines


class Session(threading.Thread):
    def __init__(self, client):
        super().__init__(daemon=True)
        self.client = Lines(client)

    def run(self):
        try:
            self.talk()
        except OSError:
            pass
        self.client.s.close()

    def connect(self):
        server = Lines(socket.create_connection(("127.0.0.1", int(SERVER_PORT))))
        greeting = server.reply()
        server.put(b"AUTH TLS")
        server.reply()
        server.s = SERVERS.wrap_socket(server.s)
        return server, greeting

    def talk(self):
        self.server, greeting = self.connect()
        self.pass_on(greeting)
        while self.client.get().upper() != b"AUTH TLS":
            self.client.put(b"530 TLS first")
        self.client.put(b"234 go")
        self.client.s = CLIENTS.wrap_socket(self.client.s, server_side=True)
        while True:
            self.client.s.settimeout(IDLE_S if LIMIT == "idle" else None)
            try:
                line = self.client.get()
            except TimeoutError:
                self.client.put(b"421 Timeout")
                return
            self.client.s.settimeout(None)
            self.command(line)

    def pass_on(self, lines):
        for line in lines:
            self.client.put(line)

    def command(self, line):
        words = line.decode(errors="replace").split(" ", 1)
        verb = words[0].upper()
        refusal = self.refusal(verb)
        if refusal:
            return self.client.put(refusal)
        if LIMIT == "dash_a" and verb == "LIST" and words[1:] == ["-a"]:
            line = b"LIST /void"
        self.server.put(line)
        lines = self.server.reply()
        if verb == "FEAT":
            lines = self.features(lines)
        self.pass_on(lines)
        if lines[-1][:1] == b"1":
            self.pass_on(self.server.reply())

    def refusal(self, verb):
        if verb in ("MLST", "MLSD") and LIMIT in ("no_mlsd", "dash_a"):
            return b"500 unknown"
        if verb == "MFMT" and LIMIT == "no_mfmt":
            return b"550 no"
        if verb == "HASH" and LIMIT == "no_hash":
            return b"550 permission denied"
        if LIMIT == "one_425" and is_third(verb):
            return b"425 not now"
        if LIMIT == "away" and verb in NAMES and os.path.exists("away"):
            return b"550 No such file or directory"
        return None

    def features(self, lines):
        if LIMIT in ("no_mlsd", "dash_a"):
            lines = [l for l in lines if not l.startswith((b" MLST", b" MLSD"))]
        more = {"no_mfmt": b" MFMT", "no_hash": b" HASH SHA-256*"}.get(LIMIT)
        return lines[:-1] + [more] + lines[-1:] if more and len(lines) > 1 else lines


def main():
    while True:
        try:
            socket.create_connection(("127.0.0.1", int(SERVER_PORT))).close()
            break
        except OSError:
            time.sleep(0.05)
    listener = socket.create_server(("127.0.0.1", int(PORT)), backlog=50)
    while True:
        Session(listener.accept()[0]).start()


main()
