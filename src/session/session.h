/* The insides of a session: one client, one struct, no globals. */
#ifndef SALLYPORT_SRC_SESSION_SESSION_H
#define SALLYPORT_SRC_SESSION_SESSION_H

#include <stdnoreturn.h>
#include <sys/types.h>
#include <time.h>

#include "sallyport/base/address.h"
#include "sallyport/base/buf.h"
#include "sallyport/base/loop.h"
#include "sallyport/base/random.h"
#include "sallyport/domain/choices.h"
#include "sallyport/domain/outcome.h"
#include "sallyport/event/event.h"
#include "sallyport/ftp/command.h"
#include "sallyport/ftp/line.h"
#include "sallyport/ftp/path.h"
#include "sallyport/ftp/proxy.h"
#include "sallyport/ftp/reply.h"
#include "sallyport/ftp/times.h"
#include "sallyport/ipc/channel.h"
#include "sallyport/ipc/sign.h"
#include "sallyport/session/session.h"
#include "sallyport/settings/settings.h"
#include "sallyport/tls/stream.h"

/* Longer than any real name: a name that is cut to this length is no name of a
 * user. */
#define USER_ARGUMENT_MAX 255

#define NOT_ANNOUNCED UINT64_MAX

struct session;

/* The states of a session, and what each of them allows.
 *
 * Three things happen at once, and each has one enum and one table (state.c):
 *
 * - The control connection: HEADER and ENTERING if a proxy brings it, PLAIN,
 *   SECURING, SECURED, then VERIFYING, GRANTED and LOGGED_IN; SITE PSWD leads
 *   back to VERIFYING. GONE and DECIDED
 *   still wait for files: a rename, or another change, can't be undone. In GONE
 *   the client is gone; it also waits for an upload whose client has said QUIT.
 *   In DECIDED the end is decided. CLOSING sends the last reply, our
 *   close_notify and FIN, and waits for the client's.
 * - The data connection: from PASV (ASKED without a listener, EXPECTED) or PORT
 *   (ACTIVE, CONNECTING) to CONNECTED. REFUSED: its transfer got a 5xx.
 * - The transfer: each of its steps (transfer.h) names one of these states.
 *
 * Facts stay beside the states: who the user is, whether the stream speaks TLS,
 * what files was asked last. */
enum control_state {
    CONTROL_HEADER,    /* the PROXY header is read */
    CONTROL_ENTERING,  /* gate decides about the client that the header names */
    CONTROL_PLAIN,     /* plain text: AUTH is all that leads on */
    CONTROL_SECURING,  /* the TLS handshake runs */
    CONTROL_SECURED,   /* TLS is up, nobody is logged in */
    CONTROL_VERIFYING, /* PASS or SITE PSWD was given, master decides */
    CONTROL_GRANTED,   /* accepted by master, without ticket keys yet */
    CONTROL_LOGGED_IN,
    CONTROL_QUITTING, /* QUIT was given, the transfer ends first */
    CONTROL_GONE,     /* the client is gone; a change, a commit, or an upload
                         that needs no client is finished first */
    CONTROL_DECIDED,  /* the end is decided, files still has to answer */
    CONTROL_CLOSING,  /* the last reply is on its way */
    CONTROL_STATES
};

enum data_state {
    DATA_CLOSED,
    DATA_ASKED,      /* gate is asked for a listener; PASV waits */
    DATA_ACTIVE,     /* PORT: the client awaits us, once there is a transfer */
    DATA_CONNECTING, /* gate connects to the client */
    DATA_EXPECTED,   /* the client knows the port */
    DATA_HEADER,     /* a proxy has connected: the PROXY header is read */
    DATA_CONNECTED,
    DATA_REFUSED, /* its transfer was refused, it serves no other */
    DATA_STATES
};

