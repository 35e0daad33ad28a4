/* Host names of public addresses, in master: which ones lookup resolves, and
 * what gate and the log get. Root asks no resolver and parses no answer: the
 * process lookup does. Each name is resolved once in a generation. */
#include "children.h"

#include <errno.h>
#include <string.h>

#include "sallyport/base/complain.h"

/* The name of struct kept_hosts for the supervisor. A build with another layout
 * changes the number, and begins with an empty one. */
#define KEPT_NAME "addresses 1"

struct kept_hosts {
    struct public_address row[HOSTS_MAX];
};

static struct public_address *hosts_row(struct master *m, size_t i)
{
    return settings_public(&m->settings, i);
}

/* Has each name passed STATE? */
static bool hosts_are_past(const struct master *m, enum host_state state)
{
    for (size_t i = 0; i < HOSTS_MAX; i++)
        if (m->hosts->state[i] != HOST_NONE && m->hosts->state[i] <= state)
            return false;
    return true;
}

/* At the start, when there is no log yet, the text is a hint. */
static void hosts_say(struct master *m, enum event e,
                      const struct complaint *what)
{
    if (m->hosts->known)
        master_report(m, e, PROCESS_LOOKUP, "%s", what->text);
    else
        stderr_print("hint: %s", what->text);
}

/* The server doesn't wait for a late name server, so that it starts after a
 * boot in which that server is late. */
static void hosts_say_unknown(struct master *m, size_t i, const char *why)
{
    const struct public_address *a = hosts_row(m, i);
    struct complaint what = { "" };
    char text[ADDRESS_TEXT_MAX];

    complain(&what, "%s: %s; until it has an address, PASV tells clients %s",
             a->host, why,
             a->ip.family == 0 ? "the address that they connected to"
                               : address_text(&a->ip, text));
    hosts_say(m, EVENT_TROUBLE, &what);
}

/* Does row I count for clients from anywhere? Only then is a private address
 * worth a warning. */
static bool host_is_for_all(const struct master *m, size_t i)
{
    return i == 0 || m->settings.announced[i - 1].network.bits == 0;
}

/* Debian's /etc/hosts gives a machine's own name the address 127.0.1.1. */
static void hosts_say_known(struct master *m, size_t i)
{
    const struct public_address *a = hosts_row(m, i);
    bool odd = address_is_private(&a->ip) && host_is_for_all(m, i);
    struct complaint what = { "" };
    char text[ADDRESS_TEXT_MAX];

    complain(&what, "%s is %s%s", a->host, address_text(&a->ip, text),
             odd ? ", which is private; if clients come from the internet, "
                   "look into /etc/hosts"
                 : "");
    if (odd || m->hosts->known)
        hosts_say(m, odd ? EVENT_TROUBLE : EVENT_SERVICE, &what);
}

void hosts_keep(struct master *m)
{
    struct kept_hosts all = { 0 };

    if (!settings_have_hosts(&m->settings))
        return;
    for (size_t i = 0; hosts_row(m, i); i++)
        all.row[i] = *hosts_row(m, i);
    succession_keep_bytes(&m->succession, KEPT_NAME,
                          (struct slice){ (const char *)&all, sizeof(all) });
}

static void host_inherit(struct master *m, size_t i,
                         const struct kept_hosts *all)
{
    struct public_address *a = hosts_row(m, i);

    for (size_t j = 0; j < HOSTS_MAX && a->host[0]; j++)
        if (strcmp(all->row[j].host, a->host) == 0) {
            a->ip = all->row[j].ip;
            m->hosts->news[i] = a->ip.family != 0;
        }
}

void hosts_inherit(struct master *m)
{
    struct kept_hosts all;

    if (succession_inherit_bytes(&m->succession, KEPT_NAME, &all,
                                 sizeof(all)) != sizeof(all))
        return;
    for (size_t i = 0; hosts_row(m, i); i++)
        host_inherit(m, i, &all);
}

static void hosts_finish(struct master *m)
{
    if (m->hosts->known)
        return;
    loop_timer_clear(&m->loop, &m->hosts->timer);
    m->hosts->known = true;
    child_start(children_find(m, PROCESS_GATE));
}

/* Once each name has its address or has failed once, gate needn't wait any
 * longer. */
static void hosts_finish_if_heard(struct master *m)
{
    if (hosts_are_past(m, HOST_ASKED))
        hosts_finish(m);
}

