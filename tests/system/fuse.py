#!/usr/bin/python3
"""fuse.py FOLDER UID [remote] [tree=SECONDS] [lacks=WORD] [other=FOLDER]: a file system with two files whose owner is UID. Both
have 75,000 numbers of 4 bytes. "f" is opened for direct I/O, as network file
systems do: none of its pages can be mapped as shared. "bad" is an ordinary file,
but nothing after its first 128 KiB can be read, as on a broken disk. New files
can be made. All writes into them succeed, and closing reports that the disk is
full, as network file systems may do.
After SIGUSR1 it still takes requests, and answers none: then nobody can kill the
processes that wait for them.
With "remote" it is as a network file system without caches: each look at a name or at
facts is a request, and so are locks and extended attributes. Then the file "requests"
has the number of requests of each kind, those for itself left out.
With "tree" as well it is empty, also has directories, links, owners and times, and
answers each request only after so many seconds.
"lacks" takes something from it: locks; exclusion: each lock is granted; sharing: the
kernel keeps the locks; attributes; once: an attribute that is there is set again;
names: links and the flags of renameat2(2); freshness: a name shows its old file;
creation: no file can be made; openness: as NFS and libfuse's high level, it moves a file
that is open aside before something replaces it: for 5 ms nothing has the name. And it has
no flags of renameat2(2); strangers: as mergerfs, it tells the facts of a path to root and
to the owner alone; case: "F" is "f"; spellings: so it is, but each
spelling has an inode number of its own; nanoseconds: times are whole seconds; owner: files belong to uid 7;
identity: files have one inode number; news: the kernel keeps the facts that it was told,
although another machine writes into each file that is closed;
presence: it is unmounted as soon as a file is read or a hidden one is made; patience: so it is as
soon as somebody looks at its root;
room: closing a new file reports that the disk is full, as without "remote".
"other" mounts it a second time, as on another machine.
The program ends when it is unmounted or killed. (linux/fuse.h, protocol 7.31)"""
import ctypes
import os
import select
import signal
import stat
import struct
import sys
import time
import zlib

FOLDER, OWNER = sys.argv[1], int(sys.argv[2])
REMOTE = "remote" in sys.argv[3:]
LACKS = "".join(word[6:] for word in sys.argv[3:] if word.startswith("lacks="))
TREE = [float(word[5:]) for word in sys.argv[3:] if word.startswith("tree=")]
FOLDERS = [FOLDER] + [word[6:] for word in sys.argv[3:] if word.startswith("other=")]
FRESH = 3600 if LACKS == "news" else 0 if REMOTE else 1  # seconds that the kernel believes an answer
NUMBERS = struct.pack("<75000I", *range(75000))
GOOD = 128 << 10
ENOENT, EIO, EAGAIN, EEXIST, ENOSPC = 2, 5, 11, 17, 28
EROFS, ERANGE, ENOSYS, ENOTEMPTY, ENODATA, EOPNOTSUPP = 30, 34, 38, 39, 61, 95
NODES = {b"f": 2, b"bad": 3}
INSIDE = {1: {}}  # in a tree, of each directory: the nodes of its names
FACTS = {1: [0o40711, 0, 0, 0, 0]}  # and of each node: mode, uid, gid, nanoseconds of mtime and ctime
DATA = {2: NUMBERS, 3: NUMBERS}  # of each node; those that are made follow
MARKS = {1: {}, 2: {}, 3: {}}  # the extended attributes of each node
LOOKUP, FORGET, GETATTR, SETATTR, UNLINK, RENAME, LINK = 1, 2, 3, 4, 10, 12, 13
READLINK, SYMLINK, MKDIR, RMDIR = 5, 6, 9, 11
OPEN, READ, WRITE, STATFS, RELEASE = 14, 15, 16, 17, 18
FLUSH, INIT, OPENDIR, READDIR, RELEASEDIR, FORGETS = 25, 26, 27, 28, 29, 42
CREATE, RENAME2 = 35, 45
FSYNC, SETXATTR, GETXATTR, LISTXATTR, REMOVEXATTR = 20, 21, 22, 23, 24
FSYNCDIR, SETLK, SETLKW = 30, 32, 33
COUNTED = {LOOKUP: "LOOKUP", GETATTR: "GETATTR", SETATTR: "SETATTR", UNLINK: "UNLINK",
           RENAME: "RENAME", RENAME2: "RENAME", OPEN: "OPEN", READ: "READ",
           WRITE: "WRITE", STATFS: "STATFS", RELEASE: "RELEASE", FLUSH: "FLUSH",
           OPENDIR: "OPENDIR", READDIR: "READDIR", RELEASEDIR: "RELEASEDIR",
           CREATE: "CREATE", FSYNC: "FSYNC", FSYNCDIR: "FSYNCDIR", SETLK: "LOCK",
           SETLKW: "LOCK", SETXATTR: "SETXATTR", GETXATTR: "GETXATTR",
           LISTXATTR: "LISTXATTR", REMOVEXATTR: "REMOVEXATTR"}
