/* A TCP connection with lines of FTP, and later TLS. It shows what libcurl
 * doesn't: the server's certificate before USER is sent. Transfers go through
 * link.h. */
#ifndef CLIENT_DIAL_H
#define CLIENT_DIAL_H

#include <openssl/ssl.h>
#include <stddef.h>

#include "fail.h"
#include "options.h"
#include "sallyport/base/address.h"
#include "url.h"

#define DIAL_LINE_MAX 1024

struct dial {
    int fd;              /* -1: not connected */
    SSL *tls;            /* NULL: plain text */
    unsigned timeout;    /* seconds, for each wait */
    struct address peer; /* where it is connected to */
};

/* For the handshakes below: TLS 1.2 or later, with the certificate of --cert.
 * NULL with the reason. */
SSL_CTX *dial_context(const struct options *o, struct failure *why);
/* Connects to HOST:PORT; FAMILY is 0 (any), 4 or 6. 0 or -1 with the reason. */
int dial_connect(struct dial *d, const char *host, unsigned port, int family,
                 unsigned timeout, struct failure *why);
/* A handshake; RESUME (or NULL) is offered. 0 or -1 with the reason. */
int dial_tls(struct dial *d, SSL_CTX *ctx, const char *host,
             SSL_SESSION *resume, struct failure *why);
/* Sends LINE (NULL: nothing) and reads a whole reply: its code, or -1. TEXT
 * gets its last line. No password may be sent by it while tls is NULL. */
int dial_ask(struct dial *d, const char *line, char text[DIAL_LINE_MAX],
             struct failure *why);
/* The same, calling EACH with each line of the reply. */
int dial_ask_each(struct dial *d, const char *line, char text[DIAL_LINE_MAX],
                  void (*each)(void *of, const char *line), void *of,
                  struct failure *why);
/* At most LEN bytes: their number, 0 at the end (with close_notify if *whole),
 * or -1. */
int dial_read(struct dial *d, void *out, size_t len, bool *whole);
int dial_write(struct dial *d, const void *bytes, size_t len);
/* Sends close_notify, if there is TLS, and closes the socket. */
void dial_close(struct dial *d);

/* Greeting, AUTH TLS, handshake (or implicit TLS), with CTX. 0 or -1. */
int dial_control(struct dial *d, const struct url *url, SSL_CTX *ctx,
                 unsigned timeout, struct failure *why);

#endif
