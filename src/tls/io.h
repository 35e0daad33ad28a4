/* A socket with two buffers. Many small reads and writes become one recv(2) or
 * send(2). */
#ifndef TLS_IO_H
#define TLS_IO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct io {
    int fd;           /* the caller closes it */
    uint64_t traffic; /* bytes sent and received on the socket */
    size_t size;      /* of each buffer, once it exists */
    unsigned char *in, *out;
    size_t in_at, in_end, out_at, out_end;
};

/* A stream with buffers up to this size is a control channel. There are many of
 * them, mostly idle, so they free buffers that are empty. */
#define IO_SMALL (64u << 10)

/* Allocates nothing yet. */
void io_init(struct io *io, int fd, size_t size);
void io_release(struct io *io);

/* Fills the empty input by one recv(2). Returns the number of bytes, 0 at the
 * end of the stream, -EAGAIN, or another -errno. */
int io_fill(struct io *io);
/* Takes up to LEN received bytes. Returns how many. */
size_t io_take(struct io *io, void *into, size_t len);
/* Has the kernel acknowledge received data at once, and not after 40 ms. GnuTLS
 * and Java send the last flight of a handshake in two pieces, and Nagle's
 * algorithm holds the second one back until the acknowledgement. */
void io_acknowledge(const struct io *io);
/* Buffers up to LEN bytes. Returns how many (0: the buffer is full), or
 * -ENOMEM. */
int io_put(struct io *io, const void *from, size_t len);
/* From here on the kernel bounds what is sent only by its memory, and no more
 * by the amount of unsent data. */
void io_bound_by_memory(const struct io *io);
/* Bytes of kernel memory with sent data that the peer hasn't acknowledged. */
size_t io_queued(const struct io *io);
/* Bytes of the kernel's send memory that are free; 0 also as long as EPOLLOUT
 * would wait. */
size_t io_memory(const struct io *io);
/* Sends all buffered bytes. Returns 0, -EAGAIN if a part is left, or another
 * -errno. */
int io_send(struct io *io);
/* Discards the buffered output. */
void io_drop(struct io *io);

/* How many bytes io_put() would take now. */
size_t io_room(const struct io *io);
bool io_received(const struct io *io);
bool io_unsent(const struct io *io);

#endif