enum transfer_state {
    TRANSFER_NONE,
    TRANSFER_ASKED,      /* files is asked; no 1xx yet */
    TRANSFER_HASHING,    /* a checksum; there is no data connection */
    TRANSFER_CONNECTING, /* 150 is sent, the data connection is awaited */
    TRANSFER_HANDSHAKE,
    TRANSFER_FLOWING,
    TRANSFER_FLUSHING,   /* the stream has all bytes, the client not yet */
    TRANSFER_SUMMING,    /* upload: all came; its checksum is completed */
    TRANSFER_RECEIVED,   /* upload: files still answers an earlier request;
                            then it is asked to sync */
    TRANSFER_PREPARING,  /* upload: files was asked to sync all of it */
    TRANSFER_COMMITTING, /* upload: files was asked to make it visible */
    TRANSFER_CLOSING,    /* its reply is decided: log and files still work */
    TRANSFER_STATES
};

struct control_row {
    bool lines;  /* the client's lines are read */
    bool user;   /* commands of a logged-in user are served */
    bool verify; /* an answer to PASS is awaited */
    bool gone;   /* no client reads replies any more */
    bool closes; /* the last reply is sent or on its way */
};

struct data_row {
    bool serves;  /* a transfer may begin: the client comes, or is here */
    bool pending; /* PASV isn't answered: no other line is read */
    bool gate;    /* it needs gate */
    bool expects; /* the client is to come to the session's listener */
    bool socket;  /* there is a socket of the client's, which lingers */
};

/* What it takes that a transfer continues when the client goes away. */
enum transfer_stays {
    STAYS_NEVER,
    /* An upload, and the client has said QUIT, or may go without it: upload_eof
     * = lenient. */
    STAYS_AFTER_QUIT,
    STAYS_ALWAYS
};

enum transfer_clock {
    CLOCK_NONE,
    CLOCK_CONNECT,
    CLOCK_HASH,
    CLOCK_STALL,
    CLOCK_SUM
};

struct transfer_row {
    bool lines;     /* the client's lines are read, whatever files is asked */
    bool abortable; /* ABOR ends it; else ABOR waits for the end */
    bool decided;   /* its end is decided: no other event of it is sent */
    bool whole;     /* of an upload: all its bytes are here */
    enum transfer_stays stays;
    enum transfer_clock clock; /* which time-out holds */
};

/* A command as its handler gets it: checked by its row, with its path resolved.
 */
struct call {
    const struct command *command;
    struct slice argument;
    struct path path;
};

typedef void answer_fn(struct session *s, struct message *m);

/* The control connection. */
struct control {
    int fd;
    struct stream *stream;
    struct loop_watch watch;
    struct line_reader lines;
    struct buf out;
    struct buf held; /* whole lines that wait for a transfer, each with \n */
    enum control_state state;
    enum reply last;   /* CONTROL_DECIDED: the reply at the end */
    const char *cause; /* CONTROL_GONE: how the client went */
    bool first_line_seen, first_byte_seen;
    struct loop_timer idle, closed;
};

struct login {
    char name[USER_ARGUMENT_MAX + 1]; /* as given by USER; "": none */
    char user[USER_ARGUMENT_MAX + 1]; /* who is logged in; "": nobody */
    struct secret password; /* between PASS or SITE PSWD and the auth worker */
    struct secret wanted;   /* the new password of SITE PSWD */
    bool must_change;       /* the password, before anything else */
    uint32_t request;       /* to master; 0: none */
    bool keyed;             /* gate has sent the ticket keys */
    uint64_t tries;
    unsigned unknown; /* unknown commands before login */
    /* Files decides. The session refuses what the user may do nowhere, and
     * names the rights that may be lacking. */
    unsigned rights, everywhere;
    enum upload_eof upload_eof;
    enum data_binding binding;
    uint64_t max_file_size;   /* bytes; 0: no limit */
    bool counted, paced;      /* gate permits transfers, and gives out bytes */
    uint64_t version;         /* of the user's row */
    struct loop_timer timer;  /* until login */
    struct loop_timer watch;  /* from then on */
    struct loop_timer answer; /* for the ticket keys */
};

