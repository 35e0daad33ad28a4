#include "lie.h"

#include "cast.h"
#include "test.h"

#define LIE_MAX 32768

static size_t put(char *out, const void *bytes, size_t len)
{
    if (len > 0)
        memcpy(out, bytes, len);
    return len;
}

static size_t put_number(char *out, const struct message_field *f,
                         const char *at)
{
    uint64_t wide;
    unsigned word;
    bool flag;

    if (f->type == TYPE_FLAG) {
        memcpy(&flag, at, sizeof(flag));
        wide = flag;
    } else if (f->type == TYPE_ENUM || f->type == TYPE_ERRNO) {
        memcpy(&word, at, sizeof(word));
        wide = word;
    } else {
        memcpy(&wide, at, sizeof(wide));
    }
    return put(out, &wide, sizeof(wide));
}

static size_t put_field(char *out, const struct message_field *f,
                        const char *at)
{
    const struct address *a = (const struct address *)(const void *)at;
    const struct slice *s = (const struct slice *)(const void *)at;
    uint16_t len;

    if (f->type == TYPE_FD)
        return 0;
    if (f->type == TYPE_ADDRESS) {
        uint8_t bytes[19] = { a->family };

        memcpy(bytes + 1, a->bytes, 16);
        memcpy(bytes + 17, &a->port, 2);
        return put(out, bytes, sizeof(bytes));
    }
    if (f->type < TYPE_WORD || f->type > TYPE_BYTES)
        return put_number(out, f, at);
    len = (uint16_t)s->len;
    put(out, &len, sizeof(len));
    return sizeof(len) + put(out + sizeof(len), s->ptr, s->len);
}

static size_t encode(char *out, enum message_kind kind, const void *body)
{
    uint16_t head[2] = { (uint16_t)kind };
    const struct message_field *f;
    size_t len = put(out, head, sizeof(head));

    len += put(out + len, body, sizeof(uint32_t));
    for (f = message_row(kind)->fields(); f->type != TYPE_END; f++)
        len += put_field(out + len, f, (const char *)body + f->offset);
    return len;
}

static size_t descriptors(enum message_kind kind, const void *body, int *ret)
{
    const struct message_field *f;
    size_t n = 0;

    for (f = message_row(kind)->fields(); f->type != TYPE_END; f++)
        if (f->type == TYPE_FD)
            memcpy(&ret[n++], (const char *)body + f->offset, sizeof(int));
    return n;
}

int lie_send(struct channel *c, enum message_kind kind, const void *body)
{
    static char bytes[LIE_MAX];
    int fd[MESSAGE_FIELDS_MAX];
    size_t len = encode(bytes, kind, body), n = descriptors(kind, body, fd);

    return raw_send(c->fd, bytes, len, fd, n) < 0 ? -errno : 0;
}
