/* The list of all messages that one process can send to another. The structs
 * (channel.h), the codec and the permission check follow from this list. A file
 * that includes the list defines MESSAGE, FIELD and END before, and can include
 * the list several times:
 *
 *   MESSAGE(name, from, to, phases, how_often, answers, purpose)
 *     from, to    a process, or several with |
 *     phases      phases of the receiver's channel in which the message may
 *                 come
 *     how_often   ONCE or MANY on one channel
 *     answers     the request that the message answers, or NONE
 *     purpose     for readers
 *   FIELD(c_type, TYPE, name, count)   each field, by one of the words below
 *   END                                after the last field
 *   SECTION(title, introduction)       a heading for readers
 *   RETIRED(name)                      the number of a message of an earlier
 *                                      release, which means nothing now
 * This file has no include guard on purpose. */

/* clang-format off */
#ifndef SECTION
#define SECTION(title, introduction)
#endif
#ifndef RETIRED
#define RETIRED(name)
#endif

#define NUMBER(name)     FIELD(uint64_t, NUMBER, name, 0)
/* Seconds since 1970. */
#define TIME(name)       FIELD(int64_t, TIME, name, 0)
#define FLAG(name)       FIELD(bool, FLAG, name, 2)
/* A value of an enum with COUNT values from 0 on. */
#define ENUM(type, name, count) FIELD(enum type, ENUM, name, count)
/* An errno, 0 to 4,095. */
#define ERRNO(name)      FIELD(int, ERRNO, name, 4096)
/* An address with its port; family 0: none. */
#define ADDRESS(name)    FIELD(struct address, ADDRESS, name, 0)
/* 1 to 255 bytes, no control bytes. */
#define WORD(name)       FIELD(struct slice, WORD, name, 0)
/* Up to 1,024 bytes, no NUL. */
#define TEXT(name)       FIELD(struct slice, TEXT, name, 0)
/* A complaint: on the wire the same; of a longer one the beginning is sent. */
#define WHY(name)        FIELD(struct slice, WHY, name, 0)
/* Absolute, 1 to 4,096 bytes, no NUL. */
#define PATH(name)       FIELD(struct slice, PATH, name, 0)
/* Up to 518 bytes (SECRET_MAX), no NUL; the buffers are wiped. */
#define SECRET(name)     FIELD(struct slice, SECRET, name, 0)
/* A key, exactly 80 bytes; the buffers are wiped. */
#define KEY(name)        FIELD(struct slice, KEY, name, 0)
/* Up to 10,240 bytes. */
#define BYTES(name)      FIELD(struct slice, BYTES, name, 0)
/* A descriptor. */
#define FD(name)         FIELD(int, FD, name, 0)

SECTION("Across generations",
        "Both ends of such a channel may be of different builds: an old "
        "supervisor starts a new master, and a new sallyportctl reloads an old "
        "server. The number of a message on the wire is its position in this "
        "list. So the messages of the first four sections stay first in the "
        "list, and a new message for them goes to the end of the fourth "
        "section. Those between two of supervisor, master and ctl are "
        "published: such a message never changes its fields; a new message "
        "replaces it, and the number of the old one is never used again. Of "
        "the others only the position is fixed: a session is a fork of gate, "
        "master starts each gate of a generation from one program, and ctl "
        "forks files.")

MESSAGE(keep, MASTER, SUPERVISOR, START | RUN, MANY, NONE,
        "a descriptor for the next generations, and its name, such as `listen "
        "0.0.0.0:21 0`; after `up` it replaces the descriptor of that name")
WORD(name) FD(file) END

MESSAGE(hello, MASTER, SUPERVISOR, START, ONCE, NONE,
        "`GENERATION_VERSION`, the version of the protocol that follows. This "
        "message is number 2 in each build, so that a supervisor of another "
        "version recognises it")
NUMBER(version) END

MESSAGE(up, MASTER, SUPERVISOR, START, ONCE, NONE,
        "all processes of this generation are ready")
END

MESSAGE(start_failed, MASTER, SUPERVISOR, START, ONCE, NONE,
        "this generation can't start: the reason")