/* The one request that files is answering. */
struct ask {
    enum message_kind message; /* MSG_NONE: none */
    uint32_t request;
    answer_fn *then;
    struct loop_timer timer;
    enum message_kind asked; /* the last request, answered or not */
    enum facts_for purpose;  /* of MSG_facts */
    char lacking[COMMAND_LACKS_MAX];
};

struct data {
    enum data_state state;
    int fd;
    struct stream *stream;
    struct loop_watch watch;
    struct address target; /* where gate connects to the client */
    struct address via;    /* DATA_HEADER: the proxy */
    uint32_t request;
    enum verb verb; /* PASV or EPSV */
    struct loop_timer timer;
};

/* The listener of data connections, which gate has lent. */
struct data_port {
    int fd; /* -1: none */
    struct loop_watch watch;
    struct loop_timer timer; /* until it is closed */
    struct address address;  /* where the client connects */
    struct address bound;    /* where it listens; for the log */
    bool proxied;            /* a PROXY header begins each connection */
    uint64_t quiet;          /* no event of a stranger before this time */
    uint64_t silenced;       /* so many strangers since the last event */
};

/* A data connection that is over (end.c): our end is shut, and the client's
 * is awaited. */
struct goodbye {
    struct session *session;
    int fd; /* -1: none */
    struct loop_watch watch;
    struct loop_timer timer;
};
#define GOODBYES 4

/* What is done to the bytes of a transfer, as a set. */
enum conversion {
    CONVERT_ASCII = 1,  /* TYPE A: line ends */
    CONVERT_DEFLATE = 2 /* MODE Z */
};

/* The conversions of a transfer (flow.c). */
struct flow {
    struct z_stream_s *zlib; /* MODE Z, or NULL */
    /* To the client: converted bytes, of which those from AT to END wait. From
     * it: compressed ones. */
    unsigned char *bytes;
    size_t at, end;
    bool cr;     /* to the client: the last byte was a CR; from it: a CR is held
                    back */
    bool ended;  /* the end mark of MODE Z is made, or has come */
    bool closed; /* from the client: the connection has ended in order */
    const char *fault; /* why the client's bytes can't be converted */
};

/* A transfer is a snapshot: later commands don't change it. */
#define SUM_TEXT_MAX 65 /* SHA-256 in hexadecimal, and a NUL */

struct transfer {
    enum transfer_state state;
    const struct step *step;
    const struct call *call; /* while its first step runs */
    struct message *answer;  /* files' answer, while a step takes it */
    enum verb verb;
    struct path path;
    int source; /* file or pipe, or the partial that is written */
    struct loop_watch pipe;
    uint64_t offset; /* next byte of the file */
    uint64_t start;
    uint64_t size;      /* of a file to send, when it was opened */
    uint64_t promised;  /* the bytes that the 150 names; UINT64_MAX: none */
    uint64_t limit;     /* of a file to store, or where a range ends; 0: none */
    uint64_t announced; /* by ALLO, to be stored; 0: nothing was */
    bool exact;         /* the client's number of bytes is the file's */
    bool bare;          /* it ended with a FIN and no close_notify */
    uint64_t bytes;     /* moved, of the file or the listing */
    uint64_t to_copy;   /* upload: bytes of its head that files must copy */
    uint64_t unsynced;  /* written by both since the last `file_sync` */
    uint64_t began;     /* clock_ms() */
    char *block; /* upload: received bytes; listing: read from the pipe */
    size_t block_at, block_len;
    unsigned conversions; /* enum conversion bits */
    struct flow flow;
    int full;     /* upload: ENOSPC or EDQUOT, since it wasn't written; or 0 */
    bool spoiled; /* upload: wrong or too many bytes, none of them is kept */
    char *map;    /* download: window on the file */
    size_t map_size;
    uint64_t map_at;
    struct digest *digest; /* checksum, and its name */
    const char *hash;
    uint64_t summed; /* how many bytes of an upload are in the digest */
    char sha256[SUM_TEXT_MAX];
    char held[24]; /* the id of an upload that waits for inspection, or "" */
    enum outcome listed; /* OUTCOME_COUNT: files hasn't listed all */
    uint64_t entries;
    char tls[64]; /* of the data connection, for the log */
    struct loop_timer stall, again;
    uint64_t lately;  /* bytes moved since the stall timer was set */
    uint64_t traffic; /* of the data stream at that time */
    size_t queued;    /* in the kernel, when it was last awaited */
};

