/* The typed events: everything that the log can say, in one list. A process
 * fills a record and sends it; log decodes it and writes the line. */
#ifndef SALLYPORT_EVENT_EVENT_H
#define SALLYPORT_EVENT_EVENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sallyport/base/address.h"
#include "sallyport/base/buf.h"
#include "sallyport/base/slice.h"
#include "sallyport/ipc/channel.h"

enum event {
    EVENT_SERVICE,      /* start, stop: text */
    EVENT_CONNECT,      /* a session began: peer, local */
    EVENT_REFUSED,      /* a connection was refused by a limit: peer, reason */
    EVENT_LOGIN,        /* user, tls, binding, certificate */
    EVENT_LOGIN_FAILED, /* user, reason, certificate */
    EVENT_CLIENT,       /* user, name: what CLNT or CSID said, once */
    EVENT_TRANSFER,     /* verb, path, bytes, ms, result, reason, tls, sha256 */
    EVENT_CHANGE,       /* verb, path, to, result: DELE MKD RMD RNTO,
                           MFMT and its kind, SITE CHMOD */
    EVENT_DATA_REFUSED, /* wrong peer knocked at a passive port; verb, to: PORT
                           or EPRT of another host or a low port */
    EVENT_BAN,          /* an address is kept out: peer, ms, reason */
    EVENT_END,          /* reason, bytes, ms */
    EVENT_SYSCALL,      /* process, number: refused by the cage */
    EVENT_PEER,         /* process, reason: a message against the list */
    EVENT_CHILD,        /* process, reason: died, started anew */
    EVENT_COMMAND_REFUSED, /* of a user, by rights, a limit or a setting: verb,
                              path or to, result, reason, number: so many */
    EVENT_COUNT
};

enum event_field {
    FIELD_PROCESS,
    FIELD_PEER,
    FIELD_LOCAL,
    FIELD_USER,
    FIELD_VERB,
    FIELD_PATH,
    FIELD_TO,
    FIELD_BYTES,
    FIELD_MS,
    FIELD_RESULT,
    FIELD_REASON,
    FIELD_TLS,
    FIELD_NUMBER,
    FIELD_NAME,
    FIELD_VIA, /* the proxy that brought a client */
    FIELD_BINDING,
    FIELD_SHA256,
    FIELD_CERTIFICATE,
    FIELD_SERIAL, /* of the session that a process of the service speaks of */
    FIELD_COUNT
};

#define EVENT_BYTES_MAX 10240
#define EVENT_VALUE_MAX 1024 /* bytes of a value in a line, before escapes */

/* A record under construction or decoded: at most one value a field. */
struct event_record {
    enum event event;
    struct slice text[FIELD_COUNT]; /* ptr NULL: absent */
    uint64_t number[FIELD_COUNT];
    uint32_t has_number; /* bit per field */
};

void event_begin(struct event_record *r, enum event e);
/* The slice must live until event_send(). Cut to 4,096 bytes there. */
void event_text(struct event_record *r, enum event_field f, struct slice s);
void event_number(struct event_record *r, enum event_field f, uint64_t n);

/* What waits for a slow log, at most 64 KiB; more is dropped and counted, and
 * log is told the count as soon as it takes something. */
struct event_sender {
    struct channel channel;
    struct buf queue;
    uint64_t dropped;
    bool none; /* there is no log at all: events vanish */
};

/* Takes FD (this process's end of the channel to log; -1: there is none, and
 * events vanish). */
void event_sender_init(struct event_sender *s, int fd, enum process self);
void event_sender_release(struct event_sender *s);
/* Log was started anew: what waited goes there. Takes FD. */
void event_sender_renew(struct event_sender *s, int fd);
/* 0; -ENOBUFS: dropped. Never waits. */
int event_send(struct event_sender *s, const struct event_record *r);
/* One of event_encode(), into log's socket, where it outlives this process: 0;
 * -EAGAIN: not now, and it isn't queued. */
int event_try(struct event_sender *s, struct slice bytes);
/* Sends what waits, as far as it goes; call on EPOLLOUT. */
void event_flush(struct event_sender *s);
/* Async-signal-safe: EVENT_SYSCALL, once per number. */
void event_send_syscall(struct event_sender *s, int number);
/* The same for a handler that gets no owner (cage_on_refused): from here on S
 * sends them; NULL: nobody. One a process. */
void event_syscalls_by(struct event_sender *s);
void event_on_syscall(int number);

/* 0, or -ENOBUFS: INTO takes less than EVENT_BYTES_MAX. */
int event_encode(const struct event_record *r, struct buf *into);
/* For log. 0 or -EINVAL (hostile bytes never get further). */
int event_decode(struct slice bytes, struct event_record *ret);
/* One line without its end: "transfer serial=… peer=… user=…". Every byte
 * under 0x20, 0x7f, quote, backslash, and what isn't UTF-8 is escaped as \xNN,
 * values with blanks are quoted. Of a value over EVENT_VALUE_MAX only head and
 * tail stand there, with \[N] for the N bytes between them. 0 or -ENOBUFS. */
int event_line(const struct event_record *r, struct buf *into);
const char *event_name(enum event e);
/* Those bytes, escaped so and not quoted, for a terminal: 0, -ENOBUFS. */
int event_escape(struct slice s, struct buf *into);

#endif
