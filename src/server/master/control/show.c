/* The server's state for sallyportctl, in master: rows of names and values, in
 * the order in which they are shown. Each function answers at once; only a look
 * at the sessions takes longer. The names are for this build alone. */
#include "control.h"

#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

#include "logins/logins.h"
#include "sallyport/ipc/generation.h"
#include "sallyport/ipc/shown.h"

/* The most bans in one answer, which must fit into the socket, since ctl
 * doesn't read while master writes. */
#define BANS_PAGE 64

static void show_row(struct peer *p, const char *table,
                     const struct shown_row *r)
{
    peer_sent(p, shown_send(&p->channel, p->request, table, r));
}

static void show_end(struct peer *p, uint64_t place)
{
    peer_answered(p, SEND(&p->channel, end, p->request, .place = place));
}

static void show_server(struct peer *p)
{
    const struct master *m = p->master;
    const char *state = m->state == MASTER_STARTING  ? "starting"
                        : m->state != MASTER_RUNNING ? "stopping"
                        : drain_begins(m) > 0        ? "draining"
                                                     : "running";
    char text[ADDRESS_TEXT_MAX];
    struct shown_row r = { 0 };

    shown_text(&r, "state", slice_from(state));
    shown_text(&r, "away", slice_from(m->users->away.text));
    shown_text(&r, "users_refused", slice_from(m->users->refused.text));
    shown_text(&r, "version", SLICE(SALLYPORT_VERSION));
    shown_number(&r, "pid", (uint64_t)getppid());
    shown_add_number(&r, SHOWN_TIME, "since", (uint64_t)m->since);
    for (size_t i = 0; i < m->listeners->control_count; i++)
        shown_add(&r, SHOWN_ITEM, "listening",
                  slice_from(address_port_text(
                      &m->listeners->control[i].address, text)));
    shown_number(&r, "sessions", m->sessions->living);
    shown_number(&r, "logged_in", sessions_logged_in(m->sessions));
    shown_number(&r, "max_sessions", m->settings.max_sessions);
    shown_number(&r, "users", m->users->users.count);
    shown_number(&r, "bans", bans_count(m->banning->table, time(NULL)));
    shown_number(&r, "generation_pid", (uint64_t)getpid());
    shown_number(&r, "generations", 1 + older_count(m));
    show_row(p, SHOWN_WHOLE, &r);
}

/* PLACE: enum setup_place. */
static void show_file(struct peer *p, const char *table, size_t place)
{
    const struct certificates *set = p->master->certificates;
    const struct named_file *f = &set->file[place];
    struct shown_row r = { 0 };

    if (f->fd < 0)
        return;
    shown_text(&r, "file", slice_from(f->name));
    shown_add_number(&r, SHOWN_TIME, "expires", (uint64_t)f->expires);
    shown_add_number(&r, SHOWN_DAYS, "days", (uint64_t)f->expires);
    shown_add_number(&r, SHOWN_FLAG, "changed", set->changed == place);
    if (place >= SETUP_CERTIFICATE) {
        const struct certificate_facts *of =
            &set->facts[place - SETUP_CERTIFICATE];

        shown_text(&r, "sha256", slice_from(of->fingerprint));
        shown_text(&r, "pin", slice_from(of->pin));
        shown_text(&r, "name", slice_from(of->host));
        shown_add_number(&r, SHOWN_FLAG, "self_signed", of->self_signed);
    }
    show_row(p, table, &r);
}

/* Shows the wrong passwords of the last hour. An IPv6 address stands for its
 * /64. */
static void show_guessing(struct peer *p)
{
    struct guess_report g;
    struct shown_row r = { 0 };

    guesses_report(p->master->guesses, clock_ms(), &g);
    shown_number(&r, "wrong", g.wrong);
    shown_number(&r, "addresses", g.addresses);
    show_row(p, "guessing", &r);
    show_row(p, "guessing+worst", &(struct shown_row){ 0 });
    for (size_t i = 0; i < g.count; i++) {
        const struct address *a = &g.worst[i].prefix;
        char text[BAN_TEXT_MAX];
        struct shown_row one = { 0 };

        shown_text(&one, "address",
                   slice_from(ban_text(a, address_client_bits(a), text)));
        shown_number(&one, "wrong", g.worst[i].wrong);
        show_row(p, "guessing+worst", &one);
    }
}

