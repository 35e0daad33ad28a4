/* The states of a session (state.c), and the parts of its struct. */
#ifndef SALLYPORT_SRC_SESSION_STATE_H
#define SALLYPORT_SRC_SESSION_STATE_H

#include "sallyport/base/address.h"
#include "sallyport/base/buf.h"
#include "sallyport/base/loop.h"
#include "sallyport/base/random.h"
#include "sallyport/domain/choices.h"
#include "sallyport/domain/outcome.h"
#include "sallyport/ftp/command.h"
#include "sallyport/ftp/line.h"
#include "sallyport/ftp/path.h"
#include "sallyport/ftp/reply.h"
#include "sallyport/ipc/channel.h"
#include "sallyport/tls/stream.h"

/* The most bytes of a name that the session keeps. Each user's name is shorter,
 * so a name that was cut to this length is never a user's. */
#define USER_ARGUMENT_MAX 255

#define NOT_ANNOUNCED UINT64_MAX

struct session;

/* The states of a session, and what each state allows.
 *
 * Three things happen at once, and each has one enum and one table (state.c):
 *
 * - The control connection: HEADER and ENTERING if a proxy brings it, PLAIN,
 *   SECURING, SECURED, then VERIFYING, GRANTED and LOGGED_IN; SITE PSWD leads
 *   back to VERIFYING. In QUITTING the client has sent QUIT, and the transfer
 *   ends first. In GONE the client has gone. In DECIDED the session has decided
 *   to end. In GONE and DECIDED it still waits for files, since a rename or
 *   another change can't be undone; in GONE also for an upload that needs no
 *   client. In CLOSING the session sends the last reply, close_notify and FIN,
 *   and waits for the client's FIN.
 *
 * - The data connection: from PASV (ASKED without a listener, EXPECTED, HEADER
 *   if a proxy has connected) to CONNECTED. In REFUSED the session has refused
 *   the connection's transfer.
 *
 * - The transfer: each of its steps (transfer.h) names one of these states.
 *
 * The session keeps other facts beside the states: who the user is, whether the
 * stream speaks TLS, what it has asked files last. */
enum control_state {
    CONTROL_HEADER,    /* the PROXY header is read */
    CONTROL_ENTERING,  /* gate decides about the client that the header names */
    CONTROL_PLAIN,     /* plain text: only AUTH leads further */
    CONTROL_SECURING,  /* the TLS handshake runs */
    CONTROL_SECURED,   /* TLS is up, nobody is logged in */
    CONTROL_VERIFYING, /* PASS or SITE PSWD has come, master decides */
    CONTROL_GRANTED,   /* master has granted the login, the ticket keys are
                          missing */
    CONTROL_LOGGED_IN,
    CONTROL_QUITTING, /* the client has sent QUIT, the transfer ends first */
    CONTROL_GONE, /* the client has gone; a change, a commit, or an upload that
                     needs no client ends first */
    CONTROL_DECIDED, /* the end is decided, files still has to answer */
    CONTROL_CLOSING, /* the last reply is on its way */
    CONTROL_STATES
};

enum data_state {
    DATA_CLOSED,
    DATA_ASKED,    /* gate is asked for a listener; PASV waits */
    DATA_EXPECTED, /* the client knows the port */
    DATA_HEADER,   /* a proxy has connected: the PROXY header is read */
    DATA_CONNECTED,
    DATA_REFUSED, /* its transfer was refused; it serves no other transfer */
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
    TRANSFER_RECEIVED,   /* upload: files still answers an earlier request; then
                            it gets the request to sync */
    TRANSFER_PREPARING,  /* upload: files was asked to sync all of it */
    TRANSFER_COMMITTING, /* upload: files was asked to make it visible */
    TRANSFER_CLOSING,    /* its reply is decided: log and files still work */
    TRANSFER_STATES
};

struct control_row {
    bool lines;  /* the client's lines are read */
    bool user;   /* commands of a logged-in user are served */
    bool verify; /* the session waits for the answer to PASS or SITE PSWD */
    bool gone;   /* no client reads replies any more */
    bool closes; /* the last reply is sent or on its way */
};

struct data_row {
    bool serves;  /* a transfer may begin: the client has connected, or will */
    bool pending; /* PASV has no reply yet: no other line is read */
    bool expects; /* the client is expected at the session's listener */
    bool socket;  /* there is a socket to the client; data_release() lets it
                     linger */
};

/* The condition on which a transfer continues when the client goes away. */
enum transfer_stays {
    STAYS_NEVER,
    /* An upload continues if the client has sent QUIT, or if the user's
     * upload_eof is lenient. */
    STAYS_AFTER_QUIT,
    STAYS_ALWAYS
};