WHY(why) END

MESSAGE(lead, SUPERVISOR, MASTER, RUN, ONCE, NONE,
        "this generation leads: its gate shall accept clients. The answer is "
        "`leading`")
END

MESSAGE(leading, MASTER, SUPERVISOR, RUN, ONCE, NONE,
        "gate accepts connections")
END

MESSAGE(renew, MASTER, SUPERVISOR, RUN, MANY, NONE,
        "a reload was requested: start another generation")
END

MESSAGE(renewed, SUPERVISOR, MASTER, RUN, MANY, renew,
        "whether the new generation leads; otherwise the reason. Request 0: "
        "no answer, only the reason, for the log of the leading master")
FLAG(done) WHY(why) END

SECTION("By a proxy",
        "On a listener marked `proxy` a session reads the PROXY header before "
        "anything else. Both its channels are in phase *start* until its "
        "client is known.")

MESSAGE(admit, SESSION, GATE, START, ONCE, NONE,
        "may this client, which connected to this address of the proxy, use "
        "the server? If so, gate sends `session_peer` to master, and master "
        "sends `admitted` to the session")
ADDRESS(client) ADDRESS(server) END

MESSAGE(not_admitted, GATE, SESSION, RUN, ONCE, admit,
        "the client may not use the server: the reason, for the 421 reply")
WHY(why) END

SECTION("Data connections", NULL)

MESSAGE(port, SESSION, GATE, USER, MANY, NONE,
        "lend me a listener for my data connections: I have none")
END

MESSAGE(port_is, GATE, SESSION, RUN, MANY, port,
        "a fresh listener, which is the session's from here on: the address "
        "and port that the client is told, those that it is bound to, whether "
        "its connections come by a proxy and begin with a PROXY header")
ADDRESS(address) ADDRESS(bound) FLAG(proxied) FD(listener) END

MESSAGE(port_none, GATE, SESSION, RUN, MANY, port,
        "there is no listener: errno; EADDRINUSE: no port that was tried is "
        "free")
ERRNO(error) END

RETIRED(active_close)
RETIRED(active)
RETIRED(active_none)
RETIRED(data)

MESSAGE(ticket_keys, GATE, SESSION, RUN, MANY, NONE,
        "the key that seals TLS 1.3 tickets from now on, and the one before "
        "it; the first pair follows `logged_in`, and the 230 reply waits for "
        "it")
KEY(now) KEY(before) END

SECTION("The control socket",
        "`sallyportctl` (ctl) connects to the control socket. `reload`, "
        "`end_sessions`, `drain`, `who` and their answers are understood by "
        "each build, so that an administrator can replace a server of another "
        "one. What it shows is `show`, of one build. For the list of partials "
        "ctl forks the process files of each user itself.")

MESSAGE(welcome, MASTER, CTL, START, ONCE, NONE,
        "ctl may send requests: version of the server, pid of the "
        "supervisor. The alternative is `control_refused`")
WORD(version) NUMBER(pid) END

MESSAGE(reload, CTL, MASTER, IDLE, MANY, NONE,
        "reload, as SIGHUP does; the answer comes when the reload is complete")
END

MESSAGE(who, CTL, MASTER, IDLE, MANY, NONE,
        "the sessions, from this place in master's table; the first request "
        "has 0")
NUMBER(place) END

MESSAGE(who_is, MASTER, CTL, ASKED, MANY, who,
        "a session: serial; user, empty before the login; its client; the "
        "address that the client connected to; when it began, when it logged "
        "in (0: not yet)")
NUMBER(serial) TEXT(user) ADDRESS(peer) ADDRESS(local) TIME(since) TIME(login)
END

MESSAGE(end, MASTER, CTL, ASKED, MANY, NONE,
        "the place to continue at, after a page of the answer to `who` or "
        "`show`; 0: there are no more")
NUMBER(place) END

MESSAGE(end_sessions, CTL, MASTER, IDLE, MANY, NONE,
        "kick the session with this serial, or all sessions of this user, or "
        "all sessions of this client address. The other two fields are 0, "
        "empty or no address")
