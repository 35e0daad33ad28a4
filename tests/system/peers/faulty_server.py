"""A small FTPS server that does one thing wrong, for tests of the client.

usage: faulty_server.py

The standard input listens. Each line of a connection begins such a server, in a process
of its own, since Python takes longer to begin than most tests: "DIRECTORY FAULT
CERTIFICATE KEY". There the file "port" gets the port and the process once the server
listens, and "commands" gets the clients' commands. The connection's end, and a next
line, ends the server.
Everybody may log in; there is one file. As ProFTPD, it refuses SIZE in TYPE A. FAULT is
"none" or one of the words that this program compares it with; "FAULT,REPLY,TIMES": the
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
LATE_S = 2.5 # clients wait for 1 s
DELAYS = collections.defaultdict(itertools.count) # of each user
TEXT = b"a text of forty bytes that is one file.\n"
CUT = 1500000 # bytes of an upload
IGNORE_UNEXPECTED_EOF = 0x80 # some Pythons set it, and then ignore how connections end

PASSIVE_ADDRESS = {"pasv_private": "10,1,2,3", "pasv_foreign": "203,0,113,9",
                   "pasv_only": "203,0,113,9"}
NAMES = ["../escaped", "/escaped", "a/b", "..", "\x1b[2Jclear", "tab\there",
         "del\x7f", "good"]
# Servers that know TEXT's checksum. growing: It grows whenever its size was told,
# growing_once: only the first time. replaced: After the first download it is another
# file.
WITH_HASH = ("growing", "growing_once", "replaced")
# short_link, long_link: SIZE follows a link, MLST doesn't.
WRONG_SIZES = {"size_too_small": 3, "size_too_large": 4000, "short_link": 3,
               "long_link": 4000}
LISTED = {
    "names": NAMES,
    "names_of_list": NAMES,
    # No control bytes of ASCII, but a terminal may obey them.
    "rude": ["\u009b2Jclear", "\u202egpj.exe", "file"],
    "dash": ["-"],
    "lost_dele": ["again", "gone", "late"],
    "lost_mfmt": ["file", "other"],
    # MLSD doesn't show a name that MLST knows.
    "short_list": ["file"],
    "cut_list": [],
    "makes": [],
    "size_too_small": ["file"],
    "size_too_large": ["file"],
}

# Servers with directories in /sub. four_lists: a listing of them is answered when
# four are under way. late_list: that of "late" comes after a download was asked for.
# cut_sub: that of "late" is cut. cut_first: it is cut while another session waits for
# the one of "early", which comes after a question for a name; sessions but the first one
# log in when /sub was listed.
TREES = {"four_lists": "abcd", "late_list": ["early", "late"],
         "cut_sub": ["early", "late"], "cut_first": ["early", "late"]}

WITHOUT_MLSD = ("no_mlsd", "dos_list", "odd_list", "no_list", "changed", "changed_untimed",
                "names_of_list", "hidden_list", "list_elsewhere", "refused_list",
                "sizeless_nothing", "sizeless_list", "dash_a", "denied_cwd")


def context():
    c = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    c.options &= ~IGNORE_UNEXPECTED_EOF
    c.load_cert_chain(CERTIFICATE, KEY)
    if FAULT == "old_tls":
        c.set_ciphers("ALL:@SECLEVEL=0")
        c.minimum_version = ssl.TLSVersion.TLSv1
        c.maximum_version = ssl.TLSVersion.TLSv1_1
    if FAULT == "asks":
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
LISTINGS = itertools.count()
FOUR = threading.Barrier(4, timeout=60)
FETCHED = threading.Event() # late_list: a download was asked for
SHOWN = threading.Event() # cut_first: /sub was listed
ASKED = threading.Event() # cut_first: a name was asked for
TOLD = [] # questions for a size
LIVE = set() # sessions that are logged in
UPLOADING = [] # those that have begun an upload
DENIED = [] # sessions that are over
ALONE = threading.Lock()
MADE = set() # directories
LOST = set() # lost_dele: names whose removal was cut
STORED = {} # what uploads have left, for the faults that keep it
if FAULT == "no_look":
    STORED["new"] = b"theirs\n"
PARTIAL = {} # late_cut: what a cut upload has left, under its later name
KEEPING = ("emptied", "lost_226", "renames", "no_rename", "no_dots", "full",
           "no_dots_cut", "lost_rnto", "lost_rnfr", "one_425", "one_each",
           "time_denies", "time_plain", "no_times", "makes", "slow_hash", "slower_hash",
           "late_226", "lost_temp", "no_room", "sizeless_taken", "late_425",
           "sizeless_list", "echoes", "slow_cut", "no_look", "lost_tail", "full_here")


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
        self.where = ""
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
            self.s.settimeout(2 if FAULT in ("idle", "one_session", "idle_denies",
                                             "idle_folds") and self.secure else None)
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
        if FAULT == "asks":
            with open("commands", "a") as f:
                f.write("shown\n" if self.s.getpeercert(True) else "none\n")

    def drip(self, s):
        while True: # until the client closes
            s.sendall(b"x")
            time.sleep(0.5)

    def do_USER(self, words):
        if self.secure or FAULT == "plain_login":
            self.reply("331 password")
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
        if number > 0 and FAULT == "cut_first":
            SHOWN.wait(60)
        LIVE.add(self)
        self.reply("230 in; you may change your password" if FAULT == "advises" else
                   "230 in")

    def do_PBSZ(self, words):
        self.reply("200 ok")

    do_TYPE = do_NOOP = do_OPTS = do_PBSZ

    def do_CSID(self, words):
        self.reply("200 Name=Sallyport;")

    def do_PROT(self, words):
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
        if FAULT not in ("lost", "absent_450", "makes"):
            return self.refuse(words)
        MADE.add(words.strip("/"))
        self.reply(f'257 "{words}" made')

    def do_RMD(self, words):
        if FAULT in TREES:
            return self.reply("250 gone")
        self.refuse(words)

    # busy_dele: The first try to remove a name is refused for a while.
    # lost_dele: The connection is lost at each name's first removal; "late" is
    # there then, and another client makes "again". denied_dele: The right is missing.
    def do_DELE(self, words):
        if FAULT == "denied_dele":
            return self.reply("550 Permission denied")
        if PARTIAL.pop(words, None) is not None:
            return self.reply("250 gone")
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
        if words not in STORED and FAULT not in ("grows", "busy_dele"):
            return self.refuse(words)
        STORED.pop(words, None)
        show(words)
        self.reply("250 gone")

    # lost_rnfr: The connection is lost before the first rename, lost_rnto: after it;
    # lost_temp: with the file that was to be renamed.
    def do_RNFR(self, words):
        if FAULT == "lost_temp" and next(LOSSES) == 0:
            STORED.pop(words)
            raise ConnectionError
        if FAULT == "lost_rnfr" and next(LOSSES) == 0:
            raise ConnectionError
        if FAULT == "no_rename" or words not in STORED:
            return self.refuse(words)
        self.renamed = words
        self.reply("350 to what")

    def do_RNTO(self, words):
        if FAULT == "sizeless_taken" and words in STORED:
            return self.refuse(words)
        STORED[words] = STORED.pop(self.renamed)
        show(words)
        show(self.renamed)
        if FAULT == "lost_rnto":
            raise ConnectionError
        self.reply("250 renamed")

    def do_SITE(self, words):
        if words.startswith("PSWD"):
            raise ConnectionError
        # The form without a limit of files.
        self.reply("200 Quota: 2048 bytes, 1024 used." if FAULT == "quota" else
                   "502 no")

    # busy_once: The first upload isn't taken; meanwhile another client makes
    # "new"; "taken" is there before. emptied: The first one gets no answer, and
    # leaves an empty file.
    # lost_226: It arrives, and is never confirmed. sizeless_226: And nobody can say
    # how long it is. silent_size: It arrives, and
    # nobody says how long it is. lost_data: The connections are cut after the
    # 150, and before the next one. no_dots: Names that begin with a dot are
    # refused. no_dots_cut: And the first upload is never confirmed. full: There is
    # no room after the first bytes. half_end: A stranger on the way ends the
    # server's direction of the data connection, as TCP does. one_each: A control
    # connection serves one upload. fewer: The third session is cut at its first
    # upload, and isn't let in again. late_cut: As at a Sallyport, nobody sees the
    # part of an upload that is cut, as the first one is, and the part stays until
    # the first byte of another one has come: the second one has none.
    # other_late_cut: So does another server, under a temporary name. no_room: There is
    # none for a name that begins with a dot. sizeless_taken: Another client makes "new"
    # meanwhile. late_425: The file is made before the data connection is refused.
    # sizeless_list: There is neither MLSD nor SIZE. echoes: A refusal repeats the name.
    # no_look: Nobody may ask for a name; "new" is there. lost_tail: The end of the first
    # upload is lost, and there is a 226. full_here: There is no room in the login directory.
    def do_STOR(self, words, append=False):
        if FAULT not in ("busy_once", "stored_empty", "silent_size", "lost_data",
                         "half_end", "denies", "denies_all", "no_home", "one_session", "one_at_a_time",
                         "fewer", "cuts", "takes_nothing", "gives_up", "late_cut", "other_late_cut",
                         "lost_mfmt", "sizeless_226", *KEEPING) and not FAULT.startswith("x"):
            return self.refuse(words)
        if FAULT.startswith("no_dots") and words.startswith("."):
            return self.refuse(words)
        if FAULT == "no_room" and words.startswith("."):
            return self.reply("552 full")
        if FAULT == "sizeless_taken" and words.startswith("."):
            STORED["new"] = b"theirs\n"
            show("new")
        number = next(UPLOADS)
        self.uploads += 1
        if FAULT == "denies_all":
            FOUR.wait()
            raise ConnectionError
        if number == 0 and FAULT == "busy_once":
            return self.reply("421 busy")
        if FAULT.endswith("late_cut"):
            return self.late_cut(words, number, append)
        STORED[words] = STORED.get(words, b"") if append else b""
        if FAULT == "late_425" and number < 4:
            self.listener.close()
            return self.reply("425 not now")
        if number == 0 and FAULT == "emptied":
            return
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
        if number == 2 and FAULT == "one_425" or \
           self.uploads == 2 and FAULT == "one_each":
            self.listener.close()
            return self.reply("425 not now")
        self.reply("150 go")
        plain, _ = self.listener.accept()
        if FAULT == "lost_data":
            plain.close()
            return self.reply("425 cut")
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
        arrived = []
        while block := data.recv(65536):
            arrived.append(block)
            if (FAULT == "cuts" or FAULT == "slow_cut" and number == 0) and \
               sum(map(len, arrived)) > CUT:
                STORED[words] += b"".join(arrived)
                show(words)
                raise ConnectionError
        STORED[words] += b"".join(arrived)
        if FAULT == "lost_tail" and number == 0:
            STORED[words] = STORED[words][:-5]
        show(words)
        data.unwrap().close()
        with open("commands", "a") as f:
            f.write(f"stored {len(STORED[words])}\n")
        if FAULT == "full":
            return self.reply("552 full")
        if FAULT == "late_226":
            time.sleep(7)
        if FAULT in ("lost_226", "sizeless_226") or FAULT == "no_dots_cut" and number == 0:
            raise ConnectionError
        self.reply("226 done")

    def do_APPE(self, words):
        self.do_STOR(words, True)

    def do_ALLO(self, words):
        self.reply("552 full" if FAULT == "full_here" else "502 no")

    def late_cut(self, words, number, append):
        self.reply("150 go")
        plain, _ = self.listener.accept()
        data = data_context().wrap_socket(plain, server_side=True)
        if number == 1:
            raise ConnectionError
        bytes = PARTIAL.get(words, b"") if append else b""
        while block := data.recv(65536):
            bytes += block
            if number == 0 and len(bytes) > CUT:
                PARTIAL[words] = bytes
                raise ConnectionError
        data.unwrap().close()
        STORED[words] = bytes
        show(words)
        self.reply("226 done")

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

    def do_XSHA256(self, words):
        bytes = STORED.get(words, TEXT)
        if FAULT == "xsha256_wrong":
            bytes += b"more"
        while FAULT == "xsha256_late" and not os.path.exists("go"):
            time.sleep(0.01)
        self.reply("250 " + hashlib.sha256(bytes).hexdigest().upper())

    def text(self):
        if FAULT == "growing" or FAULT == "growing_once" and TOLD:
            return TEXT + b"more\n" * (len(TOLD) if FAULT == "growing" else 1)
        return TEXT.upper() if FAULT == "replaced" and FETCHED.is_set() else TEXT

    # slow_hash: The checksum of a whole file takes too long; slower_hash: that of a
    # part does, too. slow_cut: So does that of a whole file, and the first upload is cut.
    def do_HASH(self, words):
        bytes = STORED.get(words, self.text() if FAULT in WITH_HASH else None)
        if FAULT not in KEEPING + WITH_HASH or bytes is None:
            return self.reply("550 no")
        if FAULT == "slower_hash" or FAULT in ("slow_hash", "slow_cut") and not self.range:
            return self.reply("451 The checksum takes too long")
        if self.range:
            bytes = bytes[self.range[0]:self.range[1] + 1]
            self.range = None
        text = hashlib.sha256(bytes).hexdigest()
        self.reply(f"213 SHA-256 0-{len(bytes)} {text} {words}")

    def do_RANG(self, words):
        self.range = tuple(map(int, words.split()))
        self.reply("350 range")

    # lost_mfmt: The connection is lost at the first one. time_plain: And the server has no
    # TLS from then on.
    def do_MFMT(self, words):
        if FAULT == "time_plain":
            LOST.add(words)
            raise ConnectionError
        if FAULT == "time_denies" or FAULT == "lost_mfmt" and next(LOSSES) == 0:
            raise ConnectionError
        self.reply("504 no" if FAULT == "no_times" else "213 Modify=" + words)

    # A local file of this name is surplus, also in a listing that doesn't tell.
    def lacks(self, words):
        return words.split("/")[-1] in ("surplus", "gone")

    def do_CWD(self, words):
        if self.lacks(words):
            return self.reply("550 Permission denied" if FAULT == "denied_cwd" else
                              "550 no")
        if words.strip("/").split("/")[-1] in ("file", "link", "shut", "new"):
            return self.reply("550 no")
        self.where = words.strip("/")
        self.reply("250 there")

    def do_PWD(self, words):
        self.reply('257 "/" here')

    def do_QUIT(self, words):
        self.reply("221 bye")

    def do_ABOR(self, words):
        self.reply("225 nothing to abort")

    def do_SIZE(self, words):
        if FAULT == "silent_size" and words in STORED:
            return
        if FAULT.startswith("sizeless"):
            return self.reply("502 no")
        if FAULT == "no_look":
            return self.reply("550 Permission denied")
        if self.lacks(words) or words.strip("/") in ("sub", "locked", "shut"):
            return self.reply("550 no such file")
        if FAULT == "busy_once" or FAULT in (*KEEPING, "cuts") and words not in STORED:
            return self.reply("550 no such file")
        if FAULT.endswith("late_cut") and words not in STORED and words not in PARTIAL:
            return self.reply("550 no such file")
        length = 0 if FAULT in ("stored_empty", "empty") else \
            self.told if FAULT in WITH_HASH or FAULT.startswith("size_") else \
            len(STORED.get(words, PARTIAL.get(words, TEXT)))
        self.reply(f"213 {length}")

    def do_FEAT(self, words):
        self.reply("211-Features:")
        if FAULT in KEEPING + WITH_HASH and FAULT != "late_226":
            self.reply(" HASH SHA-256*\r\n MFMT")
        if FAULT == "lost_mfmt":
            self.reply(" MFMT")
        if FAULT == "late_cut":
            self.reply(" CSID")
        if FAULT.startswith("xsha256"):
            self.reply(" XSHA256")
        for name in "UTF8", "EPSV", "SIZE", "MLST type*;size*;", "REST STREAM":
            if not (FAULT in WITHOUT_MLSD and
                    name.startswith("MLST") or
                    FAULT == "no_rest" and name.startswith("REST")):
                self.reply(" " + name)
        self.reply("211 End")
        if FAULT == "banner": # the next command needs a new session
            raise ConnectionError

    def listen(self):
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.offered = time.monotonic()
        port = self.listener.getsockname()[1]
        if FAULT == "closed_ports":
            self.listener.close()
        return port

    def do_EPSV(self, words):
        if FAULT == "lost_data" and STORED:
            raise ConnectionError
        if FAULT == "pasv_only":
            return self.reply("502 no")
        self.reply(f"229 passive (|||{self.listen()}|)")

    def do_PASV(self, words):
        port = self.listen()
        host = PASSIVE_ADDRESS.get(FAULT, "127,0,0,1")
        self.reply(f"227 passive ({host},{port // 256},{port % 256})")

    def do_MLST(self, words):
        if FAULT == "silent_size" and words in STORED:
            return
        if self.lacks(words):
            return self.reply("550 no such file")
        if FAULT == "no_look" and words.strip("/"):
            return self.reply("550 Permission denied")
        if FAULT == "absent_450" and words.strip("/") not in {"", *MADE}:
            return self.reply("450 no such file")
        kind = "dir" if words.strip("/") in {"", "sub", *MADE} or \
            FAULT in TREES and not words.endswith("file") else "file"
        if words == "link":
            kind = "OS.unix=slink"
        size = self.told = WRONG_SIZES.get(FAULT, len(STORED.get(words, self.text())))
        TOLD.append(words)
        ASKED.set()
        size += words in LOST and words.endswith("again")
        if FAULT == "busy_once" and words not in ("new", "taken") or \
           words == "new" and repr(UPLOADS) == "count(0)" or \
           FAULT in (*KEEPING, "cuts", "late_cut", "other_late_cut") and words.strip("/") and \
           words not in STORED:
            return self.reply(f"550 '{words}' cannot be listed" if FAULT == "echoes" else
                              "550 no such file")
        facts = "" if FAULT in ("no_sizes", "sizeless_226") else f"size={size};"
        if FAULT == "stale_list": # the file is newer than its listing
            facts += "modify=20210101000000;"
        self.reply("250-Here")
        self.reply(f" type={kind};{facts} {words}")
        self.reply("250 End")

    def do_MLSD(self, words):
        size = WRONG_SIZES.get(FAULT, len(TEXT))
        self.lose()
        facts = "" if FAULT == "no_sizes" else f"size={size};"
        if FAULT in ("lost_mfmt", "stale_list"):
            facts += "modify=20200101000000;"
        listed = [f"type=file;{facts} {name}\r\n".encode()
                  for name in LISTED.get(FAULT, ["file"])]
        if FAULT == "no_sizes":
            listed.append(b"type=OS.unix=slink; link\r\n")
        if FAULT == "directory" and not words.strip("/"):
            listed = [b"type=dir; sub\r\n"]
        if FAULT == "grows" and next(LISTINGS) > 0:
            listed += [f"type=file;size=1; {name}\r\n".encode()
                       for name in "bc"]
        if FAULT == "large_tree":
            listed = self.large(words.count("/"))
        if words.strip("/") == "shut": # readable, but none of its files
            listed = []
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
        if path == "sub/early" and FAULT == "cut_first" and not ASKED.wait(60):
            raise ConnectionError
        self.send(listed or [f"type=file;size={len(TEXT)}; file\r\n".encode()],
                  path == "sub/late" and FAULT in ("cut_sub", "cut_first"))
        if path == "sub":
            SHOWN.set()

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

    # As vsftpd: a name that is no readable directory is listed like a file, and
    # "locked" has no lines if it is the present directory.
    def do_LIST(self, words):
        if FAULT == "refused_list":
            return self.refuse(words)
        form = "-rw-r--r-- 1 a a {} Nov 20 07:42 {}\r\n"
        itself = "drwxr-xr-x 2 a a 4096 Nov 20 07:42 .\r\n"
        path = words.removeprefix("-a").strip(" /")
        names = LISTED.get(FAULT, ["file"])
        if FAULT == "dos_list":
            form, itself = "10-23-25  03:12PM {:20} {}\r\n", ""
        if FAULT == "odd_list":
            form = "-rw-r--r-- 1 a {} Nov 20 07:42 {}\r\n" # without a group
        if FAULT in ("hidden_list", "dash_a") or path: # without -a
            itself = ""
        if path and FAULT != "list_elsewhere":
            names = [path.split("/")[-1]]
        if self.where and FAULT == "list_elsewhere":
            names = ["file", "other"]
        if FAULT == "no_list" or self.where == "locked" or \
           FAULT == "dash_a" and "-a" in words:
            names, itself = [], ""
        self.send([itself.encode()] * bool(itself) +
                  [form.format(len(TEXT), name).encode() for name in names])

    def do_REST(self, words):
        self.first = int(words)
        self.reply("350 from there")

    # The first download is cut, and then another file of this size is there.
    def do_RETR(self, words):
        text = STORED.get(words, self.text())
        FETCHED.set()
        if FAULT in ("changed", "changed_untimed", "stale_list"):
            text = TEXT.upper() if next(DOWNLOADS) else TEXT[:20]
        # The file is empty, or all of it is lost on the way.
        if FAULT in ("empty", "sizeless_nothing"):
            return self.send([], True)
        self.send([text[self.first:]])
        self.first = 0

    def do_MDTM(self, words):
        if FAULT == "changed":
            self.reply("213 2026010100000" + repr(DOWNLOADS)[6])
        else:
            self.reply("502 no")

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
        if cut or FAULT in ("no_close_notify", "cut_list", "sizeless_cut"):
            os.close(data.detach())
        else:
            data.unwrap().close()
        self.reply("250 done" if FAULT == "done_250" else "226 done")


FILES = {} # of a mirror: name -> [bytes, time]


# A server that keeps one directory of files. hides: It doesn't list names of .ht*.
# folds: It takes "A" for "a". disk_folds: So does the disk of a Sallyport. blanks: It
# stores "a " as "a". ahead: Its clock is, and it sets no times. sets: The same, but
# MDTM sets times, and MLST isn't known. loses: It keeps the old file until the new one
# is whole, and its second and third uploads are lost with the connection. mute_folds:
# It folds, and answers no question about a name. list_folds: It folds, and has no MLST.
# idle_folds: And ends idle sessions.
MIRRORS = ("hides", "folds", "disk_folds", "blanks", "ahead", "sets", "loses",
           "mute_folds", "list_folds", "idle_folds")


class Mirror(Session):
    def name(self, words):
        name = words.strip("/ ")
        return name.lower() if FAULT.endswith("folds") else name

    def stamp(self, name):
        return time.strftime("%Y%m%d%H%M%S", time.gmtime(FILES[name][1]))

    def facts(self, name):
        return f"type=file;size={len(FILES[name][0])};modify={self.stamp(name)}; {name}"

    def do_FEAT(self, words):
        if FAULT == "mute_folds":
            return self.reply("211-Features:\r\n UTF8\r\n211 End")
        if FAULT in ("list_folds", "idle_folds"):
            return self.reply("211-Features:\r\n UTF8\r\n SIZE\r\n211 End")
        more = " MDTM" if FAULT == "sets" else " MLST type*;size*;modify*"
        if FAULT not in ("ahead", "sets"):
            more += "\r\n MFMT"
        if FAULT == "disk_folds":
            more += "\r\n CSID"
        self.reply(f"211-Features:\r\n UTF8\r\n SIZE\r\n{more}\r\n211 End")

    def do_STOR(self, words):
        self.reply("150 go")
        plain, _ = self.listener.accept()
        data = CONTEXT.wrap_socket(plain, server_side=True)
        bytes = b"".join(iter(lambda: data.recv(65536), b""))
        data.unwrap().close()
        if FAULT == "loses" and next(UPLOADS) in (1, 2):
            raise ConnectionError
        FILES[self.name(words)] = [bytes, time.time() + 7200]
        self.reply("226 done")

    def do_SIZE(self, words):
        if FAULT == "mute_folds":
            return self.reply("502 no")
        file = FILES.get(self.name(words))
        self.reply(f"213 {len(file[0])}" if file else "550 no such file")

    def do_MLST(self, words):
        if FAULT == "mute_folds":
            return self.reply("502 no")
        name = self.name(words)
        self.reply("250-Here\r\n type=dir; /\r\n250 End" if not name else
                   f"250-Here\r\n {self.facts(name)}\r\n250 End" if name in FILES else
                   "550 no such file")

    def do_CWD(self, words):
        self.reply("550 no" if words.strip("/") else "250 there")

    def shown(self):
        return [name for name in FILES if FAULT != "hides" or name[:3] != ".ht"]

    def do_MLSD(self, words):
        self.send([(self.facts(name) + "\r\n").encode() for name in self.shown()])

    def do_LIST(self, words):
        self.send([b"drwxr-xr-x 2 a a 4096 Nov 20 07:42 .\r\n"] +
                  [f"-rw-r--r-- 1 a a {len(FILES[name][0])} Nov 20 07:42 {name}\r\n"
                   .encode() for name in FILES])

    def do_RETR(self, words):
        self.send([FILES[self.name(words)][0]])

    def do_DELE(self, words):
        gone = FILES.pop(self.name(words), None)
        self.reply("250 gone" if gone else "550 no such file")

    def do_RNFR(self, words):
        self.renamed = self.name(words)
        self.reply("350 to what")

    def do_RNTO(self, words):
        FILES[self.name(words)] = FILES.pop(self.renamed)
        self.reply("250 renamed")

    def set_time(self, words):
        when, name = words.split(" ", 1)
        FILES[self.name(name)][1] = calendar.timegm(time.strptime(when, "%Y%m%d%H%M%S"))

    def do_MFMT(self, words):
        self.set_time(words)
        self.reply("213 Modify=" + words)

    def do_MDTM(self, words):
        if FAULT == "sets" and " " in words:
            self.set_time(words)
            return self.reply("213 File modification time set.")
        name = self.name(words)
        self.reply("213 " + self.stamp(name) if name in FILES else "550 no such file")


# Servers that keep each user's files in kept/USER: a Sallyport; one that shows an upload
# while it grows; and one without MLSD, checksums and MFMT. A user "…,REPLY,TIMES" gets
# this reply too late. A user "…,VERB,CODE,WHEN" gets this reply to each VERB, for which
# there was EPSV or not: "before" the data connection; "begun": after its TCP, but it gets
# no TLS; "ended": after its TLS and all bytes. The reply "lost" is the loss of the
# connection, and "none" none. With "…,TIMES,MANNER" only the first TIMES get it, and data
# connections must be made in this manner: 0 any, 1 one for each control connection, 2 no
# resumption, 3 a handshake after the 150. dies, bans: After three uploads the server
# is gone, or greets each client with a ban. poison: An upload of a name with "bad" ends
# the connection. upload_only: There are no listings. slow_sum: A whole file's checksum
# takes too long.
KEEPERS = {
    "sallyport": " UTF8\r\n CSID\r\n STOR conflict=overwrite*\r\n MFMT\r\n HASH SHA-256*\r\n"
                 " MLST type*;size*;modify*",
    "modern": " UTF8\r\n MFMT\r\n HASH SHA-256*\r\n MLST type*;size*;modify*",
    "plain": " MDTM",
    # MLSD shows links as what they lead to.
    "linked": " UTF8\r\n MFMT\r\n MLST type*;size*;modify*;unique*",
    "linked_mute": " UTF8\r\n MFMT\r\n MLST type*;size*;modify*",
    # All names have one number, and each is listed twice. There is no LIST for now.
    "careless": " UTF8\r\n MFMT\r\n MLST type*;size*;modify*;unique*",
    "dies": " MFMT\r\n MLST type*;size*;modify*",
    "bans": " MFMT\r\n MLST type*;size*;modify*",
    "poison": " MFMT\r\n MLST type*;size*;modify*",
    "upload_only": " MDTM",
    "slow_sum": " MFMT\r\n HASH SHA-256*\r\n MLST type*;size*;modify*",
}
BANNED = threading.Event() # bans: three uploads were stored


class Keeper(Session):
    def at(self, words):
        return os.path.join("kept", self.user, words.strip("/"))

    def do_USER(self, words):
        self.user = words
        lie = words.split(",")[1:]
        if len(lie) > 2: # found before do_STOR() and so on
            self.manner = int(lie[4]) if len(lie) > 4 else 0
            for verb in ("EPSV", "PASV") if lie[0] == "EPSV" else lie[:1]:
                self.disturb(verb, *lie[1:4])
        else:
            self.late = self.late or lie
        self.choice = "overwrite"
        self.length = None
        super().do_USER(words)

    manner = made = 0

    def disturb(self, verb, code, when, times="0"):
        do = getattr(self, "do_" + verb)
        setattr(self, "do_" + verb, lambda words: do(words) if int(times) and
                next(DELAYS[self.user]) >= int(times) else self.lie(code, when))

    # Makes the data connection. Returns None after the refusal of another manner.
    def take(self):
        self.made += 1
        plain = None
        if self.manner == 3:
            plain, _ = self.listener.accept()
            # The client's kernel holds a handshake back for 200 ms only.
            early = select.select([plain], [], [], 0.05)[0] and \
                time.monotonic() < self.offered + 0.2
        if self.manner == 1 and self.made > 1 or self.manner == 3 and early:
            (plain or self.listener).close()
            return self.reply("425 not in this manner")
        self.reply("150 go")
        return plain or self.listener.accept()[0]

    def secured(self, plain, **how):
        try:
            data = CONTEXT.wrap_socket(plain, server_side=True, **how)
        except OSError:
            return self.reply("425 no handshake")
        if self.manner == 2 and data.session_reused:
            os.close(data.detach())
            return self.reply("425 not in this manner")
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
            raise ConnectionError
        if code != "none":
            self.reply(code + " always")
        if code == "421":
            raise ConnectionError

    def do_FEAT(self, words):
        self.reply(f"211-Features:\r\n SIZE\r\n REST STREAM\r\n{KEEPERS[FAULT]}\r\n211 End")

    def do_OPTS(self, words):
        if words.startswith("STOR"):
            self.choice = words.split("=")[1]
        self.reply("200 " + words)

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

    def do_DELE(self, words):
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
        if os.path.isdir(self.at(words)):
            self.where = words
        self.change("250 there", os.listdir, words)

    def stamp(self, path):
        return time.strftime("%Y%m%d%H%M%S", time.gmtime(os.stat(path).st_mtime))

    def facts(self, path, name):
        kind = "dir" if os.path.isdir(path) else "file"
        unique = {"linked": f"unique={os.stat(path).st_ino};",
                  "careless": "unique=1g1;"}.get(FAULT, "")
        return f"type={kind};size={os.path.getsize(path)};modify={self.stamp(path)};" \
               f"{unique} {name}"

    # Replies with what TEXT says about a file, or refuses.
    def tell(self, words, text, is_there=os.path.isfile):
        path = self.at(words)
        self.reply(text(path) if is_there(path) else "550 no such file")

    def do_SIZE(self, words):
        self.tell(words, lambda path: f"213 {os.path.getsize(path)}")

    def do_MDTM(self, words):
        self.tell(words, lambda path: "213 " + self.stamp(path))

    def do_MLST(self, words):
        self.tell(words, lambda path: f"250-Here\r\n {self.facts(path, words)}\r\n250 End",
                  os.path.exists)

    def do_MFMT(self, words):
        when, name = words.split(" ", 1)
        self.change("213 Modify=" + words,
                    lambda path: os.utime(path, (self.seconds(when),) * 2), name)

    def seconds(self, when):
        return calendar.timegm(time.strptime(when, "%Y%m%d%H%M%S"))

    def do_HASH(self, words):
        def text(path):
            if FAULT == "slow_sum" and not self.range:
                return "451 The checksum takes too long"
            with open(path, "rb") as f:
                hash = hashlib.sha256(f.read()[:self.range and self.range[1] + 1])
            self.range = None
            return f"213 SHA-256 0-1 {hash.hexdigest()} {words}"
        self.tell(words, text)

    def part(self, words):
        return "parts/" + (self.user + "/" + words).replace("/", "=")

    def do_SITE(self, words):
        path = self.part(words.split(" ", 1)[1])
        self.reply(f"213 {os.path.getsize(path)}" if os.path.exists(path) else
                   "550 no such file")

    def do_STOR(self, words, append=False):
        if FAULT in ("dies", "bans") and next(UPLOADS) >= 3:
            if FAULT == "dies":
                os._exit(0)
            BANNED.set()
        if BANNED.is_set() or FAULT == "poison" and "bad" in words:
            raise ConnectionError
        hidden = FAULT == "sallyport"
        path = self.part(words) if hidden else self.at(words)
        if not os.path.isdir(os.path.dirname(self.at(words))):
            return self.reply("550 No such file or directory.")
        with open(path, "ab" if append or self.first else "wb") as f:
            if self.first:
                f.truncate(self.first)
            self.first = 0
            data = self.take()
            data = data and self.secured(data, suppress_ragged_eofs=not hidden)
            if not data:
                return
            while block := data.recv(65536):
                f.write(block)
                f.flush()
            data.unwrap().close()
        self.publish(path, words) if hidden else self.reply("226 done")

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
        os.rename(path, self.at(name))
        self.reply(f"226 Transfer complete: {bytes} bytes stored as /{name.strip('/')}")

    def do_MLSD(self, words):
        path = self.at(words)
        if not os.path.isdir(path):
            return self.reply("550 no such file")
        self.send([(self.facts(os.path.join(path, name), name) + "\r\n").encode()
                   for name in os.listdir(path) * (1 + (FAULT == "careless"))])

    def do_LIST(self, words):
        if FAULT == "careless":
            return self.reply("451 not now")
        if FAULT == "upload_only":
            return self.reply("550 Permission denied.")
        path = self.at(self.where)
        form = "{}rw-r--r-- 1 a a {} Nov 20 07:42 {}\r\n"
        self.send([form.format("l" if os.path.islink(os.path.join(path, name)) else
                               "d" if os.path.isdir(os.path.join(path, name)) else "-",
                               os.path.getsize(os.path.join(path, name)), name).encode()
                   for name in [".", *os.listdir(path)]
                   if FAULT != "plain" or not name.startswith(".h")])

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


def main():
    listener = socket.create_server(("127.0.0.1", 0))
    with open("port.new", "w") as f:
        f.write(f"{listener.getsockname()[1]} {os.getpid()}")
    os.rename("port.new", "port")
    while True:
        kind = Mirror if FAULT in MIRRORS else Keeper if FAULT in KEEPERS else Session
        kind(listener.accept()[0]).start()


main()
