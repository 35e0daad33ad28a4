/* The rows of the message list, and the codec that follows them. Each field is
 * checked against its type in both directions, so that no handler gets a value
 * that the list doesn't permit. */
#include "codec.h"

#include <errno.h>
#include <string.h>

#include "sallyport/base/complain.h"
#include "sallyport/base/random.h"
#include "sallyport/ipc/channel.h"

#define MASTER     PROCESS_BIT(PROCESS_MASTER)
#define GATE       PROCESS_BIT(PROCESS_GATE)
#define SESSION    PROCESS_BIT(PROCESS_SESSION)
#define AUTH       PROCESS_BIT(PROCESS_AUTH)
#define FILES      PROCESS_BIT(PROCESS_FILES)
#define KEYS       PROCESS_BIT(PROCESS_KEYS)
#define LOG        PROCESS_BIT(PROCESS_LOG)
#define CTL        PROCESS_BIT(PROCESS_CTL)
#define SUPERVISOR PROCESS_BIT(PROCESS_SUPERVISOR)
#define CHILDREN   (GATE | AUTH | KEYS | LOG)
#define SPEAKERS   (GATE | AUTH | KEYS | SESSION | FILES)

#define START   PHASE_START
#define RUN     PHASE_RUN
#define USER    PHASE_USER
#define LIVE    (PHASE_GREETED | PHASE_VERIFY | PHASE_USER)
#define IDLE    PHASE_IDLE
#define WRITING PHASE_WRITING
#define ASKED   PHASE_ASKED

