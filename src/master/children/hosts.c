/* Host names of public addresses, in master: which ones are looked up, and what
 * gate and the log hear of them. Root asks no resolver and parses no answer:
 * process lookup does. Each name has one answer, which holds until the next
 * generation. */
#include "hosts.h"

#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "children.h"
#include "sallyport/base/fd.h"
#include "sallyport/base/stderr.h"
#include "sallyport/ipc/generation.h"

static struct public_address *hosts_row(struct master *m, size_t i)
{
    return settings_public(&m->settings, i);
}

static bool host_is_open(const struct public_address *a)
{
    return a->host[0] && a->ip.family == 0;
}

/* A name has no address; UNHEARD: and hasn't failed either. */
static bool any_host_is_open(struct master *m, bool unheard)
{
    const struct public_address *a;

    for (size_t i = 0; (a = hosts_row(m, i)); i++)
        if (host_is_open(a) && !(unheard && m->hosts->failed[i]))
            return true;
    return false;
}

/* Of row I; its family is 0 if there is none. */
static const struct address *hosts_address(struct master *m, size_t i)
{
    const struct public_address *a = hosts_row(m, i);

    return host_is_open(a) ? &m->hosts->kept[i] : &a->ip;
}

/* What clients are told of row I while it has no address. */
static const char *hosts_instead(struct master *m, size_t i,
                                 char text[ADDRESS_TEXT_MAX])
{
    if (m->hosts->kept[i].family == 0)
        return "the address that they connected to";
    return address_text(&m->hosts->kept[i], text);
}

/* At the start, when there is no log yet. A server that waited for a name
 * server would be missing after a boot in which that one is late. */
static void hosts_hint(struct master *m, size_t i, const char *why)
{
    char text[ADDRESS_TEXT_MAX];

    stderr_print("hint: %s: %s; until it has an address, PASV tells clients %s",
                 hosts_row(m, i)->host, why, hosts_instead(m, i, text));
}

/* A name that is too long for a name of the supervisor's isn't kept. */
static bool hosts_kept_name(const struct public_address *a,
                            char name[GENERATION_NAME_MAX])
{
    return snprintf(name, GENERATION_NAME_MAX, "address %s", a->host) <
           GENERATION_NAME_MAX;
}

static void hosts_keep(struct master *m, const struct public_address *a)
{
    char name[GENERATION_NAME_MAX], text[ADDRESS_TEXT_MAX];
    FD_CLEANUP int fd =
        fd_sealed("address", slice_from(address_text(&a->ip, text)));

    if (fd >= 0 && hosts_kept_name(a, name))
        succession_keep(&m->succession, name, fd);
}

static void hosts_inherit_one(struct master *m, size_t i)
{
    char name[GENERATION_NAME_MAX];
    FD_CLEANUP int fd = hosts_kept_name(hosts_row(m, i), name)
                            ? succession_inherit(&m->succession, name)
                            : -1;
    char text[ADDRESS_TEXT_MAX];
    ssize_t n = fd < 0 ? -1 : pread(fd, text, sizeof(text), 0);

    if (n < 0)
        return;
    succession_keep(&m->succession, name, fd);
    m->hosts->news[i] = address_parse((struct slice){ text, (size_t)n },
                                      &m->hosts->kept[i]) == 0;
    if (!m->hosts->news[i])
        m->hosts->kept[i] = (struct address){ 0 };
}

void hosts_inherit(struct master *m)
{
    for (size_t i = 0; hosts_row(m, i); i++)
        if (hosts_row(m, i)->host[0])
            hosts_inherit_one(m, i);
}

static void hosts_settle(struct master *m)
{
    if (m->hosts->settled)
        return;
    loop_timer_clear(&m->loop, &m->hosts->timer);
    m->hosts->settled = true;
    children_start(m, PROCESS_GATE);
}

/* Each name has its address or has failed once: gate needs to wait no more. */
static void hosts_settle_if_heard(struct master *m)
{
    if (!any_host_is_open(m, true))
        hosts_settle(m);
}

static void hosts_on_time(void *owner)
{
    struct master *m = owner;
    const struct public_address *a;

    for (size_t i = 0; (a = hosts_row(m, i)); i++)
        if (host_is_open(a) && !m->hosts->failed[i])
            hosts_hint(m, i, "no answer yet");
    hosts_settle(m);
}

void hosts_init(struct master *m)
{
    m->hosts->settled = !settings_have_hosts(&m->settings);
    m->hosts->timer =
        (struct loop_timer){ .on_time = hosts_on_time, .owner = m };
}