NUMBER(serial) TEXT(user) ADDRESS(client) END

MESSAGE(control_done, MASTER, CTL, ASKED, MANY, NONE,
        "success (the answer to requests that have no other): the number of "
        "sessions that end by it")
NUMBER(sessions) END

MESSAGE(control_refused, MASTER, CTL, START | ASKED, MANY, NONE,
        "the request fails: the reason, also in words. If it comes instead of "
        "`welcome`, master closes the connection")
ENUM(refusal, refusal, REFUSAL_COUNT) WHY(why) END

MESSAGE(partial, FILES, CTL, ASKED, MANY, find,
        "what was found: its path, the name of its upload if known (else "
        "empty), bytes, mtime (for `FIND_EXPIRED` ctime), state")
PATH(path) TEXT(name) NUMBER(bytes) TIME(mtime)
ENUM(partial_state, state, PARTIAL_STATE_COUNT) END

MESSAGE(partials_end, FILES, CTL, ASKED, MANY, find,
        "the number of directories and files that could not be read, and the last "
        "errno")
NUMBER(unread) ERRNO(error) END

MESSAGE(ban_add, CTL, MASTER, IDLE, MANY, NONE,
        "ban this network for so many seconds (0: for ever), and end its "
        "sessions: the reason. The answer is `control_done`")
ADDRESS(network) NUMBER(bits) NUMBER(seconds) TEXT(reason) END

MESSAGE(ban_remove, CTL, MASTER, IDLE, MANY, NONE,
        "end the ban of this network. The answer is `control_done`")
ADDRESS(network) NUMBER(bits) END

RETIRED(transfer_begin)
RETIRED(transfer_may)
RETIRED(transfer_end)
RETIRED(bytes_ask)
RETIRED(bytes)

MESSAGE(users_changed, CTL, MASTER, IDLE, MANY, NONE,
        "read the users file now, and end the sessions that it no longer "
        "permits. For the log: the command, such as `user change`, and its "
        "other words")
WORD(verb) TEXT(to) END

MESSAGE(held_find, CTL, FILES, IDLE, ONCE, NONE,
        "what is to be done with the uploads that wait for inspection: with "
        "all, or with that of this id. The answers are `held`, "
        "`held_bytes` and `partials_end`")
ENUM(held_order, order, HELD_ORDERS) TEXT(id) END

MESSAGE(held, FILES, CTL, ASKED, MANY, held_find,
        "one of them: its id; its path, or the one that it would have; the "
        "owner's uid; bytes; since when it waits; the enum outcome of the order")
TEXT(id) PATH(path) NUMBER(uid) NUMBER(bytes) TIME(since) NUMBER(outcome) END

MESSAGE(held_bytes, FILES, CTL, ASKED, MANY, held_find,
        "the file itself, after its `held`, if it is to be read")
FD(file) END

MESSAGE(drain, CTL, MASTER, IDLE, MANY, NONE,
        "does the server drain? Or, as the order says: in so many ms it begins "
        "to drain, each session ends after its transfer, and until then only "
        "the health checks of proxies get 421; or it takes sessions again")
ENUM(drain_order, order, DRAIN_ORDERS) NUMBER(ms) END

MESSAGE(drain_is, MASTER, CTL, ASKED, MANY, drain,
        "whether the server drains, after the order; in how many ms it begins; "
        "how many sessions live")
FLAG(on) NUMBER(ms) NUMBER(sessions) END

MESSAGE(working, FILES, CTL, ASKED, MANY, NONE,
        "the search goes on; the next message comes within that many ms (0: as "
        "ever), or a disk hangs")
NUMBER(ms) END

MESSAGE(replaced, SUPERVISOR, MASTER, RUN, ONCE, NONE,
        "another generation accepts clients from now on: finish the sessions, "
        "and end")
END

MESSAGE(show, CTL, MASTER, IDLE, MANY, NONE,
        "an enum showable, from this place on; the first request has 0. Master "
        "answers only a sallyportctl of its own build")
WORD(build) NUMBER(what) NUMBER(place) END

