/* A reload, in master: the files are opened and judged here, then keys takes
 * the new keys, and gate the new chains and settings, having keys prove each.
 * Only when both have taken them are they in use; until then, and if one
 * refuses, the old ones stay. Nothing waits here: each answer is a message, and
 * has a deadline. */
#include "reload.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "master.h"
#include "prepare.h"
#include "request.h"
#include "sallyport/base/fd.h"
#include "weaker.h"
#include "worker.h"

/* Who asked for one that became late has been answered. */
static void end(struct master *m, const char *wrong)
{
    bool again = m->reload.again, silent = m->reload.silent;

    reload_release(m);
    if (again) {
        reload_begin(m);
        return;
    }
    master_tell_unasked(m);
    if (!silent)
        request_reloaded(m, wrong);
}

static void tell(struct master *m, const char *why)
{
    master_report(m, EVENT_SERVICE, PROCESS_MASTER,
                  "reload: the old configuration and certificates stay: %s",
                  why);
}

static void fail(struct master *m, const char *why)
{
    if (!m->reload.silent)
        tell(m, why);
    if (m->reload.set && m->reload.set != m->certificates.current)
        certificates_drop(m, m->reload.set);
    end(m, why);
}

/* The text of what will be in force, which isn't what the file says where a
 * restart is needed. */
static int write_conf(struct reload *r, struct complaint *c)
{
    struct buf text;
    int fd;

    buf_init(&text, SETTINGS_TEXT_MAX);
    fd = settings_dump(r->settings, &text);
    if (fd == 0)
        fd = fd_sealed("settings", buf_slice(&text));
    buf_release(&text);
    r->conf = fd;
    return fd < 0 ? complain(c, "settings: %s", strerror(-fd)) : 0;
}

static int read_settings(struct master *m, struct complaint *c)
{
    struct reload *r = &m->reload;
    struct buf text, kept;
    int e;

    r->settings = malloc(sizeof(*r->settings));
    if (!r->settings)
        return complain(c, "no memory");
    buf_init(&text, SETTINGS_TEXT_MAX);
    e = settings_load(r->settings, m->settings.file, &text, c);
    buf_release(&text);
    if (e < 0)
        return e;
    buf_init(&kept, sizeof(r->kept) - 1);
    e = settings_reload(r->settings, &m->settings, &kept, c);
    slice_copy(buf_slice(&kept), r->kept, sizeof(r->kept));
    buf_release(&kept);
    return e < 0 ? complain(c, "settings: %s", strerror(-e)) : write_conf(r, c);
}

static int prepare(struct master *m, struct complaint *c)
{
    struct reload *r = &m->reload;

    if (!master_ready(m, PROCESS_KEYS) || !master_gate(m))
        return complain(c, "gate or keys is not ready, try again");
    if (read_settings(m, c) < 0 || prepare_range(m, r->settings, c) < 0)
        return -EINVAL;
    r->set = certificates_open(m, r->settings, c);
    if (r->set)
        r->set = certificates_settle(&m->certificates, r->set, c);
    return r->set ? 0 : -EINVAL;
}

static const char silent[] = "does not answer";

/* Keys without an answer signs nothing either: it is started anew, and has the
 * old keys then. Gate has the sessions, and is left alone: what it was given it
 * must not take any more; if it has already, its answer comes, and counts. */
static void on_late(void *owner)
{
    struct master *m = owner;
    struct reload *r = &m->reload;
    const struct child_row *row = r->asked->row;
    char why[64];

    if (m->state != MASTER_RUNNING)
        return;
    snprintf(why, sizeof(why), "%s %s", process_name(row->process), silent);
    tell(m, why);
    r->silent = true;
    r->again = false;
    request_reloaded(m, why);
    if (row->process == PROCESS_GATE)
        reload_feed(m);
    else
        child_end(r->asked, silent);
}

static void ask(struct master *m, struct child *who)
{
    struct reload *r = &m->reload;

    r->asked = who;
    r->sent = 0;
    r->deadline.on_time = on_late;
    r->deadline.owner = m;
    loop_timer_set(&m->loop, &r->deadline, m->deadlines.take);
    reload_feed(m);
}

