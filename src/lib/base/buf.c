/* The growing buffer with a maximum. It wipes memory before it frees the
 * memory, since passwords pass through buffers. */
#include "sallyport/base/buf.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BUF_FIRST 256

void buf_init(struct buf *b, size_t max)
{
    *b = (struct buf){ .max = max };
}

void buf_release(struct buf *b)
{
    if (b->data)
        explicit_bzero(b->data, b->size);
    free(b->data);
    buf_init(b, b->max);
}

void buf_clear(struct buf *b)
{
    b->len = 0;
}

/* Doesn't use realloc(3), which can leave a copy of a secret in freed memory.
 * If a caller reserves much room, gives exactly this room, since buf_release()
 * would also wipe the unused bytes. */
int buf_reserve(struct buf *b, size_t len)
{
    size_t size = b->size ? 2 * b->size : BUF_FIRST;
    char *data;

    if (len > b->max || b->len > b->max - len)
        return -ENOBUFS;
    if (b->size - b->len >= len)
        return 0;
    if (size < b->len + len)
        size = b->len + len;
    if (size > b->max)
        size = b->max;
    data = malloc(size);
    if (!data)
        return -ENOMEM;
    if (b->len > 0)
        memcpy(data, b->data, b->len);
    if (b->data)
        explicit_bzero(b->data, b->size);
    free(b->data);
    b->data = data;
    b->size = size;
    return 0;
}

int buf_add(struct buf *b, const void *data, size_t len)
{
    int r = buf_reserve(b, len);

    if (r < 0 || len == 0)
        return r;
    memcpy(b->data + b->len, data, len);
    b->len += len;
    return 0;
}

int buf_add_slice(struct buf *b, struct slice s)
{
    return buf_add(b, s.ptr, s.len);
}

int buf_add_text(struct buf *b, const char *text)
{
    return buf_add(b, text, strlen(text));
}

int buf_add_format(struct buf *b, const char *format, ...)
{
    va_list args;
    int len;
    int r;

    va_start(args, format);
    len = vsnprintf(NULL, 0, format, args);
    va_end(args);
    if (len < 0)
        return -EINVAL;
    r = buf_reserve(b, (size_t)len + 1); /* room for vsnprintf's NUL */
    if (r < 0)
        return r;
    va_start(args, format);
    vsnprintf(b->data + b->len, (size_t)len + 1, format, args);
    va_end(args);
    b->len += (size_t)len;
    return 0;
}

void buf_consume(struct buf *b, size_t len)
{
    if (len > b->len)
        len = b->len;
    if (len == 0)
        return;
    memmove(b->data, b->data + len, b->len - len);
    b->len -= len;
    explicit_bzero(b->data + b->len, len);
}

struct slice buf_slice(const struct buf *b)
{
    return (struct slice){ b->data ? b->data : "", b->len };
}