MESSAGE(row, MASTER, CTL, ASKED, MANY, show,
        "a row of what is shown: its table; names and values "
        "(include/sallyport/ipc/shown.h)")
WORD(table) BYTES(values) END

MESSAGE(metrics_are, MASTER, CTL, ASKED, MANY, show,
        "`struct metrics` (include/sallyport/event/metrics.h)")
BYTES(metrics) END

MESSAGE(find, CTL, FILES, IDLE, ONCE, NONE,
        "what is unchanged for this age in seconds: partials of the user; or "
        "files and partials in this directory (for the other two it is `/`); "
        "or partials that nobody will continue, also younger ones that a "
        "killed process left, and in a share those of all owners. It is "
        "listed, or what no upload is writing is removed. The answers are "
        "`partial` and `partials_end`")
ENUM(find_what, what, FIND_COUNT) FLAG(remove) FLAG(share) NUMBER(age)
PATH(path) END

MESSAGE(partial_owner, FILES, CTL, ASKED, MANY, find,
        "in a share, before each `partial`: the uid of its owner")
NUMBER(uid) END

SECTION("Set-up of a child",
        "A child gets its descriptors and a sealed struct when it is executed "
        "(include/sallyport/ipc/setup.h).")

MESSAGE(expiry_is, GATE, MASTER, RUN, MANY, NONE,
        "a file with certificates or revocation lists, as `status` shows it: "
        "its place in the set-up, when the first of them expires, and of a "
        "certificate of the server the SHA-256 of it and of its public key, as "
        "texts, its first DNS name of a host, or \"\", and whether it is "
        "self-signed")
NUMBER(place) TIME(expires) TEXT(fingerprint) TEXT(pin) TEXT(name)
FLAG(self_signed) END

MESSAGE(users, MASTER, AUTH, RUN, MANY, NONE,
        "the table of users that reader has made, in a sealed memfd; the two halves of the key that hashes "
        "users' names and their rows")
NUMBER(name_key_1) NUMBER(name_key_2) FD(users) END

MESSAGE(ready, CHILDREN | FILES, MASTER, START, ONCE, NONE,
        "the process has entered its sandbox and works, files with the home "
        "open: both ends change to *run*")
END

MESSAGE(failed, CHILDREN | FILES, MASTER, START, ONCE, NONE,
        "the process can't start: the reason, for the administrator. Files also "
        "sends the errno; its reason is empty if the home can't be opened")
ERRNO(error) WHY(why) END

SECTION("Connections", NULL)

MESSAGE(open, MASTER, GATE, RUN, MANY, NONE,
        "accept connections from now on, as long as the board says so. The "
        "answer is `serving`")
END

MESSAGE(serving, GATE, MASTER, RUN, MANY, NONE,
        "gate accepts connections")
END

MESSAGE(session, GATE, MASTER, RUN, MANY, NONE,
        "a new session, whose process runs, a child of master: serial, pid, "
        "client, local address, index of the listener; the ends of its "
        "channels that belong to master, log and keys")
NUMBER(serial) NUMBER(pid) ADDRESS(peer) ADDRESS(local) NUMBER(listener)
FD(master) FD(log) FD(keys) END

MESSAGE(session_peer, GATE, MASTER, RUN, MANY, NONE,
        "the client of a session behind a proxy, now admitted: serial, its "
        "address, the address that it connected to")
NUMBER(serial) ADDRESS(peer) ADDRESS(server) END

MESSAGE(logged_in, MASTER, GATE, RUN, MANY, NONE,
        "the user of this session has logged in: it no longer counts as "
        "unauthenticated")
NUMBER(serial) END

MESSAGE(kill, GATE, MASTER, RUN, MANY, NONE,
        "kill this session at once: serial; why, an ending. The answer is "
        "`reaped`")
NUMBER(serial) NUMBER(why) END

MESSAGE(elder, MASTER, GATE, RUN, MANY, NONE,
        "a session of an older generation, which counts for the limits: its "
        "serial, its client, whether it has no login yet")
NUMBER(serial) ADDRESS(peer) FLAG(waits) END

