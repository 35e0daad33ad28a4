/* Host names of public addresses, in master: who is to be looked up when, and
 * what gate and the log hear of it. Root asks no resolver and parses no answer:
 * process lookup does. An address is kept until there is another one. */
#include "hosts.h"

#include <errno.h>

#include "master.h"
#include "sallyport/base/die.h"

static struct public_address *row(struct master *m, size_t i)
{
    return settings_public(&m->settings, i);
}

static void on_time(void *owner);

void hosts_init(struct master *m)
{
    m->hosts = (struct hosts){ .settled = !settings_have_hosts(&m->settings) };
    m->hosts.timer = (struct loop_timer){ .on_time = on_time, .owner = m };
}

static struct child *names_of(struct master *m)
{
    return master_ready(m, PROCESS_LOOKUP);
}

static bool has_failed(const struct hosts *h)
{
    bool any = false;

    for (size_t i = 0; i <= SETTINGS_ANNOUNCED_MAX; i++)
        any |= h->failed[i];
    return any;
}

/* At the start, when there is no log yet. A server that waited for a name
 * server would not be there after a boot in which that one is late. */
static void hint(const struct public_address *a, const char *why)
{
    say("hint: %s: %s; until it has an address, PASV tells clients the one "
        "that they connected to",
        a->host, why);
}

/* The first round is over, or takes too long: gate can start now. */
static void settle(struct master *m)
{
    if (m->hosts.settled)
        return;
    m->hosts.settled = true;
    master_start_gate(m);
}

static void rest(struct master *m)
{
    uint64_t ms = m->settings.address_refresh;

    if (has_failed(&m->hosts) && ms > HOSTS_RETRY_MS)
        ms = HOSTS_RETRY_MS;
    m->hosts.at = 0;
    loop_timer_set(&m->loop, &m->hosts.timer, ms);
    settle(m);
}

static int ask(struct child *names, const struct public_address *a)
{
    struct hosts *h = &names->master->hosts;

    h->request = channel_next(&names->channel);
    h->asked = true;
    return SEND(&names->channel, resolve, h->request,
                .host = slice_from(a->host), .last = a->ip);
}

/* Asks for the next one, from `at` on; behind the last one there is a rest. */
static void go_on(struct master *m)
{
    struct child *names = names_of(m);
    struct public_address *a;

    while ((a = row(m, m->hosts.at)) && !a->host[0])
        m->hosts.at++;
    if (!names)
        settle(m);
    else if (!a)
        rest(m);
    else if (ask(names, a) < 0)
        child_end(names, "does not read its messages");
    else if (m->hosts.settled)
        loop_timer_set(&m->loop, &m->hosts.timer, m->deadlines.lookup);
}

/* Either names is silent, which it never is for long; or it is time for a
 * round; or the start has waited enough, and that round goes on. */
static void on_time(void *owner)
{
    struct master *m = owner;

    if (!m->hosts.settled) {
        hint(row(m, m->hosts.at), "no answer yet");
        loop_timer_set(&m->loop, &m->hosts.timer, m->deadlines.lookup);
        settle(m);
    } else if (m->hosts.asked) {
        if (names_of(m))
            child_end(names_of(m), "gave no answer in time");
    } else {
        go_on(m);
    }
}

void hosts_on_ready(struct child *c)
{
    struct master *m = c->master;

    loop_timer_set(&m->loop, &m->hosts.timer, m->deadlines.hosts);
    go_on(m);
}

/* It can't be started anew: under master's filter nobody makes a socket. */
void hosts_on_gone(struct child *c)
{
    struct master *m = c->master;

    loop_timer_clear(&m->loop, &m->hosts.timer);
    if (m->state != MASTER_RUNNING)
        return;
    master_report(m, EVENT_SERVICE, PROCESS_LOOKUP,
                  "gone: clients are told the addresses that host names have "
                  "now until the next start");
}

