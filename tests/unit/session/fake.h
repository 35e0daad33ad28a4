/* A real session process between fake peers: the test plays its client, master,
 * gate, files and log. */
#ifndef TESTS_UNIT_SESSION_FAKE_H
#define TESTS_UNIT_SESSION_FAKE_H

#include <sys/types.h>

#include "sallyport/conf/conf.h"
#include "sallyport/domain/choices.h"
#include "sallyport/domain/outcome.h"
#include "sallyport/event/event.h"
#include "sallyport/ipc/channel.h"
#include "sallyport/tls/ticket.h"
#include "support/test.h"
#include "support/tls_client.h"

struct fake {
    struct settings settings;
    struct ticket_keys tickets; /* the session gets them at its login */
    struct channel master, gate, files, log;
    int to_log, to_gate; /* the session's ends of those channels */
    int control;
    struct tls_client *tls;
    pid_t pid;
    bool lent;            /* the session has a listener */
    uint16_t port;        /* of that listener, in network order */
    char reply[8192];     /* the last line of the last reply */
    char lines[96 << 10]; /* all lines of the last reply */

    /* For later sessions. */
    const struct session_deadlines *deadlines; /* NULL: a server's */
    bool proxied;               /* they come through the proxy 127.0.0.1 */
    struct msg_granted granted; /* master's answer to a login: all rights, and
                                 * nothing else that isn't 0 */
};
extern struct fake fake;
/* The last message that a test has heard, and the last event that it has
 * found. */
extern struct message asked;
extern struct event_record logged;

/* Changes a setting for later sessions: a number, or yes and no. */
void fake_settings(const char *key, uint64_t value);
/* Returns the session's CPU time so far. */
unsigned long fake_cpu_ms(void);
/* The session must use hardly any CPU time for so long. */
void fake_expect_asleep(int ms);
/* Has nothing come there, for so long? */
bool fake_is_quiet(int fd, int ms);

/* Forks the session; the greeting isn't read yet. */
void fake_start(void);
/* Sends AUTH TLS and makes the handshake. */
void fake_secure(void);
/* Does the same, then sends USER and PASS, about which master is asked. */
void fake_ask_login(const char *user);
/* Master answers with a denial. */
void fake_deny(enum denial why);
/* Master makes the channel to auth for the request `asked`; anna's credentials
 * must be these. */
void fake_hear_credentials(const char *password, const char *wanted);
/* Does both for anna, to a master that grants; the 230 isn't read yet. */
void fake_grant(void);
/* Sends f->tickets as gate. */
void fake_tell_keys(void);
/* Does both, and reads the 230. */
void fake_login(void);
/* Calls fake_start() and fake_login(). */
void fake_open(void);

/* Sends a line to the session; its CRLF is added. */
void fake_say(const char *line);
/* Reads the next reply. Returns its code (0: the session has closed); f->reply
 * has its text. */
int fake_reply(void);
/* Sends a line. The reply must have CODE. */
void fake_do(const char *line, int code);
/* Does the same, while files receives REQUEST, and answers or refuses. */
void fake_do_answered(const char *line, enum message_kind request,
                      struct message *answer, int code);
void fake_do_refused(const char *line, enum message_kind request,
                     enum outcome outcome, int code);
/* Reads the next reply, which must have CODE and WORDS. */
void fake_replies(int code, const char *words);
/* Sends ABOR in a transfer, and reads both replies. */
void fake_abort(void);
/* Receives the session's next message to a peer, within a deadline; it must be
 * MESSAGE. Before a file_commit it receives file_prepare, and answers it. */
void fake_hear(struct channel *c, struct message *p, enum message_kind message);
void fake_tell(struct channel *c, const struct message *p);
/* Sends bytes that no channel would send. */
void fake_tell_raw(struct channel *c, const void *bytes, size_t len);

/* Gate has ended, and another one is there: f->gate is its end. The session has
 * read the news when this returns. */
void fake_regate(void);
/* Gate is asked for a listener, and lends one; TOLD is the address for PASV. */
void fake_lend(const char *told, bool by_proxy);
/* Sends PASV or EPSV. The reply must have CODE. Gate lends a listener if the
 * session has none. */
void fake_expect(const char *line, int code);
/* Connects to the session's listener, as its client or from another host of
 * 127.0.0.0/8. Returns the client's end. */
