#!/usr/bin/python3
"""fuse.py FOLDER UID: a file system with two files whose owner is UID. Both
have 75,000 numbers of 4 bytes. "f" is opened for direct I/O, as network file
systems do: none of its pages can be mapped as shared. "bad" is an ordinary file,
but nothing after its first 128 KiB can be read, as on a broken disk. New files
can be made. All writes into them succeed, and closing reports that the disk is
full, as network file systems may do.
After SIGUSR1 it still takes requests, and answers none: then nobody can kill the
processes that wait for them.
The program ends when it is unmounted or killed. (linux/fuse.h, protocol 7.31)"""
import ctypes
import os
import signal
import stat
import struct
import sys

FOLDER, OWNER = sys.argv[1], int(sys.argv[2])
NUMBERS = b"".join(struct.pack("<I", i) for i in range(75000))
GOOD = 128 << 10
ENOENT, EIO, ENOSPC, ENOSYS = 2, 5, 28, 38
NODES = {b"f": 2, b"bad": 3}
DATA = {2: NUMBERS, 3: NUMBERS}  # of each node; those that are made follow
LOOKUP, FORGET, GETATTR, SETATTR, UNLINK, RENAME = 1, 2, 3, 4, 10, 12
OPEN, READ, WRITE, STATFS, RELEASE = 14, 15, 16, 17, 18
FLUSH, INIT, OPENDIR, READDIR, RELEASEDIR, FORGETS = 25, 26, 27, 28, 29, 42
CREATE, RENAME2 = 35, 45
DIRECT_IO = 1
SET_SIZE = 8


def attributes(node):
    folder = node == 1
    return struct.pack("<6Q10I", node, 0 if folder else len(DATA[node]), 600, 0, 0, 0,
                       0, 0, 0, 0o40700 if folder else 0o100600, 1, OWNER,
                       OWNER, 0, 4096, 0)


def lookup(_node, body):
    node = NODES.get(body.split(b"\0")[0])
    if not node:
        return ENOENT, b""
    return 0, entry(node)


def entry(node):
    return struct.pack("<4Q2I", node, 0, 1, 1, 0, 0) + attributes(node)


def create(_node, body):
    node = max(DATA) + 1
    NODES[body[16:].split(b"\0")[0]] = node
    DATA[node] = bytearray()
    return 0, entry(node) + struct.pack("<QII", 1, 0, 0)


def set_attributes(node, body):
    valid, _padding, _handle, size = struct.unpack("<IIQQ", body[:24])
    if valid & SET_SIZE:
        DATA[node] = DATA[node][:size].ljust(size, b"\0")
    return 0, struct.pack("<QII", 1, 0, 0) + attributes(node)


def write(node, body):
    _handle, at, size = struct.unpack("<QQI", body[:20])
    DATA[node][at:at + size] = body[40:40 + size]
    return 0, struct.pack("<II", size, 0)


def rename(names):
    old, new = names.split(b"\0")[:2]
    NODES[new] = NODES.pop(old)
    return 0, b""


def unlink(_node, body):
    del NODES[body.split(b"\0")[0]]
    return 0, b""


def flush(node, _body):
    return (0 if DATA[node] is NUMBERS else ENOSPC), b""


def is_direct(node):
    return DIRECT_IO if node == NODES[b"f"] else 0


def read(node, body):
    _handle, at, size = struct.unpack("<QQI", body[:20])
    if not is_direct(node) and at + size > GOOD:
        return EIO, b""
    return 0, bytes(DATA[node][at:at + size])


def entries(_node, body):
    _handle, at = struct.unpack("<QQ", body[:16])
    each = [struct.pack("<QQII", node, i + 1, len(name), 8) +
            name.ljust((len(name) + 7) // 8 * 8, b"\0")
            for i, (name, node) in enumerate(NODES.items())]
    return 0, b"".join(each[at:])


ANSWERS = {
    INIT: lambda n, b: (0, struct.pack("<4I2H2I2H3I", 7, 31, 65536, 0, 12, 10,
                                       65536, 1, 1, 0, 0, 0, 0).ljust(64, b"\0")),
    LOOKUP: lookup,
    GETATTR: lambda n, b: (0, struct.pack("<QII", 1, 0, 0) + attributes(n)),
    OPEN: lambda n, b: (0, struct.pack("<QII", 1, is_direct(n), 0)),
    OPENDIR: lambda n, b: (0, struct.pack("<QII", 1, 0, 0)),
    READ: read,
    READDIR: entries,
    STATFS: lambda n, b: (0, struct.pack("<5Q4I", 9, 9, 9, 9, 9, 4096, 255,
                                         4096, 0) + bytes(24)),
    RELEASE: lambda n, b: (0, b""),
    RELEASEDIR: lambda n, b: (0, b""),
    FLUSH: flush,
    CREATE: create,
    SETATTR: set_attributes,
    WRITE: write,
    RENAME: lambda n, b: rename(b[8:]),
    RENAME2: lambda n, b: rename(b[16:]),
    UNLINK: unlink,
}


def serve(fd):
    silent = []
    signal.signal(signal.SIGUSR1, lambda _number, _frame: silent.append(True))
    print("mounted", flush=True)
    while True:
        message = os.read(fd, 1 << 20)
        what, number, node = struct.unpack("<IQQ", message[4:24])
        if silent and what != INIT:  # until then the kernel keeps them
            continue
        if what in (FORGET, FORGETS):
            continue
        error, answer = ANSWERS.get(what, lambda n, b: (ENOSYS, b""))(
            node, message[40:])
        os.write(fd, struct.pack("<IiQ", 16 + len(answer), -error, number) +
                 answer)


def device():
    """Opens the kernel's device, also in a chroot, where nobody has made its
    file."""
    try:
        return os.open("/dev/fuse", os.O_RDWR)
    except FileNotFoundError:
        made = FOLDER + "/fuse"
        os.mknod(made, stat.S_IFCHR | 0o600, os.makedev(10, 229))
        fd = os.open(made, os.O_RDWR)
        os.unlink(made)
        return fd


def main():
    fd = device()
    options = (f"fd={fd},rootmode=40000,user_id=0,group_id=0,allow_other,"
               "default_permissions")
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.mount(b"test", FOLDER.encode(), b"fuse", 0, options.encode()):
        sys.exit("mount: " + os.strerror(ctypes.get_errno()))
    try:
        serve(fd)
    except OSError:
        pass


main()