static void show_status(struct peer *p, uint64_t place)
{
    const struct metrics_totals t = gauges_total(p->master);
    struct shown_row r = { 0 };

    (void)place;
    older_look_all(p->master);
    show_server(p);
    for (size_t i = 0; i < CERTIFICATES_MAX; i++)
        show_file(p, "+certificates", SETUP_CERTIFICATE + i);
    show_row(p, "+client_files", &(struct shown_row){ 0 });
    show_file(p, "+client_files", SETUP_CLIENT_CA);
    show_file(p, "+client_files", SETUP_CLIENT_CRL);
    show_guessing(p);
    shown_number(&r, "complete", t.complete);
    shown_number(&r, "failed", t.failed);
    shown_number(&r, "bytes_in", t.bytes_in);
    shown_number(&r, "bytes_out", t.bytes_out);
    shown_number(&r, "logins_failed", t.logins_failed);
    show_row(p, "totals", &r);
    show_end(p, 0);
}

static void show_bans(struct peer *p, uint64_t place)
{
    const struct bans *b = p->master->banning->table;
    size_t sent = 0, i = place < BANS_MAX ? (size_t)place : BANS_MAX;

    for (; i < b->rows && i < BANS_MAX && sent < BANS_PAGE; i++) {
        const struct ban *ban = &b->ban[i];
        char network[BAN_TEXT_MAX];
        struct shown_row r = { 0 };

        if (!ban_counts(ban, time(NULL)))
            continue;
        shown_text(&r, "network",
                   slice_from(ban_text(&ban->network, ban->bits, network)));
        shown_text(&r, "reason", slice_from(ban->reason));
        shown_add_number(&r, SHOWN_TIME, "since", (uint64_t)ban->since);
        shown_add_number(&r, SHOWN_TIME, "until", (uint64_t)ban->until);
        shown_add_number(&r, SHOWN_FLAG, "automatic", !ban->by_hand);
        show_row(p, "+bans", &r);
        sent++;
    }
    show_end(p, i < b->rows ? i : 0);
}

static void show_look_over(struct peer *p)
{
    p->looking = 0;
    show_end(p, p->look_next);
}

static void show_doing(struct peer *p, uint64_t place)
{
    const struct session_table *t = p->master->sessions;
    size_t i = place < t->touched ? (size_t)place : t->touched;

    p->looking = 0;
    for (; i < t->touched && p->looking < LOOK_PAGE; i++)
        if (ask_begin(&t->all[i]))
            p->looks[p->looking++] = t->all[i].serial;
    p->look_next = i < t->touched ? i : 0;
    if (p->looking == 0)
        show_look_over(p);
    else
        loop_timer_set(&p->master->loop, &p->timer, p->master->deadlines.look);
}

void show_on_doing(struct master *m, const struct msg_doing *msg)
{
    char serial[24];
    struct shown_row r = { 0 };

    snprintf(serial, sizeof(serial), "%016" PRIx64, msg->serial);
    shown_text(&r, "serial", slice_from(serial));
    shown_text(&r, "program", msg->client);
    shown_text(&r, "tls", msg->tls);
    shown_text(&r, "command", msg->verb);
    shown_text(&r, "path", msg->path);
    shown_number(&r, "bytes", msg->bytes);
    if (msg->of > 0)
        shown_number(&r, "of", msg->of);
    else
        shown_text(&r, "of", SLICE(""));
    shown_number(&r, "ms", msg->ms);
    for (struct peer *p = m->control->peer;
         p < m->control->peer + MASTER_CALLERS; p++) {
        size_t i = 0;

        while (i < p->looking && p->looks[i] != msg->serial)
            i++;
        if (!p->used || i == p->looking)
            continue;
        p->looks[i] = p->looks[--p->looking];
        show_row(p, "+doing", &r);
        if (p->used && p->looking == 0)
            show_look_over(p);
    }
}

bool show_late(struct peer *p)
{
    bool looks = p->looking > 0;

    if (looks)
        show_look_over(p);
    return looks;
}

static void (*const views[SHOW_COUNT])(struct peer *p, uint64_t place) = {
    [SHOW_STATUS] = show_status,
    [SHOW_BANS] = show_bans,
    [SHOW_DOING] = show_doing,
    [SHOW_METRICS] = gauges_show,
};

int show_on_show(void *owner, struct msg_show *msg)
{
    struct peer *p = request_begin(owner, msg->request);

    if (!slice_equal(msg->build, slice_from(build_name())))
        peer_refuse(p, REFUSAL_BUSY,
                    "the server is of another build than this sallyportctl; "
                    "run: sallyportctl reload");
    else if (msg->what >= SHOW_COUNT)
        return channel_refuse(&p->channel, "an unknown thing to show");
    else
        views[msg->what](p, msg->place);
    return 0;
}
