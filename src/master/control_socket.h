/* The control socket's name on disk, and what listens behind it. */
#ifndef SALLYPORT_SRC_MASTER_CONTROL_SOCKET_H
#define SALLYPORT_SRC_MASTER_CONTROL_SOCKET_H

#include <limits.h>
#include <sys/stat.h>

#include "sallyport/base/complaint.h"

struct control_socket {
    int fd;     /* listens; -1: there is none */
    int folder; /* in which it stands */
    char name[NAME_MAX + 1];
    struct stat made; /* the name as it was made */
};

/* None. */
void control_socket_blank(struct control_socket *s);
/* Makes the folder (0750) if only that is missing, and takes the place of a
 * socket that a server left behind when it was killed. 0; -EINVAL for what the
 * administrator must mend; -EAGAIN: another server answers there, or what may
 * pass too. The complaint is "PATH: WHY". */
int control_socket_open(struct control_socket *s, const char *path,
                        struct complaint *c);
/* Removes the name too, if it is still this one. */
void control_socket_close(struct control_socket *s);

#endif