enum permit { PERMIT_NONE, PERMIT_ASKED, PERMIT_REFUSED, PERMIT_GRANTED };

/* What gate permits (allowance.c). */
struct allowance {
    enum permit permit;      /* for the transfer */
    uint32_t permit_request; /* the question for it */
    enum account_kind of;    /* whose limit of transfers was reached */
    uint64_t most;           /* that limit */
    uint64_t left[2];        /* bytes that may be moved: uploads, downloads */
    uint32_t bytes_request;  /* the question for more; 0: none waits */
    size_t way;              /* of that question: index of left */
    uint64_t replaced;       /* earlier questions: gate may have answered */
    bool waits;              /* the transfer does, for bytes */
    bool ended;              /* gate must still hear of the transfer's end */
    struct loop_timer again; /* the channel was full */
};

enum verdict_state {
    VERDICT_NONE,
    VERDICT_HELD, /* until its event is in log's socket */
    VERDICT_OVER  /* the session ends: no reply is sent any more */
};

/* The reply at the end of a transfer, or to a change that was made. */
struct verdict {
    enum verdict_state state;
    enum reply reply, late;
    enum reply second; /* sent after it: ABOR's own; REPLY_COUNT: none */
    struct buf a, b;
    struct buf event; /* encoded */
    struct loop_timer timer;
};

/* The times that MFMT, MDTM or SITE UTIME sets. */
struct set_times {
    int form;         /* 0, or why the argument is no time and path */
    const char *verb; /* for the log */
    enum reply done;
    struct path path;
    time_t access, modify;
};

/* The command that is being dispatched, for the log of a refusal. */
struct dispatched_command {
    const struct command *command; /* the last one */
    bool has_path;                 /* its path is the session's subject */
    struct slice argument;         /* else, while it is dispatched */
};

#define CLIENT_NAME_MAX 64

/* After RNFR: what RNTO renames. */
enum rename_state { RENAME_NOTHING, RENAME_FILE, RENAME_DIRECTORY };

enum protection { PROTECTION_NONE, PROTECTION_PBSZ, PROTECTION_P };

struct session {
    const struct settings *settings;
    const struct session_deadlines *deadlines;
    struct tls_context *tls;
    uint64_t serial;
    struct address peer, local;
    struct address via;         /* the proxy; family 0: none */
    struct proxy_header header; /* of one connection at a time */
    uint64_t began;

    struct loop loop;
    struct channel master, gate, files;
    struct loop_watch master_watch, gate_watch, files_watch, log_watch;
    struct loop_timer gateless; /* until there is another gate */
    bool forsaken;              /* there is none: no further transfer */
    struct sign_channel signer;
    struct event_sender log;

    struct control control;
    struct login login;
    struct ask ask;
    struct data data;
    struct data_port port;
    struct goodbye goodbyes[GOODBYES];
    struct transfer transfer;
    struct allowance allowance;
    struct verdict verdict;
    bool finishes;   /* ends after the transfer under way */
    struct buf stat; /* the lines of STAT, as they come */
    bool stat_more;  /* than STAT_MAX bytes of them came */

