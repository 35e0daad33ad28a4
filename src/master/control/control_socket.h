/* The control socket: its name on disk and its descriptor. */
#ifndef SALLYPORT_SRC_MASTER_CONTROL_CONTROL_SOCKET_H
#define SALLYPORT_SRC_MASTER_CONTROL_CONTROL_SOCKET_H

#include <limits.h>
#include <stdbool.h>
#include <sys/stat.h>

#include "sallyport/base/complain.h"

struct succession;

struct control_socket {
    int fd;     /* listening; -1: there is none */
    int folder; /* the directory that has it */
    char name[NAME_MAX + 1];
    struct stat made; /* the name as it was made */
    bool inherited;   /* an earlier generation made it */
};

/* Sets S to no socket. */
void control_socket_blank(struct control_socket *s);
/* Opens the control socket at PATH. If the socket there was inherited, it is
 * used as it is, with the connections in its backlog. Otherwise this makes the
 * directory (0750) if only that is missing, and replaces a socket that a killed
 * server has left. The socket is kept for the next generation. H may be NULL.
 * Returns 0; -EINVAL: the administrator must mend something; -EAGAIN: another
 * server answers there, or another error that may pass. The complaint is "PATH:
 * WHY". */
int control_socket_open(struct control_socket *s, const char *path,
                        struct succession *h, struct complaint *c);
/* Does a server answer at PATH? One with a full queue counts too. */
bool control_socket_answers(const char *path);
/* Closes the socket. REMOVE: also removes the name, if it is still this
 * socket's. */
void control_socket_close(struct control_socket *s, bool remove);

#endif
