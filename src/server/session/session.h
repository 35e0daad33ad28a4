/* Internal declarations of the session process. It serves one client, and keeps
 * all data in one struct, without globals. */
#ifndef SALLYPORT_SRC_SESSION_SESSION_H
#define SALLYPORT_SRC_SESSION_SESSION_H

#include <stdnoreturn.h>
#include <sys/types.h>

#include "sallyport/event/event.h"
#include "sallyport/ftp/proxy.h"
#include "sallyport/ftp/times.h"
#include "sallyport/ipc/sign.h"
#include "sallyport/session/session.h"
#include "sallyport/settings/settings.h"
#include "state.h"

#define MODE_Z_LEVEL 6 /* the level until the client chooses another */

struct session {
    const struct settings *settings;
    const struct session_deadlines *deadlines;
    struct tls_context *tls;
    uint64_t serial;
    struct address peer, local;
    struct address via;         /* the proxy's address; family 0: no proxy */
    struct proxy_header header; /* the last PROXY header that was read */
    uint64_t began;

    struct loop loop;
    struct channel master, gate, files;
    struct loop_watch master_watch, gate_watch, files_watch, log_watch;
    struct loop_timer gateless; /* ends the wait for a new gate */
    bool no_new_gate; /* no new gate has come: no further transfer begins */
    struct sign_channel signer;
    struct event_sender log;
    struct loop_timer log_time; /* while the socket to log is full */

    struct login login;
    struct ask ask;
    struct data data;
    struct data_port port;
    struct lingering lingering[LINGERING_MAX];
    struct rate rate;
    bool over;                /* the process ends: no more replies are sent */
    unsigned told;            /* leave(): the code of its reply; or 0 */
    bool ends_after_transfer; /* ends, drained, after the transfer under way */
    struct buf stat;          /* the lines for the reply to STAT, so far */
    bool stat_more;           /* STAT has more than STAT_MAX bytes of lines */

    struct dispatched_command dispatched;
    enum rename_state renames;
    unsigned mode;                    /* the mode that SITE CHMOD sets */
    time_t modify;                    /* the time that MFMT sets */
    struct choices choices;           /* choices by OPTS and by the settings */
    char client[CLIENT_NAME_MAX + 1]; /* name from CLNT or CSID, or "" */
    uint64_t first;                   /* offset for the next RETR or STOR, from
                                       * REST */
    uint64_t end;       /* RANG: the first byte after the range; 0: no end */
    uint64_t announced; /* bytes announced by ALLO, or NOT_ANNOUNCED */
    bool image;         /* TYPE I or TYPE L 8 */
    bool ascii;         /* TYPE A, with conversion of line ends */
    bool deflate;       /* MODE Z */
    int level;          /* compression level of MODE Z, 1 to 9 */
    uint64_t sized;     /* the length in the last reply to SIZE or SITE PARTIAL:
                           ALLO counts these bytes as already on the disk */
    bool implicit;      /* TLS begins before the greeting */
    bool drain_announced; /* the server is drained: a health check gets 421 */
    enum protection protection; /* protection of data connections */
    bool only_epsv;             /* the client has sent EPSV ALL */
    /* clock_ms() when the ticket for the next transfer was made; 0: there is no
     * such ticket, or it is used. */
    uint64_t next_ticket;
    uint64_t total; /* bytes of all transfers, for the session's last event */
    enum ending ending;
    char why[128]; /* a remark about the client for the log, or "" */

    /* The members below are last, since each has room for a line or a path: an
     * idle session has written to few of their pages. The parts of transfer and
     * control that an idle session writes to lie in one page. */
    struct path cwd;
    struct transfer transfer;
    struct control_connection control;
    struct path rename_from;
    struct path subject; /* path of the command that is being dispatched, or
                            that waits for files */
    char stored[FTP_PATH_MAX + 1]; /* path of the last stored upload, or "" */
    uint64_t needs_size; /* hash of the path of the last upload that was refused
                            until SIZE; 0: SIZE came since */
    struct path wanted;  /* path that the client named for this upload */
    bool was_lost;       /* a CWD to a missing directory was logged */
};

/* session.c: the beginning of a session. session_title() sets the title that ps
 * shows. session_welcome() sends the greeting, or begins TLS, once the client
 * is known. */
void session_title(struct session *s);
void session_welcome(struct session *s);

/* state.c */

/* Return the rows of the session's present states. */
const struct control_row *state_of_control(const struct session *s);
const struct data_row *state_of_data(const struct session *s);
const struct transfer_row *state_of_transfer(const struct session *s);

/* control.c: the control connection, its lines and replies */

#define NOTHING ((struct slice){ "", 0 })

void control_start(struct session *s, int fd);
/* Queues one reply, and sends as much as possible. */
void control_reply(struct session *s, enum reply r);
void control_reply_with(struct session *s, enum reply r, struct slice argument);
void control_reply_number(struct session *s, enum reply r, uint64_t n);
/* Does the same with two arguments, but logs no refusal. Call it only if the
 * reply isn't a refusal, or if its event is already in the log. */