    struct path cwd, rename_from;
    char stored[FTP_PATH_MAX + 1]; /* the last upload's name */
    struct path subject;           /* of the command that files is answering */
    struct dispatched_command dispatched;
    enum rename_state renames;
    struct set_times times;
    unsigned mode;                    /* of SITE CHMOD */
    struct mff mff;                   /* what MFF sets; no path */
    struct choices choices;           /* OPTS */
    char client[CLIENT_NAME_MAX + 1]; /* by CLNT or CSID, or "" */
    bool client_logged;               /* the log knows it */
    uint64_t rest;                    /* for the next RETR, STOR */
    uint64_t until;     /* RANG: the first byte that doesn't count; 0: all do */
    uint64_t announced; /* by ALLO, or NOT_ANNOUNCED */
    bool image;         /* TYPE I */
    bool ascii;         /* TYPE A, and it changes line ends */
    bool deflate;       /* MODE Z */
    int level;          /* and its level, 1 to 9 */
    uint64_t sized;     /* SIZE's last answer: ALLO takes these bytes as
                           already on the disk */
    bool implicit;      /* TLS begins before the greeting */
    enum protection protection; /* of data connections */
    bool only_epsv;             /* EPSV ALL */
    uint64_t total; /* bytes of all transfers, for the end's event */
    enum ending ending;
    char why[128]; /* what was noticed about the client, or "" */
};

/* session.c: the beginning. session_title() sets the title that ps shows.
 * session_welcome() begins the session once its client is known: greeting, or
 * TLS. */
void session_title(struct session *s);
void session_welcome(struct session *s);

/* state.c */

/* The rows of the states that the session is in. */
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
/* The same with two arguments, for a reply that needs no event: it refuses
 * nothing, or its event is already in the log. */
void control_reply_pair(struct session *s, enum reply r, struct slice a,
                        struct slice b);
/* 501, with the syntax of the command. */
void control_bad_argument(struct session *s, const char *syntax);
/* For replies of several lines: build into s->control.out, then call the second
 * function. False: the client gets no more replies. */
bool control_hears(const struct session *s);
void control_flush(struct session *s);
/* To be called after any event of the loop: takes the lines that have arrived
 * already. Otherwise they would wait for the next byte. */
void control_resume(struct session *s);
/* Looks at the next lines, after whatever delayed them. */
void control_continue(struct session *s);
/* Reads all that the client has sent, now: its lines have their effect, or are
 * held, and its end is seen. The transfer and the process may end. */
void control_look(struct session *s);
/* The client has said QUIT, perhaps in a line that waits. */
bool control_has_quit(const struct session *s);
/* AUTH: only TLS from the next byte on. */
void control_secure(struct session *s);
/* The TLS handshake is complete, also in the states of the end. */
bool control_is_secure(const struct session *s);
/* Waits on the socket for what the state needs. */
void control_watch(struct session *s);

/* dispatch.c: from a line to a handler, by the command's row */

enum dispatched { DISPATCH_DONE, DISPATCH_HOLD };

/* DISPATCH_HOLD: give the line again when the transfer is over. */
enum dispatched dispatch_line(struct session *s, struct slice line);
/* 550 with the names of the missing rights: enum right bits. */
void dispatch_refuse_right(struct session *s, unsigned lacking);

typedef void handler_fn(struct session *s, const struct call *call);
/* By verb; NULL only for verbs whose rows refuse them. */
extern handler_fn *const handlers[VERB_COUNT];

#define HANDLER(name, handler, ...) handler_fn cmd_##handler;
#define NONE(...)
COMMAND_LIST(HANDLER, NONE, NONE)
#undef HANDLER
#undef NONE

/* SIZE in TYPE A: as many bytes as RETR would send. */
handler_fn hash_size;
/* The sub-commands of SITE; the argument is what follows the name. */
#define SITE(name, handler, ...) handler_fn cmd_site_##handler;
SITE_LIST(SITE)
#undef SITE
extern handler_fn *const site_handlers[SITE_COUNT];

/* login.c: logging in, with master and an auth worker */

