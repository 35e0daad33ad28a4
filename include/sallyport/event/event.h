/* The typed events: all that the log can contain, in one list. A process fills
 * a record and sends it; the process log decodes it and writes the line. */
#ifndef SALLYPORT_EVENT_EVENT_H
#define SALLYPORT_EVENT_EVENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sallyport/base/address.h"
#include "sallyport/base/buf.h"
#include "sallyport/base/slice.h"
#include "sallyport/ipc/channel.h"

/* The events: name, name in a line, severity, class. An event that is DUE has
 * its line, or a line says how many have none. Clients can cause any number of
 * events that are TOLD. Their fields:
 *
 *   SERVICE          start, stop, reload: reason, number
 *   CONNECT          a session has begun: peer, local
 *   REFUSED          a limit has refused a connection: peer, reason
 *   LOGIN            user, tls, binding, certificate
 *   LOGIN_FAILED     user, reason, certificate
 *   CLIENT           user, name: the text of CLNT or CSID, once
 *   TRANSFER         verb, path, bytes, size, from, ms, result, reason, sha256,
 *                    tls, client, held
 *   CHANGE           verb, path, to, result: DELE MKD RMD RNTO, MFMT and its
 *                    kind, SITE CHMOD
 *   DATA_REFUSED     a stranger has connected to a session's listener: local,
 *                    stranger, reason, number
 *   BAN              the server has banned an address: peer, ms, reason
 *   END              reason, bytes, ms, client
 *   SYSCALL          the sandbox has refused a system call: process, number
 *   PEER             a process has sent a message that the list of messages
 *                    forbids: process, reason
 *   CHILD            a child of master has died or failed: process, reason
 *   COMMAND_REFUSED  a right, a limit or a setting has refused a user's
 *                    command: verb, path or to, result, reason
 *   TROUBLE          a service line about something that an administrator
 *                    should look at: reason, number. A line calls it "service"
 *   ADMIN            a request of sallyportctl: uid, loginuid, verb, to, number
 */
#define EVENTS(E)                                                              \
    E(SERVICE, "service", NOTICE, DUE)                                         \
    E(CONNECT, "connect", INFO, DUE)                                           \
    E(REFUSED, "refused", NOTICE, TOLD)                                        \
    E(LOGIN, "login", INFO, DUE)                                               \
    E(LOGIN_FAILED, "login-failed", NOTICE, DUE)                               \
    E(CLIENT, "client", INFO, TOLD)                                            \
    E(TRANSFER, "transfer", INFO, DUE)                                         \
    E(CHANGE, "change", INFO, DUE)                                             \
    E(DATA_REFUSED, "data-refused", WARNING, TOLD)                             \
    E(BAN, "ban", WARNING, DUE)                                                \
    E(END, "end", INFO, DUE)                                                   \
    E(SYSCALL, "syscall", ERR, DUE)                                            \
    E(PEER, "peer-error", ERR, DUE)                                            \
    E(CHILD, "child", ERR, DUE)                                                \
    E(COMMAND_REFUSED, "command-refused", NOTICE, TOLD)                        \
    E(TROUBLE, "trouble", WARNING, DUE)                                        \
    E(ADMIN, "admin", NOTICE, DUE)
#define EVENT_NAME(event, name, severity, class) EVENT_##event,
enum event { EVENTS(EVENT_NAME) EVENT_COUNT };

/* The fields of an event, in the order of a line: name, number, name in a line,
 * kind. Processes of an older build send the same numbers, so a new field gets
 * the next number. Fields that need an explanation:
 *
 *   BY        the sender of an event about another process; set by log
 *   SERIAL    the session, also in an event that another process sends
 *   STRANGER  the other host that connected to a session's listener
 *   UID       uid of the caller of the control socket
 *   LOGINUID  the uid by which the caller logged in, before sudo
 *   SIZE      the size of the whole file
 *   FROM      the offset at which a transfer began, if not 0
 *   CLIENT    the client program, as it names itself
 *   HELD      the id of an upload that waits for inspection
 *   VIA       the proxy through which a client came */
#define EVENT_FIELDS(F)                                                        \
    F(PROCESS, 0, "process", TEXT)                                             \
    F(BY, 19, "by", TEXT)                                                      \
    F(SERIAL, 18, "serial", HEX)                                               \
    F(PEER, 1, "peer", TEXT)                                                   \
    F(LOCAL, 2, "local", TEXT)                                                 \
    F(STRANGER, 25, "stranger", TEXT)                                          \
    F(USER, 3, "user", TEXT)                                                   \
    F(UID, 23, "uid", NUMBER)                                                  \
    F(LOGINUID, 26, "loginuid", NUMBER)                                        \
    F(VERB, 4, "verb", TEXT)                                                   \
    F(PATH, 5, "path", TEXT)                                                   \
    F(TO, 6, "to", TEXT)                                                       \
    F(BYTES, 7, "bytes", NUMBER)                                               \
    F(SIZE, 20, "size", NUMBER)                                                \
    F(FROM, 21, "from", NUMBER)                                                \
    F(MS, 8, "ms", NUMBER)                                                     \
    F(RESULT, 9, "result", NUMBER)                                             \
    F(REASON, 10, "reason", TEXT)                                              \
    F(SHA256, 16, "sha256", TEXT)                                              \
    F(TLS, 11, "tls", TEXT)                                                    \
    F(CLIENT, 22, "client", TEXT)                                              \
    F(HELD, 24, "held", TEXT)                                                  \
    F(NUMBER, 12, "number", NUMBER)                                            \
    F(NAME, 13, "name", TEXT)                                                  \
    F(VIA, 14, "via", TEXT)                                                    \
    F(BINDING, 15, "binding", TEXT)                                            \
    F(CERTIFICATE, 17, "certificate", TEXT)
