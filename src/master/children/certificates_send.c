/* Sends certificates and keys to gate, keys and auth: steps of the set-up of
 * these children. Runs in master. */
#include "certificates.h"
#include "child.h"
#include "core/master.h"

static int send_chain(struct child *to, const struct pair_files *p)
{
    return SEND(&to->channel, certificate, 0, .number = p->number,
                .path = slice_from(p->certificate.name),
                .key_path = slice_from(p->key.name),
                .in_use = p->certificate.in_use, .file = p->certificate.fd);
}

static int send_staple(struct child *gate, const struct pair_files *p)
{
    if (p->staple.fd < 0)
        return 0;
    return SEND(&gate->channel, staple, 0, .number = p->number,
                .required = gate->master->check,
                .path = slice_from(p->staple.name), .file = p->staple.fd);
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

static int send_key(struct child *keys, const struct pair_files *p)
{
    return SEND(&keys->channel, key, 0, .number = p->number,
                .path = slice_from(p->key.name), .file = p->key.fd);
}

/* Sends each pair of the set, from c->index on. */
static int send_each_pair(struct child *c,
                          int (*send)(struct child *to,
                                      const struct pair_files *p))
{
    const struct certificates *set = c->master->certificates;
    int r = 0;

    while (r == 0 && c->index < set->count) {
        r = send(c, &set->pair[c->index]);
        c->index += r == 0;
    }
    return r;
}

/* Sends one part to gate: parts are each chain and its OCSP response, then the
 * two files for clients' certificates. */
static int send_gate_part(struct child *gate, const struct certificates *set,
                          size_t part)
{
    const struct pair_files *p = &set->pair[part / 2];

    if (part == 2 * set->count)
        return send_client_ca(gate, &set->client_ca);
    if (part > 2 * set->count)
        return send_client_crl(gate, &set->client_crl);
    return part % 2 == 0 ? send_chain(gate, p) : send_staple(gate, p);
}

int certificates_step(struct child *gate)
{
    const struct certificates *set = gate->master->certificates;
    int r = 0;

    while (r == 0 && gate->index < 2 * set->count + 2) {
        r = send_gate_part(gate, set, gate->index);
        gate->index += r == 0;
    }
    return r;
}

int certificates_step_auth(struct child *auth)
{
    return send_each_pair(auth, send_chain);
}

int certificates_step_keys(struct child *keys)
{
    return send_each_pair(keys, send_key);
}
