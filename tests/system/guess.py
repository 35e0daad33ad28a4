"""Guesses a user's password as fast as the server permits, from several addresses
at once: python3 guess.py PORT SECONDS CONNECTIONS NAME OWN PASSWORD ADDRESS …
OWN and PASSWORD are the attacker's own account. The attacker logs in with it
after two guesses in each session, so that the session doesn't count as fruitless.
Prints how many guesses were answered."""
import socket
import ssl
import sys
import threading
import time

port, seconds, connections = (int(a) for a in sys.argv[1:4])
name, own, password = sys.argv[4:7]
addresses = sys.argv[7:]
until = time.monotonic() + seconds
answered = []

context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
context.check_hostname = False
context.verify_mode = ssl.CERT_NONE


class Session:
    def __init__(self, address):
        self.socket = socket.create_connection(
            ("127.0.0.1", port), timeout=self.left(),
            source_address=(address, 0))
        self.file = self.socket.makefile("rb")
        self.reply()
        self.say("AUTH TLS")
        self.socket = context.wrap_socket(self.socket)
        self.file = self.socket.makefile("rb")

    def left(self):
        return max(0.001, until - time.monotonic())

    def reply(self):
        self.socket.settimeout(self.left())
        line = self.file.readline()
        if not line:
            raise OSError("closed")
        return line[:3]

    def say(self, line):
        self.socket.settimeout(self.left())
        self.socket.sendall(line.encode() + b"\r\n")
        return self.reply()

    def log_in(self, user, secret):
        self.say("USER " + user)
        return self.say("PASS " + secret)


def guess(address):
    while time.monotonic() < until:
        try:
            session = Session(address)
            for _ in range(2):
                if session.log_in(name, "wrong") == b"530":
                    answered.append(address)
            session.log_in(own, password)
        except OSError:
            time.sleep(0.05)  # as a refused client would


threads = [threading.Thread(target=guess, args=(a,), daemon=True)
           for a in addresses for _ in range(connections)]
for t in threads:
    t.start()
for t in threads:
    t.join(max(0, until - time.monotonic()) + 1)
print(len(answered))
