/* What the files of a link share. */
#ifndef CLIENT_LINK_PRIVATE_H
#define CLIENT_LINK_PRIVATE_H

#include "link.h"

/* The manners of data connections. A server that requires resumption and gives
 * one ticket for each control connection (ProFTPD) refuses the second data
 * connection. Another server cuts what resumes. A third one (pyftpdlib before
 * 1.5.8) cuts a data connection whose handshake begins before the command.
 * libcurl takes a cut for a broken EPSV, and is out of step then, so each new
 * manner begins with a new control connection. */
enum {
    LINK_AS_USUAL,
    LINK_ONE_EACH,
    LINK_NO_RESUMPTION,
    LINK_LATE_HELLO,
    LINK_MANNERS
};

/* What curl_easy_perform() does, without its pauses. */
CURLcode link_perform(struct link *l);

/* libcurl's callbacks for new sockets and for those that it is done with. */
int link_on_socket(void *of, curl_socket_t fd, curlsocktype kind);
int link_on_close(void *of, curl_socket_t fd);
/* The data connection sends whole segments only; what is left over goes after
 * 200 ms, or with its end. */
void link_cork(struct link *l, bool on);

#endif