void control_reply_pair(struct session *s, enum reply r, struct slice a,
                        struct slice b);
/* Replies 501, with the syntax of the command. */
void control_bad_argument(struct session *s, const char *syntax);
/* Does the client still get replies? */
bool control_replies(const struct session *s);
/* Sends a reply of several lines that was built in s->control.out. */
void control_flush(struct session *s);
/* Executes or holds the lines that have already arrived; otherwise they would
 * wait for the next byte. Call it after each event of the loop. */
void control_after_event(struct session *s);
/* Reads now what the client has sent, executes or holds its lines, and notices
 * if the client has closed the connection. This can end the transfer or the
 * process. */
void control_look(struct session *s);
/* Has the client sent QUIT, perhaps in a line that waits? */
bool control_has_quit(const struct session *s);
/* Begins TLS: from the next byte on the session reads only TLS. */
void control_secure(struct session *s);
/* Is the TLS handshake complete? The answer is right also in the states of the
 * end. */
bool control_is_secure(const struct session *s);
/* Watches the socket for the events that the state needs. */
void control_watch(struct session *s);

/* dispatch.c: finds the handler of a line by the command's row */

/* Executes a line. Returns false if the line must wait; the caller then passes
 * it again when the transfer is over. */
bool dispatch_line(struct session *s, struct slice line);

typedef void handler_fn(struct session *s, const struct call *call);
/* Indexed by verb. NULL only if the verb's row always refuses the command. */
extern handler_fn *const handlers[VERB_COUNT];

#define HANDLER(name, handler, ...) handler_fn cmd_##handler;
#define NONE(...)
COMMAND_LIST(HANDLER, NONE, NONE)
#undef HANDLER
#undef NONE

/* The sub-commands of SITE. The argument is the text after the sub-command's
 * name. */
#define SITE(name, handler, ...) handler_fn cmd_site_##handler;
SITE_LIST(SITE)
#undef SITE
extern handler_fn *const site_handlers[SITE_COUNT];

/* peer_master.c: the loop's callback for master's channel */
void master_on_channel(void *owner, uint32_t events);

/* login.c: logging in, with master and an auth worker */

/* The handlers of master's answers. */
int login_on_channel(void *owner, struct msg_login_channel *m);
int login_on_granted(void *owner, struct msg_granted *m);
int login_on_denied(void *owner, struct msg_denied *m);
int login_on_password_is(void *owner, struct msg_password_is *m);
/* The handler of gate's ticket keys. A granted login is complete when gate has
 * sent the first keys. */
int login_on_ticket_keys(void *owner, struct msg_ticket_keys *m);

/* proxied.c: connections through a proxy, which sends a header with the
 * client's address before the client's first byte. */

/* Called for events of the control connection in CONTROL_HEADER and
 * CONTROL_ENTERING: reads the header, then waits for gate's decision. */
void proxied_on_control(struct session *s, uint32_t events);
/* Asks gate, in CONTROL_ENTERING, whether the client may enter. Called again if
 * a new gate comes. */
void proxied_ask(struct session *s);
/* The handler of `admitted`, which master sends. */
int proxied_on_admitted(void *owner, struct msg_admitted *m);
/* The handler of `not_admitted`, which gate sends. */
int proxied_on_not_admitted(void *owner, struct msg_not_admitted *m);
/* Takes FD, a connection of the proxy PEER that may be the data connection. The
 * state is DATA_HEADER until the header of FD is read; the next connection
 * waits meanwhile. If FD belongs to another client, the session goes on waiting
 * for its own client. */
void proxied_on_data(struct session *s, int fd, const struct address *peer);
void proxied_on_data_header(struct session *s);
/* Closes the connection in DATA_HEADER. WHY is for the log; NULL: a health
 * check, which isn't logged. WHOSE is the address of the closed connection: the
 * client's or, if unknown, the proxy's. */
void proxied_turn_away(struct session *s, const struct address *whose,
                       const char *why);
#define NO_PROXY_HEADER "no PROXY header in order"

/* peer_files.c: the requests to files, one at a time, each with a deadline */

/* ASK(s, file_sync, then, .field = value) sends a request to files. THEN is
 * called with the answer: MSG_done, MSG_refused, or the message that only this
 * request has as its answer. Call it only while no other request waits for its
 * answer. */