enum transfer_clock { CLOCK_NONE, CLOCK_CONNECT, CLOCK_HASH, CLOCK_STALL };

struct transfer_row {
    bool lines;     /* the client's lines are read, also while files works */
    bool abortable; /* ABOR ends it; otherwise ABOR waits for its end */
    bool decided;   /* the transfer's end is decided: the session sends no other
                       event for the transfer */
    bool whole;     /* upload: all bytes have come */
    enum transfer_stays stays;
    enum transfer_clock clock; /* the time-out that applies */
};

/* A command for its handler, after the checks of the command's row. If the
 * command takes a path, this path is the session's subject. */
struct call {
    const struct command *command;
    struct slice argument;
};

typedef void answer_fn(struct session *s, struct message *m);

/* The control connection. */
struct control_connection {
    int fd;
    struct stream *stream;
    struct loop_watch watch;
    struct buf out;
    struct buf held; /* whole lines that wait for a transfer, each with \n */
    enum control_state state;
    enum reply last;       /* CONTROL_DECIDED: the reply at the end, */
    struct slice argument; /* and its argument */
    const char *cause;     /* CONTROL_GONE: why the client has gone */
    bool first_line_seen, first_byte_seen;
    struct loop_timer idle, end_timer;
    struct line_reader lines;
};

struct login {
    char name[USER_ARGUMENT_MAX + 1]; /* name from USER; "": none */
    char user[USER_ARGUMENT_MAX + 1]; /* the logged-in user; "": nobody */
    struct secret password; /* kept from PASS or SITE PSWD until auth has it */
    struct secret wanted;   /* the new password of SITE PSWD */
    bool must_change;       /* the password must be changed before anything
                             * else */
    uint32_t request;       /* number of the request to master; 0: none */
    bool keyed;             /* gate has sent the ticket keys */
    uint64_t tries;
    unsigned unknown; /* unknown commands before login */
    /* RIGHTS: the rights that the user has somewhere in the tree; a drop counts
     * as all of them, since files has the words there. EVERYWHERE:
     * the rights that the user has in the whole tree. Files decides for each
     * path; the session refuses only a command whose rights are not in RIGHTS,
     * and names the rights that are not in EVERYWHERE. */
    unsigned rights, everywhere;
    enum upload_eof upload_eof;
    enum data_binding binding;
    uint64_t max_file_size;   /* bytes; 0: no limit */
    uint64_t up, down;        /* bytes per second of transfers; 0: no limit */
    uint64_t version;         /* version of the user's row */
    struct loop_timer timer;  /* deadline of the login */
    struct loop_timer watch;  /* heartbeats after the login */
    struct loop_timer answer; /* deadline of the ticket keys */
};

/* The request that files is answering; there is at most one. */
struct ask {
    enum message_kind message; /* MSG_NONE: no request */
    uint32_t request;
    answer_fn *then;
    struct loop_timer timer;
    enum message_kind asked; /* the last request, answered or not */
    enum facts_for purpose;  /* the purpose of MSG_facts */
    char lacking[COMMAND_LACKS_MAX];
};

/* If the client's connection isn't the first one with its address: how many
 * more are tried. */
#define TRIES_MAX 8

/* A data connection with a slow handshake, which waits for its next turn. */
struct slow {
    int fd;
    struct stream *stream; /* NULL: it had no turn yet */
};

struct data {
    enum data_state state;
    int fd;
    struct stream *stream;
    struct slow slow[TRIES_MAX + 1]; /* the first one has the next turn */
    unsigned slow_count;
    struct loop_watch watch;
    struct address via; /* in DATA_HEADER: the proxy's address */
    uint32_t request;
    enum verb verb; /* PASV or EPSV */
    struct loop_timer timer;
};

/* The listener of data connections, which gate has lent. */
struct data_port {
    int fd; /* -1: none */
    struct loop_watch watch;
    struct loop_timer timer; /* until the listener is closed */
    struct address address;  /* the address to which the client connects */
    struct address bound;    /* the listener's own address, for the log */
    bool proxied;            /* a PROXY header begins each connection */
    bool came; /* since the last EPSV: a connection of the client */
    bool used; /* since the last EPSV: a command for a data connection */
    struct address stranger; /* another host that has connected since the last
                              * EPSV; family 0: none */
    uint64_t strangers; /* limits the events about strangers, by debt_take() */
    uint64_t silenced;  /* strangers since the last event */
};

/* A data connection that is over (end.c): the session has shut its own end, and
 * waits for the client's end. */
struct lingering {
    struct session *session;
    int fd; /* -1: none */
    struct loop_watch watch;
    struct loop_timer timer;
};
#define LINGERING_MAX 4

