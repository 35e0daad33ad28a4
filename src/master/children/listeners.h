/* The listening sockets: master makes them, gate uses them. */
#ifndef SALLYPORT_SRC_MASTER_LISTEN_H
#define SALLYPORT_SRC_MASTER_LISTEN_H

#include "sallyport/settings/settings.h"

struct succession;

struct listener {
    int fd;
    struct address address; /* with the port that the kernel has assigned */
    bool implicit;          /* TLS begins with the first byte */
    bool proxied;           /* each connection begins with a PROXY header */
};

struct listeners {
    struct listener control[SETTINGS_LISTEN_MAX];
    size_t control_count;
    struct listener *passive;
    size_t passive_count;
    struct listener *retired; /* passive ones that are no longer configured */
    size_t retired_count;
};

/* Opens one control listener for each `listen`, and one passive listener for
 * each port of `ports` on each host of `listen`. Inherited listeners are used
 * as they are; all are kept for the next generation. Inherited passive ones
 * that are no longer configured are retired: a client may still use such a
 * port, if the older generation announced it. H may be NULL. Returns 0, or with
 * the complaint -EINVAL, or -EAGAIN for an error that may pass. */
int listeners_open(struct listeners *l, const struct settings *s,
                   struct succession *h, struct complaint *c);
/* Closes the retired listeners, once gate has them. */
void listeners_forget_retired(struct listeners *l);
/* For --check: binds each `listen` and closes it again. Returns the same
 * results, but a port that is in use only sets *in_use (otherwise NULL). */
int listeners_try(const struct settings *s, const struct address **in_use,
                  struct complaint *c);
void listeners_release(struct listeners *l);

/* Writes the address that L->fd is bound to into L->address. Returns 0 or
 * -errno. */
int listeners_look(struct listener *l);

/* In listeners_refuse.c: ERROR keeps the server from listening on A, a value of
 * the setting KEY. Writes the reason, and what the administrator can do, into
 * C. H may be NULL. Returns -EINVAL, or -EAGAIN for an error that may pass. */
int listeners_refuse(const struct settings *s, const struct succession *h,
                     const char *key, const struct address *a, int error,
                     struct complaint *c);

/* Returns how many passive listeners the settings ask for. */
size_t listeners_passive_wanted(const struct settings *s);

/* Adds "127.0.0.1:21, 127.0.0.1:990 tls, data ports 50000-50099". Returns 0 or
 * -ENOBUFS. */
int listeners_text(const struct listeners *l, struct buf *into);

#endif