/* clang-format off */
#define MESSAGE(message, ...)                                                  \
    static const struct message_field *message##_fields(void)                  \
    {                                                                          \
        typedef struct msg_##message body;                                     \
        static const struct message_field fields[] = {
#define FIELD(c_type, type, name, count)                                       \
            { #name, TYPE_##type, offsetof(body, name), count },
#define END                                                                    \
            { NULL, TYPE_END, sizeof(body), 0 }                               \
        };                                                                     \
        return fields;                                                         \
    }
#include "sallyport/ipc/list.h"

enum { ONCE = true, MANY = false };

static const struct message_row rows[MSG_COUNT] = {
#define MESSAGE(message, sender, receiver, when, how_often, request, words)    \
    [MSG_##message] = { .name = #message, .from = sender, .to = receiver,      \
        .phases = when, .once = how_often, .answers = MSG_##request,           \
        .fields = message##_fields
#define FIELD(c_type, type, name, count)
#define END },
#include "sallyport/ipc/list.h"
};
/* clang-format on */

void message_head(char out[MESSAGE_HEAD], unsigned kind, uint32_t request)
{
    const struct codec_head head = { .kind = (uint16_t)kind,
                                     .request = request };

    memcpy(out, &head, sizeof(head));
}

const struct message_row *message_row(unsigned kind)
{
    return kind >= MSG_COUNT || !rows[kind].name ? NULL : &rows[kind];
}

const char *message_name(unsigned kind)
{
    const struct message_row *row = message_row(kind);

    return row ? row->name : "?";
}

size_t message_count(const struct message_row *row, enum field_type type)
{
    const struct message_field *f;
    size_t n = 0;

    for (f = row->fields(); f->type != TYPE_END; f++)
        n += f->type == type;
    return n;
}

struct text_rule {
    size_t min, max;
    bool controls; /* true: bytes below 0x20, and 0x7f, are allowed */
    bool nul;
};

static const struct text_rule text_rules[TYPE_TYPES] = {
    [TYPE_WORD] = { 1, MESSAGE_WORD_MAX, false, false },
    [TYPE_TEXT] = { 0, MESSAGE_TEXT_MAX, true, false },
    [TYPE_WHY] = { 0, MESSAGE_TEXT_MAX, true, false },
    [TYPE_PATH] = { 1, MESSAGE_PATH_MAX, true, false },
    [TYPE_SECRET] = { 0, SECRET_MAX, true, false },
    [TYPE_BYTES] = { 0, MESSAGE_BYTES_MAX, true, true },
    [TYPE_KEY] = { 80, 80, true, true },
};

static bool text_fits(enum field_type type, struct slice s)
{
    const struct text_rule *rule = &text_rules[type];

    if (s.len < rule->min || s.len > rule->max)
        return false;
    if (!rule->nul && slice_has(s, 0))
        return false;
    if (type == TYPE_PATH && s.ptr[0] != '/')
        return false;
    return rule->controls || !slice_has_control(s);
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

/* Writes numbers of all types as 64 bits. */
static int put_field(struct cursor *c, const struct message_field *f,
                     const void *at)
{
    if (f->type == TYPE_FD)
        return 0;
    if (f->type == TYPE_ADDRESS) {
        const struct address *a = at;
        uint8_t bytes[ADDRESS_BYTES] = { a->family };

        memcpy(bytes + 1, a->bytes, 16);
        memcpy(bytes + 17, &a->port, 2);
        return put(c, bytes, sizeof(bytes));
    }
    if (text_rules[f->type].max > 0) {
        struct slice s = *(const struct slice *)at;
        char why[MESSAGE_TEXT_MAX + 1];

        if (f->type == TYPE_WHY && s.len > MESSAGE_TEXT_MAX) {
            complaint_write(why, sizeof(why), "%.*s", (int)s.len, s.ptr);
            s = slice_from(why);
        }
        const uint16_t len = (uint16_t)s.len;

        return text_fits(f->type, s) && put(c, &len, sizeof(len)) == 0
                   ? put(c, s.ptr, s.len)
                   : -EINVAL;
    }
    uint64_t n;

    if (f->type == TYPE_FLAG)
        n = *(const bool *)at;
    else if (f->type == TYPE_NUMBER || f->type == TYPE_TIME)
        n = *(const uint64_t *)at;
    else
        n = *(const unsigned *)at; /* an enum or an int */
    return f->count > 0 && n >= f->count ? -EINVAL : put(c, &n, sizeof(n));
}

ssize_t codec_encode(enum message_kind kind, const void *body,
                     char out[MESSAGE_MAX])
{
    const struct message_row *row = message_row(kind);
    struct cursor c = { out + MESSAGE_HEAD, MESSAGE_MAX - MESSAGE_HEAD };
    const struct message_field *f;
    uint32_t request;

    if (!row)
        return -EINVAL;
    memcpy(&request, body, sizeof(request));
    message_head(out, kind, request);
    for (f = row->fields(); f->type != TYPE_END; f++)
        if (put_field(&c, f, (const char *)body + f->offset) < 0)
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

static int get_field(struct cursor *c, const struct message_field *f, void *at)
{
    uint64_t n;

    if (f->type == TYPE_FD) {
        *(int *)at = -1;
        return 0;
    }
    if (f->type == TYPE_ADDRESS) {
        struct address *a = at;
        uint8_t bytes[ADDRESS_BYTES];

        if (get(c, bytes, sizeof(bytes)) < 0 ||
            (bytes[0] != 0 && bytes[0] != 4 && bytes[0] != 6))
            return -EPROTO;
        a->family = bytes[0];
        memcpy(a->bytes, bytes + 1, 16);
        memcpy(&a->port, bytes + 17, 2);
        return 0;
    }
    if (text_rules[f->type].max > 0) {
        struct slice s;
        uint16_t len;

        if (get(c, &len, sizeof(len)) < 0 || len > c->left)
            return -EPROTO;
        s = *(struct slice *)at = (struct slice){ c->at, len };
        c->at += len;
        c->left -= len;
        return text_fits(f->type, s) ? 0 : -EPROTO;
    }
    if (get(c, &n, sizeof(n)) < 0 || (f->count > 0 && n >= f->count))
        return -EPROTO;
    if (f->type == TYPE_FLAG)
        *(bool *)at = n != 0;
    else if (f->type == TYPE_NUMBER || f->type == TYPE_TIME)
        *(uint64_t *)at = n;
    else
        *(unsigned *)at = (unsigned)n;
    return 0;
}

int codec_decode(const char *bytes, size_t len, struct message *ret)
{
    struct cursor c = { (char *)(uintptr_t)bytes, len };
    const struct message_field *f;
    const struct message_row *row;
    struct codec_head h;

    if (get(&c, &h, sizeof(h)) < 0 || h.zero != 0)
        return -EPROTO;
    row = message_row(h.kind);
    if (!row)
        return -EPROTO;
    *ret = (struct message){ .kind = (enum message_kind)h.kind };
    ret->request = h.request;
    for (f = row->fields(); f->type != TYPE_END; f++)
        if (get_field(&c, f, (char *)&ret->request + f->offset) < 0)
            return -EPROTO;
    return c.left == 0 ? 0 : -EPROTO;
}

size_t codec_fds(enum message_kind kind, const void *body,
                 int fd[MESSAGE_FIELDS_MAX])
{
    const struct message_field *f;
    size_t n = 0;

    for (f = message_row(kind)->fields(); f->type != TYPE_END; f++)
        if (f->type == TYPE_FD)
            memcpy(&fd[n++], (const char *)body + f->offset, sizeof(int));
    return n;
}

void codec_set_fds(struct message *m, const int fd[MESSAGE_FIELDS_MAX])
{
    const struct message_field *f;
    size_t n = 0;

    for (f = message_row(m->kind)->fields(); f->type != TYPE_END; f++)
        if (f->type == TYPE_FD)
            memcpy((char *)&m->request + f->offset, &fd[n++], sizeof(int));
}
