/* The listening sockets, made by master, used by gate. */
#ifndef SALLYPORT_SRC_MASTER_LISTEN_H
#define SALLYPORT_SRC_MASTER_LISTEN_H

#include "sallyport/settings/settings.h"

struct succession;

struct listener {
    int fd;
    struct address address; /* with the port that it really has */
    bool implicit;          /* TLS from the first byte on */
    bool proxied;           /* each connection begins with a PROXY header */
};

struct listeners {
    struct listener control[SETTINGS_LISTEN_MAX];
    size_t control_count;
    struct listener *passive;
    size_t passive_count;
    struct listener *retired; /* passive, and no longer configured */
    size_t retired_count;
};

/* One control listener for each `listen`; one passive listener for each port
 * of `ports` on each host of `listen`. One that was inherited is used as it is;
 * all are kept for the next generation. Passive ones that are inherited and
 * wanted no more are retired: whoever was told such a port may still use it.
 * H may be NULL. 0, or with the complaint
 * -EINVAL, or -EAGAIN for what may be better later. */
int listeners_open(struct listeners *l, const struct settings *s,
                   struct succession *h, struct complaint *c);
/* Gate has them: what it closes is closed. */
void listeners_forget_retired(struct listeners *l);
/* For --check: binds each `listen`, and lets it go again. The same results, but
 * a port that is in use is fine. */
int listeners_try(const struct settings *s, struct complaint *c);
void listeners_release(struct listeners *l);

/* The address that L->fd is bound to, in L->address. 0 or -errno */
int listeners_look(struct listener *l);

/* listeners_refuse.c: A, a value of the setting KEY, can't be listened on,
 * because of ERROR. Writes the reason, and what the administrator can do, into
 * C. H may be NULL. Returns -EINVAL, or -EAGAIN for what may be better later.
 */
int listeners_refuse(const struct settings *s, const struct succession *h,
                     const char *key, const struct address *a, int error,
                     struct complaint *c);

/* How many passive listeners the settings ask for. */
size_t listeners_passive_wanted(const struct settings *s);

/* "127.0.0.1:21, 127.0.0.1:990 tls, data ports 50000-50099". 0 or -ENOBUFS */
int listeners_text(const struct listeners *l, struct buf *into);

#endif
