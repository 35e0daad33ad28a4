/* A real session process between fake peers. The test plays its client, master,
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
#include "support/cast.h"
#include "support/test.h"
#include "support/tls_client.h"

struct fake {
    struct settings settings;
    struct ticket_keys tickets; /* the session gets them at its login */
    struct channel master, gate, files, log;
    int to_log; /* the session's end of log */
    int control;
    struct tls_client *tls;
    pid_t pid;
    bool lent;            /* the session has a listener */
    uint16_t port;        /* the listener's, in network order */
    char reply[8192];     /* the last line of the last reply */
    char lines[96 << 10]; /* all lines of the last reply */

    /* The rest applies to later sessions. */
    const struct session_deadlines *deadlines; /* NULL: the server's own */
    bool proxied;               /* clients come through the proxy 127.0.0.1 */
    bool right;                 /* for fake_deny(): the password was right */
    struct msg_granted granted; /* master's answer to a login; at first all
                                   rights for anna, and 0 in the other fields */
};
extern struct fake fake;
/* The last event that a test has found. */
extern struct event_record logged;

/* Changes the setting KEY for later sessions. VALUE is the number; 1: yes, 0:
 * no */
void fake_settings(const char *key, uint64_t value);
/* Returns the CPU time, in ms, that the session has used. */
unsigned long fake_cpu_ms(void);
/* Waits MS milliseconds. The session must use less than 50 ms of CPU time. */
void fake_expect_asleep(int ms);
/* Returns true if nothing can be read from FD for MS milliseconds. */
bool fake_is_quiet(int fd, int ms);

/* Forks the session. The test must still read the greeting. */
void fake_start(void);
/* Sends AUTH TLS and makes the handshake. */
void fake_secure(void);
/* Calls fake_secure(), and sends USER and PASS. Master receives the request for
 * a login. */
void fake_ask_login(const char *user);
/* Master answers with a denial. */
void fake_deny(enum denial why);
/* Master answers the request `heard` with a channel to auth. The session must
 * send anna's name, PASSWORD and the new password WANTED there. */
void fake_hear_credentials(const char *password, const char *wanted);
/* Plays a login of anna, which master grants. The test must still read the
 * 230. */
void fake_grant(void);
/* Gate sends the keys fake.tickets. */
void fake_tell_keys(void);
/* Calls fake_grant() and fake_tell_keys(), and reads the 230. */
void fake_login(void);
/* Calls fake_start() and fake_login(). */
void fake_open(void);

/* Sends a line to the session; its CRLF is added. */
void fake_say(const char *line);
/* Reads the next reply into fake.reply and fake.lines. Returns its code; 0: the
 * session has closed */
int fake_reply(void);
/* Sends a line. The reply must have CODE. */
void fake_do(const char *line, int code);
/* FAKE_DO("CWD d", 250, directory_enter, done): sends a line. Files receives
 * the request, and answers it. The reply must have CODE. */
#define FAKE_DO(line, code, request, answer, ...)                              \
    (fake_say(line),                                                           \
     SERVE(&fake.files, request, answer __VA_OPT__(, ) __VA_ARGS__),           \
     fake_replies(code, ""))
/* Does the same, but files refuses. */
void fake_do_refused(const char *line, enum message_kind request,
                     enum outcome outcome, int code);
/* Reads the next reply, which must have CODE and WORDS. */
void fake_replies(int code, const char *words);
/* Sends ABOR in a transfer, and reads both replies. */
void fake_abort(void);

/* Plays the end of gate and a new gate: fake.gate is the new gate's end. Master
 * has sent the new channel to the session when this returns. */
void fake_regate(void);
/* Gate receives the request for a listener, and lends one. PASV announces the
 * address TOLD. BY_PROXY: connections come through a proxy */
void fake_lend(const char *told, bool by_proxy);
/* Sends PASV or EPSV. The reply must have CODE. Gate lends a listener if the
 * session has none. */
void fake_expect(const char *line, int code);
/* Connect to the session's listener from 127.0.0.1, as its client does, or from
 * HOST, which is in 127.0.0.0/8. Return the client's end. */
int fake_come(void);
int fake_come_from(const char *host);
/* Waits until the session closes its end, without having sent a byte. Closes
 * FD. */
void fake_expect_closed(int fd);
/* Send PBSZ, PROT P and PASV. fake_data() also connects, and returns the
 * client's end. */
void fake_port(void);
int fake_data(void);
/* Files receives REQUEST, and refuses. */
void fake_refuse(enum message_kind request, enum outcome outcome);
/* Files receives the request to commit. If a file_prepare comes before it,
 * files answers that. */
