/* Certificates and keys on their way to gate, keys and auth, in master: at a
 * child's set-up, and at a reload. */
#include "certificates.h"

#include <errno.h>

#include "master.h"

static int send_chain(struct child *to, const struct pair_files *p)
{
    return SEND(&to->channel, certificate, 0, .number = p->number,
                .path = slice_from(p->certificate_name),
                .key_path = slice_from(p->key_name), .in_use = p->in_use,
                .file = p->certificate);
}

static int send_staple(struct child *gate, const struct pair_files *p)
{
    if (p->staple < 0)
        return 0;
    return SEND(&gate->channel, staple, 0, .number = p->number,
                .required = gate->master->check,
                .path = slice_from(p->staple_name), .file = p->staple);
}

static int send_client_ca(struct child *gate, const struct named_file *f)
{
    if (f->fd < 0)
        return 0;
    return SEND(&gate->channel, client_ca, 0, .path = slice_from(f->name),
                .in_use = f->in_use, .file = f->fd);
}

static int send_client_crl(struct child *gate, const struct named_file *f)
{
    if (f->fd < 0)
        return 0;
    return SEND(&gate->channel, client_crl, 0, .path = slice_from(f->name),
                .in_use = f->in_use, .file = f->fd);
}

size_t certificates_parts(const struct pair_set *set)
{
    return 2 * set->count + 2;
}

int certificates_send_part(struct child *gate, const struct pair_set *set,
                           size_t part)
{
    const struct pair_files *p = &set->pair[part / 2];

    if (part == 2 * set->count)
        return send_client_ca(gate, &set->client_ca);
    if (part > 2 * set->count)
        return send_client_crl(gate, &set->client_crl);
    return part % 2 == 0 ? send_chain(gate, p) : send_staple(gate, p);
}

int certificates_send_key(struct child *keys, const struct pair_files *p)
{
    return SEND(&keys->channel, key, 0, .number = p->number,
                .path = slice_from(p->key_name), .file = p->key);
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

/* One set after the other, or ONLY one, from c->index on. */
static int send_all(struct child *c, const struct pair_set *only,
                    int (*send)(struct child *to, const struct pair_files *p))
{
    const struct pair_set *set;
    size_t at = 0;

    LIST_FOREACH(set, &c->master->certificates.sets, next)
    for (size_t i = 0; i < set->count && (!only || set == only); i++, at++) {
        if (at < c->index)
            continue;
        int r = send(c, &set->pair[i]);

        if (r < 0)
            return r;
        c->index++;
    }
    return 0;
}

int certificates_step_auth(struct child *c)
{
    int r = send_all(c, NULL, send_chain);

    if (r == 0)
        c->certificates = c->master->certificates.current->generation;
    return r;
}

void certificates_tell_auth(struct child *auth)
{
    const struct pair_set *current = auth->master->certificates.current;
    int r;

    if (auth->certificates == current->generation)
        return;
    auth->index = 0; /* what it has heard already does no harm */
    r = send_all(auth, current, send_chain);
    if (r == 0)
        auth->certificates = current->generation;
    else if (r == -EAGAIN)
        child_wait_writable(auth);
}

/* Those of all sets: the sessions of an old one still have things signed. No
 * set comes or goes while keys is being set up. */
int certificates_step_keys(struct child *c)
{
    return send_all(c, NULL, certificates_send_key);
}
