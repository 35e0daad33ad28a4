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
    bool accepts; /* by `open`, or since a takeover is over */
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

/* After the set-up, before the sandbox: everything that needs memory or a new
 * kind of descriptor. 0, or -EINVAL with the complaint in the frame. */
int gate_begin(struct gate *g);
/* Accepts from here on, control and data connections, and reports that to
 * master; and again no more: connections wait in the kernel. */
void gate_open(struct gate *g);
void gate_shut(struct gate *g);
/* A descriptor to give up in need, or -1. */
int gate_spare(const struct gate *g);

/* What master says is read unless sessions are being adopted; what it must
 * know goes out as soon as it reads. */
void gate_watch_master(struct gate *g);

/* To master; waits where it must. As SEND(). */
#define GATE_SAY(g, name, ...)                                                 \
    gate_say(g, MSG_##name, MESSAGE_BODY(name, __VA_ARGS__))
void gate_say(struct gate *g, enum message_kind kind, const void *body);

/* expiry.c: tells log which certificates expire soon, and which go out without
 * the OCSP response that they should have, now and from now on each day. */
void gate_watch_expiry(struct gate *g);
/* And master, of each pair, when that will be. */
void gate_tell_pairs(struct gate *g);

/* signals.c */
int signals_take(void); /* a signalfd for SIGCHLD, or -errno */
void signals_drain(int fd);
/* In a forked child: nothing is blocked. */
void signals_reset(void);

#endif
