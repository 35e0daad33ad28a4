/* An FTP client that encrypts both channels, and resumes the TLS session of the
 * control connection on data connections. An unexpected reply ends the
 * program. */
#ifndef TESTS_BENCH_LOAD_FTP_H
#define TESTS_BENCH_LOAD_FTP_H

#include <openssl/ssl.h>
#include <stdatomic.h>

struct account {
    SSL_CTX *ctx;
    unsigned port;
    const char *user, *password;
};

struct control {
    const struct account *account;
    int fd;
    SSL *ssl;          /* NULL before AUTH TLS */
    char line[2048];   /* the last line of the last reply */
    char buffer[4096]; /* received, and not yet part of a line */
    size_t have;
};

/* The number of data connections so far, and how many of them have resumed a
 * TLS session. */
extern _Atomic unsigned ftp_connections, ftp_resumed;

/* Connects and logs in, up to the 230. The caller measures the time. */
void ftp_login(struct control *c, const struct account *a);
/* Does the rest of a login: protects data connections, and chooses binary. */
void ftp_prepare(struct control *c);
/* Sends a command; the reply must have this first digit. */
void ftp_command(struct control *c, char digit, const char *command);
/* Reads the next reply of COMMAND, which must have this first digit. */
void ftp_expect(struct control *c, char digit, const char *command);
/* Opens a data connection for a command (RETR, STOR, LIST, MLSD). After
 * wire_close() the caller reads the last reply by ftp_expect(). */
SSL *ftp_data(struct control *c, const char *command);
/* Sends QUIT and closes. */
void ftp_quit(struct control *c);

#endif