/* The conversions of a transfer's bytes, as a set. */
enum conversion {
    CONVERT_ASCII = 1,  /* TYPE A: line ends */
    CONVERT_DEFLATE = 2 /* MODE Z */
};

/* The conversions of a transfer (flow.c). */
struct flow {
    struct z_stream_s *zlib; /* MODE Z, or NULL */
    /* To the client: converted bytes; the bytes from AT to END must still be
     * sent. From the client: compressed bytes. */
    unsigned char *bytes;
    size_t at, end;
    bool cr;     /* to the client: the last byte was a CR; from the client: a CR
                  * is held back */
    bool ended;  /* the end mark of MODE Z was made, or has come */
    bool closed; /* from the client: the connection has ended with
                  * close_notify */
    const char *fault; /* why the client's bytes can't be converted */
};

#define SUM_TEXT_MAX 65 /* SHA-256 in hexadecimal, and a NUL */

/* A transfer has copies of the session's choices, so later commands don't
 * change it. */
struct transfer {
    struct path path;
    enum transfer_state state;
    const struct step *step;
    const struct call *call; /* for the first steps only; then NULL */
    struct message *answer;  /* files' answer, while a step takes it */
    enum verb verb;
    int source; /* the file or pipe to read, or the partial to write */
    struct loop_watch pipe;
    uint64_t offset; /* next byte of the file */
    uint64_t start;
    uint64_t size;      /* end of the bytes to send: the file's, when it was
                           opened, or the range's */
    uint64_t file_size; /* of the file that is read, when it was opened */
    uint64_t promised;  /* the number of bytes in the 150; UINT64_MAX: the 150
                           has none */
    uint64_t end;       /* end of a file to store, or of a range; 0: none */
    bool by_bytes;      /* upload_bytes has set the limit */
    uint64_t announced; /* how many bytes ALLO announced; 0: no ALLO */
    bool unconverted;   /* TYPE I and no conversion: the client counts the same
                           bytes as the server */
    bool ended_by_fin;  /* the upload ended with a FIN without close_notify */
    bool aborted;       /* ABOR's own reply follows the reply of the transfer */
    uint64_t bytes;   /* how many bytes of the file or the listing have moved */
    uint64_t to_copy; /* upload: bytes at the file's beginning that files must
                         still copy */
    uint64_t unsynced; /* bytes that session and files have written since the
                          last `file_sync` */
    uint64_t began;    /* clock_ms() at the beginning */
    uint64_t connect_until; /* clock_ms() until which the client can connect,
                             * and prove that it is the user's */
    /* How many connections have failed to prove it, and why the last one has:
     * an enum transfer_failure, and its cause. */
    unsigned misses, missed;
    char missed_why[128];
    /* Upload: received bytes; listing: bytes from the pipe; download: bytes of
     * the file. */
    char *block;
    size_t block_at, block_len;
    unsigned conversions; /* enum conversion bits */
    struct flow flow;
    int full_error; /* upload: ENOSPC or EDQUOT of a write or close; or 0 */
    bool worthless; /* upload: has wrong, lost or too many bytes, so files
                       deletes the partial */
    struct digest *digest; /* checksum, and its name */
    const char *hash;
    char sha256[SUM_TEXT_MAX];
    char held[24]; /* the id of an upload that waits for inspection, or "" */
    enum outcome listed; /* OUTCOME_COUNT: files hasn't finished the listing */
    char tls[64];        /* TLS of the data connection, for the log */
    struct loop_timer stall, again;
    struct loop_timer silent; /* upload: no byte comes */
    bool rests; /* upload: the partial is closed, until bytes come again */
    uint64_t since_check; /* bytes moved since the stall timer was set */
    uint64_t traffic;     /* the data stream's traffic when the timer was set */
    size_t kernel_queued; /* stream_queued() when the last wait began */
};

/* The rate of the session's transfers (rate.c). */
struct rate {
    uint64_t paid;           /* clock_us() up to which bytes have moved */
    struct loop_timer timer; /* until the transfer may go on */
};

/* The last command that was dispatched, for the log of a refusal. */
struct dispatched_command {
    const struct command *command; /* NULL before the first command */
    bool has_path;                 /* its path is the session's subject */
    struct slice argument; /* without a path: the command's argument, until the
                              dispatch is over */
};

#define CLIENT_NAME_MAX 64

/* The kind of the entry that RNFR has named for RNTO. */
enum rename_state { RENAME_NOTHING, RENAME_FILE, RENAME_DIRECTORY };

enum protection { PROTECTION_NONE, PROTECTION_PBSZ, PROTECTION_P };

#endif
