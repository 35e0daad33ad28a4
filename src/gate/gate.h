/* The process gate: what it holds, and the steps of its life. */
#ifndef GATE_GATE_H
#define GATE_GATE_H

#include "accept.h"
#include "bans.h"
#include "chains.h"
#include "children.h"
#include "fruitless.h"
#include "limits.h"
#include "passive.h"
#include "queue.h"
#include "sallyport/base/complaint.h"
#include "sallyport/base/loop.h"
#include "sallyport/conf/settings.h"
#include "sallyport/event/event.h"
#include "sallyport/ipc/sign.h"
#include "throttle.h"
#include "tickets.h"

struct tls_context;

struct listener {
    struct door door;
    struct gate *gate;
    uint64_t index; /* as master numbers it */
    bool implicit;  /* TLS from the first byte on */
    bool proxied;   /* each connection begins with a PROXY header */
};

/* What came with a reload, until it is taken as a whole or not at all. */
struct renewal {
    struct chains chains;
    struct settings settings;
    bool has_settings;
    struct complaint complaint;
    struct tls_context *trial;  /* made of it; NULL: none is under way */
    uint64_t generation;        /* master's number of it */
    size_t proven;              /* so many of its keys */
    uint32_t request;           /* to keys, for the next one */
    struct loop_timer deadline; /* for all of them */
};

struct gate {
    struct loop loop;
    struct settings settings;
    struct tls_context *tls;
    struct sign_channel signer; /* for proofs of keys */
    struct loop_watch keys_watch;
    struct renewal renewal;
    struct loop_timer expiry; /* a look at the certificates, daily */
    struct channel master;
    struct loop_watch master_watch;
    struct event_sender log;
    struct loop_watch log_watch;
    struct throttle refusals, strangers;
    struct loop_timer tally; /* of what those two kept silent */
    struct limits limits;
    struct fruitless fruitless;
    struct bans bans;
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

/* FD is the main channel. */
void gate_init(struct gate *g, int fd);
/* After set-up, before the cage: everything that needs memory or a new kind of
 * descriptor. 0, or -EINVAL with the complaint. */
int gate_begin(struct gate *g, struct complaint *c);
/* Works until master is gone: 0 or -errno. */
int gate_run(struct gate *g);
void gate_release(struct gate *g);
/* FD leads to keys, as long as that lives: 0 or -errno. */
int gate_sign_by(struct gate *g, int fd);
/* A descriptor to give up in need, or -1. */
int gate_spare(const struct gate *g);

/* orders.c: MSG_TOLD, in set-up or later. 0, or -EPROTO with the channel's
 * reason. */
int gate_told(struct gate *g, const struct packet *p);
/* orders.c: what master says while gate runs. */
void orders_on_ready(void *owner, uint32_t events);

/* To master; waits where it must. */
void gate_say(struct gate *g, const struct packet *p);

/* reload.c: MSG_CONF, MSG_CERTIFICATE, MSG_STAPLE, MSG_CLIENT_CA,
 * MSG_CLIENT_CRL, MSG_TAKE and MSG_GIVE_UP while gate runs. */
int reload_on_conf(void *owner, struct packet *p);
int reload_on_certificate(void *owner, struct packet *p);
int reload_on_staple(void *owner, struct packet *p);
int reload_on_clients(void *owner, struct packet *p);
int reload_on_take(void *owner, struct packet *p);
int reload_on_give_up(void *owner, struct packet *p);
/* Keys has said something; its channel is closed or another one. */
void reload_on_signature(struct gate *g);
void reload_keys_lost(struct gate *g);
void reload_release(struct gate *g);
/* expiry.c: tells log which certificates expire soon, and which go out without
 * the OCSP response that they should have, now and from now on each day. */
void gate_watch_expiry(struct gate *g);
/* And master, of each pair of T (NULL: none), when that will be. */
void gate_tell_pairs(struct gate *g, const struct tls_context *t);
/* A MSG_CONF: 0, or negative with the complaint. */
int gate_settings(struct settings *s, int fd, struct complaint *c);

/* signals.c */
int signals_take(void); /* a signalfd for SIGCHLD, or -errno */
void signals_drain(int fd);
/* In a forked child: nothing is blocked. */
void signals_reset(void);

#endif
