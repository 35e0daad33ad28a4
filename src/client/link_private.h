/* Shared by the files of a link. */
#ifndef CLIENT_LINK_PRIVATE_H
#define CLIENT_LINK_PRIVATE_H

#include "link.h"

/* The manners of data connections. ProFTPD requires resumption and gives one
 * ticket for each control connection, so it refuses the second data connection.
 * Other servers cut a resumed data connection. pyftpdlib before 1.5.8 cuts a
 * data connection whose handshake begins before the command. libcurl takes a
 * cut for a broken EPSV and then loses its place in the dialogue, so each new
 * manner begins with a new control connection. */
enum {
    LINK_AS_USUAL,
    LINK_ONE_EACH,
    LINK_NO_RESUMPTION,
    LINK_LATE_HELLO,
    LINK_MANNERS
};

/* Does the work of curl_easy_perform(), without its pauses. */
CURLcode link_perform(struct link *l);

/* libcurl's callbacks for new sockets and for sockets to close. */
int link_on_socket(void *of, curl_socket_t fd, curlsocktype kind);
int link_on_close(void *of, curl_socket_t fd);
/* Called with the SSL_CTX of each new connection. */
CURLcode link_on_context(CURL *curl, void *ctx, void *of);
/* After UP bytes of an upload: were they the last ones? Until the last byte is
 * sent, each end of the data connection is a reset. */
void link_check_sent(struct link *l, curl_off_t up);
/* Makes the data connection send whole segments only; the kernel sends a rest
 * after 200 ms, or at the end. */
void link_cork(struct link *l, bool on);

#endif
