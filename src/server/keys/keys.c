/* The handlers of keys. The process has the private keys, and no file, no
 * network and no users. It signs handshakes for gate and sessions, which it
 * treats as hostile: each gets one signature in a turn of the loop, and only
 * for a handshake. If a session asks too fast, keys doesn't read it for a
 * while. */
#include "keys.h"

#include <errno.h>
#include <stdlib.h>
#include <sysexits.h>

#include "sallyport/base/clock.h"
#include "sallyport/base/complain.h"
#include "sallyport/base/fd.h"

/* Gate or a session, which asks for signatures. */
struct asker {
    struct keys *keys;
    enum process process;
    uint64_t serial;
    struct address peer; /* the session's client */
    struct channel channel;
    struct loop_watch watch;
    struct loop_timer timer; /* runs while the asker is over its rate */
    uint64_t signatures;     /* debt_take() */
    LIST_ENTRY(asker) next;
};

static void report_asker(struct asker *a, const char *what)
{
    char peer[ADDRESS_TEXT_MAX];
    struct event_record r;

    event_begin(&r, EVENT_PEER);
    event_text(&r, FIELD_PROCESS, slice_from(process_name(a->process)));
    if (a->process == PROCESS_SESSION) {
        event_number(&r, FIELD_SERIAL, a->serial);
        event_text(&r, FIELD_PEER,
                   slice_from(address_port_text(&a->peer, peer)));
    }
    event_text(&r, FIELD_REASON, slice_from(what));
    frame_report(&a->keys->frame, &r);
}

static void asker_close(struct asker *a)
{
    struct keys *k = a->keys;

    loop_remove(&k->frame.loop, &a->watch);
    loop_timer_clear(&k->frame.loop, &a->timer);
    channel_close(&a->channel);
    LIST_REMOVE(a, next);
    k->askers--;
    free(a);
}

/* Signs the message. Returns 0; -EPERM: it isn't a handshake, so an attacker
 * could use the signature for something else; -EAGAIN: the asker doesn't read.
 * After an error the caller closes the asker. */
static int asker_on_sign(void *owner, struct msg_sign *msg)
{
    struct asker *a = owner;
    struct sign_request r = { .key = msg->key, .message = msg->message };
    struct sign_result result = { .len = 0 };
    struct slice bytes;
    int e = -ENOKEY;

    if (msg->scheme > UINT16_MAX)
        return -EPERM;
    r.scheme = (uint16_t)msg->scheme;
    if (!sign_is_handshake(&r))
        return -EPERM;
    if (r.key > 0 && r.key <= a->keys->count)
        e = sign_make(a->keys->key[r.key - 1], &r, &result);
    bytes = (struct slice){ (const char *)result.bytes, result.len };
    e = SEND(&a->channel, signature, msg->request, .signature = bytes,
             .error = -e);
    if (e != -EAGAIN)
        return 0;
    report_asker(a, "doesn't read its signatures");
    return e;
}

static const struct handler handlers[] = {
    ON(sign, asker_on_sign),
};

static void asker_on_timer(void *owner)
{
    struct asker *a = owner;

    loop_change(&a->keys->frame.loop, &a->watch, EPOLLIN);
}

static void asker_on_ready(void *owner, uint32_t events)
{
    struct asker *a = owner;
    struct message m;
    uint64_t wait;
    int r;

    if (events & (EPOLLHUP | EPOLLERR)) { /* nobody waits for an answer */
        asker_close(a);
        return;
    }
    /* Gate has no limit, since it needs a signature of each key, however many
     * keys there are. */
    wait = a->process == PROCESS_GATE ? 0
                                      : debt_take(&a->signatures, SIGN_EACH_MS,
                                                  SIGN_CREDIT_MS, clock_ms());
    if (wait > 0) {
        loop_change(&a->keys->frame.loop, &a->watch, 0);
        loop_timer_set(&a->keys->frame.loop, &a->timer, wait);
        return;
    }
    r = channel_receive(&a->channel, &m);
    if (r == 1)
        r = channel_handle(&a->channel, handlers, 1, a, &m);
    if (r == -EPROTO)
        report_asker(a, a->channel.wrong);
    else if (r == -EPERM)
        report_asker(a, "asked to sign something else than a handshake");
    if (r < 0)
        asker_close(a);
}

/* Adds an asker. If there are askers_max already, master has miscounted: then
 * the process at the other end gets no signature. */
static int keys_on_client(void *owner, struct msg_speaker *m)
{
    struct keys *k = owner;
    struct asker *a = k->askers < k->askers_max ? calloc(1, sizeof(*a)) : NULL;
    int fd;

    if (m->process != PROCESS_SESSION && m->process != PROCESS_GATE)
        die(EX_PROTOCOL, "master names a process that may not sign");
    /* The descriptor closes with the message. Master keeps a copy, so the
     * process at the other end notices nothing until its request reaches its
     * deadline. */
    if (!a)
        return 0;
    fd = fd_take(&m->end);
    *a = (struct asker){ .keys = k,
                         .process = m->process,
                         .serial = m->serial,
                         .peer = m->peer,
                         .timer = { .on_timer = asker_on_timer, .owner = a } };
    channel_init(&a->channel, fd, PROCESS_KEYS, m->process, PHASE_RUN);
    LIST_INSERT_HEAD(&k->list, a, next);
    k->askers++;
    if (loop_add_reader(&k->frame.loop, &a->watch, fd, asker_on_ready, a) < 0)
        asker_close(a);
    return 0;
}

static void keys_release(void *owner)
{
    struct keys *k = owner;

    while (!LIST_EMPTY(&k->list))
        asker_close(LIST_FIRST(&k->list));
    for (size_t i = 0; i < k->count; i++)
        sign_key_free(k->key[i]);
}

/* Descriptors besides the askers: the standard ones, master, log, the loop. */
#define FILES_BESIDES 16

/* The askers are gate, all sessions, and sessions that have ended while new
 * ones begin. The keys have the numbers from 1 on, in the order of the set-up.
 */
static int keys_set_up(void *owner)
{
    struct keys *k = owner;
    const struct setup_file *file = &k->frame.setup.file[SETUP_KEY];

    k->askers_max = 2 * k->frame.setup.sessions + FILES_BESIDES;
    k->frame.plan.max_files = k->askers_max + FILES_BESIDES;
    for (; k->count < CERTIFICATES_MAX && file[k->count].fd >= 0; k->count++) {
        k->key[k->count] =
            sign_key_new(file[k->count].fd, file[k->count].name, &k->frame.why);
        if (!k->key[k->count])
            return -EINVAL;
    }
    return 0;
}

static const struct handler keys_handlers[] = {
    ON(speaker, keys_on_client),
};

const struct frame_row keys_row = {
    .process = PROCESS_KEYS,
    .filter = &filter_keys,
    FRAME_HANDLERS(keys_handlers),
    .set_up = keys_set_up,
    .release = keys_release,
};
