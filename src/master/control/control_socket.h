/* The control socket's name on disk, and what listens behind it. */
#ifndef SALLYPORT_SRC_MASTER_CONTROL_CONTROL_SOCKET_H
#define SALLYPORT_SRC_MASTER_CONTROL_CONTROL_SOCKET_H

#include <limits.h>
#include <stdbool.h>
#include <sys/stat.h>

#include "sallyport/base/complain.h"

struct succession;

struct control_socket {
    int fd;     /* listens; -1: there is none */
    int folder; /* in which it stands */
    char name[NAME_MAX + 1];
    struct stat made; /* the name as it was made */
    bool inherited;   /* an earlier generation made it */
};

/* None. */
void control_socket_blank(struct control_socket *s);
/* If the socket that stands at PATH was inherited, it is used as it is, with
 * the connections that wait in its backlog. Else this makes the directory
 * (0750) if only that is missing, and takes the place of a socket that a server
 * left behind when it was killed. The socket is kept for the next generation. H
 * may be NULL. 0; -EINVAL for what the administrator must mend; -EAGAIN:
 * another server answers there, or what may pass too. The complaint is "PATH:
 * WHY". */
int control_socket_open(struct control_socket *s, const char *path,
                        struct succession *h, struct complaint *c);
/* REMOVE: the name too, if it is still this one. */
void control_socket_close(struct control_socket *s, bool remove);

#endif