/* The ticket keys come from gate: a granted login ends with the first ones. */
int login_on_ticket_keys(void *owner, struct msg_ticket_keys *m);
/* The loop's callback for master's channel. */
void login_on_master(void *owner, uint32_t events);

/* proxied.c: connections through a proxy. A header before the client's first
 * byte has the client's address. */

/* Instead of a greeting: reads the header, then waits for gate's decision. */
void proxied_begin(struct session *s);
/* The control connection, in CONTROL_HEADER and CONTROL_ENTERING. */
void proxied_on_control(struct session *s, uint32_t events);
/* In CONTROL_ENTERING: asks gate, or another gate again. */
void proxied_ask(struct session *s);
int proxied_on_admitted(void *owner, struct msg_admitted *m); /* by master */
int proxied_on_not_admitted(void *owner,
                            struct msg_not_admitted *m); /* by gate */
/* A connection of the proxy PEER that may be the data connection; takes FD. It
 * is in DATA_HEADER until its header is read, and the next one waits. If it
 * belongs to another client, the right one is still expected. */
void proxied_on_data(struct session *s, int fd, const struct address *peer);
void proxied_on_data_header(struct session *s);
void proxied_on_data_late(struct session *s);

/* ask.c: the requests to files, one at a time, each with a deadline */

/* ASK(s, file_sync, then) asks files: each field of the list by its name. THEN
 * gets the answer: a message whose row answers this one, MSG_done or
 * MSG_refused. No other request may wait for its answer. */
