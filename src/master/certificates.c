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

static int open_staple(struct master *m, struct pair_files *p, const char *path,
                       struct complaint *c)
{
    struct complaint why = { "" };

    if (!path[0])
        return 0;
    p->staple_name = strdup(path);
    if (!p->staple_name)
        return complain(c, "no memory");
    p->staple = prepare_open(path, &why);
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
    p->certificate = prepare_open(names->certificate, c);
    if (p->certificate < 0)
        return -EINVAL;
    p->key = prepare_open(names->key, c);
    if (p->key < 0 || settings_private_file(p->key, names->key, c) < 0)
        return -EINVAL;
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
    LIST_REMOVE(set, next);
    all->count--;
    free(set);
}

static struct pair_set *new_set(struct certificates *all, struct complaint *c)
{
    struct pair_set *set = NULL;

    if (all->count == CERTIFICATES_SETS)
        complain(c, "sessions of %d older sets of certificates are still there",
                 CERTIFICATES_SETS - 1);
    else if (!(set = calloc(1, sizeof(*set))))
        complain(c, "no memory");
    if (!set)
        return NULL;
    LIST_INSERT_HEAD(&all->sets, set, next);
    all->count++;
    set->generation = ++all->generation;
    return set;
}

struct pair_set *certificates_open(struct master *m, const struct settings *s,
                                   struct complaint *c)
{
    struct certificates *all = &m->certificates;
    struct pair_set *set = new_set(all, c);
    struct settings_pair names;

    for (size_t i = 0; set && settings_pair(s, i, &names); i++) {
        set->pair[set->count++] = (struct pair_files){
            .certificate = -1, .key = -1, .staple = -1, .number = ++all->number
        };
        if (open_pair(m, &set->pair[i], &names, c) == 0)
            continue;
        settings_place_pair(s, c);
        close_set(all, set);
        return NULL;
    }
    return set;
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
        int r = channel_send(&keys->channel,
                             &(struct packet){ .message = MSG_KEY_GONE,
                                               .value = { NUMBER(number) } });

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
    if (old && old->sessions == 0)
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

static int send_chain(struct child *gate, const struct pair_files *p)
{
    return channel_send(
        &gate->channel,
        &(struct packet){ .message = MSG_CERTIFICATE,
                          .value = { NUMBER(p->number),
                                     TEXT(slice_from(p->certificate_name)),
                                     TEXT(slice_from(p->key_name)) },
                          .fd = { p->certificate } });
}

static int send_staple(struct child *gate, const struct pair_files *p)
{
    if (p->staple < 0)
        return 0;
    return channel_send(
        &gate->channel,
        &(struct packet){ .message = MSG_STAPLE,
                          .value = { NUMBER(p->number),
                                     NUMBER(gate->master->check),
                                     TEXT(slice_from(p->staple_name)) },
                          .fd = { p->staple } });
}

size_t certificates_parts(const struct pair_set *set)
{
    return 2 * set->count;
}

int certificates_send_part(struct child *gate, const struct pair_set *set,
                           size_t part)
{
    const struct pair_files *p = &set->pair[part / 2];

    return part % 2 == 0 ? send_chain(gate, p) : send_staple(gate, p);
}

int certificates_send_key(struct child *keys, const struct pair_files *p)
{
    return channel_send(
        &keys->channel,
        &(struct packet){
            .message = MSG_KEY,
            .value = { NUMBER(p->number), TEXT(slice_from(p->key_name)) },
            .fd = { p->key } });
}

int certificates_step(struct child *c)
{
    const struct pair_set *set = c->master->certificates.current;

    for (; c->index < certificates_parts(set); c->index++) {
        int r = certificates_send_part(c, set, c->index);

        if (r < 0)
            return r;
    }
    return 0;
}

/* Those of all sets: the sessions of an old one still have things signed. No
 * set comes or goes while keys is being set up. */
int certificates_step_keys(struct child *c)
{
    const struct pair_set *set;
    size_t at = 0;

    LIST_FOREACH(set, &c->master->certificates.sets, next)
    for (size_t i = 0; i < set->count; i++, at++) {
        if (at < c->index)
            continue;
        int r = certificates_send_key(c, &set->pair[i]);

        if (r < 0)
            return r;
        c->index++;
    }
    return 0;
}

/* The set may have been given up meanwhile. */
int certificates_on_pair(void *owner, struct packet *p)
{
    struct child *c = owner;
    struct pair_set *set;

    LIST_FOREACH(set, &c->master->certificates.sets, next)
    for (size_t i = 0; i < set->count; i++)
        if (set->pair[i].number == p->value[0].number) {
            set->pair[i].expires = p->value[1].number;
            set->pair[i].staple_until = p->value[2].number;
        }
    return 0;
}
