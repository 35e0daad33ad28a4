/* A growing buffer with a mandatory maximum; over it is an error code, never a
 * truncation. Memory is wiped before it is freed. */
#ifndef SALLYPORT_BASE_BUF_H
#define SALLYPORT_BASE_BUF_H

#include <stdarg.h>
#include <stddef.h>

#include "sallyport/base/slice.h"

struct buf {
    char *data;
    size_t len, size, max;
};

/* No allocation yet. MAX in bytes. */
void buf_init(struct buf *b, size_t max);
/* Wipes and frees; b can be used again, empty, with the same maximum. */
void buf_release(struct buf *b);
/* Empties but keeps the memory. */
void buf_clear(struct buf *b);

/* 0; -ENOBUFS when it would pass max (nothing is added); -ENOMEM. */
int buf_add(struct buf *b, const void *data, size_t len);
int buf_add_slice(struct buf *b, struct slice s);
int buf_add_text(struct buf *b, const char *text);
int buf_add_format(struct buf *b, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* Makes room for LEN more bytes at data + len: 0, -ENOBUFS, -ENOMEM. The
 * caller then adds what it wrote to len. */
int buf_reserve(struct buf *b, size_t len);
/* Drops LEN bytes from the front (at most all). */
void buf_consume(struct buf *b, size_t len);

struct slice buf_slice(const struct buf *b);

#endif