#define FIELD_NAME_OF(field, number, name, kind) FIELD_##field = number,
enum event_field { EVENT_FIELDS(FIELD_NAME_OF) FIELD_COUNT = 27 };

#define EVENT_BYTES_MAX MESSAGE_BYTES_MAX
#define EVENT_TEXT_MAX  4096 /* bytes of a value in a record */
#define EVENT_VALUE_MAX 1024 /* bytes of a value in a line, before escapes */
#define EVENT_VALUE_MIN 16   /* so many are in a line at least */

/* A record, before it is sent or after it was decoded. Each field has at most
 * one value. */
struct event_record {
    enum event event;
    struct slice text[FIELD_COUNT]; /* ptr NULL: absent */
    uint64_t number[FIELD_COUNT];
    uint32_t has_number; /* one bit for each field: it has a number */
};

void event_begin(struct event_record *r, enum event e);
/* The slice must live until event_send(). It is cut to EVENT_TEXT_MAX. */
void event_text(struct event_record *r, enum event_field f, struct slice s);
void event_number(struct event_record *r, enum event_field f, uint64_t n);

/* Sends events to log's socket, where they outlive this process: master holds
 * the other end until log has read everything. Told events fill at most a
 * quarter of the socket. An event that finds no room is dropped, and the number
 * of dropped events, which is due, goes before the next event. */
struct event_sender {
    struct channel channel;
    uint64_t dropped;
    bool full; /* more than a quarter of the socket is unread, or the last event
                * was dropped */
    bool none; /* there is no log: events are discarded */
};

/* Takes FD, this process's end of the channel to log. -1: there is no log, and
 * events are discarded. */
void event_sender_init(struct event_sender *s, int fd, enum process self);
void event_sender_release(struct event_sender *s);
/* Sends the event without waiting. Returns 0, or a negative number: the event
 * was dropped, and counted. */
int event_send(struct event_sender *s, const struct event_record *r);
/* Looks whether log has read on, and sends the number of dropped events. Call
 * it on EPOLLOUT while S is full, and before the process ends. */
void event_flush(struct event_sender *s);
/* Sends EVENT_SYSCALL for the system call NUMBER. Pass this function to
 * sandbox_on_refused(), which calls it once for each number. Async-signal-safe.
 * The function gets no owner, so event_syscalls_by() sets the sender (NULL: it
 * sends nothing). */
void event_on_syscall(int number);
void event_syscalls_by(struct event_sender *s);

/* Encodes an event. Returns 0, or -ENOBUFS: INTO has less room than
 * EVENT_BYTES_MAX. */
int event_encode(const struct event_record *r, struct buf *into);
/* Decodes bytes that log has received from another process. Returns 0; -EINVAL:
 * event_encode() can't have made these bytes. */
int event_decode(struct slice bytes, struct event_record *ret);
/* Writes one line without its end: "transfer serial=… peer=… user=…". Bytes
 * below 0x20, 0x7f, quotes, backslashes and bytes that aren't UTF-8 are escaped
 * as \xNN. Values with blanks are quoted. If a value is longer than
 * EVENT_VALUE_MAX, or the line than PIPE_BUF, only the value's beginning and
 * end are written, with \[N] for the N bytes between. Returns 0 or -ENOBUFS. */
int event_line(const struct event_record *r, struct buf *into);
/* Writes the same event as a JSON object, with a line end. NOW is the time of
 * the line. Values are escaped as in event_line(). Returns 0 or -ENOBUFS. */
int event_json(const struct event_record *r, const char *now, struct buf *into);
/* The names of events in the metrics. There EVENT_TROUBLE has a name of its
 * own, but in a line it has the name of EVENT_SERVICE. */
extern const char *const event_names[EVENT_COUNT];
/* Returns the name in a line, or "?" for a number out of range. */
const char *event_name(enum event e);
/* Returns the severity for syslog(3), LOG_ERR to LOG_INFO. */
int event_severity(const struct event_record *r);
bool event_is_due(const struct event_record *r);
/* Adds S for a terminal: with the escapes of event_line(), but without quotes.
 * Returns 0 or -ENOBUFS. */
int event_escape(struct slice s, struct buf *into);

#endif