MESSAGE(adopt, MASTER, GATE, RUN, MANY, NONE,
        "a session of a gate that has ended; serve it: serial, client, local "
        "address, the address that the client connected to (behind a proxy "
        "another one); whether it came by a proxy, whether its client is "
        "known, whether its user has logged in; gate's end of a new channel to "
        "it")
NUMBER(serial) ADDRESS(peer) ADDRESS(local) ADDRESS(server) FLAG(proxied)
FLAG(known) FLAG(logged_in) FD(session) END

MESSAGE(reaped, MASTER, GATE, RUN, MANY, NONE,
        "a session has ended, or master knows none with this serial; whether "
        "it ended without a login, and not by the server: then it counts for "
        "max_fruitless, unless gate knows it as an `elder`")
NUMBER(serial) FLAG(fruitless) END

MESSAGE(stop_accepting, MASTER, GATE, RUN, MANY, NONE,
        "close the control listeners, and continue to serve the sessions; "
        "whether connections that wait are served, too, or closed. The answer "
        "is `shut`")
FLAG(serve) END

MESSAGE(shut, GATE, MASTER, RUN, MANY, NONE,
        "gate accepts no connection, and none waits for its session: no "
        "further session begins")
END

SECTION("Logging in", NULL)

MESSAGE(admitted, MASTER, SESSION, START, ONCE, NONE,
        "the client in the PROXY header may use the server; master and log "
        "have its address")
END

MESSAGE(login, SESSION, MASTER, PHASE_GREETED | PHASE_USER, MANY, NONE,
        "a user has sent name and password, for which auth needs a channel. "
        "After the login: the old and a new password (SITE PSWD)")
END

MESSAGE(login_channel, MASTER, SESSION, PHASE_VERIFY, MANY, login,
        "the session's end of a channel to an auth worker")
FD(auth) END

MESSAGE(verify, MASTER, AUTH, RUN, MANY, NONE,
        "a password to verify: serial, the client's "
        "address (for the log), the user who wants another password (empty: a "
        "login), the cost of its hash; the other end of that channel")
NUMBER(serial) ADDRESS(peer) TEXT(user) NUMBER(cost) FD(session) END

MESSAGE(credentials, SESSION, AUTH, RUN, ONCE, NONE,
        "name, password, new password (empty at a login); the claims of the client's verified certificate, one "
        "per line, and the messages of the handshake that prove it (both empty "
        "without a certificate); whether some claims didn't fit; after it session closes the channel")
TEXT(name) SECRET(password) SECRET(wanted) BYTES(certificate) BYTES(handshake) FLAG(cut)
END

MESSAGE(verdict, AUTH, MASTER, RUN, MANY, NONE,
        "the result for one password: serial, yes or no, or no hash "
        "could be computed, so nobody knows; for a yes the user, and the keyed "
        "version of the row that auth has; a "
        "keyed hash of the name (0: no name arrived), the step of the one-time "
        "code (0: none); what is wrong with the new password; the new hash of "
        "the user (empty: none)")
NUMBER(serial) FLAG(accepted) TEXT(user) NUMBER(version) FLAG(failed)
NUMBER(name) NUMBER(step) ENUM(password_fault, fault, PASSWORD_FAULTS)
SECRET(hash) END

MESSAGE(granted, MASTER, SESSION, PHASE_VERIFY, MANY, login,
        "the user's name, the rights that it has somewhere and those that it "
        "has everywhere, `upload_eof`, `data_binding`, the version of its row; "
        "the largest file, and the bytes per second of its uploads and of its "
        "downloads (0: no limit), whether the user must change the password "
        "first; the session's end of session-files")
WORD(name) NUMBER(rights) NUMBER(everywhere) NUMBER(upload_eof) NUMBER(binding)
NUMBER(version) NUMBER(max_file_size) NUMBER(up) NUMBER(down)
FLAG(must_change) FD(files) END

MESSAGE(denied, MASTER, SESSION, PHASE_VERIFY, MANY, login,
        "the login failed; whether the password was right")
ENUM(denial, why, DENIAL_COUNT) FLAG(right) END

