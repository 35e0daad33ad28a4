/* The handlers of keys. Keys knows the private keys and nothing else: it has no
 * file, no network and no users. It signs handshakes for gate and sessions. It
 * treats each asker as hostile: it gets one signature in a turn of the loop, a
 * limited number in a second, and only for handshakes. Keys stops reading an
 * asker that is too fast for a while. */
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
    struct loop_timer timer; /* while it is over the rate */
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

/* Refuses a message that is no handshake, since an attacker would use the key
 * for something else: logs it, and ends the asker. Returns -EAGAIN for an asker
 * that doesn't read: it loses its channel. */
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
    /* Gate has no limit: it asks for a proof of each key, however many there
     * are. */
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

/* Opens an asker. Refuses more than askers_max: only a master that miscounts
 * sends so many. Then the process at the other end gets no signature. */
static int keys_on_client(void *owner, struct msg_speaker *m)
{
    struct keys *k = owner;
    struct asker *a = k->askers < k->askers_max ? calloc(1, sizeof(*a)) : NULL;
    int fd;

    if (m->process != PROCESS_SESSION && m->process != PROCESS_GATE)
        die(EX_PROTOCOL, "master names a process that may not sign");
    /* The descriptor is closed with the message. Master keeps a copy of it, so
     * the other process notices nothing until its request fails at its
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

/* The standard descriptors, master, log, the loop. */
#define FILES_BESIDES 16

/* The askers are gate and all sessions, and ended sessions while new ones come.
 * The number of a key is its position, from 1 on. */
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
