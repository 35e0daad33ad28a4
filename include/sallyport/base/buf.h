/* A growing buffer with a maximum size. If data doesn't fit, the call fails and
 * adds nothing. Memory is wiped before it is freed. */
#ifndef SALLYPORT_BASE_BUF_H
#define SALLYPORT_BASE_BUF_H

#include <stdarg.h>
#include <stddef.h>

#include "sallyport/base/slice.h"

struct buf {
    char *data;
    size_t len, size, max;
};

/* Makes an empty buffer of at most MAX bytes. Doesn't allocate yet. */
void buf_init(struct buf *b, size_t max);
/* Wipes and frees the memory. The empty buffer can be used again, with the same
 * maximum. */
void buf_release(struct buf *b);
/* Empties the buffer and keeps its memory. */
void buf_clear(struct buf *b);

/* Return 0; -ENOBUFS: the data would exceed the maximum, and nothing was added;
 * -ENOMEM. */
int buf_add(struct buf *b, const void *data, size_t len);
int buf_add_slice(struct buf *b, struct slice s);
int buf_add_text(struct buf *b, const char *text);
int buf_add_format(struct buf *b, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* Makes room for LEN more bytes at data + len. The caller writes there and then
 * increases len. Returns 0, -ENOBUFS or -ENOMEM. */
int buf_reserve(struct buf *b, size_t len);
/* Drops LEN bytes from the front (at most all), and leaves no copy of them. */
void buf_consume(struct buf *b, size_t len);

struct slice buf_slice(const struct buf *b);

#endif