MESSAGE(password_is, MASTER, SESSION, PHASE_VERIFY, MANY, login,
        "what became of the new password; the version of the user's row")
ENUM(password_fault, fault, PASSWORD_FAULTS) NUMBER(version) END

MESSAGE(kick, MASTER, SESSION, START | LIVE, MANY, NONE,
        "send the last reply and end; after 2 s the session is killed. Or "
        "finish the transfer before, without such a limit")
ENUM(ending, why, ENDING_COUNT) FLAG(finish) END

MESSAGE(gate, MASTER, SESSION, START | LIVE, MANY, NONE,
        "a channel to another gate, since the one before has ended: ask it "
        "again for what the other one hasn't answered")
FD(gate) END

MESSAGE(look_at, MASTER, SESSION, LIVE, MANY, NONE,
        "what are you doing? The answer is `doing`")
END

MESSAGE(doing, SESSION, MASTER, LIVE, MANY, look_at,
        "what the session does: its serial, which it leaves 0; the client's "
        "name for itself; TLS; the command under way, empty for none; its "
        "path, the last 1,024 bytes; of a transfer: bytes so far, of how many "
        "(0: unknown), milliseconds")
NUMBER(serial) TEXT(client) TEXT(tls) TEXT(verb) TEXT(path) NUMBER(bytes)
NUMBER(of) NUMBER(ms) END

MESSAGE(files_opens, FILES, MASTER, START, MANY, NONE,
        "the directory that files opens now, by its path in the user's tree: "
        "if files hangs, its disk doesn't answer")
PATH(at) END

MESSAGE(files_opened, FILES, MASTER, START, MANY, NONE,
        "the home (0) or the share with this number is open on a local disk: its "
        "device and inode, by which master notices that its path leads elsewhere")
NUMBER(number) NUMBER(device) NUMBER(inode) END

MESSAGE(session_died, MASTER, FILES, RUN, ONCE, NONE,
        "the signal that ended its session, as gate saw it: files then "
        "reports an unfinished upload")
NUMBER(signal) END

MESSAGE(owner_of, FILES, MASTER, RUN, MANY, NONE,
        "whose uid is this? For a listing of a share")
NUMBER(uid) END

MESSAGE(owner_is, MASTER, FILES, RUN, MANY, owner_of,
        "the user with this uid who is in one share with the session's user; "
        "empty: there is none")
NUMBER(uid) TEXT(name) END

SECTION("Files", NULL)

MESSAGE(file_read, SESSION, FILES, IDLE, MANY, NONE,
        "open a file to read. `partial`: for a checksum, which SIZE's last "
        "answer decides: if it was the length of the user's own partial, the "
        "size is that length, and the file is the partial. `size`: for SIZE in "
        "TYPE A, on which an upload can rely as in TYPE I")
PATH(path) NUMBER(offset) FLAG(partial) FLAG(size) END

MESSAGE(file_readable, FILES, SESSION, ASKED, MANY, file_read,
        "size; the open file")
NUMBER(size) FD(file) END

MESSAGE(file_write, SESSION, FILES, IDLE, MANY, NONE,
        "open an upload: path, mode, offset, announced size (0: none); whether "
        "the partial must be deleted after a cut (line ends are converted, so "
        "the client's offsets don't match the file); the client's choice for a "
        "name that is taken, which never loosens `on_conflict`")
PATH(path) ENUM(write_mode, mode, WRITE_MODE_COUNT) NUMBER(offset)
NUMBER(announced) FLAG(keep_nothing) ENUM(conflict, conflict, CONFLICT_COUNT)
END

MESSAGE(file_writable, FILES, SESSION, ASKED, MANY, file_write,
        "the first offset to write at, limit of the size (0: none), bytes that "
        "`file_copy` must copy before the first one is written; whether the "
        "limit is that of upload_bytes; the partial. Files changes to *writing*")
NUMBER(first) NUMBER(limit) NUMBER(to_copy) FLAG(by_bytes) FD(file) END