FLOCK_LOCKS = 1 << 10
LOCKS = {}  # of each node: its owner
UNLOCK = 2  # F_UNLCK; and in a RELEASE that the lock ends
CREATE_ONLY = 1
EXCHANGE = 2
OPENS = {}  # of each node: how often it is open
ASIDE = 0.005  # seconds from the move aside to the change
LATE = []  # answers that wait: when, and how to make them
EINVAL, EACCES = 22, 13
NODE = (1 << 32) - 1
SPELLED = [0]  # how the request names its node, above NODE
REQUESTS = 1 << 20  # the node of the file with the numbers
DIRECT_IO = 1
SET_MODE, SET_UID, SET_GID, SET_SIZE, SET_MTIME, SET_NOW = 1, 2, 4, 8, 32, 256


def attributes(node):
    if TREE:
        return tree_attributes(node)
    folder = node == 1
    length = 4096 if node == REQUESTS else 0 if folder else len(DATA[node])
    modified = 1000000000 if LACKS == "case" else 0
    return struct.pack("<6Q10I", node, length, 600, 0, modified, 0,
                       0, 0, 0, 0o40700 if folder else 0o100600, 1,
                       7 if LACKS == "owner" and not folder else OWNER,
                       OWNER, 0, 4096, 0)


def lookup(_node, body):
    name = body.split(b"\0")[0]
    name = name.lower() if LACKS == "case" else name
    node = REQUESTS if REMOTE and name == b"requests" else NODES.get(name)
    if not node:
        return ENOENT, b""
    return 0, entry(node)


def entry(node):
    return struct.pack("<4Q2I", node | SPELLED[0], 0, FRESH, FRESH, 0, 0) + attributes(node)


def facts(node, _body=b""):
    return 0, struct.pack("<QII", FRESH, 0, 0) + attributes(node)


def create(_node, body):
    node = max(DATA) + 1
    MARKS[node] = {}
    NODES[body[16:].split(b"\0")[0]] = node
    DATA[node] = bytearray()
    OPENS[node] = 1
    return 0, entry(node) + struct.pack("<QII", 1, 0, 0)


def set_attributes(node, body):
    valid, _padding, _handle, size = struct.unpack("<IIQQ", body[:24])
    if valid & SET_SIZE:
        DATA[node] = DATA[node][:size].ljust(size, b"\0")
        touch(node)
    return facts(node)


def write(node, body):
    _handle, at, size = struct.unpack("<QQI", body[:20])
    DATA[node][at:at + size] = body[40:40 + size]
    touch(node)
    return 0, struct.pack("<II", size, 0)


def open_file(node, _body):
    OPENS[node] = OPENS.get(node, 0) + 1
    return 0, struct.pack("<QII", 1, is_direct(node), 0)


def move_aside(name):
    node = NODES.get(name)
    if LACKS != "openness" or not OPENS.get(node):
        return False
    NODES[b".hidden-%d" % node] = NODES.pop(name)
    return True


def rename(names, flags=0):
    old, new = names.split(b"\0")[:2]
    new = new.lower() if LACKS == "case" else new
    if flags and LACKS == "openness":
        return EINVAL, b""
    if move_aside(new):
        LATE.append((time.monotonic() + ASIDE, lambda: rename(names)))
        return None, None
    if flags & EXCHANGE:
        NODES[new], NODES[old] = NODES[old], NODES[new]
    elif LACKS == "freshness" and new in NODES:
        del NODES[old]
    else:
        NODES[new] = NODES.pop(old)
    return 0, b""