void reload_begin(struct master *m)
{
    struct complaint c = { "" };

    if (m->state != MASTER_RUNNING) {
        request_reloaded(m, "the server is starting or stopping");
        return;
    }
    if (m->reload.silent) {
        request_reloaded(m, "gate still owes the answer to the last one");
        return;
    }
    if (m->reload.asked) {
        m->reload.again = true;
        return;
    }
    if (prepare(m, &c) < 0)
        fail(m, c.text);
    else if (m->reload.set == m->certificates.current)
        ask(m, master_gate(m)); /* keys has them */
    else
        ask(m, master_ready(m, PROCESS_KEYS));
}

/* To keys each key and TAKE, to gate the settings, each chain and TAKE. */
static int send_next(const struct reload *r, bool *last)
{
    bool gate = r->asked->row->process == PROCESS_GATE;
    size_t at = r->sent;

    if (gate && at-- == 0)
        return SEND(&r->asked->channel, conf, 0, .settings = r->conf);
    *last = at == (gate ? certificates_parts(r->set) : r->set->count);
    if (*last)
        return SEND(&r->asked->channel, take, 0,
                    .generation = r->set->generation);
    return gate ? certificates_send_part(r->asked, r->set, at)
                : certificates_send_key(r->asked, &r->set->pair[at]);
}

/* All of it first, so that gate can throw it away as a whole. */
static int send_up(struct reload *r)
{
    bool last = false;
    int e = 0;

    while (e == 0 && r->sent != SIZE_MAX) {
        e = send_next(r, &last);
        if (e == 0)
            r->sent = last ? SIZE_MAX : r->sent + 1;
    }
    if (e == 0 && r->silent && !r->given_up) {
        e = SEND(&r->asked->channel, give_up, 0,
                 .generation = r->set->generation);
        r->given_up = e == 0;
    }
    return e;
}

/* One that is gone will be noticed. */
void reload_feed(struct master *m)
{
    struct reload *r = &m->reload;

    if (r->asked && send_up(r) == -EAGAIN)
        child_wait_writable(r->asked);
}

void reload_lost(struct child *c)
{
    struct master *m = c->master;

    if (m->reload.asked != c)
        return;
    if (m->state == MASTER_RUNNING)
        fail(m, "a process that was to take them has ended");
}

void reload_release(struct master *m)
{
    loop_timer_clear(&m->loop, &m->reload.deadline);
    fd_close(&m->reload.conf);
    free(m->reload.settings);
    m->reload = (struct reload){ .conf = -1 };
}

/* As at the start: a promise isn't given up in silence. */
static void tell_weaker(struct master *m)
{
    struct buf text;

    buf_init(&text, WEAKER_MAX);
    weaker_text(m, &text);
    if (text.len > 0)
        master_report(m, EVENT_SERVICE, PROCESS_MASTER, "weaker: %.*s",
                      (int)text.len, text.data);
    buf_release(&text);
}

static void commit(struct master *m)
{
    struct reload *r = &m->reload;

    m->settings = *r->settings;
    fd_close(&m->conf);
    m->conf = fd_take(&r->conf);
    certificates_use(m, r->set);
    succession_keep(&m->succession, "settings", m->conf);
    certificates_keep(m);
    workers_tell(m);
    master_report(
        m, EVENT_SERVICE, PROCESS_MASTER,
        "reload: the new configuration and certificates are in use%s%s",
        r->kept[0] ? "; a restart is needed for " : "", r->kept);
    master_look_at_users(m); /* another file, perhaps */
    access_review(m);
    tell_weaker(m);
    end(m, NULL);
}

static bool is_awaited(const struct child *c, uint64_t generation)
{
    const struct reload *r = &c->master->reload;

    return r->asked == c && r->sent == SIZE_MAX &&
           generation == r->set->generation;
}

static int lie(struct child *c)
{
    c->channel.wrong = "answers a reload that nobody asked of it";
    return -EPROTO;
}

int reload_on_taken(void *owner, struct msg_taken *msg)
{
    struct child *c = owner, *gate = master_gate(c->master);

    if (!is_awaited(c, msg->generation))
        return lie(c);
    if (c == gate)
        commit(c->master);
    else if (gate)
        ask(c->master, gate);
    else
        fail(c->master, "gate is not ready");
    return 0;
}

int reload_on_not_taken(void *owner, struct msg_not_taken *msg)
{
    struct child *c = owner;
    struct complaint why = { "" };

    if (!is_awaited(c, msg->generation))
        return lie(c);
    complain(&why, "%.*s", (int)msg->why.len, msg->why.ptr);
    settings_place_pair(c->master->reload.settings, &why);
    fail(c->master, why.text);
    return 0;
}
