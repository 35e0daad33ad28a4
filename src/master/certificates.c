/* Certificates and keys, in master: opened, judged by their owner and mode, and
 * handed on. Master never reads a byte of them. */
#include "certificates.h"

#include <errno.h>

#include "master.h"
#include "prepare.h"
#include "sallyport/base/fd.h"

static int open_pair(struct pair_files *p, const struct settings_pair *names,
                     struct complaint *c)
{
    p->certificate = prepare_open(names->certificate, c);
    if (p->certificate < 0)
        return -EINVAL;
    p->key = prepare_open(names->key, c);
    if (p->key < 0)
        return -EINVAL;
    return settings_private_file(p->key, names->key, c);
}

int pair_set_open(struct pair_set *g, const struct settings *s, uint64_t first,
                  struct complaint *c)
{
    struct settings_pair names;

    g->count = 0;
    for (size_t i = 0; settings_pair(s, i, &names); i++) {
        g->pair[g->count++] = (struct pair_files){ -1, -1, first + i };
        if (open_pair(&g->pair[i], &names, c) == 0)
            continue;
        settings_place_pair(s, c);
        pair_set_close(g);
        return -EINVAL;
    }
    return 0;
}

void pair_set_close(struct pair_set *g)
{
    while (g->count > 0) {
        struct pair_files *p = &g->pair[--g->count];

        fd_close(&p->certificate);
        fd_close(&p->key);
    }
}

static int send_certificate(struct child *c, const struct pair_files *p,
                            const struct settings_pair *names)
{
    return channel_send(
        &c->channel,
        &(struct packet){ .message = MSG_CERTIFICATE,
                          .value = { NUMBER(p->number),
                                     TEXT(slice_from(names->certificate)),
                                     TEXT(slice_from(names->key)) },
                          .fd = { p->certificate } });
}

static int send_key(struct child *c, const struct pair_files *p,
                    const struct settings_pair *names)
{
    return channel_send(
        &c->channel,
        &(struct packet){
            .message = MSG_KEY,
            .value = { NUMBER(p->number), TEXT(slice_from(names->key)) },
            .fd = { p->key } });
}

static int send_each(struct child *c,
                     int (*send)(struct child *c, const struct pair_files *p,
                                 const struct settings_pair *names))
{
    const struct pair_set *g = &c->master->certificates;
    struct settings_pair names;

    for (; c->index < g->count; c->index++) {
        settings_pair(&c->master->settings, c->index, &names);
        int r = send(c, &g->pair[c->index], &names);

        if (r < 0)
            return r;
    }
    return 0;
}

int certificates_step(struct child *c)
{
    return send_each(c, send_certificate);
}

int certificates_step_keys(struct child *c)
{
    return send_each(c, send_key);
}
