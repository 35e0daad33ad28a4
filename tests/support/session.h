/* A scripted client of the control channel, and transfers with bytes in memory.
 * Every wait has a deadline; whatever differs from what a test expects fails it
 * with both texts. */
#ifndef TESTS_SUPPORT_SESSION_H
#define TESTS_SUPPORT_SESSION_H

#include <stdbool.h>
#include <stddef.h>

#include "sallyport/base/buf.h"
#include "server.h"
#include "tls_client.h"

/* TLS1_2_VERSION and TLS1_3_VERSION of OpenSSL */
#define SESSION_TLS_12 0x0303
#define SESSION_TLS_13 0x0304

struct session {
    int fd;
    struct tls_client *tls; /* NULL: still plain */
    int version;            /* of TLS: one of the above; 0: any */
    char host[64];          /* the server's address */
    char from[64];          /* "": any address of ours */
    struct buf in;          /* received, not yet taken */
    struct buf reply;       /* the last one, lines ending with \n, then a NUL */
    unsigned port;          /* of the last PASV or EPSV reply */
    const char *name;       /* asked for by SNI; NULL: none */
    const char *data_name;  /* the same on data connections */
    const char *certificate, *key;  /* PEM files, shown from here on; NULL */
    bool anew;                      /* data connections resume nothing */
    const struct tls_session *show; /* they resume this; NULL: the newest
                                       ticket of the control connection */
    bool cut; /* ended without close_notify, or by a reset */
};

/* A data connection of a session. */
struct data {
    int fd;
    struct tls_client *tls;
};

/* Connects; FROM and VERSION are taken from the session, which session_init()
 * sets to "127.0.0.1", "" and any. The greeting is left to read. */
void session_init(struct session *s);
void session_connect(struct session *s, unsigned port);
/* Connect, greeting, AUTH TLS, USER, PASS, PBSZ 0, PROT P, TYPE I. */
void session_open(struct session *s, const struct server *server,
                  const char *user);
/* QUIT with its reply, then as session_drop(). */
void session_close(struct session *s);
/* Closes without a word. */
void session_drop(struct session *s);

/* A line; its CRLF is added. */
void session_send(struct session *s, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
void session_raw(struct session *s, const void *bytes, size_t len);
/* One line of a reply, without its end: its text, until the next call. */
const char *session_line(struct session *s);
/* A whole reply (multi-line too): its code. */
int session_reply(struct session *s);
/* A whole reply whose last line matches the pattern. */
void session_expect(struct session *s, const char *pattern);
/* session_send() and session_expect(). */
void session_do(struct session *s, const char *pattern, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* The server has closed, in order, and said nothing more. */
void session_expect_end(struct session *s);
/* Refused by a limit: 421 and the end, or the end at once; no greeting. */
bool session_is_refused(struct session *s);
/* For waiting until a server is back: false where session_connect(),
 * session_reply() and session_open() would fail the test, or for another
 * code. */
bool session_may_connect(struct session *s, unsigned port);
bool session_may_reply(struct session *s, const char *code);
bool session_may_open(struct session *s, const struct server *server,
                      const char *user);
/* Everything up to the end, which may be a cut. */
void session_read_rest(struct session *s, struct buf *into);

/* The client's side of the handshake, after a 234. */
void session_secure(struct session *s);
/* Greeting, AUTH TLS, handshake. */
void session_start_tls(struct session *s);
/* USER and PASS: the code of the last reply. */
int session_try_login(struct session *s, const char *user,
                      const char *password);

/* The TCP connection to a port that the server has told. */
void data_connect_to(struct session *s, struct data *d, unsigned port);
/* EPSV, and that. */
void data_connect(struct session *s, struct data *d);
void data_secure(struct session *s, struct data *d);
/* data_connect(), the command, its 150, data_secure(). */
void data_open(struct session *s, struct data *d, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
void data_write(struct data *d, const void *bytes, size_t len);
/* To the end, which must be a close_notify. */
void data_read_all(struct data *d, struct buf *into);
/* close_notify, and everything that the peer still has to say; then close. */
void data_close(struct data *d);
/* Closes at once: FIN without close_notify, or a reset. */
void data_cut(struct data *d, bool reset);

/* Whole transfers with their 226. */
void session_store(struct session *s, const char *verb, const char *name,
                   const void *bytes, size_t len);
void session_fetch(struct session *s, const char *command, struct buf *into);

#endif