#define ASK(session, name, then, ...)                                          \
    ask_files(                                                                 \
        session, MSG_##name,                                                   \
        MESSAGE_BODY(name, channel_next(&(session)->files), ##__VA_ARGS__),    \
        then)
void ask_files(struct session *s, enum message_kind kind, const void *body,
               answer_fn *then);
/* Asks files for the facts of the session's subject. */
void ask_facts(struct session *s, enum facts_for purpose, answer_fn *then);
/* Is files making a change that it hasn't answered? */
bool ask_is_change(const struct session *s);

/* Takes the channel to files, once master has granted it. */
void ask_start(struct session *s, int fd);

/* Takes the descriptor out of an answer; the caller then owns it. Ends the
 * session if the descriptor isn't of KIND (S_IFREG, S_IFIFO): a files process
 * that sends a directory is under an attacker's control. */
int ask_descriptor(struct session *s, int *fd, mode_t kind);

/* Returns the reply for the refusal M: 550, 552 and others. Sets *cause to the
 * reply's argument, which is also the reason in the log; the text lives until
 * the next refusal. */
enum reply ask_refusal(struct session *s, const struct message *m,
                       const char **cause);
/* Is M a refusal? If so, sends its reply to the client. */
bool ask_refused(struct session *s, struct message *m);
const char *ask_outcome_cause(enum outcome o);

/* report.c: the session's reports to the log */

struct change {
    const char *verb;
    struct slice path, to; /* to: the new name, time or mode, or empty */
};

void report_connect(struct session *s);
void report_login(struct session *s);
/* Reports the name of the client program, if this name and the user are known.
 * Call it when either has become known. */
void report_client(struct session *s);
/* VERIFIED: the password was right, so the name is a user's. */
void report_login_failed(struct session *s, const char *reason, bool verified);
/* Reports the end of a transfer. RESULT is the code of its reply. */
void report_transfer(struct session *s, unsigned result, const char *reason);
/* Reports the transfer that is under way, if the end of the session cuts it. */
void report_cut(struct session *s, const char *reason);
/* Reports a refused command, with the reply R and R's first ARGUMENT. Does
 * nothing unless R refuses the command for a right, a limit or a setting. */
void report_refusal(struct session *s, enum reply r, struct slice argument);
void report_end(struct session *s, enum ending ending, const char *cause);
/* The handler of `look_at`: tells master what the session does now. */
int report_on_look_at(void *owner, struct msg_look_at *m);

/* Fill in the record R of an event that must be in the log before the client
 * has its reply (final_reply.c). R points to the texts of the arguments, which
 * must live as long as R. */
void report_of_transfer(struct event_record *r, const struct session *s,
                        unsigned result, const char *reason,
                        struct slice stored_as);
void report_of_change(struct event_record *r, const struct session *s,
                      const struct change *c, unsigned result,
                      const char *reason);
/* Reports an unexpected connection to the session's listener, from the address
 * WHOSE. Logs at most one event a second, with the number of connections that
 * had no event. WHOSE NULL: reports only this number, if it isn't 0. */
void report_stranger(struct session *s, const struct address *whose,
                     const char *why);

/* final_reply.c: the reply at the end of a transfer or change, and its event */

/* Sends the transfer's event to log, and then the reply. A and B are the
 * reply's arguments; B is also the name under which an upload was stored. */
void final_of_transfer(struct session *s, enum reply r, struct slice a,
                       struct slice b, const char *reason);
/* Does the same for a change. M is the answer of files. The reply is DONE, with
 * A and the path as its arguments; or, if M is a refusal, the refusal's
 * reply. */
void final_of_change(struct session *s, const struct message *m,
                     const struct change *c, enum reply done, struct slice a);

/* end.c: the ends of connections and of the process */

/* Ends the session in order, with LAST as the last reply. A transfer that is
 * under way ends now, with LAST as its final reply. But if files is storing an
 * upload or making a change, waits for the answer of files first, and then
 * sends LAST. So ARGUMENT must last as long as the process. */
void control_end(struct session *s, enum ending ending, enum reply last,
                 struct slice argument);
/* Is the end decided? Then another control_end() has no effect. */
bool control_ends(const struct session *s);
/* Checks an answer from the channel FROM. Returns 1: the answer was EXPECTED;
 * 0: ignore the answer, since the session ends; -EPROTO: the answer was not
 * expected. */
int control_expects(const struct session *s, struct channel *from,
                    bool expected);
/* Called in CONTROL_CLOSING when the control connection's socket is ready. */
void control_on_closing(struct session *s);
/* Call it when a transfer or a change is over. Ends the session, if its end has
 * waited for the transfer or change. */
void control_after_transfer(struct session *s);

/* Takes FD, on which everything has been sent. Shuts our end, and ignores for 2
 * s what the client still sends. */
void linger_begin(struct session *s, int fd);
/* Reads and ignores a bounded part of what has come. Returns false if the
 * client has closed its end. */
bool linger_read(int fd);

/* Ends the session because the client speaks another protocol. FIRST is the
 * client's first byte or line. The event of the end contains this byte, or the
 * line's first word. */
void control_end_not_ftp(struct session *s, struct slice first);

/* Ends the process at once: sends the event, and calls _exit(ending). CAUSE is
 * for the log, or "". */
noreturn void leave(struct session *s, enum ending ending, const char *cause);
/* Ends the process because the peer of C has sent something wrong, doesn't
 * read, or has gone. ERROR is the result of the call on C. */
noreturn void leave_peer(struct session *s, int error, const struct channel *c);

#endif