int fake_come(void);
int fake_come_from(const char *host);
/* The session must have closed its end, and sent nothing. Closes FD. */
void fake_expect_closed(int fd);
/* Sends PBSZ, PROT P and PASV; and connects. Returns the client's end. */
void fake_port(void);
int fake_data(void);
/* Files receives REQUEST, and sends ANSWER to it. */
void fake_answer(enum message_kind request, struct message *answer);
/* Files receives REQUEST, and refuses. */
void fake_refuse(enum message_kind request, enum outcome outcome);
/* Files has received `asked`, and refuses. */
void fake_refused(enum outcome outcome);
/* Files has received *REQUEST, and answers MSG_done. */
void fake_done(const struct message *request);
/* Files makes the upload visible as PATH. Returns its length. */
uint64_t fake_stored(const char *path);
/* Files gives the partial up. Returns whether it is worthless. */
bool fake_given_up(void);
/* Call fake_stored() for /x, or fake_given_up(); then the client must get 226,
 * or CODE. */
void fake_complete(void);
void fake_fail(int code);
/* Files receives the request for a listing, and passes a pipe. Returns the
 * other end; fake_listed() closes it, and reports the listing's outcome. */
int fake_list(void);
void fake_listed(int pipe, enum outcome outcome);

/* Master ends the session. */
void fake_kick(enum ending why);

/* A transfer of /x, after 150 and handshake: the file that files has passed,
 * and the client's end of the data connection. */
struct fake_transfer {
    FILE *file;
    bool fleeting; /* nothing of an upload is kept if it is cut */
    int data;
    struct tls_client *tls;
};
extern struct fake_transfer transfer;
void fake_upload(void);
void fake_begin_upload(void); /* to 150 */
/* Begins the upload of LINE. Files passes the file, open for writing only, with
 * the other fields of ANSWER. */
void fake_begin_upload_of(const char *line, struct msg_file_writable answer);
/* The client sends TEXT and the orderly end of its upload. */
void fake_send(const char *text);
/* Expects the file to have this text. */
void fake_expect_file(const char *text);
/* Returns a file of SIZE zeros. */
FILE *fake_zeros(uint64_t size);
/* Waits until transfer.file has LENGTH bytes. */
void fake_await_length(off_t length);
/* Sends a line that reads a file: files passes SOURCE, and reports SIZE as its
 * length. */
void fake_read(const char *line, FILE *source, uint64_t size);
/* A download of SIZE zeros, or of SOURCE, of which files reports SIZE as its
 * length; the other functions do it in steps: RETR up to the 150, then the
 * handshake on T's data connection. */
void fake_download(uint64_t size);
void fake_download_of(FILE *source, uint64_t size);
void fake_begin_download(uint64_t size);
void fake_secure_data(void);
/* Reads the rest of a download. Returns how it ends, and counts its bytes,
 * unless BYTES is NULL. */
long fake_drain(uint64_t *bytes);
/* Closes the test's own ends. */
void fake_release(void);

/* Makes the handshake there, with the session of the control connection. */
struct tls_client *fake_data_tls(int data);
/* Waits for the session's end. Returns its exit status. */
int fake_end(void);
/* The client closes in an orderly way: the session must end with STATUS. */
void fake_hang_up(int status);
/* Does the same with ENDING_CLOSED: no system call was refused. */
void fake_leave(void);
/* Does the same, then calls fake_release(). */
void fake_part(void);
/* A test in a session of anna, which she leaves at its end. */
#define LOGGED_IN .init = fake_open, LEAVES
#define LEAVES    .fini = fake_leave, .timeout = 60
/* The client closes its end of the control connection. */
void fake_drop(void);
/* Finds the next event of that kind among the waiting ones. Returns false if
 * there is none. Its texts are valid until the next call. */
bool fake_event(enum event event, struct event_record *r);
/* Waits for it, while log reads. */
void fake_await(enum event event, struct event_record *r);
/* Finds the next event of a transfer, which must have this result and the
 * beginning of its reason ("": none); and there must be no other one. */
void fake_expect_transfer(uint64_t result, const char *reason);
/* Expects the record to have this text. */
void fake_expect_text(const struct event_record *r, enum event_field field,
                      const char *text);
/* Fills log's socket: it takes no more before the test reads, and then the test
 * finds many events of the kind EVENT_CHILD. */
void fake_fill_log(void);
/* Fills gate's socket: the session can tell this gate nothing any more. */
void fake_fill_gate(void);
/* Returns the reason in the END event; call it after fake_end(). */
const char *fake_end_reason(void);

#endif
