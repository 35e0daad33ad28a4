/* The process gate: what it holds, and the steps of its life. */
#ifndef GATE_GATE_H
#define GATE_GATE_H

#include "acceptor.h"
#include "adopt.h"
#include "children.h"
#include "limits.h"
#include "memory.h"
#include "passive.h"
#include "queue.h"
#include "sallyport/base/loop.h"
#include "sallyport/ipc/channel.h"
#include "sallyport/process/frame.h"
#include "sallyport/settings/settings.h"
#include "setup.h"
#include "throttle.h"
#include "tickets.h"

struct tls_context;

struct listener {
    struct acceptor acceptor;
    struct gate *gate;
    uint64_t index; /* as master numbers it */
    bool implicit;  /* TLS from the first byte on */
    bool proxied;   /* each connection begins with a PROXY header */
};

struct gate {
    struct frame frame; /* the first member */
    struct setup setup;
    struct settings settings;
    struct tls_context *tls;
    struct loop_timer expiry; /* a look at the certificates, daily */
    struct throttle refusals, strangers;
    struct loop_timer tally; /* of what those two kept silent */
    struct limits limits;
    struct memory *memory;
    bool accepts;     /* by `open`, or since a takeover is over */
    bool master_slow; /* it reads too slowly: nobody enters; entry_mind() */
    bool healthy;     /* master hasn't got `healthy` yet */
    struct adoption adoption;
    struct children children;
    struct queue queue;
    struct passive passive;
    struct tickets tickets;
    struct listener listener[SETTINGS_LISTEN_MAX];
    size_t listeners;
    int spare_fd;  /* given up for a moment when there are no more */
    int signal_fd; /* SIGCHLD */
    struct loop_watch signal_watch;
};

extern const struct frame_row gate_row;

/* After the set-up, before the sandbox closes: does everything that needs
 * memory or a new kind of descriptor. Returns 0, or a negative number with the
 * complaint in the frame. */
int gate_begin(struct gate *g);
/* gate_open(): accepts control and data connections from now on, and reports
 * that to master. gate_shut(): accepts no more; connections wait in the kernel.
 */
void gate_open(struct gate *g);
void gate_shut(struct gate *g);
/* Returns a descriptor that can be closed when no other is free, or -1. */
int gate_spare(const struct gate *g);

/* Reads the messages of master, except while sessions are being adopted. Waits
 * until master takes messages, if it is slow or reports are left. */
void gate_watch_master(struct gate *g);

/* Answers `health`, when master has room for it. */
void gate_tell_healthy(struct gate *g);

/* As SEND() to master, but it waits if master doesn't read. */
#define GATE_SAY(g, name, ...)                                                 \
    gate_say(g, MSG_##name, MESSAGE_BODY(name, __VA_ARGS__))
void gate_say(struct gate *g, enum message_kind kind, const void *body);

/* expiry.c: logs which certificates expire soon, and which are sent without
 * their OCSP response; now, and each day from now on. */
void gate_watch_expiry(struct gate *g);
/* Reports to master, for each certificate, when it expires and until when its
 * OCSP response is valid. */
void gate_tell_pairs(struct gate *g);

/* signals.c */
int signals_take(void); /* a signalfd for SIGCHLD, or -errno */
void signals_drain(int fd);
/* For a forked child: unblocks all signals. */
void signals_reset(void);

#endif
