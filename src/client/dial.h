/* A TCP connection with lines of FTP, and later TLS. It gives the server's
 * certificate before USER is sent, which libcurl can't do. Transfers go through
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
    unsigned timeout;    /* seconds for each connect, handshake and reply */
    uint64_t end;        /* of the present one, by clock_ms() */
    struct address peer; /* the address that it is connected to */
};

/* Makes the context for the handshakes below: TLS 1.2 or later, with the
 * certificate of --cert. Returns NULL with the reason. */
SSL_CTX *dial_context(const struct options *o, struct failure *why);
/* Connects to HOST:PORT; FAMILY is 0 (any), 4 or 6. Returns 0, or -1 with the
 * reason. */
int dial_connect(struct dial *d, const char *host, unsigned port, int family,
                 unsigned timeout, struct failure *why);
/* Makes a handshake, and offers the session RESUME (or NULL: none). Returns 0,
 * or -1 with the reason. */
int dial_tls(struct dial *d, SSL_CTX *ctx, const char *host,
             SSL_SESSION *resume, struct failure *why);
/* Sends LINE (NULL: nothing) and reads a whole reply. Returns its code, or -1.
 * TEXT gets its last line. While tls is NULL, LINE may contain no password. */
int dial_ask(struct dial *d, const char *line, char text[DIAL_LINE_MAX],
             struct failure *why);
/* Does the same, and calls EACH with each line of the reply. */
int dial_ask_each(struct dial *d, const char *line, char text[DIAL_LINE_MAX],
                  void (*each)(void *of, const char *line), void *of,
                  struct failure *why);
/* Reads at most LEN bytes, before the end of the last handshake's or reply's
 * time. Returns their number; 0 at the end (with
 * close_notify if *whole); or -1. */
int dial_read(struct dial *d, void *out, size_t len, bool *whole);
int dial_write(struct dial *d, const void *bytes, size_t len);
/* Sends close_notify if there is TLS, and closes the socket. */
void dial_close(struct dial *d);

/* Connects, reads the greeting, sends AUTH TLS and makes the handshake with
 * CTX; implicit TLS begins with the handshake. Returns 0 or -1. */
int dial_secure(struct dial *d, const struct url *url, SSL_CTX *ctx,
                unsigned timeout, struct failure *why);
/* The same, and the greeting that follows implicit TLS. */
int dial_control(struct dial *d, const struct url *url, SSL_CTX *ctx,
                 unsigned timeout, struct failure *why);

#endif
