/* The insides of a session: one client, one struct, no globals. */
#ifndef SALLYPORT_SRC_SESSION_SESSION_H
#define SALLYPORT_SRC_SESSION_SESSION_H

#include <time.h>

#include "sallyport/base/address.h"
#include "sallyport/base/buf.h"
#include "sallyport/base/loop.h"
#include "sallyport/base/secret.h"
#include "sallyport/domain/binding.h"
#include "sallyport/domain/outcome.h"
#include "sallyport/domain/upload_eof.h"
#include "sallyport/event/event.h"
#include "sallyport/ftp/command.h"
#include "sallyport/ftp/line.h"
#include "sallyport/ftp/mff.h"
#include "sallyport/ftp/path.h"
#include "sallyport/ftp/proxy.h"
#include "sallyport/ftp/reply.h"
#include "sallyport/ipc/channel.h"
#include "sallyport/ipc/sign.h"
#include "sallyport/session/session.h"
#include "sallyport/settings/settings.h"
#include "sallyport/tls/stream.h"
#include "state.h"

/* Longer than any real name: a name that is cut to this length is no name of a
 * user. */
#define USER_ARGUMENT_MAX 255

#define NOT_ANNOUNCED UINT64_MAX

struct binding_refusal;
struct session;

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
    struct secret password;           /* between PASS and the auth worker */
    uint32_t request;                 /* to master; 0: none */
    bool keyed;                       /* gate has sent the ticket keys */
    uint64_t tries;
    unsigned unknown; /* unknown commands before login */
    unsigned rights;
    enum upload_eof upload_eof;
    enum data_binding binding;
    uint64_t version;         /* of the user's row */
    struct loop_timer timer;  /* until login */
    struct loop_timer alive;  /* from then on */
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
    struct address
        target;         /* where the client connects, or gate to the client */
    struct address via; /* the proxy; or the peer in DATA_DOUBTED */
    uint32_t request;
    enum verb verb; /* PASV or EPSV */
    struct loop_timer timer;
    uint64_t second; /* since when ports are counted */
    unsigned ports;
};

/* A data connection that is over (linger.c): our end is shut, and the client's
 * is awaited. */
struct goodbye {
    struct session *session;
    int fd; /* -1: none */
    struct loop_watch watch;
    struct loop_timer timer;
};
#define GOODBYES 4

/* The conversions of a transfer (flow.c); without a chain there are none. */
struct flow {
    struct chain *chain;
    unsigned char
        *bytes; /* to the client: converted bytes; from it: received ones */
    size_t at, end;
    bool ended;  /* to the client: the last byte is converted */
    bool closed; /* from the client: the connection has ended in order */
};

/* What an upload does with the block that it received. */
enum block_state {
    BLOCK_FREE,  /* nothing waits */
    BLOCK_FIRST, /* files must know of the first byte before it is written */
    BLOCK_ASKED, /* files was asked for that, and has to answer */
    BLOCK_FULL, /* the disk is full; files has to answer something else first */
    BLOCK_ROOM  /* files was asked to make room */
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
    uint64_t copying;   /* upload: bytes of its head that files still copies */
    uint64_t unsynced;  /* written by both since the last FILE_SYNC */
    uint64_t began;     /* clock_ms() */
    char *block; /* upload: received bytes; listing: read from the pipe */
    size_t block_at, block_len;
    unsigned conversions; /* enum conversion bits */
    struct flow flow;
    enum block_state holds; /* upload: what becomes of the block */
    enum stream_state read; /* the stream's state after that block */
    bool spoiled; /* upload: wrong or too many bytes, none of them is kept */
    char *map;    /* download: window on the file */
    size_t map_size;
    uint64_t map_at;
    struct digest *digest; /* checksum, and its name */
    const char *hash;
    uint64_t summed; /* how many bytes of an upload are in the digest */
    char sha256[SUM_TEXT_MAX];
    enum outcome listed; /* OUTCOME_COUNT: files hasn't listed all */
    uint64_t entries;
    char tls[64]; /* of the data connection, for the log */
    const struct binding_refusal
        *refusal; /* why one in DATA_DOUBTED was refused, or NULL */
    struct loop_timer stall, again;
    uint64_t lately;  /* bytes moved since the stall timer was set */
    uint64_t traffic; /* of the data stream at that time */
    size_t queued;    /* in the kernel, when it was last awaited */
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

/* What was refused of one verb (refusal.c). */
#define REFUSED_PATH_MAX 1024
struct refusal_tally {
    unsigned lines; /* since the interval began */
    uint64_t more; /* refusals without a line yet; the rest is the last one's */
    enum reply reply;
    bool has_path; /* LAST is a path; else an argument */
    char last[REFUSED_PATH_MAX];
    char reason[COMMAND_LACKS_MAX];
};

struct refusals {
    const struct command *command; /* the last that was dispatched */
    bool has_path;                 /* its path is the session's subject */
    struct slice argument;         /* else, while it is dispatched */
    struct refusal_tally of[VERB_COUNT];
    struct loop_timer timer;
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
    struct sign_channel signer;
    struct event_sender log;

    struct control control;
    struct login login;
    struct ask ask;
    struct data data;
    struct goodbye goodbyes[GOODBYES];
    struct transfer transfer;
    struct verdict verdict;
    struct buf stat; /* the lines of STAT, as they come */
    bool stat_more;  /* than STAT_MAX bytes of them came */

    struct path cwd, rename_from;
    struct path subject; /* of the command that files is answering */
    struct refusals refusals;
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
    uint64_t sized;     /* SIZE's last answer: may be there already */
    bool implicit;      /* TLS begins before the greeting */
    enum protection protection; /* of data connections */
    bool only_epsv;             /* EPSV ALL */
    uint64_t total; /* bytes of all transfers, for the end's event */
    enum ending ending;
    char why[128]; /* why.c: what was noticed about the client, or "" */
};

/* session_title() sets the title that ps shows. session_welcome() begins the
 * session once its client is known: greeting, or TLS. */
void session_title(struct session *s);
void session_welcome(struct session *s);

#endif