MESSAGE(file_copy, SESSION, FILES, WRITING, MANY, NONE,
        "copy the next piece of the finished file's beginning (for REST and "
        "APPE to a finished file)")
END

MESSAGE(file_copied, FILES, SESSION, ASKED, MANY, file_copy,
        "bytes that are still to be copied")
NUMBER(left) END

MESSAGE(file_sync, SESSION, FILES, WRITING, MANY, NONE,
        "sync all bytes written so far to the disk, so that the upload can be "
        "resumed")
END

MESSAGE(file_rest, SESSION, FILES, WRITING, MANY, NONE,
        "no byte comes, and the session has closed the partial: sync it, and let "
        "another session resume it")
END

MESSAGE(file_go_on, SESSION, FILES, WRITING, MANY, NONE,
        "bytes come again after `file_rest`: open the partial, unless another "
        "session has used it")
END

MESSAGE(file_again, FILES, SESSION, ASKED, MANY, file_go_on, "the partial")
FD(file) END

MESSAGE(file_full, SESSION, FILES, WRITING, MANY, NONE,
        "the disk is full; whether the kernel named a quota. `refused` names "
        "the cause. After `file_abort` old partials of the user are removed, so "
        "that a retry has room")
FLAG(over_quota) END

MESSAGE(file_prepare, SESSION, FILES, WRITING, MANY, NONE,
        "every byte has come: the length that the file must have. files checks "
        "it and syncs the file; no name changes, and the session can still "
        "give up")
NUMBER(length) END

MESSAGE(file_commit, SESSION, FILES, WRITING, MANY, NONE,
        "make the file visible: the length that it must have. Without "
        "`file_prepare` files does that first; files changes back to *idle*")
NUMBER(length) END

MESSAGE(file_stored, FILES, SESSION, ASKED, MANY, file_commit,
        "the virtual path under which the file is now visible; or, with the id "
        "of an upload that waits for inspection (else empty), will be; of such "
        "an upload, whether the sync of its directory has failed")
PATH(path) TEXT(held) FLAG(unsafe) END

MESSAGE(file_abort, SESSION, FILES, WRITING, MANY, NONE,
        "the upload was cut; whether its bytes may be wrong, or are above "
        "the limit, so that the partial must be deleted; files changes back to *idle*")
FLAG(worthless) END

MESSAGE(file_delete, SESSION, FILES, IDLE, MANY, NONE, "delete a file")
PATH(path) END

MESSAGE(directory_list, SESSION, FILES, IDLE, MANY, NONE,
        "path, format, the argument exactly as the client sent it (empty: "
        "none, or longer than 1,024 bytes), the facts for MLSD (`enum "
        "listing_fact` bits). An argument that ends in `/`, `/.` or `/..` is "
        "no pattern, and an argument of MLSD never is. NLST writes the "
        "argument and a `/` before each name (no `/` if the argument is empty "
        "or ends in one); for a single file it writes only the argument")
PATH(path) ENUM(list_format, format, LIST_FORMAT_COUNT) TEXT(argument)
NUMBER(facts) END

MESSAGE(directory_pipe, FILES, SESSION, ASKED, MANY, directory_list,
        "the read end of the listing; the session closes it for ABOR")
FD(listing) END

MESSAGE(directory_listed, FILES, SESSION, ASKED, MANY, directory_list,
        "the listing is complete: outcome; the second answer to the same "
        "request")
ENUM(outcome, outcome, OUTCOME_COUNT) END

MESSAGE(directory_enter, SESSION, FILES, IDLE, MANY, NONE,
        "does this path name a directory that the user may enter?")
PATH(path) END

MESSAGE(directory_make, SESSION, FILES, IDLE, MANY, NONE, "make a directory")
PATH(path) END

MESSAGE(directory_remove, SESSION, FILES, IDLE, MANY, NONE,
        "remove a directory")
PATH(path) END

MESSAGE(rename, SESSION, FILES, IDLE, MANY, NONE, "rename a file or directory")
PATH(from) PATH(to) END

