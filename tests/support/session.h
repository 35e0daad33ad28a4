/* A scripted client: its control channel, and transfers with bytes in memory.
 * Every wait has a deadline. An unexpected reply fails the test, which shows
 * the expected text and the reply. */
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
    struct tls_client *tls; /* NULL: no TLS yet */
    int version;            /* of TLS: one of the versions above; 0: any */
    char host[64];          /* the server's address */
    char from[64];          /* "": any local address */
    struct buf in;          /* received, and not yet read */
    struct buf
        reply; /* the last reply: LF between its lines, NUL after the text */
    unsigned port;         /* of the last PASV or EPSV reply */
    const char *name;      /* name for SNI; NULL: none */
    const char *data_name; /* name for SNI on data connections */
    const char *certificate,
        *key;  /* the client's PEM files for later handshakes; NULL: none */
    bool anew; /* data connections resume no session */
    const struct tls_session
        *show; /* the TLS session that data connections resume; NULL: the newest
                  ticket of the control connection */
    bool cut;  /* the connection ended without close_notify, or by a reset */
};

/* A data connection of a session. */
struct data {
    int fd;
    struct tls_client *tls;
};

/* session_init() sets the host "127.0.0.1", any local address and any version
 * of TLS. session_connect() connects from s->from, and doesn't read the
 * greeting. */
void session_init(struct session *s);
void session_connect(struct session *s, unsigned port);
/* Connects, reads the greeting, and sends AUTH TLS, USER, PASS, PBSZ 0, PROT P
 * and TYPE I. */
void session_open(struct session *s, const struct server *server,
                  const char *user);
/* Does the same on a connection that exists. */
void session_log_in(struct session *s, const char *user);
/* Calls session_init() and session_open(). */
void session_enter(struct session *s, const struct server *server,
                   const char *user);
/* Does the same with this version of TLS. */
void session_enter_as(struct session *s, const struct server *server,
                      const char *user, int version);
/* session_reach() calls session_init() and connects; session_arrive() also
 * starts TLS. */
void session_reach(struct session *s, const struct server *server);
void session_arrive(struct session *s, const struct server *server);
/* Tries a login in a session of its own. Returns the code of the last reply. */
int session_code(const struct server *server, const char *user,
                 const char *password);
/* For wait_until(): can anna log in at this server? */
bool session_can_enter(void *server);
/* session_begin() starts a server and logs in as anna; session_end() sends QUIT
 * and stops the server. */
void session_begin(struct session *s, struct server *server,
                   const struct server_plan *plan);
void session_end(struct session *s, struct server *server);
/* Sends QUIT, checks the reply and the end of the connection, and calls
 * session_drop(). */
void session_close(struct session *s);
/* Closes without QUIT. */
void session_drop(struct session *s);

/* Sends a line and CRLF. */
void session_send(struct session *s, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
void session_raw(struct session *s, const void *bytes, size_t len);
/* Reads one line of a reply. Returns its text without CRLF, valid until the
 * next call. */
const char *session_line(struct session *s);
/* Reads a whole reply, of one or more lines. Returns its code. */
int session_reply(struct session *s);
/* Reads a whole reply. The last line must match the pattern. */
void session_expect(struct session *s, const char *pattern);
/* Calls session_send() and session_expect(). */
void session_do(struct session *s, const char *pattern, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* Waits until the server closes, which it must do in an orderly way and without
 * another reply. */
void session_expect_end(struct session *s);
/* Has a limit refused the connection: a 421 and the end, or the end at once,
 * without a greeting? */
bool session_is_refused(struct session *s);
/* For a test that waits until a server is back. Do the same as
 * session_connect(), session_reply() and session_open(), but return false where
 * these would fail the test, and if a reply has another code. */
bool session_may_connect(struct session *s, unsigned port);
bool session_may_reply(struct session *s, const char *code);
bool session_may_open(struct session *s, const struct server *server,
                      const char *user);
/* Do the steps of session_may_open() that follow the greeting: AUTH TLS with
 * its handshake, and USER and the commands after it. */
bool session_may_secure(struct session *s);
bool session_may_log_in(struct session *s, const char *user);
/* Sends LINE and CRLF. Returns true if the reply has the code CODE. */
bool session_may_do(struct session *s, const char *code, const char *line);
/* Reads everything up to the end, which may be a cut. */
void session_read_rest(struct session *s, struct buf *into);

/* Makes the client's side of the handshake, after a 234. */
void session_secure(struct session *s);
/* Reads the greeting, sends AUTH TLS and makes the handshake. */
void session_start_tls(struct session *s);
/* Sends USER and PASS. Returns the code of the last reply. */
int session_try_login(struct session *s, const char *user,
                      const char *password);

/* Connects to a port that the server has announced. */
void data_connect_to(struct session *s, struct data *d, unsigned port);
/* Sends EPSV, and connects to the port of its reply. */
void data_connect(struct session *s, struct data *d);
void data_secure(struct session *s, struct data *d);
/* Calls data_connect(), sends the command, reads its 150 and calls
 * data_secure(). */
void data_open(struct session *s, struct data *d, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* Do the steps of a transfer in which the server can cut the connection: return
 * false then, and don't fail the test. */
bool data_may_connect(struct session *s, struct data *d);
bool data_may_secure(struct session *s, struct data *d);
bool data_may_write(struct data *d, const void *bytes, size_t len);
/* data_may_read() reads LEN bytes, data_may_read_all() all bytes up to a
 * close_notify. */
bool data_may_read(struct data *d, void *into, size_t len);
bool data_may_read_all(struct data *d, struct buf *into);
bool data_may_close(struct data *d);
void data_write(struct data *d, const void *bytes, size_t len);
/* Reads to the end, which must be a close_notify. */
void data_read_all(struct data *d, struct buf *into);
/* Sends close_notify, reads the rest of the peer's bytes, and closes. */
void data_close(struct data *d);
/* Waits until files has ended the last transfer, by a command: the session
 * answers it only then, but may send the transfer's reply before. */
void session_wait_files(struct session *s);
/* Closes at once and without close_notify: by a RST if RESET or if bytes are
 * unread (the kernel then drops what it hasn't sent yet), otherwise by a FIN.
 */
void data_cut(struct data *d, bool reset);

/* Sends these bytes and close_notify, and reads the final reply, which must
 * match PATTERN. */
void data_finish(struct session *s, struct data *d, const void *bytes,
                 size_t len, const char *pattern);

/* Sends LINE, in which BASE replaces {}. If its transfer begins, sends the text
 * "bytes" (UP) or reads all bytes (DOWN). Adds the replies and the bytes that
 * came to RECORD, unless it is NULL. Returns the code of the last reply. */
enum session_way { NO_DATA, DOWN, UP };
int session_play(struct session *s, const char *line, const char *base,
                 enum session_way way, struct buf *record);

/* Make a whole transfer with its 226. */
void session_store(struct session *s, const char *verb, const char *name,
                   const void *bytes, size_t len);
void session_fetch(struct session *s, const char *command, struct buf *into);
/* Does the same as session_fetch(); exactly these bytes must come. */
void session_expect_fetch(struct session *s, const char *command,
                          const void *bytes, size_t len);

#endif