def link(_node, body):
    old, = struct.unpack("<Q", body[:8])
    if body[8:].split(b"\0")[0] in NODES:
        return EEXIST, b""
    NODES[body[8:].split(b"\0")[0]] = old
    return 0, entry(old)


def lock(node, body):
    _handle, owner, _start, _end, kind = struct.unpack("<4QI", body[:36])
    if kind == UNLOCK:
        return unlock(node, owner)
    if LACKS != "exclusion" and LOCKS.setdefault(node, owner) != owner:
        return EAGAIN, b""
    return 0, b""


def unlock(node, owner):
    if LOCKS.get(node) == owner:
        del LOCKS[node]
    return 0, b""


def release(node, body):
    _handle, _flags, flags, owner = struct.unpack("<QIIQ", body[:24])
    OPENS[node] = OPENS.get(node, 1) - 1
    return unlock(node, owner) if flags & UNLOCK else (0, b"")


def unlink(_node, body):
    name = body.split(b"\0")[0]
    if not move_aside(name):
        del NODES[name]
    return 0, b""


def flush(node, _body):
    if LACKS == "news":
        DATA[node][:1] = b"?"
        touch(node)
    whole = REMOTE and LACKS != "room" or DATA[node] is NUMBERS
    return (0 if whole else ENOSPC), b""


def set_mark(node, body):
    size, flags = struct.unpack("<II", body[:8])
    name, value = body[8:].split(b"\0", 1)
    if flags & CREATE_ONLY and name in MARKS[node] and LACKS != "once":
        return EEXIST, b""
    MARKS[node][name] = value[:size]
    return 0, b""


def sized(body, value):
    size, = struct.unpack("<I", body[:4])
    if size == 0:
        return 0, struct.pack("<II", len(value), 0)
    return (0, value) if len(value) <= size else (ERANGE, b"")


def get_mark(node, body):
    value = MARKS.get(node, {}).get(body[8:].split(b"\0")[0])
    return (ENODATA, b"") if value is None else sized(body, value)


def list_marks(node, body):
    return sized(body, b"".join(name + b"\0" for name in MARKS.get(node, {})))


def remove_mark(node, body):
    gone = MARKS[node].pop(body.split(b"\0")[0], None)
    return (ENODATA if gone is None else 0), b""


def is_direct(node):
    return DIRECT_IO if TREE or node in (NODES[b"f"], REQUESTS) else 0


