/* Packets to bytes and back. Every field is checked against its letter in both
 * directions, so no handler sees a length that the list doesn't allow. */
#include "codec.h"

#include <errno.h>
#include <string.h>

struct header {
    uint16_t message;
    uint16_t zero;
    uint32_t request;
};

struct text_rule {
    char letter;
    size_t min, max;
    bool controls; /* bytes under 0x20 and 0x7f */
    bool nul;
};

static const struct text_rule text_rules[] = {
    { 'w', 1, 255, false, false }, { 't', 0, 1024, true, false },
    { 'p', 1, 4096, true, false }, { 's', 0, 512, true, false },
    { 'b', 0, 10240, true, true }, { 'k', 80, 80, true, true },
};

static const struct text_rule *text_rule(char letter)
{
    for (size_t i = 0; i < sizeof(text_rules) / sizeof(text_rules[0]); i++)
        if (text_rules[i].letter == letter)
            return &text_rules[i];
    return NULL;
}

static bool has_control(struct slice s)
{
    for (size_t i = 0; i < s.len; i++)
        if ((unsigned char)s.ptr[i] < 0x20 || s.ptr[i] == 0x7f)
            return true;
    return false;
}

static bool text_fits(const struct text_rule *rule, struct slice s)
{
    if (s.len < rule->min || s.len > rule->max)
        return false;
    if (!rule->nul && slice_has(s, 0))
        return false;
    if (rule->letter == 'p' && s.ptr[0] != '/')
        return false;
    return rule->controls || !has_control(s);
}

struct cursor {
    char *at;
    size_t left;
};

static int put(struct cursor *c, const void *data, size_t len)
{
    if (len > c->left)
        return -EINVAL;
    if (len > 0)
        memcpy(c->at, data, len);
    c->at += len;
    c->left -= len;
    return 0;
}

#define ADDRESS_BYTES 19

static int put_address(struct cursor *c, const struct address *a)
{
    uint8_t bytes[ADDRESS_BYTES] = { a->family };

    memcpy(bytes + 1, a->bytes, 16);
    memcpy(bytes + 17, &a->port, 2);
    return put(c, bytes, sizeof(bytes));
}

static int put_field(struct cursor *c, char letter, const struct value *v)
{
    const struct text_rule *rule = text_rule(letter);
    uint16_t len = (uint16_t)v->text.len;

    if (letter == 'n')
        return put(c, &v->number, sizeof(v->number));
    if (letter == 'a')
        return put_address(c, &v->address);
    if (!rule || !text_fits(rule, v->text))
        return -EINVAL;
    if (put(c, &len, sizeof(len)) < 0)
        return -EINVAL;
    return put(c, v->text.ptr, v->text.len);
}

ssize_t packet_encode(const struct packet *p, const struct message_row *row,
                      char out[PACKET_MAX])
{
    struct cursor c = { out, PACKET_MAX };
    struct header h = { .message = (uint16_t)p->message,
                        .request = p->request };

    put(&c, &h, sizeof(h));
    for (size_t i = 0; row->fields[i]; i++)
        if (put_field(&c, row->fields[i], &p->value[i]) < 0)
            return -EINVAL;
    return c.at - out;
}

static int get(struct cursor *c, void *into, size_t len)
{
    if (len > c->left)
        return -EPROTO;
    memcpy(into, c->at, len);
    c->at += len;
    c->left -= len;
    return 0;
}

static int get_address(struct cursor *c, struct address *ret)
{
    uint8_t bytes[ADDRESS_BYTES];

    if (get(c, bytes, sizeof(bytes)) < 0)
        return -EPROTO;
    if (bytes[0] != 0 && bytes[0] != 4 && bytes[0] != 6)
        return -EPROTO;
    ret->family = bytes[0];
    memcpy(ret->bytes, bytes + 1, 16);
    memcpy(&ret->port, bytes + 17, 2);
    return 0;
}

static int get_field(struct cursor *c, char letter, struct value *ret)
{
    const struct text_rule *rule = text_rule(letter);
    uint16_t len;

    if (letter == 'n')
        return get(c, &ret->number, sizeof(ret->number));
    if (letter == 'a')
        return get_address(c, &ret->address);
    if (!rule || get(c, &len, sizeof(len)) < 0 || len > c->left)
        return -EPROTO;
    ret->text = (struct slice){ c->at, len };
    c->at += len;
    c->left -= len;
    return text_fits(rule, ret->text) ? 0 : -EPROTO;
}

int packet_decode(const char *bytes, size_t len, struct packet *ret)
{
    struct cursor c = { (char *)(uintptr_t)bytes, len };
    const struct message_row *row;
    struct header h;

    if (get(&c, &h, sizeof(h)) < 0 || h.zero != 0)
        return -EPROTO;
    row = message_row(h.message);
    if (!row)
        return -EPROTO;
    ret->message = (enum message)h.message;
    ret->request = h.request;
    for (size_t i = 0; row->fields[i]; i++)
        if (get_field(&c, row->fields[i], &ret->value[i]) < 0)
            return -EPROTO;
    return c.left == 0 ? 0 : -EPROTO;
}