struct msg_file_commit *fake_commits(void);
/* Files receives the request to commit, and stores the upload as PATH. Returns
 * the upload's length. */
uint64_t fake_stored(const char *path);
/* Files receives the request to abort, and answers it. Returns true if the
 * session reports that the partial is worthless. */
bool fake_given_up(void);
/* fake_complete() calls fake_stored() for /x, and the client must get 226.
 * fake_fail() calls fake_given_up(), and the client must get CODE. */
void fake_complete(void);
void fake_fail(int code);
/* Files receives the request for a listing, and passes a pipe. Returns the
 * pipe's other end. fake_listed() closes this end, and reports the listing's
 * outcome. */
int fake_list(void);
void fake_listed(int pipe, enum outcome outcome);

/* Master ends the session. */
void fake_kick(enum ending why);

/* A transfer of /x after its 150 and its handshake: the file that files has
 * passed, and the client's end of the data connection. */
struct fake_transfer {
    FILE *file;
    bool fleeting; /* files keeps nothing of an upload that is cut */
    int data;
    struct tls_client *tls;
};
extern struct fake_transfer transfer;
void fake_upload(void);
void fake_begin_upload(void); /* up to the 150 */
/* Sends LINE, which begins an upload, and reads the 150. Files passes a file,
 * open for writing only, and the other fields of ANSWER. */
void fake_begin_upload_of(const char *line, struct msg_file_writable answer);
/* The client sends TEXT and the orderly end of its upload. */
void fake_send(const char *text);
/* Expects TEXT as the whole content of transfer.file. */
void fake_expect_file(const char *text);
/* Returns a file of SIZE zeros. */
FILE *fake_zeros(uint64_t size);
/* Wait until transfer.file has LENGTH bytes, or at least so many. */
void fake_await_length(off_t length);
void fake_await_least(off_t length);
/* Sends a line that makes the session read a file. Files passes SOURCE, and
 * reports SIZE as the length of SOURCE. */
void fake_read(const char *line, FILE *source, uint64_t size);
/* Begin a download of SIZE zeros, or of SOURCE, and make the handshake of its
 * data connection. Files reports SIZE as the length of SOURCE. A test can do
 * both steps itself: fake_begin_download() reads up to the 150, and
 * fake_secure_data() makes the handshake on transfer.data. */
void fake_download(uint64_t size);
void fake_download_of(FILE *source, uint64_t size);
void fake_begin_download(uint64_t size);
void fake_secure_data(void);
/* Reads the rest of a download, and adds its length to *BYTES, unless BYTES is
 * NULL. Returns the last result of tls_client_read(). */
long fake_drain(uint64_t *bytes);
/* Closes the test's ends of the transfer. */
void fake_release(void);

/* Makes the handshake on DATA, and resumes the newest TLS session of the
 * control connection. Returns NULL if the handshake fails. */
struct tls_client *fake_data_tls(int data);
/* Waits for the session's end. Returns its exit status. */
int fake_end(void);
/* The client sends a FIN on the control connection. The session must exit with
 * STATUS. */
void fake_hang_up(int status);
/* Calls fake_hang_up(ENDING_CLOSED). The sandbox must not have refused any
 * system call. */
void fake_leave(void);
/* Calls fake_leave() and fake_release(). */
void fake_part(void);
/* The attributes of a test in a session of anna, who leaves at its end. */
#define LOGGED_IN .init = fake_open, LEAVES
#define LEAVES    .fini = fake_leave, .timeout = 60
/* The client closes its end of the control connection. */
void fake_drop(void);
/* Finds the next EVENT among the events that log hasn't read, and drops the
 * events before it. Returns false if there is no such event. The texts in *R
 * are valid until the next call. */
bool fake_event(enum event event, struct event_record *r);
/* Waits for the next EVENT, while log reads. */
void fake_await(enum event event, struct event_record *r);
/* Finds the next event of a transfer. It must have RESULT, and its reason must
 * begin with REASON ("": it has no reason). There must be no second event of a
 * transfer. */
void fake_expect_transfer(uint64_t result, const char *reason);
/* Expects that the record's FIELD is TEXT. */
void fake_expect_text(const struct event_record *r, enum event_field field,
                      const char *text);
/* Fills a quarter of log's socket with events of the kind EVENT_CHILD: after
 * its next event the session takes no command before the test reads them. */
void fake_fill_log(void);
/* Returns the reason in the END event; call it after fake_end(). */
const char *fake_end_reason(void);

#endif
