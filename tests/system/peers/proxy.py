"""A proxy for tests of the client: SOCKS5 (RFC 1928, 1929) and HTTP CONNECT.

usage: proxy.py FAULT PORT_FILE

PORT_FILE gets the port, and the file "proxied" beside it a line for each
connection: the host as the client gave it. FAULT is "none", "password" (only anna
with "secret" may use it), or a way to answer wrongly."""
import base64
import itertools
import os
import socket
import struct
import sys
import threading
import time

FAULT, PORT_FILE = sys.argv[1:]
CONNECTIONS = itertools.count()


def exactly(s, n):
    data = b""
    while len(data) < n:
        more = s.recv(n - len(data))
        if not more:
            raise ConnectionError
        data += more
    return data


# The reset of one side becomes the reset of the other.
def copy(a, b):
    try:
        while block := a.recv(65536):
            b.sendall(block)
        b.shutdown(socket.SHUT_WR)
    except OSError:
        for s in a, b:
            try:
                s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                             struct.pack("ii", 1, 0))
            except OSError:
                pass
            s.close()


def note(host, port):
    with open("proxied", "a") as f:
        f.write(f"{host}\n")
    # Only this proxy knows the address of other.example.
    return socket.create_connection(
        ("127.0.0.1" if host == "other.example" else host, port))


def lie(s):
    if FAULT == "garbage":
        s.sendall(b"\x04\xff\x00garbage")
    elif FAULT == "long": # one header without an end
        while True:
            s.sendall(b"x" * 65536)
    elif FAULT == "slow":
        while True:
            s.sendall(b"H")
            time.sleep(0.2)
    elif FAULT == "silent":
        time.sleep(100)
    s.close()


def socks(s):
    methods = exactly(s, exactly(s, 1)[0])
    if FAULT == "password":
        if 2 not in methods:
            return s.sendall(b"\5\xff")
        s.sendall(b"\5\2")
        user = exactly(s, exactly(s, 2)[1])
        word = exactly(s, exactly(s, 1)[0])
        if (user, word) != (b"anna", b"secret"):
            return s.sendall(b"\1\1")
        s.sendall(b"\1\0")
    else:
        s.sendall(b"\5\0")
    kind = exactly(s, 4)[3]
    host = (exactly(s, exactly(s, 1)[0]).decode() if kind == 3
            else socket.inet_ntoa(exactly(s, 4)))
    port = int.from_bytes(exactly(s, 2), "big")
    if FAULT == "refused":
        return s.sendall(b"\5\2\0\1\0\0\0\0\0\0")
    out = note(host, port)
    s.sendall(b"\5\0\0\1\0\0\0\0\0\0")
    return out


def http(s, first):
    head = first
    while not head.endswith(b"\r\n\r\n"):
        head += exactly(s, 1)
    wanted = b"Basic " + base64.b64encode(b"anna:secret")
    if FAULT == "password" and wanted not in head:
        return s.sendall(b"HTTP/1.1 407 no\r\nContent-Length: 0\r\n\r\n")
    if FAULT == "refused":
        return s.sendall(b"HTTP/1.1 403 no\r\nContent-Length: 0\r\n\r\n")
    host, port = head.split()[1].decode().rsplit(":", 1)
    out = note(host, int(port))
    s.sendall(b"HTTP/1.1 200 ok\r\n220: a header, and no reply\r\n\r\n")
    return out


def serve(s):
    number = next(CONNECTIONS)
    try:
        first = exactly(s, 1)
        # "data_": only the second connection, for data, goes wrong.
        if FAULT in ("garbage", "long", "slow", "silent") or \
           FAULT == "data_silent" and number > 0:
            return lie(s) if FAULT != "data_silent" else time.sleep(100)
        out = socks(s) if first == b"\5" else http(s, first)
        if not out:
            return s.close()
        threading.Thread(target=copy, args=(out, s), daemon=True).start()
        copy(s, out)
    except OSError:
        s.close()


def main():
    listener = socket.create_server(("127.0.0.1", 0))
    with open(PORT_FILE + ".new", "w") as f:
        f.write(str(listener.getsockname()[1]))
    os.rename(PORT_FILE + ".new", PORT_FILE)
    while True:
        threading.Thread(target=serve, args=(listener.accept()[0],),
                         daemon=True).start()


main()
