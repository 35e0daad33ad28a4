"""A small FTPS server that does one thing wrong, for tests of the client.

usage: faulty_server.py

The standard input listens. Each line of a connection begins such a server, in a process
of its own, since Python takes longer to begin than most tests: "DIRECTORY FAULT
CERTIFICATE KEY". There the file "port" gets the port and the process once the server
listens, and "commands" gets the clients' commands. The connection's end, and a next
line, ends the server.
Everybody may log in; there is one file. FEAT announces what each Sallyport announces, but
for the fault "foreign". It refuses SIZE in TYPE A. FAULT is "none" or one of the words that this program compares it with; "FAULT,REPLY,TIMES": the
reply to this command comes too late so many times, "220" or such as "AUTH", or such as
"STOR=226" for one of several."""
import calendar
import collections
import hashlib
import itertools
import os
import select
import signal
import socket
import ssl
import sys
import threading
import time


def fork_for_each_test():
    tests = socket.socket(fileno=0)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    while True:
        lines = tests.accept()[0]
        if os.fork() == 0:
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            return lines.makefile()
        lines.close()


def fork_for_each_line():
    child = 0
    for line in itertools.chain(fork_for_each_test(), [""]):
        if child:
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
        child = os.fork() if line else sys.exit()
        if child == 0:
            return line.split()


DIRECTORY, FAULT, CERTIFICATE, KEY = fork_for_each_line()
os.chdir(DIRECTORY)
FAULT, *LATE = FAULT.split(",")
DOUBTFUL = FAULT.startswith("feat:")
LATE_S = 2.5 # clients wait for 1 s
DELAYS = collections.defaultdict(itertools.count) # of each user
TEXT = b"a text of forty bytes that is one file.\n"
CUT = 1500000 # bytes of an upload
IGNORE_UNEXPECTED_EOF = 0x80 # some Pythons set it, and then ignore how connections end

PASSIVE_ADDRESS = {"pasv_private": "10,1,2,3", "pasv_foreign": "203,0,113,9",
                   "pasv_only": "203,0,113,9"}
NAMES = ["../escaped", "/escaped", "a/b", "..", "\x1b[2Jclear", "tab\there",
         "del\x7f", "good"]
# growing: TEXT grows whenever its size was told, growing_once: only the first time. logged: It
# grows whenever it was sent; logged_whole: and no part of it can be compared.
# replaced: After the first download it is another file.
WRONG_SIZES = {"size_too_small": 3, "size_too_large": 4000}
LISTED = {
    "names": NAMES,
    # No control bytes of ASCII, but a terminal may obey them.
    "rude": ["\u009b2Jclear", "\u202egpj.exe", "file"],
    "dash": ["-"],
    "lost_dele": ["again", "gone", "late"],
    "cut_list": [],
    "makes": [],
    "size_too_small": ["file"],
    "size_too_large": ["file"],
}

# Servers with directories in /sub. four_lists: a listing of them is answered when
# four are under way. late_list: the listing of "late" comes after a download was asked
# for. cut_sub: the listing of "late" is cut.
TREES = {"four_lists": "abcd", "late_list": ["early", "late"],
         "cut_sub": ["early", "late"]}


def context():
    c = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    c.options &= ~IGNORE_UNEXPECTED_EOF
    c.load_cert_chain(CERTIFICATE, KEY)
    if FAULT == "old_tls":
        c.set_ciphers("ALL:@SECLEVEL=0")
        c.minimum_version = ssl.TLSVersion.TLSv1
        c.maximum_version = ssl.TLSVersion.TLSv1_1
    if FAULT.startswith("asks"):
        c.verify_mode = ssl.CERT_OPTIONAL
        c.load_verify_locations(os.path.dirname(CERTIFICATE) + "/ca.pem")
        c.num_tickets = 0 # a client that goes at once would cut the handshake
    if FAULT == "one_ticket":
        c.num_tickets = 1
    return c