def tree_attributes(node):
    mode, uid, gid, mtime, ctime = FACTS[node]
    if LACKS == "nanoseconds":
        mtime, ctime = (each // 10**9 * 10**9 for each in (mtime, ctime))
    length = len(DATA.get(node, b""))
    links = max(1, sum(list(folder.values()).count(node) for folder in INSIDE.values()))
    number = 9 if LACKS == "identity" and mode & 0o100000 else node | SPELLED[0]
    return struct.pack("<6Q10I", number, length, (length + 511) // 512, mtime // 10**9, mtime // 10**9, ctime // 10**9,
                       mtime % 10**9, mtime % 10**9, ctime % 10**9, mode, links, uid, gid, 0, 4096, 0)


def touch(node, what=(3, 4)):
    for each in what if TREE else ():
        FACTS[node][each] = time.time_ns()


def spelled(folder, name):
    """The name in the folder that this name means."""
    SPELLED[0] = zlib.crc32(name) << 32 if LACKS == "spellings" else 0
    return next((one for one in INSIDE[folder] if LACKS in ("case", "spellings") and one.lower() == name.lower()), name)


def tree_make(folder, name, mode, head):
    name = spelled(folder, name)
    if name in INSIDE[folder]:
        return None
    node = max(FACTS) + 1
    INSIDE[folder][name] = node
    FACTS[node] = [mode, *struct.unpack("<II", head[24:32]), 0, 0]
    DATA[node], MARKS[node] = bytearray(), {}
    if mode & 0o40000 and not mode & 0o100000:
        INSIDE[node] = {}
    touch(node)
    touch(folder)
    return node


def tree_lookup(folder, body):
    node = INSIDE[folder].get(spelled(folder, body.split(b"\0")[0]))
    return (0, entry(node)) if node else (ENOENT, b"")


def tree_create(folder, body, head):
    mode, = struct.unpack("<I", body[4:8])
    node = tree_make(folder, body[16:].split(b"\0")[0], 0o100000 | mode & 0o7777, head)
    return (0, entry(node) + struct.pack("<QII", 1, DIRECT_IO, 0)) if node else (EEXIST, b"")


def tree_mkdir(folder, body, head):
    mode, = struct.unpack("<I", body[:4])
    node = tree_make(folder, body[8:].split(b"\0")[0], 0o40000 | mode & 0o7777, head)
    return (0, entry(node)) if node else (EEXIST, b"")


def tree_symlink(folder, body, head):
    name, target = body.split(b"\0")[:2]
    node = tree_make(folder, name, 0o120777, head)
    if node:
        DATA[node] += target
    return (0, entry(node)) if node else (EEXIST, b"")


def tree_change(node, body):
    valid, = struct.unpack("<I", body[:4])
    mtime, = struct.unpack("<Q", body[40:48])
    nanoseconds, _ctime, mode, _unused, uid, gid = struct.unpack("<6I", body[60:84])
    facts_of = FACTS[node]
    if valid & SET_MODE:
        facts_of[0] = facts_of[0] & ~0o7777 | mode & 0o7777
    if valid & SET_UID:
        facts_of[1] = uid
    if valid & SET_GID:
        facts_of[2] = gid
    if valid & SET_MTIME:
        facts_of[3] = time.time_ns() if valid & SET_NOW else mtime * 10**9 + nanoseconds
    touch(node, (4,))
    return set_attributes(node, body)


def tree_rename(folder, body, size):
    to, flags = struct.unpack("<QI", body[:12])
    to &= NODE
    old, new = body[size:].split(b"\0")[:2]
    old, new = spelled(folder, old), spelled(to, new)
    there, node = INSIDE[to].get(new), INSIDE[folder][old]
    if flags & EXCHANGE and size == 16:
        INSIDE[folder][old] = there
    elif there and INSIDE.get(there):
        return ENOTEMPTY, b""
    else:
        del INSIDE[folder][old]
    INSIDE[to][new] = node
    for each in (folder, to):
        touch(each)
    touch(node, (4,))
    return 0, b""


def tree_link(folder, body):
    old = struct.unpack("<Q", body[:8])[0] & NODE
    if spelled(folder, body[8:].split(b"\0")[0]) in INSIDE[folder]:
        return EEXIST, b""
    INSIDE[folder][body[8:].split(b"\0")[0]] = old
    touch(folder)
    touch(old, (4,))
    return 0, entry(old)


def tree_remove(folder, body):
    name = spelled(folder, body.split(b"\0")[0])
    if INSIDE.get(INSIDE[folder][name]):
        return ENOTEMPTY, b""
    del INSIDE[folder][name]
    touch(folder)
    return 0, b""


def tree_mark(node, body):
    touch(node, (4,))
    return (EOPNOTSUPP, b"") if body[8:].startswith(b"system.") else set_mark(node, body)


def requests():
    return "".join("%s %d\n" % each for each in sorted(COUNT.items())).encode()


def read(node, body):
    _handle, at, size = struct.unpack("<QQI", body[:20])
    if node == REQUESTS:
        return 0, requests()[at:at + size]
    if not is_direct(node) and at + size > GOOD:
        return EIO, b""
    return 0, bytes(DATA[node][at:at + size])


def entries(node, body):
    _handle, at = struct.unpack("<QQ", body[:16])
    each = [struct.pack("<QQII", node, i + 1, len(name), 8) +
            name.ljust((len(name) + 7) // 8 * 8, b"\0")
            for i, (name, node) in enumerate((INSIDE[node] if TREE else NODES).items())]
    return 0, b"".join(each[at:])


ANSWERS = {
    INIT: lambda n, b: (0, struct.pack("<4I2H2I2H3I", 7, 31, 65536,
                                       FLOCK_LOCKS if REMOTE and LACKS != "sharing" else 0,
                                       12, 10,
                                       65536, 1, 1, 0, 0, 0, 0).ljust(64, b"\0")),
    LOOKUP: lookup,
    GETATTR: facts,
    OPEN: open_file,
    OPENDIR: lambda n, b: (0, struct.pack("<QII", 1, 0, 0)),
    READ: read,
    READDIR: entries,
    STATFS: lambda n, b: (0, struct.pack("<5Q4I", 9, 9, 9, 9, 9, 4096, 255,
                                         4096, 0) + bytes(24)),
    RELEASE: release,
    RELEASEDIR: lambda n, b: (0, b""),
    FLUSH: flush,
    CREATE: create,
    SETATTR: set_attributes,
    WRITE: write,
    RENAME: lambda n, b: rename(b[8:]),
    RENAME2: lambda n, b: rename(b[16:], struct.unpack("<QI", b[:12])[1]),
    UNLINK: unlink,
}
if REMOTE:
    ANSWERS |= {LINK: link, SETXATTR: set_mark, GETXATTR: get_mark, LISTXATTR: list_marks,
                REMOVEXATTR: remove_mark, SETLK: lock, SETLKW: lock, FSYNC: lambda n, b: (0, b""),
                FSYNCDIR: lambda n, b: (0, b"")}
if TREE:
    ANSWERS |= {LOOKUP: tree_lookup, CREATE: tree_create, MKDIR: tree_mkdir, SYMLINK: tree_symlink,
                READLINK: lambda n, b: (0, bytes(DATA[n])), SETATTR: tree_change,
                RENAME: lambda n, b: tree_rename(n, b[:8] + bytes(4) + b[8:], 12),
                RENAME2: lambda n, b: tree_rename(n, b, 16), LINK: tree_link, UNLINK: tree_remove, RMDIR: tree_remove,
                SETXATTR: tree_mark}
if LACKS == "creation":
    ANSWERS[CREATE] = lambda n, b: (EROFS, b"")
for each in {"locks": (SETLK, SETLKW), "attributes": (SETXATTR,),
             "names": (LINK, RENAME2)}.get(LACKS, ()):
    del ANSWERS[each]
COUNT = {}


def count(what, node, body):
    if what in COUNTED and node != REQUESTS and not (
            what == LOOKUP and body.startswith(b"requests\0")):
        COUNT[COUNTED[what]] = COUNT.get(COUNTED[what], 0) + 1


def answer_late():
    """Makes the answers that are due; then the seconds until the next one."""
    while LATE and LATE[0][0][0] <= time.monotonic():
        (_due, make), fd, number = LATE.pop(0)
        reply(fd, number, *make())
    return max(0, LATE[0][0][0] - time.monotonic()) if LATE else None


def reply(fd, number, error, answer):
    if error is None:
        LATE.append((LATE.pop(), fd, number))
    else:
        os.write(fd, struct.pack("<IiQ", 16 + len(answer), -error, number) + answer)


def serve(fds):
    silent = []
    signal.signal(signal.SIGUSR1, lambda _number, _frame: silent.append(True))
    print("mounted", flush=True)
    while True:
        for fd in select.select(fds, [], [], answer_late())[0]:
            serve_one(fd, silent)


def serve_one(fd, silent):
    message = os.read(fd, 1 << 20)
    what, number, node = struct.unpack("<IQQ", message[4:24])
    if silent and what != INIT:  # until then the kernel keeps them
        return
    if what in (FORGET, FORGETS):
        return
    count(what, node, message[40:])
    node, SPELLED[0] = node & NODE, node & ~NODE
    uid, = struct.unpack("<I", message[24:28])
    if LACKS == "strangers" and what == GETATTR and uid not in (0, OWNER) and not message[40] & 1:
        reply(fd, number, EACCES, b"")
        return
    if LACKS == "presence" and (what == READ or what == CREATE and message[56:57] == b".") or \
       LACKS == "patience" and what == GETATTR:
        ctypes.CDLL(None).umount2(FOLDER.encode(), 2)  # MNT_DETACH
    if TREE:
        time.sleep(TREE[0])
    made = (message[:40],) if TREE and what in (CREATE, MKDIR, SYMLINK) else ()
    reply(fd, number, *ANSWERS.get(what, lambda n, b: (ENOSYS, b""))(node, message[40:], *made))


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


def mount(folder):
    fd = device()
    options = f"fd={fd},rootmode=40000,user_id=0,group_id=0,allow_other"
    if not REMOTE:  # else the file system itself checks permissions, as with ACLs
        options += ",default_permissions"
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.mount(b"test", folder.encode(), b"fuse", 0, options.encode()):
        sys.exit("mount: " + os.strerror(ctypes.get_errno()))
    return fd


try:
    serve([mount(folder) for folder in FOLDERS])
except OSError:
    pass
