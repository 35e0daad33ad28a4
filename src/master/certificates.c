/* Certificates and keys, in master: opened, judged by their owner and mode,
 * handed on, and given up when nobody needs them. Master never reads a byte of
 * them. */
#include "certificates.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "master.h"
#include "prepare.h"
#include "sallyport/base/fd.h"
#include "sallyport/domain/client_certificates.h"
#include "stamps.h"

static void close_file(struct named_file *f)
{
    fd_close(&f->fd);
    free(f->name);
    f->name = NULL;
}

typedef int file_check(int fd, const char *name, struct complaint *c);

/* A descriptor, or -EINVAL with the complaint. After a crash it is the file
 * that was in use, and was judged then. */
static int open_checked(struct master *m, const char *path, file_check *check,
                        struct complaint *c)
{
    FD_CLEANUP int fd = succession_recover_file(&m->succession, path);

    if (fd >= 0)
        return fd_take(&fd);
    fd = prepare_open(path, c);
    if (fd < 0 || (check && check(fd, path, c) < 0))
        return -EINVAL;
    return fd_take(&fd);
}

/* Whoever can write to it could let anybody in. */
static int open_file(struct master *m, struct named_file *f, const char *path,
                     struct complaint *c)
{
    if (!path[0])
        return 0;
    f->name = strdup(path);
    if (!f->name)
        return complain(c, "no memory");
    f->fd = open_checked(m, path, settings_trusted_file, c);
    return f->fd < 0 ? -EINVAL : 0;
}

static int open_clients(struct master *m, struct pair_set *set,
                        const struct settings *s, struct complaint *c)
{
    int r;

    if (s->client_certificates == CLIENTS_OFF)
        return 0;
    r = open_file(m, &set->client_ca, s->client_ca, c);
    return r != 0 ? r : open_file(m, &set->client_crl, s->client_crl, c);
}

static int open_staple(struct master *m, struct pair_files *p, const char *path,
                       struct complaint *c)
{
    struct complaint why = { "" };

    if (!path[0])
        return 0;
    p->staple_name = strdup(path);
    if (!p->staple_name)
        return complain(c, "no memory");
    p->staple = open_checked(m, path, NULL, &why);
    if (p->staple >= 0)
        return 0;
    if (m->check)
        return complain(c, "%s", why.text);
    master_report(m, EVENT_SERVICE, PROCESS_MASTER,
                  "%s; the certificate in %s goes out without it", why.text,
                  p->certificate_name);
    return 0;
}

static int open_pair(struct master *m, struct pair_files *p,
                     const struct settings_pair *names, struct complaint *c)
{
    p->certificate_name = strdup(names->certificate);
    p->key_name = strdup(names->key);
    if (!p->certificate_name || !p->key_name)
        return complain(c, "no memory");
    p->certificate = open_checked(m, names->certificate, NULL, c);
    if (p->certificate < 0)
        return -EINVAL;
    p->key = open_checked(m, names->key, settings_private_file, c);
    if (p->key < 0)
        return -EINVAL;
    p->in_use = m->succession.recovery;
    return open_staple(m, p, names->ocsp, c);
}

static void close_last(struct pair_set *set)
{
    struct pair_files *p = &set->pair[--set->count];

    fd_close(&p->certificate);
    fd_close(&p->key);
    fd_close(&p->staple);
    free(p->certificate_name);
    free(p->key_name);
    free(p->staple_name);
}

static void close_set(struct certificates *all, struct pair_set *set)
{
    while (set->count > 0)
        close_last(set);
    close_file(&set->client_ca);
    close_file(&set->client_crl);
    LIST_REMOVE(set, next);
    all->count--;
    free(set);
}

static struct pair_set *new_set(struct certificates *all, struct complaint *c)
{
    struct pair_set *set = calloc(1, sizeof(*set));

    if (!set) {
        complain(c, "no memory");
        return NULL;
    }
    LIST_INSERT_HEAD(&all->sets, set, next);
    all->count++;
    set->generation = ++all->generation;
    set->client_ca.fd = set->client_crl.fd = -1;
    return set;
}