CONTEXT = context()
PASSWORDS = itertools.count()
UPLOADS = itertools.count()
DOWNLOADS = itertools.count()
LOSSES = itertools.count()
GREETED = itertools.count()
FOUR = threading.Barrier(4, timeout=60)
SECOND = threading.Event()
FETCHED = threading.Event() # late_list: a download was asked for
TOLD = [] # questions for a size
SENT = [] # downloads
LIVE = set() # sessions that are logged in
UPLOADING = [] # those that have begun an upload
DENIED = [] # sessions that are over
ALONE = threading.Lock()
MADE = set() # directories
LOST = set() # lost_dele: names whose removal was cut
STORED = {} # what uploads have left, for the faults that keep it
PARTIAL = {} # what cut uploads have left
STORING = ("stores", "busy_once", "lost_226", "one_425", "makes", "slow_hash", "slower_hash",
           "no_times", "time_denies", "time_plain", "lost_tail", "full_here", "cuts",
           "late_cut", "half_end", "denies", "denies_all", "no_home", "one_session",
           "one_at_a_time", "fewer", "takes_nothing", "gives_up", "wrong_hash")


def data_context():
    # A new context has other ticket keys: nothing is resumed.
    return context() if FAULT == "no_resumption" else CONTEXT


# If there is a directory "stored", it shows what uploads have left.
def show(name):
    path = "stored/" + name
    if not os.path.isdir("stored") or "/" in name:
        return
    if name in STORED:
        with open(path, "wb") as f:
            f.write(STORED[name])
    elif os.path.exists(path):
        os.unlink(path)


