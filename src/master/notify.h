/* Telling systemd how far we are: sd_notify(3)'s datagram. */
#ifndef SALLYPORT_SRC_MASTER_NOTIFY_H
#define SALLYPORT_SRC_MASTER_NOTIFY_H

struct notify {
    int fd; /* -1: nobody asked */
};

/* WHERE is $NOTIFY_SOCKET, a path or "@abstract", or NULL. The socket is made
 * and connected here, since the cage has no socket(). 0 or -errno; then, and
 * for NULL, sending does nothing. */
int notify_open(struct notify *n, const char *where);
void notify_close(struct notify *n);
/* "READY=1": never waits. */
void notify_send(const struct notify *n, const char *text);

#endif