static void hosts_on_timer(void *owner)
{
    struct master *m = owner;

    for (size_t i = 0; i < HOSTS_MAX; i++)
        if (m->hosts->state[i] == HOST_ASKED)
            hosts_say_unknown(m, i, "no answer yet");
    hosts_finish(m);
}

/* A recovery waits for no name server: the addresses that it has inherited
 * stay, and gate gets others later. */
void hosts_init(struct master *m)
{
    bool recovers = m->succession.recovery;

    for (size_t i = 0; hosts_row(m, i); i++)
        if (hosts_row(m, i)->host[0])
            m->hosts->state[i] =
                recovers && m->hosts->news[i] ? HOST_FOUND : HOST_ASKED;
    m->hosts->known = recovers || hosts_are_past(m, HOST_ASKED);
    m->hosts->timer =
        (struct loop_timer){ .on_timer = hosts_on_timer, .owner = m };
}

bool hosts_are_wanted(const struct master *m)
{
    return !hosts_are_past(m, HOST_ASKED);
}

int hosts_step_names(struct child *lookup)
{
    struct master *m = lookup->master;
    size_t i = lookup->index;

    if (i >= HOSTS_MAX)
        return 0;
    if (m->hosts->state[i] != HOST_ASKED)
        return child_more(0);
    return child_more(SEND(&lookup->channel, host, 0, .number = i,
                           .name = slice_from(hosts_row(m, i)->host)));
}

void hosts_on_ready(struct child *c)
{
    loop_timer_set(&c->master->loop, &c->master->hosts->timer,
                   c->master->deadlines.hosts);
}

/* Lookup ends by itself when all addresses are known. If it ends earlier, it
 * isn't started again: master's filter permits no sockets. */
void hosts_on_gone(struct child *c)
{
    if (c->master->state == MASTER_RUNNING && !hosts_is_done(c))
        master_report(c->master, EVENT_TROUBLE, PROCESS_LOOKUP,
                      "ended before each host name had an address; a reload "
                      "looks them up again");
}

bool hosts_is_done(const struct child *c)
{
    return hosts_are_past(c->master, HOST_FAILED);
}

/* Returns the state of the name, or NULL for -EPROTO. An answer may come after
 * a failure. */
static enum host_state *hosts_answered(struct child *c, uint64_t number,
                                       enum host_state most)
{
    enum host_state *state = c->master->hosts->state;

    if (number < HOSTS_MAX && state[number] != HOST_NONE &&
        state[number] <= most)
        return &state[number];
    channel_refuse(&c->channel, "an answer without a request");
    return NULL;
}

int hosts_on_resolved(void *owner, struct msg_resolved *msg)
{
    struct child *c = owner;
    struct master *m = c->master;
    enum host_state *state = hosts_answered(c, msg->number, HOST_FAILED);

    if (!state)
        return -EPROTO;
    if (msg->address.family != 4 || address_is_any(&msg->address))
        return channel_refuse(&c->channel, "an address that is none");
    *state = HOST_FOUND;
    hosts_row(m, msg->number)->ip = msg->address;
    m->hosts->news[msg->number] = true;
    if (m->state != MASTER_STARTING)
        hosts_keep(m);
    hosts_say_known(m, msg->number);
    hosts_send(m);
    hosts_finish_if_heard(m);
    return 0;
}

int hosts_on_unresolved(void *owner, struct msg_unresolved *msg)
{
    struct child *c = owner;
    enum host_state *state = hosts_answered(c, msg->number, HOST_ASKED);

    if (!state)
        return -EPROTO;
    *state = HOST_FAILED;
    hosts_say_unknown(c->master, msg->number, unresolved_text(msg->why));
    hosts_finish_if_heard(c->master);
    return 0;
}

int hosts_step(struct child *gate)
{
    struct master *m = gate->master;
    int r = 0;

    for (size_t i = 0; i < HOSTS_MAX && r == 0; i++) {
        if (!m->hosts->news[i])
            continue;
        r = SEND(&gate->channel, public_address, 0, .number = i,
                 .address = hosts_row(m, i)->ip);
        m->hosts->news[i] = r < 0;
    }
    return r;
}

void hosts_send(struct master *m)
{
    struct child *gate = children_gate(m);

    if (gate && hosts_step(gate) < 0)
        child_wait_writable(gate);
}