class Session(threading.Thread):
    def __init__(self, plain):
        super().__init__(daemon=True)
        self.s = plain
        self.secure = False
        self.listener = None
        self.first = 0
        self.uploads = 0
        self.denied = False
        self.range = None
        self.user = ""
        self.verb = "220"
        self.type = "A"
        self.late = LATE

    def reply(self, text):
        if self.late and self.late[0] in (self.verb, f"{self.verb}={text[:3]}") and \
           next(DELAYS[self.user]) < int(self.late[1]):
            time.sleep(LATE_S)
        self.s.sendall(text.encode() + b"\r\n")

    def lines(self):
        rest = b""
        while True:
            while b"\n" in rest:
                line, rest = rest.split(b"\n", 1)
                yield line.strip().decode(errors="replace")
            self.s.settimeout(2 if FAULT in ("idle", "one_session", "idle_denies") and \
                self.secure else None)
            try:
                more = self.s.recv(4096)
            except TimeoutError:
                self.reply("421 Timeout")
                return
            if not more:
                return
            rest += more

    def run(self):
        if FAULT == "one_at_a_time":
            with ALONE:
                return self.serve()
        self.serve()

    # gone: A proxy whose server is gone ends connections: one before the greeting,
    # one after it.
    def serve(self):
        try:
            if FAULT.endswith("implicit"):
                self.s = CONTEXT.wrap_socket(self.s, server_side=True)
                self.secure = True
                self.show_certificate()
            if FAULT == "gone" and (number := next(GREETED)) < 2:
                if number == 1:
                    self.reply("220 ready")
                raise ConnectionError
            self.reply("331 password?" if FAULT == "early_question" else
                       "421 not you" if FAULT == "banned" else
                       "421 Your address is banned." if FAULT == "bans" and
                       BANNED.is_set() else
                       "421 gone for a moment" if FAULT == "upgraded" and
                       next(GREETED) < 2 else
                       FAULT.split(":")[1] + " ready" if DOUBTFUL else
                       "220 ready")
            for line in self.lines():
                verb, _, words = line.partition(" ")
                with open("commands", "a") as f:
                    f.write(line + "\n")
                self.verb = verb.upper()
                do = getattr(self, "do_" + self.verb, None)
                self.type = words if self.verb == "TYPE" else self.type
                if self.verb == "SIZE" and self.type != "I":
                    self.reply("550 SIZE not allowed in ASCII mode")
                elif do:
                    do(words)
                else:
                    self.reply("502 no")
                if verb.upper() == "QUIT":
                    break
        except OSError:
            pass
        LIVE.discard(self)
        if self.secure and self.denied:
            DENIED.append(self)
        self.s.close()
        if FAULT == "banner":
            open("closed", "w").close()

    def do_AUTH(self, words):
        if FAULT == "no_tls" or FAULT == "time_plain" and LOST:
            return self.reply("502 no TLS here")
        if FAULT == "injection":
            # An attacker on the path would add this in plain text.
            self.s.sendall(b"234 go\r\n230 logged in\r\n")
        else:
            self.reply("234 go")
        if FAULT == "slow_handshake":
            self.s.recv(4096)
            self.s.sendall(b"\x16\x03\x03\x40\x00\x02\x00\x3f\xfc")
            self.drip(self.s)
        self.s = CONTEXT.wrap_socket(self.s, server_side=True)
        self.secure = True
        self.show_certificate()

    def show_certificate(self):
        if FAULT.startswith("asks"):
            with open("commands", "a") as f:
                f.write("shown\n" if self.s.getpeercert(True) else "none\n")

    def drip(self, s):
        while True: # until the client closes
            s.sendall(b"x")
            time.sleep(0.5)

    def do_USER(self, words):
        if self.secure or FAULT == "plain_login":
            self.reply("331 password")
        elif FAULT == "plain_welcome":
            self.reply("230 in")
        else:
            self.reply("530 TLS first")

    def do_PASS(self, words):
        if FAULT == "banner":
            self.reply("230-Welcome\r\n type=file; as to a file")
        number = next(PASSWORDS)
        if number > 0 and FAULT in ("denies", "idle_denies", "time_denies"):
            return self.reply("530 no")
        if number >= 4 and FAULT == "denies_all":
            return self.reply("530 no")
        if FAULT == "no_sessions":
            return self.reply("530 Too many sessions of this user")
        if number in (1, 2) and FAULT == "no_home":
            return self.reply("530 Your home can't be entered; tell the administrator.")
        if FAULT == "one_session" and LIVE or FAULT == "fewer" and number >= 3:
            self.denied = True
            return self.reply("530 Sorry, the maximum number of clients is connected")
        LIVE.add(self)
        self.reply("230 in; you may change your password" if FAULT == "advises" else
                   "230 in")

    def do_PBSZ(self, words):
        self.reply("200 ok")

    do_TYPE = do_NOOP = do_PBSZ

    def do_OPTS(self, words):
        if words.startswith("STOR"):
            self.choice = words.split("=")[1]
        self.reply("200 " + words)

    def do_CSID(self, words):
        self.reply("200 Name=Sallyport;")
        if FAULT == "banner": # the next command needs a new session
            raise ConnectionError

    def do_PROT(self, words):
        if words == "C" and FAULT == "prot_cut":
            raise ConnectionError
        if words == "P" and FAULT == "prot_refused" or \
           words == "C" and FAULT != "prot_clear":
            self.reply("534 no")
        else:
            self.reply("200 ok")

    def refuse(self, words):
        self.reply("550 \x1b[2J\u009b31m no" if FAULT == "rude" else "550 no")

    # Each second time the connection is lost.
    def lose(self):
        if FAULT == "lost" and next(LOSSES) % 2 == 0:
            raise ConnectionError

    def do_MKD(self, words):
        self.lose()
        if FAULT == "no_mkd":
            raise ConnectionError
        if FAULT not in ("lost", "makes"):
            return self.refuse(words)
        MADE.add(words.strip("/"))
        self.reply(f'257 "{words}" made')

    def do_RMD(self, words):
        if FAULT in TREES:
            return self.reply("250 gone")
        self.refuse(words)

    # busy_dele: The first try to remove a name is refused for a while.
    # lost_dele: The connection is lost at each name's first removal; "late" is
    # there then, and another client makes "again".
    def do_DELE(self, words):
        if FAULT == "lost_link":
            if words == "sub" and words not in LOST:
                LOST.add(words)
                raise ConnectionError
            return self.reply("250 gone")
        if FAULT == "lost_dele" and words != "sub":
            if words not in LOST:
                LOST.add(words)
                raise ConnectionError
            return self.reply("250 gone")
        if FAULT in TREES and words.endswith("/file"):
            return self.reply("250 gone")
        if FAULT == "busy_dele" and words not in LOST:
            LOST.add(words)
            return self.reply("450 in use")
        if words not in STORED and FAULT != "busy_dele":
            return self.refuse(words)
        STORED.pop(words, None)
        show(words)
        self.reply("250 gone")

    def do_RNFR(self, words):
        if words not in STORED:
            return self.refuse(words)
        self.renamed = words
        self.reply("350 to what")

    def do_RNTO(self, words):
        STORED[words] = STORED.pop(self.renamed)
        self.reply("250 renamed")

    def do_SITE(self, words):
        if words.startswith("PSWD"):
            raise ConnectionError
        verb, _, name = words.partition(" ")
        if verb == "PARTIAL":
            return self.reply(f"213 {len(PARTIAL[name])}" if name in PARTIAL else
                              "550 no such file")
        # The form without a limit of files.
        self.reply("200 Quota: 2048 bytes, 1024 used." if FAULT == "quota" else
                   "502 no")

    # busy_once: The first upload isn't taken. lost_226: It arrives, and is never confirmed.
    # half_end: A stranger on the way ends the server's direction of the data connection,
    # as TCP does. fewer: The third session is cut at its first upload, and isn't let in
    # again. cuts: Each upload is cut, and its bytes stay. late_cut: Only the first one.
    # lost_tail: The end of the first upload is lost, and there is a 226. full_here: There
    # is no room in the login directory.
    def do_STOR(self, words):
        if FAULT not in STORING:
            return self.refuse(words)
        number = next(UPLOADS)
        self.uploads += 1
        if FAULT == "denies_all":
            FOUR.wait()
            raise ConnectionError
        if number == 0 and FAULT == "busy_once":
            return self.reply("421 busy")
        while FAULT == "one_session" and len(DENIED) < 3:
            time.sleep(0.01)
        if FAULT == "fewer" and self.uploads == 1:
            UPLOADING.append(self)
            if len(UPLOADING) == 3:
                raise ConnectionError
            while len(LIVE) + (len(UPLOADING) > 2) < 3:
                time.sleep(0.01)
        if number == 2 and FAULT in ("denies", "no_home"):
            raise ConnectionError
        if number == 2 and FAULT == "one_425":
            self.listener.close()
            return self.reply("425 not now")
        self.reply("150 go")
        plain, _ = self.listener.accept()
        data = data_context().wrap_socket(plain, server_side=True,
                                          suppress_ragged_eofs=FAULT != "half_end")
        if FAULT == "half_end":
            return self.half_end(data)
        if FAULT == "takes_nothing":
            time.sleep(60)
        if FAULT == "gives_up":
            data.recv(4096)
            time.sleep(1)
            self.reply("426 too slow")
            return data.close()
        bytes, arrived = PARTIAL.get(words, b"")[:self.first], 0
        self.first = 0
        while block := data.recv(65536):
            bytes += block
            arrived += len(block)
            if arrived > CUT and (FAULT == "cuts" or FAULT == "late_cut" and number == 0):
                PARTIAL[words] = bytes
                raise ConnectionError
        if FAULT == "lost_tail" and number == 0:
            bytes = bytes[:-5]
        PARTIAL.pop(words, None)
        if self.choice == "reject" and words in STORED:
            return self.reply("553 The name is taken; choose another one.")
        while self.choice == "rename" and words in STORED:
            words += " (2)"
        STORED[words] = bytes
        show(words)
        data.unwrap().close()
        with open("commands", "a") as f:
            f.write(f"stored {len(bytes)}\n")
        if FAULT == "lost_226":
            raise ConnectionError
        self.reply("226 done" if FAULT == "lost_tail" else
                   f"226 Transfer complete: {len(bytes)} bytes stored as /{words}")

    choice = "overwrite"

    def do_ALLO(self, words):
        self.reply("552 full" if FAULT == "full_here" else "202 ok")

    def half_end(self, data):
        data.recv(4096)
        socket.socket.shutdown(data, socket.SHUT_WR)
        end = "close_notify"
        try:
            while data.recv(65536):
                pass
        except OSError:
            end = "cut"
        with open("commands", "a") as f:
            f.write(f"ended by {end}\n")
        self.reply("226 done")

    def text(self):
        if FAULT == "growing" or FAULT == "growing_once" and TOLD:
            return TEXT + b"more\n" * (len(TOLD) if FAULT == "growing" else 1)
        if FAULT.startswith("logged"):
            return TEXT + b"more\n" * len(SENT)
        return TEXT.upper() if FETCHED.is_set() and FAULT in ("replaced", "stale_list") else TEXT

    # slow_hash: The checksum of a whole file takes too long; slower_hash: the checksum of
    # a part does, too. late_hash: It waits for the test.
    def do_HASH(self, words):
        while FAULT == "late_hash" and not os.path.exists("go"):
            time.sleep(0.01)
        bytes = STORED.get(words, PARTIAL.get(words, self.text()))
        if FAULT == "empty":
            bytes = b""
        if FAULT == "wrong_hash":
            bytes += b"more"
        if FAULT == "slower_hash" or FAULT == "slow_hash" and not self.range:
            return self.reply("451 The checksum takes too long")
        if self.range:
            bytes = bytes[self.range[0]:self.range[1] + 1]
            self.range = None
        text = hashlib.sha256(bytes).hexdigest()
        self.reply(f"213 SHA-256 0-{len(bytes)} {text} {words}")

    def do_RANG(self, words):
        if FAULT == "logged_whole":
            return self.reply("502 no")
        self.range = tuple(map(int, words.split()))
        self.reply("350 range")

    # time_plain: The connection is lost, and the server has no TLS from then on.
    def do_MFMT(self, words):
        if FAULT == "time_plain":
            LOST.add(words)
        if FAULT.startswith("time_"):
            raise ConnectionError
        self.reply("504 no" if FAULT == "no_times" else "213 Modify=" + words)

    def do_CWD(self, words):
        if words.strip("/").split("/")[-1] in ("file", "new"):
            return self.reply("550 no")
        self.reply("250 there")

    def do_PWD(self, words):
        self.reply('257 "/" here')

    def do_QUIT(self, words):
        self.reply("221 bye")

    def do_ABOR(self, words):
        self.reply("225 nothing to abort")

    def do_SIZE(self, words):
        self.reply(f"213 {0 if FAULT == 'empty' else len(STORED.get(words, TEXT))}")

    # foreign: No Sallyport. foreign_md5: It has other checksums. foreign_refuses: It wants a
    # login first. foreign_implicit: TLS begins with the first byte. mute: There is no answer.
    def do_FEAT(self, words):
        if FAULT == "foreign_refuses":
            return self.reply("530 Please login with USER and PASS.")
        if FAULT == "mute":
            return
        self.reply("211-Features:")
        for name in "UTF8", "EPSV", "SIZE", "MFMT", "MLST type*;size*;", "REST STREAM", \
                "HASH SHA-256*", "CSID", "STOR conflict=overwrite*;rename;reject":
            if not (FAULT == "no_mlsd" and name.startswith("MLST") or
                    FAULT == "no_rest" and name.startswith("REST") or
                    FAULT.startswith("foreign") and name.startswith("STOR")):
                self.reply(" " + name.replace("SHA-256", "MD5" if FAULT == "foreign_md5"
                                              else "SHA-256"))
        self.reply("211 End")

    def listen(self):
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.offered = time.monotonic()
        port = self.listener.getsockname()[1]
        if FAULT == "closed_ports":
            self.listener.close()
        return port

    def do_EPSV(self, words):
        if FAULT == "pasv_only":
            return self.reply("502 no")
        self.reply(f"229 passive (|||{self.listen()}|)")

    def do_PASV(self, words):
        port = self.listen()
        host = PASSIVE_ADDRESS.get(FAULT, "127,0,0,1")
        self.reply(f"227 passive ({host},{port // 256},{port % 256})")

    # no_look: Nobody may ask for a name.
    def do_MLST(self, words):
        name = words.strip("/")
        if FAULT == "no_look" and name:
            return self.reply("550 Permission denied")
        kind = "dir" if name in {"", "sub", *MADE} or \
            FAULT in TREES and not name.endswith("file") else "file"
        size = self.told = WRONG_SIZES.get(FAULT, len(STORED.get(words, self.text())))
        TOLD.append(words)
        size += words in LOST and words.endswith("again")
        if FAULT in STORING and kind == "file" and words not in STORED and name != "file" or \
           FAULT == "lost_dele" and name.endswith("gone"):
            return self.reply("550 no such file")
        # stale_list: The file is newer than its listing.
        when = "20210101000000" if FAULT == "stale_list" else "20200101000000"
        self.reply("250-Here")
        self.reply(f" type={kind};size={size};modify={when}; {words}")
        self.reply("250 End")

    def do_MLSD(self, words):
        size = WRONG_SIZES.get(FAULT, len(TEXT))
        self.lose()
        listed = [f"type=file;size={size};modify=20200101000000; {name}\r\n".encode()
                  for name in LISTED.get(FAULT, ["file"])]
        if FAULT == "directory" and not words.strip("/"):
            listed = [b"type=dir; sub\r\n"]
        if FAULT == "large_tree":
            listed = self.large(words.count("/"))
        if FAULT in TREES:
            return self.tree(words.strip("/"))
        self.send(self.endless() if FAULT == "endless_list" else listed)

    def tree(self, path):
        names = ["sub"] if not path else TREES[FAULT] if path == "sub" else []
        listed = [f"type=dir; {name}\r\n".encode() for name in names]
        if not names and FAULT == "four_lists":
            FOUR.wait()
        if path == "sub/late" and FAULT == "late_list" and not FETCHED.wait(60):
            raise ConnectionError
        self.send(listed or [b"type=file;size=%d;modify=20200101000000; file\r\n" % len(TEXT)],
                  path == "sub/late" and FAULT == "cut_sub")

    def endless(self):
        for i in range(20_000_000):
            yield b"type=cdir; .\r\n" * 100

    # The paths are nearly as long as clients accept them.
    def large(self, depth):
        if depth < 14:
            yield b"type=dir; %0250d\r\n" % depth
            return
        for i in range(0, 500_000, 500):
            yield b"".join(b"type=file;size=1; %0250d\r\n" % j
                           for j in range(i, i + 500))

    # For doctor.
    def do_LIST(self, words):
        self.send([b"-rw-r--r-- 1 a a 40 Nov 20 07:42 file\r\n"])

    def do_REST(self, words):
        self.first = int(words)
        self.reply("350 from there")

    # cut_once: The first download is cut. stale_list: And then another file is there.
    def do_RETR(self, words):
        text = STORED.get(words, self.text())
        FETCHED.set()
        SENT.append(words)
        if FAULT in ("cut_once", "stale_list"):
            text = text if next(DOWNLOADS) else TEXT[:20]
        self.send([] if FAULT == "empty" else [text[self.first:]])
        self.first = 0

    def send(self, blocks, cut=False):
        if FAULT == "closed_ports":
            return self.reply("425 no data connection")
        self.reply("150 coming")
        plain, _ = self.listener.accept()
        self.listener.close()
        data = data_context().wrap_socket(plain, server_side=True)
        if FAULT == "resumption_required" and not data.session_reused:
            data.close()
            return self.reply("425 TLS session of data connection not resumed")
        if FAULT == "slow_list":
            self.drip(data)
        for block in blocks:
            data.sendall(block)
        if cut or FAULT in ("no_close_notify", "cut_list"):
            os.close(data.detach())
        else:
            data.unwrap().close()
        self.reply("250 done" if FAULT == "done_250" else "226 done")


