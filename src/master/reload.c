/* A reload, in master: the files are opened and judged here, then keys takes
 * the new keys, and gate the new chains and settings, having keys prove each.
 * Only when both have taken them are they in use; until then, and if one
 * refuses, the old ones stay. Nothing waits here: each answer is a message. */
#include "reload.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "master.h"
#include "request.h"
#include "sallyport/base/fd.h"

static void end(struct master *m, const char *wrong)
{
    bool again = m->reload.again;

    reload_release(m);
    if (again)
        reload_begin(m);
    else
        request_reloaded(m, wrong);
}

static void fail(struct master *m, const char *why)
{
    master_report(m, EVENT_SERVICE, PROCESS_MASTER,
                  "reload: the old configuration and certificates stay: %s",
                  why);
    if (m->reload.set)
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
    if (read_settings(m, c) < 0)
        return -EINVAL;
    r->set = certificates_open(&m->certificates, r->settings, c);
    return r->set ? 0 : -EINVAL;
}

static void ask(struct master *m, struct child *who)
{
    m->reload.asked = who;
    m->reload.sent = 0;
    reload_feed(m);
}

void reload_begin(struct master *m)
{
    struct complaint c = { "" };

    if (m->state != MASTER_RUNNING) {
        request_reloaded(m, "the server is starting or stopping");
        return;
    }
    if (m->reload.asked) {
        m->reload.again = true;
        return;
    }
    if (prepare(m, &c) == 0) {
        ask(m, master_ready(m, PROCESS_KEYS));
        return;
    }
    fail(m, c.text);
}

static int send_take(const struct reload *r)
{
    return channel_send(
        &r->asked->channel,
        &(struct packet){ .message = MSG_TAKE,
                          .value = { NUMBER(r->set->generation) } });
}

/* To keys each key and TAKE, to gate the settings, each chain and TAKE. */
static int send_next(const struct reload *r, bool *last)
{
    bool gate = r->asked->row->process == PROCESS_GATE;
    size_t at = r->sent;

    if (gate && at-- == 0)
        return channel_send(
            &r->asked->channel,
            &(struct packet){ .message = MSG_CONF, .fd = { r->conf } });
    *last = at == r->set->count;
    if (*last)
        return send_take(r);
    return gate ? certificates_send_chain(r->asked, &r->set->pair[at])
                : certificates_send_key(r->asked, &r->set->pair[at]);
}

/* One message too many tells that all are sent. */
void reload_feed(struct master *m)
{
    struct reload *r = &m->reload;
    bool last = false;

    while (r->asked && r->sent != SIZE_MAX) {
        int e = send_next(r, &last);

        if (e == -EAGAIN)
            child_wait_writable(r->asked);
        if (e < 0) /* it is gone, which will be noticed */
            return;
        r->sent = last ? SIZE_MAX : r->sent + 1;
    }
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
    fd_close(&m->reload.conf);
    free(m->reload.settings);
    m->reload = (struct reload){ .conf = -1 };
}

static void commit(struct master *m)
{
    struct reload *r = &m->reload;

    m->settings = *r->settings;
    fd_close(&m->conf);
    m->conf = fd_take(&r->conf);
    certificates_use(m, r->set);
    master_report(
        m, EVENT_SERVICE, PROCESS_MASTER,
        "reload: the new configuration and certificates are in use%s%s",
        r->kept[0] ? "; a restart is needed for " : "", r->kept);
    master_look_at_users(m); /* another file, perhaps */
    end(m, NULL);
}

static bool is_awaited(const struct child *c, const struct packet *p)
{
    const struct reload *r = &c->master->reload;

    return r->asked == c && r->sent == SIZE_MAX &&
           p->value[0].number == r->set->generation;
}

static int lie(struct child *c)
{
    c->channel.wrong = "answers a reload that nobody asked of it";
    return -EPROTO;
}

int reload_on_taken(void *owner, struct packet *p)
{
    struct child *c = owner, *gate = master_gate(c->master);

    if (!is_awaited(c, p))
        return lie(c);
    if (c == gate)
        commit(c->master);
    else if (gate)
        ask(c->master, gate);
    else
        fail(c->master, "gate is not ready");
    return 0;
}

int reload_on_not_taken(void *owner, struct packet *p)
{
    struct child *c = owner;
    struct complaint why = { "" };
    struct slice text = p->value[1].text;

    if (!is_awaited(c, p))
        return lie(c);
    complain(&why, "%.*s", (int)text.len, text.ptr);
    settings_place_pair(c->master->reload.settings, &why);
    fail(c->master, why.text);
    return 0;
}