static int open_pairs(struct master *m, struct pair_set *set,
                      const struct settings *s, struct complaint *c)
{
    struct settings_pair names;

    for (size_t i = 0; settings_pair(s, i, &names); i++) {
        set->pair[set->count++] =
            (struct pair_files){ .certificate = -1,
                                 .key = -1,
                                 .staple = -1,
                                 .number = ++m->certificates.number };
        if (open_pair(m, &set->pair[i], &names, c) != 0)
            return -EINVAL;
    }
    return open_clients(m, set, s, c);
}

static void keep_file(struct master *m, const char *path, int fd)
{
    if (fd >= 0)
        succession_keep_file(&m->succession, path, fd);
}

void certificates_keep(struct master *m)
{
    const struct pair_set *set = m->certificates.current;

    for (size_t i = 0; i < set->count; i++) {
        keep_file(m, set->pair[i].certificate_name, set->pair[i].certificate);
        keep_file(m, set->pair[i].key_name, set->pair[i].key);
        keep_file(m, set->pair[i].staple_name, set->pair[i].staple);
    }
    keep_file(m, set->client_ca.name, set->client_ca.fd);
    keep_file(m, set->client_crl.name, set->client_crl.fd);
}

struct pair_set *certificates_open(struct master *m, const struct settings *s,
                                   struct complaint *c)
{
    struct pair_set *set = new_set(&m->certificates, c);

    if (!set)
        return NULL;
    if (open_pairs(m, set, s, c) < 0) {
        settings_place_pair(s, c);
        close_set(&m->certificates, set);
        return NULL;
    }
    stamps_take(set);
    set->client_ca.in_use = set->client_crl.in_use =
        !m->check && !m->certificates.current;
    return set;
}

struct pair_set *certificates_settle(struct certificates *all,
                                     struct pair_set *set, struct complaint *c)
{
    bool same = all->current && stamps_are_same(all->current, set);

    if (!same && all->count <= CERTIFICATES_SETS) {
        stamps_compare(set, all->current);
        return set;
    }
    close_set(all, set);
    if (same)
        return all->current;
    complain(c, "sessions of %d older sets of certificates are still there",
             CERTIFICATES_SETS - 1);
    return NULL;
}

void certificates_release(struct certificates *all)
{
    while (!LIST_EMPTY(&all->sets))
        close_set(all, LIST_FIRST(&all->sets));
    all->current = NULL;
}

/* Only keys forgets by a word; gate has let go of its own. */
static int tell_keys(struct child *keys, struct pair_set *set)
{
    while (set->count > 0) {
        uint64_t number = set->pair[set->count - 1].number;
        int r = SEND(&keys->channel, key_gone, 0, .number = number);

        if (r < 0)
            return r;
        close_last(set);
    }
    return 0;
}

/* Keys that are being set up may have got some of them already: then they are
 * told when they are ready. */
void certificates_flush(struct master *m)
{
    struct child *keys = master_ready(m, PROCESS_KEYS);
    struct pair_set *set = LIST_FIRST(&m->certificates.sets);

    while (keys && set) {
        struct pair_set *next = LIST_NEXT(set, next);

        if (set->dead && tell_keys(keys, set) < 0) {
            child_wait_writable(keys);
            return;
        }
        if (set->dead)
            close_set(&m->certificates, set);
        set = next;
    }
}

void certificates_drop(struct master *m, struct pair_set *set)
{
    set->dead = true;
    certificates_flush(m);
}

void certificates_use(struct master *m, struct pair_set *set)
{
    struct pair_set *old = m->certificates.current;

    m->certificates.current = set;
    set->client_ca.in_use = set->client_crl.in_use = true;
    if (old && old != set && old->sessions == 0)
        certificates_drop(m, old);
}

struct pair_set *certificates_enter(struct master *m)
{
    struct pair_set *set = m->certificates.current;

    if (set)
        set->sessions++;
    return set;
}

void certificates_leave(struct master *m, struct pair_set *set)
{
    if (set && --set->sessions == 0 && set != m->certificates.current)
        certificates_drop(m, set);
}

/* The set may have been given up meanwhile. */
int certificates_on_pair(void *owner, struct msg_pair_is *msg)
{
    struct child *c = owner;
    struct pair_set *set;

    LIST_FOREACH(set, &c->master->certificates.sets, next)
    for (size_t i = 0; i < set->count; i++)
        if (set->pair[i].number == msg->number) {
            set->pair[i].in_use = true;
            set->pair[i].expires = (uint64_t)msg->expires;
            set->pair[i].staple_until = (uint64_t)msg->staple_until;
        }
    return 0;
}
