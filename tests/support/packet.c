#include "packet.h"

#include <errno.h>
#include <string.h>

#include "sallyport/base/fd.h"

static bool is_text(enum field_type type)
{
    return type >= TYPE_WORD && type <= TYPE_BYTES;
}

static void set_field(char *at, const struct message_field *f,
                      const struct value *v)
{
    unsigned word = (unsigned)v->number;
    bool flag = v->number != 0;

    if (f->type == TYPE_ADDRESS)
        memcpy(at, &v->address, sizeof(v->address));
    else if (is_text(f->type))
        memcpy(at, &v->text, sizeof(v->text));
    else if (f->type == TYPE_FLAG)
        memcpy(at, &flag, sizeof(flag));
    else if (f->type == TYPE_NUMBER || f->type == TYPE_TIME)
        memcpy(at, &v->number, sizeof(v->number));
    else
        memcpy(at, &word, sizeof(word));
}

static void get_value(struct value *v, const struct message_field *f,
                      const char *at)
{
    unsigned word;
    bool flag;

    if (f->type == TYPE_ADDRESS) {
        memcpy(&v->address, at, sizeof(v->address));
    } else if (is_text(f->type)) {
        memcpy(&v->text, at, sizeof(v->text));
    } else if (f->type == TYPE_FLAG) {
        memcpy(&flag, at, sizeof(flag));
        v->number = flag;
    } else if (f->type == TYPE_NUMBER || f->type == TYPE_TIME) {
        memcpy(&v->number, at, sizeof(v->number));
    } else {
        memcpy(&word, at, sizeof(word));
        v->number = word;
    }
}

void packet_to_message(const struct packet *p, struct message *ret)
{
    const struct message_field *f;
    size_t value = 0, fd = 0;

    memset(ret, 0, sizeof(*ret));
    ret->kind = p->message;
    ret->request = p->request;
    for (f = message_row(p->message)->fields(); f->type != TYPE_END; f++)
        if (f->type == TYPE_FD)
            memcpy((char *)&ret->request + f->offset, &p->fd[fd++],
                   sizeof(int));
        else
            set_field((char *)&ret->request + f->offset, f, &p->value[value++]);
}

int packet_send(struct channel *c, const struct packet *p)
{
    struct message m;

    if (!message_row(p->message))
        return c->fd < 0 ? -EPIPE : -EINVAL;
    packet_to_message(p, &m);
    return channel_send(c, m.kind, &m.request);
}

static void from_message(struct packet *p, const struct message *m)
{
    const struct message_field *f;
    size_t value = 0, fd = 0;

    p->message = m->kind;
    p->request = m->request;
    for (f = message_row(m->kind)->fields(); f->type != TYPE_END; f++)
        if (f->type == TYPE_FD)
            memcpy(&p->fd[fd++], (const char *)&m->request + f->offset,
                   sizeof(int));
        else
            get_value(&p->value[value++], f,
                      (const char *)&m->request + f->offset);
}

static int receive(struct channel *c, struct packet *p, int ms, bool waits)
{
    struct message m;
    int r;

    *p = (struct packet){ 0 };
    for (size_t i = 0; i < PACKET_FDS; i++)
        p->fd[i] = -1;
    r = waits ? channel_wait(c, &m, ms) : channel_receive(c, &m);
    if (r == 1)
        from_message(p, &m);
    return r;
}

int packet_receive(struct channel *c, struct packet *p)
{
    return receive(c, p, 0, false);
}

int packet_wait(struct channel *c, struct packet *p, int ms)
{
    return receive(c, p, ms, true);
}

void packet_close(struct packet *p)
{
    for (size_t i = 0; i < PACKET_FDS; i++)
        fd_close(&p->fd[i]);
}
