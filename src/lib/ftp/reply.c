/* The form of the replies on the wire. Runs in session, and in gate for the
 * replies that gate sends. */
#include "sallyport/ftp/reply.h"

#include <stdbool.h>
#include <string.h>

static const struct {
    unsigned code;
    const char *text, *reason;
} rows[REPLY_COUNT] = {
#define R(name, ...) [REPLY_##name] = { __VA_ARGS__, NULL },
#define L(name, ...) [REPLY_##name] = { __VA_ARGS__ },
    REPLY_LIST(R, L)
#undef R
#undef L
};

unsigned reply_code(enum reply r)
{
    return rows[r].code;
}

const char *reply_reason(enum reply r)
{
    return rows[r].reason;
}

const char *reply_text(enum reply r)
{
    return rows[r].text;
}

/* Returns R. If R is an error, first removes the reply that begins at BEFORE.
 */
static int end_reply(struct buf *into, size_t before, int r)
{
    if (r < 0)
        into->len = before;
    return r;
}

/* Adds bytes from outside. Writes '?' for each byte that would end the line or
 * control a terminal. */
static int add_shown(struct buf *into, struct slice bytes)
{
    size_t from = into->len;
    int r = buf_add_slice(into, bytes);

    for (size_t i = from; r == 0 && i < into->len; i++)
        if ((unsigned char)into->data[i] < 0x20 || into->data[i] == 0x7f)
            into->data[i] = '?';
    return r;
}

static int add_reply(struct buf *into, enum reply r, char after,
                     const struct slice *args, size_t n)
{
    const char *text = reply_text(r), *gap;
    size_t before = into->len, used = 0;
    int e = buf_add_format(into, "%03u%c", reply_code(r), after);

    while (e == 0 && (gap = strstr(text, "{}")) != NULL) {
        e = buf_add(into, text, (size_t)(gap - text));
        if (e == 0 && used < n) {
            struct slice a = args[used++];

            if (a.len > REPLY_ARGUMENT_MAX)
                a.len = REPLY_ARGUMENT_MAX;
            e = add_shown(into, a);
        }
        text = gap + 2;
    }
    if (e == 0)
        e = buf_add_text(into, text);
    if (e == 0)
        e = buf_add_text(into, "\r\n");
    return end_reply(into, before, e);
}

int reply_build(struct buf *into, enum reply r, const struct slice *args,
                size_t n)
{
    return add_reply(into, r, ' ', args, n);
}

int reply_begin(struct buf *into, enum reply r)
{
    return add_reply(into, r, '-', NULL, 0);
}

int reply_line(struct buf *into, struct slice line)
{
    size_t before = into->len;
    int e = buf_add_text(into, " ");

    if (line.len >= 2 && memcmp(line.ptr + line.len - 2, "\r\n", 2) == 0)
        line.len -= 2;
    if (e == 0)
        e = add_shown(into, line);
    if (e == 0)
        e = buf_add_text(into, "\r\n");
    return end_reply(into, before, e);
}

int reply_end(struct buf *into, enum reply r)
{
    return buf_add_format(into, "%03u End\r\n", reply_code(r));
}
