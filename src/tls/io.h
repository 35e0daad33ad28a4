/* A socket with a gathered output and a large input: bytes in memory on one
 * side, one send(2) or recv(2) for many of them on the other. */
#ifndef TLS_IO_H
#define TLS_IO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct io {
    int fd;
    uint64_t traffic;
    /* bytes sent and received on the socket */ /* not owned */
    size_t size; /* of each buffer, once it exists */
    unsigned char *in, *out;
    size_t in_at, in_end, out_at, out_end;
};

/* Up to here a stream is a control channel: idle most of its life, many of
 * them at once, so it keeps no memory that it doesn't need just now. */
#define IO_SMALL (64u << 10)

/* No allocation yet. */
void io_init(struct io *io, int fd, size_t size);
void io_release(struct io *io);

/* One recv(2) into the empty input: how many bytes, 0 at the end of the
 * stream, -EAGAIN, -errno. */
int io_fill(struct io *io);
/* Takes up to LEN received bytes: how many. */
size_t io_take(struct io *io, void *into, size_t len);
/* Has the kernel acknowledge what came at once, and not 40 ms later: GnuTLS and
 * Java send their end of a handshake in two pieces, and Nagle's algorithm holds
 * the second one back until then. */
void io_acknowledge(const struct io *io);
/* Gathers up to LEN bytes: how many (0: full), or -ENOMEM. */
int io_put(struct io *io, const void *from, size_t len);
/* From here on the kernel's memory for what is sent is all that bounds it, and
 * not how much of it is unsent. */
void io_bound_by_memory(const struct io *io);
/* Memory of what was sent and the peer hasn't got yet. */
size_t io_queued(const struct io *io);
/* How much of that memory is free; 0 also while EPOLLOUT would wait. */
size_t io_memory(const struct io *io);
/* Sends all that is gathered: 0, -EAGAIN when a part is left, -errno. */
int io_send(struct io *io);
/* Forgets what is gathered. */
void io_drop(struct io *io);

/* How much can be gathered before io_send(). */
size_t io_room(const struct io *io);
bool io_received(const struct io *io);
bool io_unsent(const struct io *io);

#endif
