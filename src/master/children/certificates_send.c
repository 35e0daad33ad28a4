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

    if (gate->index >= 2 * set->count + 2)
        return 0;
    return child_more(send_gate_part(gate, set, gate->index));
}

int certificates_step_auth(struct child *auth)
{
    const struct certificates *set = auth->master->certificates;

    if (auth->index >= set->count)
        return 0;
    return child_more(send_chain(auth, &set->pair[auth->index]));
}

int certificates_step_keys(struct child *keys)
{
    const struct certificates *set = keys->master->certificates;

    if (keys->index >= set->count)
        return 0;
    return child_more(send_key(keys, &set->pair[keys->index]));
}