MESSAGE(renamed, FILES, SESSION, ASKED, MANY, rename,
        "the new virtual path. It differs from the requested one if that name "
        "was taken and `on_conflict = rename`, and in a drop; the old virtual "
        "path, which differs from the requested one in a drop")
PATH(path) PATH(from) END

MESSAGE(facts, SESSION, FILES, IDLE, MANY, NONE,
        "the facts of this path. `directory`, here and in `times` and `mode`: "
        "the path must name a directory, since the client's path ended in `/`, "
        "`/.` or `/..`")
PATH(path) ENUM(facts_for, purpose, FACTS_FOR_COUNT) FLAG(directory) END

MESSAGE(facts_are, FILES, SESSION, ASKED, MANY, facts,
        "kind, size, mtime, perm (bits in the order of \"acdeflmprw\"), mode, "
        "device, inode; the owner's name, or empty")
ENUM(entry_kind, kind, ENTRY_KIND_COUNT) NUMBER(size) TIME(mtime) NUMBER(perm)
NUMBER(mode) NUMBER(device) NUMBER(inode) TEXT(owner) END

MESSAGE(times, SESSION, FILES, IDLE, MANY, NONE, "set a file's times")
PATH(path) TIME(access) TIME(modify) FLAG(directory) END

MESSAGE(mode, SESSION, FILES, IDLE, MANY, NONE,
        "set a file's permission bits, 0 to 0777")
PATH(path) NUMBER(mode) FLAG(directory) END

MESSAGE(space, SESSION, FILES, IDLE, MANY, NONE,
        "how many bytes can be written in this directory? If fewer than "
        "`wanted` are free, old partials count as free, since files removes "
        "them when the disk is full")
PATH(path) NUMBER(wanted) END

MESSAGE(space_is, FILES, SESSION, ASKED, MANY, space,
        "free bytes, by the disk, `min_free`, the quota and upload_bytes; the "
        "quota there and what is used of it: bytes, then files (limit 0: "
        "none); whether upload_bytes leaves less than the other three")
NUMBER(bytes) NUMBER(limit) NUMBER(used) NUMBER(files_limit) NUMBER(files_used)
FLAG(by_bytes) END

MESSAGE(done, FILES, SESSION, ASKED, MANY, NONE,
        "success (the answer to requests that have no other)")
END

MESSAGE(refused, FILES, SESSION, ASKED, MANY, NONE,
        "failure; if a quota is the cause: its limit, and what is used")
ENUM(outcome, outcome, OUTCOME_COUNT) NUMBER(limit) NUMBER(used) END

SECTION("Signatures", NULL)

MESSAGE(sign, GATE | SESSION, KEYS, RUN, MANY, NONE,
        "the number of the key, the signature scheme of RFC 8446 4.2.3, the "
        "whole message. A message that a TLS server doesn't sign ends the "
        "sender's channel")
NUMBER(key) NUMBER(scheme) BYTES(message) END

MESSAGE(signature, KEYS, GATE | SESSION, RUN, MANY, sign,
        "the signature; or errno: the key doesn't exist, or is of another "
        "kind")
BYTES(signature) ERRNO(error) END

SECTION("Events", NULL)

MESSAGE(speaker, MASTER, LOG | KEYS, RUN, MANY, NONE,
        "a process that sends events, or may request signatures: process, "
        "serial, address, its user (empty: before the login, and to keys); the "
        "receiver's end of the channel. If it names a user, the session's own "
        "channel to log (with the same serial) belongs to this user too")
ENUM(process, process, PROCESS_COUNT) NUMBER(serial) ADDRESS(peer) TEXT(user)
FD(end) END

MESSAGE(event, MASTER | SPEAKERS, LOG, RUN, MANY, NONE,
        "an encoded event (include/sallyport/event/event.h)")
BYTES(event) END

#undef NUMBER
#undef TIME
#undef FLAG
#undef ENUM
#undef ERRNO
#undef ADDRESS
#undef WORD
#undef TEXT
#undef WHY
#undef PATH
#undef SECRET
#undef KEY
#undef BYTES
#undef FD
#undef SECTION
#undef RETIRED
#undef MESSAGE
#undef FIELD
#undef END