#define ASK(session, name, then, ...)                                          \
    ask_files(session, MSG_##name,                                             \
              MESSAGE_BODY(name, ask_next(session), ##__VA_ARGS__), then)
void ask_files(struct session *s, enum message_kind kind, const void *body,
               answer_fn *then);
uint32_t ask_next(struct session *s);
/* The path of the next request: s->subject is set to it, too. */
struct slice ask_subject(struct session *s, const struct path *path);
/* Files was asked to change something, and hasn't answered. */
bool ask_is_change(const struct session *s);
/* The session ends before files has answered. If it was asked for a change, the
 * log gets an event without a result. */
void ask_unanswered(struct session *s);
/* THEN gets the next answer (the second one of a listing). */
void ask_again(struct session *s, answer_fn *then);
/* That answer has a deadline again. */
void ask_within(struct session *s, uint64_t ms);

/* The channel to files, once master has granted it. */
void ask_start(struct session *s, int fd);

/* The descriptor in an answer, which the caller owns. Ends the session if it
 * isn't of KIND (S_IFREG, S_IFIFO): a files process that sends a directory is
 * under an attacker's control. */
int ask_descriptor(struct session *s, int *fd, mode_t kind);

/* The reply to a refusal: 550, 552 and others. *cause is the reply's argument
 * and the log's reason; it lives until the next refusal. */
enum reply ask_refusal(struct session *s, const struct message *m,
                       const char **cause);
/* True: M is a refusal, and the client has its reply. */
bool ask_refused(struct session *s, struct message *m);
const char *ask_outcome_cause(enum outcome o);
/* For SIZE and MDTM, which are for files. False: the client has its reply, to
 * anything else and to a refusal. In cmd_times.c. */
bool times_facts_of_file(struct session *s, struct message *m);

/* report.c: what a session reports to the log */

struct change {
    const char *verb;
    struct slice path, to; /* to: empty, or the new name, time or mode */
};

void report_connect(struct session *s);
void report_login(struct session *s);
/* The client's name for itself, once, when a user is logged in. */
void report_client(struct session *s);
/* VERIFIED: the password was right, so the name is a user's. */
void report_login_failed(struct session *s, const char *reason, bool verified);
/* One event for each transfer. RESULT is the reply's code. */
void report_transfer(struct session *s, unsigned result, const char *reason);
/* The session ends in the midst of a transfer. */
void report_cut(struct session *s, const char *reason);
/* A change that has been made and has no reply of its own. */
void report_change(struct session *s, const struct change *c, unsigned result);
/* R goes to the client, with its first argument: an event, if R refuses the
 * command that is being dispatched because of a right, a limit or a setting. */
void report_refusal(struct session *s, enum reply r, struct slice argument);
void report_end(struct session *s, enum ending ending, const char *cause);
/* The handler of `look_at`: tells master what the session does now. */
int report_on_look_at(void *owner, struct msg_look_at *m);

/* The records of events that must be in the log before the client has its reply
 * (verdict.c). They point to their arguments' texts, which must live. */
void report_of_transfer(struct event_record *r, const struct session *s,
                        unsigned result, const char *reason,
                        struct slice stored_as);
void report_of_change(struct event_record *r, const struct session *s,
                      const struct change *c, unsigned result,
                      const char *reason);
/* A connection from WHOSE to the session's listener isn't its client's. At most
 * one event a second; report_strangers() reports the number of the others. */
void report_stranger(struct session *s, const struct address *whose,
                     const char *why);
void report_strangers(struct session *s);
/* PORT or EPRT that names another host, or a port below 1024. */
void report_of_foreign(struct event_record *r, const struct session *s,
                       const char *verb, const char *target);

/* verdict.c: the reply at the end of a transfer or change, and its event */

void verdict_init(struct session *s);
/* For a transfer. Replies as soon as the event is in log's socket;
 * transfer_run(WAITS_LOG) follows. A and B are the reply's arguments; B is also
 * where an upload was stored. If the event can't be sent in time, a reply of
 * success becomes a 451. All texts are copied. */
void verdict_give(struct session *s, enum reply r, struct slice a,
                  struct slice b, const char *reason);
/* The same for a change. M is the answer of files: the reply is DONE with its
 * arguments, or the refusal. No line of the client is read before. */
void verdict_of_change(struct session *s, const struct message *m,
                       const struct change *c, enum reply done, struct slice a,
                       struct slice b);
/* The same for anything else that fails: R, without arguments. */
void verdict_of(struct session *s, const struct event_record *e, enum reply r);
/* The next reply ends an aborted transfer: ABOR's own reply follows it. */
void verdict_of_abor(struct session *s);
/* Log may take more than before: tries again. */
void verdict_retry(struct session *s);
/* The session ends: the event that waits is put into the queue. */
void verdict_force(struct session *s);
/* It ends now: the same, and a change that files hasn't answered is logged. */
void verdict_end(struct session *s);

/* end.c: the ends of connections and of the process */

/* Ends the session in order, with LAST as the last reply. A transfer ends now,
 * with LAST as its final reply. If files is storing an upload or making a
 * change, its answer comes first, and LAST is sent without ARGUMENT. */
void control_end(struct session *s, enum ending ending, enum reply last,
                 struct slice argument);
/* The end is decided: there is no second one. */
bool control_ends(const struct session *s);
/* The end has begun, and the socket is ready. */
void control_on_closing(struct session *s);
/* A transfer or a change is over: an end that waited for it continues. */
void control_after_transfer(struct session *s);

void linger_init(struct session *s);
/* Everything for FD's client has been sent: shuts our end, and ignores for 2 s
 * what the client still sends. Takes FD. */
void linger_begin(struct session *s, int fd);
/* Reads and ignores a bounded part of what has come. False: the end has come.
 */
bool linger_drain(int fd);

/* The first byte or line is another protocol's: noted for the end's event. */
void why_foreign_byte(struct session *s, char byte);
void why_foreign_line(struct session *s, const char *protocol);
/* CAUSE, or what is known about a session that ended without one. */
const char *why_end(const struct session *s, enum ending ending,
                    const char *cause);

/* Ends the process at once: the event, and _exit(ending). CAUSE is for the log,
 * or "". */
noreturn void leave(struct session *s, enum ending ending, const char *cause);
/* PEER sent something wrong, or is gone. */
noreturn void leave_peer(struct session *s, enum process peer, int error,
                         const struct channel *c);

#endif