static int answered(struct child *c, uint32_t request)
{
    struct hosts *h = &c->master->hosts;

    if (!h->asked || request != h->request) {
        c->channel.wrong = "an answer to nothing that was asked";
        return -EPROTO;
    }
    h->asked = false;
    return 0;
}

static void next(struct master *m)
{
    m->hosts.at++;
    go_on(m);
}

/* For clients from anywhere; those of a network may well be told one. */
static bool is_for_all(const struct master *m, size_t i)
{
    return i == 0 || m->settings.announced[i - 1].network.bits == 0;
}

/* Debian's /etc/hosts gives a machine's own name 127.0.1.1. */
static void changed(struct master *m, struct public_address *a,
                    const struct address *now)
{
    char old[ADDRESS_TEXT_MAX], new[ADDRESS_TEXT_MAX];
    bool odd = address_is_private(now) && is_for_all(m, m->hosts.at);

    address_text(now, new);
    if (m->hosts.settled)
        master_report(
            m, EVENT_SERVICE, PROCESS_LOOKUP, "%s was %s, is now %s%s", a->host,
            address_text(&a->ip, old), new, odd ? ", which is private" : "");
    else if (odd)
        say("hint: PASV tells clients %s, the address of %s, which is "
            "private; if clients come from the internet, look into /etc/hosts",
            new, a->host);
    a->ip = *now;
    m->hosts.news[m->hosts.at] = true;
    hosts_tell(m);
}

int hosts_on_resolved(void *owner, struct msg_resolved *msg)
{
    struct child *c = owner;
    struct master *m = c->master;
    struct hosts *h = &m->hosts;
    const struct address *now = &msg->address;
    struct public_address *a = row(m, h->at);

    if (answered(c, msg->request) < 0)
        return -EPROTO;
    if (now->family != 4 || address_is_any(now)) {
        c->channel.wrong = "an address that is none";
        return -EPROTO;
    }
    if (!address_same_host(&a->ip, now))
        changed(m, a, now);
    else if (h->failed[h->at])
        master_report(m, EVENT_SERVICE, PROCESS_LOOKUP,
                      "%s has its address again", a->host);
    h->failed[h->at] = false;
    next(m);
    return 0;
}

/* Once, not at each try. */
static void tell_failure(struct master *m, const struct public_address *a,
                         const char *why)
{
    char kept[ADDRESS_TEXT_MAX] = "the one that they connected to";

    if (a->ip.family != 0)
        address_text(&a->ip, kept);
    if (!m->hosts.settled)
        hint(a, why);
    else if (!m->hosts.failed[m->hosts.at])
        master_report(m, EVENT_SERVICE, PROCESS_LOOKUP,
                      "%s: %s; clients are told %s", a->host, why, kept);
}

int hosts_on_unresolved(void *owner, struct msg_unresolved *msg)
{
    struct child *c = owner;
    struct master *m = c->master;
    struct hosts *h = &m->hosts;

    if (answered(c, msg->request) < 0)
        return -EPROTO;
    tell_failure(m, row(m, h->at), unresolved_text(msg->why));
    h->failed[h->at] = true;
    next(m);
    return 0;
}

static int tell(struct child *gate, size_t i)
{
    struct master *m = gate->master;
    int r = SEND(&gate->channel, public_address, 0, .number = i,
                 .address = row(m, i)->ip);

    if (r == 0)
        m->hosts.news[i] = false;
    return r;
}

int hosts_step(struct child *gate)
{
    struct public_address *a;
    int r = 0;

    for (; r == 0 && (a = row(gate->master, gate->index)); gate->index++)
        if (a->host[0] && a->ip.family != 0) {
            r = tell(gate, gate->index);
            if (r < 0)
                return r;
        }
    return r;
}

void hosts_tell(struct master *m)
{
    struct child *gate = master_gate(m);

    for (size_t i = 0; gate && row(m, i); i++)
        if (m->hosts.news[i] && tell(gate, i) < 0) {
            child_wait_writable(gate);
            return;
        }
}