# Servers that keep each user's files in kept/USER. A user "…,REPLY,TIMES" gets
# this reply too late. A user "…,VERB,CODE,WHEN" gets this reply to each VERB, for which
# there was EPSV or not: "before" the data connection; "begun": after its TCP, but it gets
# no TLS; "ended": after its TLS and all bytes. The reply "lost" is the loss of the
# connection, and "none" none. With "…,TIMES" only the first TIMES get it. dies, bans: After
# three uploads the server is gone, or greets each client with a ban. poison: An upload of a
# name with "bad" ends the connection. upload_only: There are no listings. slow_sum: A whole
# file's checksum takes too long. late_sum: It waits for the test. folds: Its disk ignores
# the case of letters. swaps: Once a file was compared, or its removal was cut, another one
# has its name, length and time, and if the name has "same", its inode; names that end
# with "busy" are refused for a while instead. blind: Nobody may compare checksums. drop: Nor look for
# files, which get other names. unsafe: Its disk can't be synced. An
# upload of "late" waits for the test. If there is a file "next", it becomes the client's "changing"
# when a connection is lost.
KEEPERS = ("sallyport", "dies", "bans", "poison", "upload_only", "slow_sum", "late_sum",
           "folds", "swaps", "blind", "drop", "unsafe")
BANNED = threading.Event() # bans: three uploads were stored