int hosts_step_names(struct child *lookup)
{
    const struct public_address *a;
    int r = 0;

    for (; (a = hosts_row(lookup->master, lookup->index)); lookup->index++) {
        if (a->host[0])
            r = SEND(&lookup->channel, host, 0, .number = lookup->index,
                     .name = slice_from(a->host));
        if (r < 0)
            return r;
    }
    return 0;
}

void hosts_on_ready(struct child *c)
{
    loop_timer_set(&c->master->loop, &c->master->hosts->timer,
                   c->master->deadlines.hosts);
}

/* When all are known it ends by itself. Before that it isn't started again:
 * under master's filter nobody makes a socket. */
void hosts_on_gone(struct child *c)
{
    struct master *m = c->master;

    if (m->state == MASTER_RUNNING && any_host_is_open(m, false))
        master_report(m, EVENT_SERVICE, PROCESS_LOOKUP,
                      "gone before each host name had an address; a reload "
                      "looks them up again");
}

bool hosts_is_done(const struct child *c)
{
    return !any_host_is_open(c->master, false);
}

/* The row of a host name without an address, or NULL: -EPROTO. */
static struct public_address *hosts_answered(struct child *c, uint64_t number)
{
    struct public_address *a = hosts_row(c->master, number);

    if (a && host_is_open(a))
        return a;
    c->channel.wrong = "an answer to nothing that was asked";
    return NULL;
}

/* For clients from anywhere; those of a network may well get a private one. */
static bool host_is_for_all(const struct master *m, size_t i)
{
    return i == 0 || m->settings.announced[i - 1].network.bits == 0;
}

/* Debian's /etc/hosts gives a machine's own name 127.0.1.1. */
static void hosts_report_address(struct master *m, size_t i)
{
    const struct public_address *a = hosts_row(m, i);
    char text[ADDRESS_TEXT_MAX];
    bool odd = address_is_private(&a->ip) && host_is_for_all(m, i);

    address_text(&a->ip, text);
    if (m->hosts->settled)
        master_report(m, EVENT_SERVICE, PROCESS_LOOKUP, "%s is %s%s", a->host,
                      text, odd ? ", which is private" : "");
    else if (odd)
        stderr_print(
            "hint: PASV tells clients %s, the address of %s, which is "
            "private; if clients come from the internet, look into /etc/hosts",
            text, a->host);
}

int hosts_on_resolved(void *owner, struct msg_resolved *msg)
{
    struct child *c = owner;
    struct master *m = c->master;
    struct public_address *a = hosts_answered(c, msg->number);

    if (!a)
        return -EPROTO;
    if (msg->address.family != 4 || address_is_any(&msg->address))
        return channel_refuse(&c->channel, "an address that is none");
    a->ip = msg->address;
    hosts_keep(m, a);
    m->hosts->news[msg->number] = true;
    hosts_report_address(m, msg->number);
    hosts_tell(m);
    hosts_settle_if_heard(m);
    return 0;
}

int hosts_on_unresolved(void *owner, struct msg_unresolved *msg)
{
    struct child *c = owner;
    struct master *m = c->master;
    struct public_address *a = hosts_answered(c, msg->number);
    const char *why = unresolved_text(msg->why);
    char text[ADDRESS_TEXT_MAX];

    if (!a)
        return -EPROTO;
    if (m->hosts->failed[msg->number])
        return channel_refuse(&c->channel,
                              "a failure that it has reported before");
    m->hosts->failed[msg->number] = true;
    if (m->hosts->settled)
        master_report(m, EVENT_SERVICE, PROCESS_LOOKUP,
                      "%s: %s; clients are told %s", a->host, why,
                      hosts_instead(m, msg->number, text));
    else
        hosts_hint(m, msg->number, why);
    hosts_settle_if_heard(m);
    return 0;
}

static int hosts_tell_one(struct child *gate, size_t i)
{
    struct master *m = gate->master;
    int r = SEND(&gate->channel, public_address, 0, .number = i,
                 .address = *hosts_address(m, i));

    if (r == 0)
        m->hosts->news[i] = false;
    return r;
}

int hosts_step(struct child *gate)
{
    int r = 0;

    for (size_t i = 0; hosts_row(gate->master, i) && r == 0; i++)
        if (gate->master->hosts->news[i])
            r = hosts_tell_one(gate, i);
    return r;
}

void hosts_tell(struct master *m)
{
    struct child *gate = children_gate(m);

    if (gate && hosts_step(gate) < 0)
        child_wait_writable(gate);
}
