/* Reports the state of the service to systemd: sd_notify(3)'s datagram. */
#ifndef SALLYPORT_SRC_SUPERVISOR_NOTIFY_H
#define SALLYPORT_SRC_SUPERVISOR_NOTIFY_H

struct notify {
    int fd; /* -1: no socket */
};

/* WHERE is the value of $NOTIFY_SOCKET, a path or "@abstract", or NULL. Returns
 * 0 or -errno. After an error, and for NULL, sending does nothing. */
int notify_open(struct notify *n, const char *where);
void notify_close(struct notify *n);
/* Sends TEXT, for example "READY=1". It never waits. */
void notify_send(const struct notify *n, const char *text);

#endif