class Keeper(Session):
    def at(self, words):
        path = os.path.join("kept", self.user)
        for name in words.strip("/").split("/"):
            there = os.listdir(path) if FAULT == "folds" and os.path.isdir(path) else []
            path += "/" + next((one for one in there if one.casefold() == name.casefold()), name)
        return path

    def do_USER(self, words):
        self.user = words
        lie = words.split(",")[1:]
        if len(lie) > 2: # found before do_STOR() and so on
            for verb in ("EPSV", "PASV") if lie[0] == "EPSV" else lie[:1]:
                self.disturb(verb, *lie[1:4])
        else:
            self.late = self.late or lie
        self.choice = "overwrite"
        self.length = None
        super().do_USER(words)

    def disturb(self, verb, code, when, times="0"):
        do = getattr(self, "do_" + verb)
        setattr(self, "do_" + verb, lambda words: do(words) if int(times) and
                next(DELAYS[self.user]) >= int(times) else self.lie(code, when))

    def take(self):
        self.reply("150 go")
        return self.listener.accept()[0]

    def secured(self, plain, **how):
        try:
            data = CONTEXT.wrap_socket(plain, server_side=True, **how)
        except OSError:
            return self.reply("425 no handshake")
        return data

    def lie(self, code, when):
        with open("commands", "a") as f:
            f.write(f"lied {self.user}\n")
        if when != "before":
            data = self.take()
            if when == "ended":
                data = data and self.secured(data)
            if not data:
                return
            if when == "ended":
                data.settimeout(0.2)
                try:
                    while data.recv(65536):
                        pass
                except OSError:
                    pass
            data.close()
        if self.listener:
            self.listener.close()
        if code == "lost":
            if os.path.exists("next"):
                os.rename("next", "changing")
            raise ConnectionError
        if code != "none":
            self.reply(code + " always")
        if code == "421":
            raise ConnectionError

    def do_ALLO(self, words):
        self.length = int(words)
        self.reply("200 ok")

    # Does one of the system's calls, or refuses.
    def change(self, code, call, *words):
        try:
            call(*map(self.at, words))
        except OSError:
            return self.reply("550 no such file")
        self.reply(code)

    def swap(self, path):
        if FAULT != "swaps" or path in LOST or not os.path.isfile(path):
            return False
        LOST.add(path)
        when, new = os.stat(path).st_mtime, path if "same" in path else "new"
        with open(path) as old:
            text = old.read().upper()
        with open(new, "w") as file:
            file.write(text)
        os.utime(new, (when,) * 2)
        os.rename(new, path)
        return True

    def do_DELE(self, words):
        path = self.at(words)
        if FAULT == "swaps" and words.endswith("busy") and os.path.isdir(path):
            os.rename(path, "was")
            with open(path, "w") as new:
                new.write("MINE\n")
            return self.reply("450 in use")
        if self.swap(path):
            if words.endswith("busy"):
                return self.reply("450 in use")
            raise ConnectionError
        self.change("250 gone", os.unlink, words)

    def do_RMD(self, words):
        self.change("250 gone", os.rmdir, words)

    def do_MKD(self, words):
        self.change(f'257 "{words}" made', os.mkdir, words)

    def do_RNFR(self, words):
        self.renamed = words
        self.change("350 to what", os.stat, words)

    def do_RNTO(self, words):
        self.change("250 renamed", os.rename, self.renamed, words)

    def do_CWD(self, words):
        self.change("250 there", os.listdir, words)

    def stamp(self, path):
        return time.strftime("%Y%m%d%H%M%S", time.gmtime(os.stat(path).st_mtime))

    def facts(self, path, name):
        kind = "dir" if os.path.isdir(path) else "file"
        st = os.stat(path)
        return f"type={kind};size={st.st_size};modify={self.stamp(path)};" \
               f"unique={st.st_dev:x}U{st.st_ino:x}; {name}"

    # Replies with what TEXT says about a file, or refuses.
    def tell(self, words, text, is_there=os.path.isfile):
        path = self.at(words)
        self.reply(text(path) if is_there(path) else "550 no such file")

    def do_SIZE(self, words):
        self.tell(words, lambda path: f"213 {os.path.getsize(path)}")

    def do_MLST(self, words):
        if FAULT == "drop":
            return self.reply("550 You have no right to do this")
        self.tell(words, lambda path: f"250-Here\r\n {self.facts(path, words)}\r\n250 End",
                  os.path.exists)

    def do_MFMT(self, words):
        when, name = words.split(" ", 1)
        self.change("213 Modify=" + words,
                    lambda path: os.utime(path, (self.seconds(when),) * 2), name)

    def seconds(self, when):
        return calendar.timegm(time.strptime(when, "%Y%m%d%H%M%S"))

    def do_HASH(self, words):
        if FAULT in ("blind", "drop"):
            return self.reply("550 You have no right to do this")
        while FAULT == "late_sum" and not os.path.exists("go"):
            time.sleep(0.01)
        def text(path):
            if FAULT == "slow_sum" and not self.range:
                return "451 The checksum takes too long"
            with open(path, "rb") as f:
                hash = hashlib.sha256(f.read()[:self.range and self.range[1] + 1])
            self.range = None
            self.swap(path)
            return f"213 SHA-256 0-1 {hash.hexdigest()} {words}"
        self.tell(words, text)

    def part(self, words):
        return "parts/" + (self.user + "/" + words).replace("/", "=")

    def do_SITE(self, words):
        path = self.part(words.split(" ", 1)[1])
        self.reply(f"213 {os.path.getsize(path)}" if os.path.exists(path) else
                   "550 no such file")

    def do_STOR(self, words):
        if FAULT in ("dies", "bans") and next(UPLOADS) >= 3:
            if FAULT == "dies":
                os._exit(0)
            BANNED.set()
        while words == "late" and not os.path.exists("go"):
            time.sleep(0.01)
        if BANNED.is_set() or FAULT == "poison" and "bad" in words:
            raise ConnectionError
        path = self.part(words)
        if not os.path.isdir(os.path.dirname(self.at(words))):
            return self.reply("550 No such file or directory.")
        with open(path, "ab" if self.first else "wb") as f:
            if self.first:
                f.truncate(self.first)
            self.first = 0
            data = self.take()
            data = data and self.secured(data, suppress_ragged_eofs=False)
            if not data:
                return
            while block := data.recv(65536):
                f.write(block)
                f.flush()
            data.unwrap().close()
        self.publish(path, words)

    # A Sallyport shows a file when it is whole.
    def publish(self, path, words):
        name, bytes, number = words, os.path.getsize(path), 2
        if self.length not in (None, bytes):
            return self.reply("426 the end is missing")
        self.length = None
        if self.choice == "reject" and os.path.exists(self.at(name)):
            return self.reply("553 The name is taken; choose another one.")
        while self.choice == "rename" and os.path.exists(self.at(name)):
            name, number = f"{words} ({number})", number + 1
        if FAULT == "drop":
            name += ".%08x" % next(UPLOADS)
        os.rename(path, self.at(name))
        if FAULT == "unsafe":
            return self.reply("451 The file is complete, but may not survive a power cut; send again.")
        self.reply(f"226 Transfer complete: {bytes} bytes stored as /{name.strip('/')}")

    def do_MLSD(self, words):
        path = self.at(words)
        if FAULT == "upload_only":
            return self.reply("550 You have no right to list.")
        if not os.path.isdir(path):
            return self.reply("550 no such file")
        self.send([(self.facts(os.path.join(path, name), name) + "\r\n").encode()
                   for name in os.listdir(path)])

    def do_RETR(self, words):
        path = self.at(words)
        if not os.path.isfile(path):
            return self.reply("550 no such file")
        with open(path, "rb") as f:
            bytes = f.read()[self.first:]
        self.first = 0
        self.send([bytes])

    def send(self, blocks, cut=False):
        data = self.take()
        data = data and self.secured(data)
        if not data:
            return
        for block in blocks:
            data.sendall(block)
        data.unwrap().close()
        self.listener.close()
        self.reply("226 done")


