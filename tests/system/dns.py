"""A name server for tests: ADDRESS FILE. What it answers stands in FILE, read
again for each question: "A 192.0.2.1 192.0.2.2", "nothing" (no such host),
"empty" (a host without addresses), "fail", "silent", "garbage", "long" (by UDP
cut off, by TCP 192.0.2.99). Each question is a line in FILE.asked."""
import socket
import struct
import sys
import threading

where, path = sys.argv[1:]


def question_of(query):
    at, labels = 12, []
    while query[at]:
        labels.append(query[at + 1:at + 1 + query[at]].decode())
        at += 1 + query[at]
    return ".".join(labels), query[12:at + 5]


def answer(query, tcp):
    with open(path) as f:
        words = f.read().split()
    name, question = question_of(query)
    with open(path + ".asked", "a") as f:
        f.write("%s %s\n" % (name, words[0]))
    code = {"nothing": 3, "fail": 2}.get(words[0], 0)
    flags = 0x8180 | code
    if words[0] == "silent":
        return None
    if words[0] == "garbage":
        return query[:2] + b"\xff" * 60
    addresses = words[1:] if words[0] == "A" else []
    if words[0] == "long":
        addresses = ["192.0.2.99"] if tcp else []
        flags |= 0 if tcp else 0x0200
    out = query[:2] + struct.pack("!5H", flags, 1, len(addresses), 0, 0)
    out += question
    for a in addresses:
        out += struct.pack("!HHHIH", 0xc00c, 1, 1, 0, 4) + socket.inet_aton(a)
    return out


def serve_tcp(listener):
    while True:
        peer, _ = listener.accept()
        size = struct.unpack("!H", peer.recv(2, socket.MSG_WAITALL))[0]
        out = answer(peer.recv(size, socket.MSG_WAITALL), True)
        if out:
            peer.sendall(struct.pack("!H", len(out)) + out)
        peer.close()


tcp = socket.create_server((where, 53))
threading.Thread(target=serve_tcp, args=(tcp,), daemon=True).start()
udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
udp.bind((where, 53))
print("ready", flush=True)
while True:
    query, peer = udp.recvfrom(4096)
    out = answer(query, False)
    if out:
        udp.sendto(out, peer)
