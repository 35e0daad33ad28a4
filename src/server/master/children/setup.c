/* Writes the set-up of each program that master executes: only the values and
 * descriptors that the program needs. Runs in master. */
#include "children.h"

#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "sallyport/base/fd.h"
#include "sallyport/sandbox/sandbox.h"

_Static_assert(SETUP_LISTENERS == SETTINGS_LISTEN_MAX, "each has its place");
_Static_assert(SETUP_NAME_MAX == SETTINGS_PATH_MAX, "each name fits");

static void give_name(struct setup *s, size_t place, const char *name)
{
    snprintf(s->file[place].name, SETUP_NAME_MAX, "%s", name);
}

/* Gives C the file at PLACE, if there is one. A restarted process can use the
 * same file as before, even if the file has expired meanwhile. */
static void give_file(const struct child *c, struct setup *s, size_t place)
{
    const struct named_file *f = &c->master->certificates->file[place];

    if (f->fd < 0)
        return;
    s->file[place].fd = f->fd;
    s->file[place].in_use = f->in_use || c->master->state != MASTER_STARTING;
    give_name(s, place, f->name);
}

/* Gives C a new channel to SERVICE. The service gets its end when it is ready;
 * until then the messages wait in the channel. */
static int give_channel(struct child *c, struct setup *s, enum process service)
{
    const bool log = service == PROCESS_LOG;
    const struct speaker who = { .process = c->row->process };
    struct service_channel **far = log ? &c->log : &c->keys;
    int ends[2];
    int r = fd_pair(ends);

    if (r < 0)
        return r;
    s->file[log ? SETUP_LOG : SETUP_KEYS].fd = ends[0];
    service_end(c->master, far);
    *far = service_open(c->master, service, &who, ends[1]);
    services_flush(c->master);
    return *far ? 0 : -ENOMEM;
}

/* Gives C a new page for its heartbeat, also after a restart. */
static int give_beat(struct child *c, struct setup *s)
{
    int *fd = &s->file[SETUP_BEAT].fd;

    SHARED_UNMAP(c->beat);
    c->pulse = (struct pulse){ 0 };
    *fd = beat_make(&c->beat);
    return *fd < 0 ? *fd : 0;
}

int setup_log(struct child *c, struct setup *s)
{
    const struct master *m = c->master;

    s->log_format = m->settings.log_format;
    s->prefixed = m->prefixed;
    s->file[SETUP_OUTPUT].fd = STDERR_FILENO;
    s->file[SETUP_METRICS].fd = m->memory[MEMORY_METRICS];
    return 0;
}

/* Only this process gets private keys. */
int setup_keys(struct child *c, struct setup *s)
{
    int r = give_beat(c, s);

    for (size_t i = 0; i < CERTIFICATES_MAX; i++)
        give_file(c, s, SETUP_KEY + i);
    return r < 0 ? r : give_channel(c, s, PROCESS_LOG);
}

/* Passes the certificates, by which auth recognises the server in a client's
 * proof. */
int setup_auth(struct child *c, struct setup *s)
{
    for (size_t i = 0; i < CERTIFICATES_MAX; i++)
        give_file(c, s, SETUP_CERTIFICATE + i);
    return give_channel(c, s, PROCESS_LOG);
}

int setup_gate(struct child *c, struct setup *s)
{
    const struct master *m = c->master;
    const struct listeners *l = m->listeners;
    const struct certificates *set = m->certificates;
    int r = give_beat(c, s);

    s->generation = m->succession.generation;
    s->file[SETUP_SETTINGS].fd = m->conf;
    s->file[SETUP_MEMORY].fd = m->memory[MEMORY_GATE];
    s->file[SETUP_BANS].fd = m->memory_read[MEMORY_BANS];
    s->file[SETUP_BOARD].fd = m->memory_read[MEMORY_BOARD];
    for (size_t i = 0; i < l->control_count; i++)
        s->file[SETUP_LISTENER + i].fd = l->control[i].fd;
    for (size_t i = 0; i < set->count; i++) {
        give_file(c, s, SETUP_CERTIFICATE + i);
        give_name(s, SETUP_KEY + i, set->file[SETUP_KEY + i].name);
    }
    give_file(c, s, SETUP_CLIENT_CA);
    give_file(c, s, SETUP_CLIENT_CRL);
    if (r == 0)
        r = give_channel(c, s, PROCESS_LOG);
    return r < 0 ? r : give_channel(c, s, PROCESS_KEYS);
}

int setup_child(struct child *c, struct setup *s)
{
    const struct master *m = c->master;
    const struct account_ids *id = &m->account[c->row->process];

    setup_init(s);
    s->root = m->root;
    s->uid = id->uid;
    s->gid = id->gid;
    s->allow_weaker = m->settings.allow_weaker;
    if (m->no_empty)
        s->allow_weaker |= SANDBOX_CHROOT;
    s->sessions = master_places(m);
    s->file[SETUP_EMPTY].fd = m->empty;
    return c->row->set_up(c, s);
}