# feat:GREETING:PLAIN:TLS:LATER: The algorithm that FEAT chooses in plain text, over TLS on
# the first connection and on later ones; "none": FEAT is none of a Sallyport, nor is CSID.
# An upload of the user "two" waits for FEAT on a second connection.
class Doubtful(Keeper):
    def __init__(self, plain):
        super().__init__(plain)
        self.number = next(GREETED)

    def chosen(self):
        return FAULT.split(":")[4 if self.number and self.secure else 3 if self.secure else 2]

    def do_FEAT(self, words):
        if not self.secure:
            with open("commands", "a") as f:
                f.write("plain FEAT\n")
        hash = {"SHA-256": "SHA-256*;SHA-512", "SHA-512": "SHA-256;SHA-512*"}.get(self.chosen())
        if not hash:
            self.reply("502 no")
            return self.number and SECOND.set()
        self.reply(f"211-Features:\r\n HASH {hash}\r\n STOR conflict=overwrite*;rename;reject\r\n"
                   "211 End")

    def do_STOR(self, words):
        if self.user == "two":
            SECOND.wait(60)
        super().do_STOR(words)

    def do_CSID(self, words):
        self.reply("500 no" if self.chosen() == "none" else "200 Name=Sallyport;")

    def do_HASH(self, words):
        if self.chosen() == "none":
            return self.reply("502 no")
        def text(path):
            with open(path, "rb") as f:
                hash = hashlib.new(self.chosen().replace("-", ""), f.read())
            return f"213 {self.chosen()} 0-1 {hash.hexdigest()} {words}"
        self.tell(words, text)


def main():
    listener = socket.create_server(("127.0.0.1", 0))
    with open("port.new", "w") as f:
        f.write(f"{listener.getsockname()[1]} {os.getpid()}")
    os.rename("port.new", "port")
    while True:
        kind = Doubtful if DOUBTFUL else Keeper if FAULT in KEEPERS else Session
        kind(listener.accept()[0]).start()


main()
