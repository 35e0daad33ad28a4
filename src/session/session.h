/* The insides of a session: one client, one struct, no globals. */
#ifndef SALLYPORT_SRC_SESSION_SESSION_H
#define SALLYPORT_SRC_SESSION_SESSION_H

#include <time.h>

#include "sallyport/base/address.h"
#include "sallyport/base/binding.h"
#include "sallyport/base/buf.h"
#include "sallyport/base/loop.h"
#include "sallyport/base/secret.h"
#include "sallyport/base/upload_eof.h"
#include "sallyport/conf/settings.h"
#include "sallyport/event/event.h"
#include "sallyport/ftp/command.h"
#include "sallyport/ftp/line.h"
#include "sallyport/ftp/mff.h"
#include "sallyport/ftp/path.h"
#include "sallyport/ftp/proxy.h"
#include "sallyport/ftp/reply.h"
#include "sallyport/ipc/channel.h"
#include "sallyport/ipc/outcome.h"
#include "sallyport/ipc/sign.h"
#include "sallyport/session/session.h"
#include "sallyport/tls/stream.h"

/* A name longer than any that exists is cut: it then can't be one. */
#define USER_ARGUMENT_MAX 255

struct binding_refusal;
struct session;

/* A command as its handler gets it: checked by its row, the path resolved. */
struct call {
    const struct command *command;
    struct slice argument;
    struct path path;
};

typedef void answer_fn(struct session *s, struct packet *p);

/* The control connection: bytes in, lines, replies out. */
struct control {
    int fd;
    struct stream *stream;
    struct loop_watch watch;
    struct line_reader lines;
    struct buf out;
    struct buf
        held;      /* whole lines that must wait for a transfer, each with \n */
    bool securing; /* AUTH was answered, the handshake goes on */
    bool secured;
    bool gone;     /* the client is; an upload that it completed goes on */
    bool ending;   /* a commit's answer is awaited, then LAST is said */
    bool closing;  /* the last reply is given, wait for the client's end */
    bool finished; /* and sent, with our close_notify and FIN */
    bool parted;   /* the client's end came; data connections linger */
    enum reply last;
    const char *cause; /* of being gone */
    bool first_line_seen, first_byte_seen;
    struct loop_timer idle, closed;
};

struct login {
    char name[USER_ARGUMENT_MAX + 1]; /* as given by USER; "": none */
    struct secret password;           /* between PASS and the auth worker */
    uint32_t request;
    bool granted; /* master has said yes */
    bool keyed;   /* gate has sent the keys of tickets */
    bool pending, done;
    uint64_t tries;
    unsigned unknown; /* unknown commands before login */
    unsigned rights;
    enum upload_eof upload_eof;
    enum data_binding binding;
    uint64_t version;         /* of the user's row */
    struct loop_timer timer;  /* until login */
    struct loop_timer alive;  /* from then on */
    struct loop_timer answer; /* of one verification; then of the keys */
};

/* The one request that files is answering. */
struct ask {
    enum message message; /* MSG_NONE: none */
    uint32_t request;
    answer_fn *then;
    struct loop_timer timer;
    enum message asked; /* the last one, answered or not */
    uint64_t what_for;  /* MSG_FACTS: its flag */
    char lacking[COMMAND_LACKS_MAX];
};

enum data_state {
    DATA_CLOSED,
    DATA_ASKED,     /* gate is asked for a port */
    DATA_ACTIVE,    /* the client awaits us, once there is a transfer */
    DATA_EXPECTED,  /* the client knows the port, or gate connects to it */
    DATA_HEADER,    /* a proxy has brought a socket; is it our client's? */
    DATA_CONNECTED, /* the socket is here */
    DATA_REFUSED    /* and its transfer was refused: it serves no other */
};

struct data {
    enum data_state state;
    int fd;
    struct stream *stream;
    struct loop_watch watch;
    struct address told; /* where the client shall connect, or we */
    struct address via;  /* the proxy, or the client's end of a doubtful one */
    bool doubtful;       /* it may be a late one of another user's client */
    bool active;         /* we: PORT or EPRT */
    uint32_t request;
    enum verb verb; /* PASV or EPSV */
    struct loop_timer timer;
    uint64_t second; /* since when ports are counted */
    unsigned ports;
};

/* A data connection that is over (linger.c): ours is sent and shut, and the
 * client's end is awaited. */
struct goodbye {
    struct session *session;
    int fd; /* -1: none */
    struct loop_watch watch;
    struct loop_timer timer;
};
#define GOODBYES 4

enum transfer_state {
    TRANSFER_NONE,
    TRANSFER_ASKED,      /* files is asked; no 1xx yet */
    TRANSFER_HASHING,    /* a checksum; there is no data connection */
    TRANSFER_CONNECTING, /* 150 is out, the data connection isn't there */
    TRANSFER_HANDSHAKE,
    TRANSFER_FLOWING,
    TRANSFER_FLUSHING,   /* all is given to the stream: its last bytes */
    TRANSFER_COMMITTING, /* files makes an upload visible */
    TRANSFER_CLOSING     /* its end is decided, and is told, or files answers */
};

/* What is converted on its way (flow.c); without a chain nothing is. */
struct flow {
    struct chain *chain;
    unsigned char *bytes; /* to the client: converted; from it: received */
    size_t at, end;
    bool ended;  /* to the client: the last byte is converted */
    bool closed; /* from the client: the connection has ended in order */
};

/* A transfer is a snapshot: nothing that comes later changes it. */
#define SUM_TEXT_MAX 65 /* SHA-256 in hexadecimal, and a NUL */

struct transfer {
    enum transfer_state state;
    enum verb verb;
    struct path path;
    int source; /* file or pipe, or the partial that is written */
    struct loop_watch pipe;
    uint64_t offset; /* next byte of the file */
    uint64_t start;
    uint64_t size;      /* of a file to send, when it was opened */
    uint64_t limit;     /* of a file to store, or where a range ends; 0: none */
    uint64_t announced; /* by ALLO, to be stored; 0: nothing was */
    bool bare;          /* it ended with a FIN and no close_notify */
    uint64_t bytes;     /* moved, of the file or the listing */
    uint64_t copying;   /* upload: bytes of its head that files still copies */
    uint64_t unsynced;  /* written by both since the last FILE_SYNC */
    uint64_t began;     /* clock_ms() */
    char *block; /* upload: received bytes; listing: read from the pipe */
    size_t block_at, block_len;
    unsigned conversions; /* enum conversion bits */
    struct flow flow;
    bool
        waits; /* upload: files hears of its first byte before that's written */
    bool asks; /* upload: a block waits until files has answered */
    enum stream_state read; /* as it was after that block */
    bool spoiled; /* upload: what came may be wrong; keep nothing of it */
    char *map;    /* download: window on the file */
    size_t map_size;
    uint64_t map_at;
    struct digest *digest; /* checksum, and its name */
    const char *hash;
    uint64_t summed; /* so many bytes of an upload are in the digest */
    char sha256[SUM_TEXT_MAX];
    bool pipe_ended, listed;
    enum outcome listed_outcome;
    uint64_t entries;
    bool owed;    /* files still answers */
    char tls[64]; /* of the data connection, for the log */
    const struct binding_refusal
        *refusal; /* of one that was in doubt, or NULL */
    void (*after_sync)(struct session *s); /* waits for files' answer */
    struct loop_timer stall, again;
    uint64_t lately;  /* bytes moved since the stall timer was set */
    uint64_t traffic; /* of the data stream at that time */
    size_t queued;    /* in the kernel, when it was last waited for */
};

/* What is said of it at its end, or of a change that was made: held until its
 * event is in log's socket. */
struct verdict {
    bool held;
    bool aborted; /* by ABOR, whose own reply comes behind */
    bool over;    /* the session ends: there is no reply any more */
    enum reply reply, late;
    struct buf a, b;
    struct buf event; /* encoded */
    struct loop_timer timer;
};

/* Times to be set: MFMT, MDTM, SITE UTIME. */
struct set_times {
    int form;         /* 0, or why the argument is no time and path */
    const char *verb; /* for the log */
    struct path path;
    time_t access, modify;
};

/* What was refused of one verb (refusal.c). */
#define REFUSED_PATH_MAX 1024
struct refusal_tally {
    unsigned lines; /* since the interval began */
    uint64_t more;  /* without a line yet; of the last one: */
    enum reply reply;
    bool has_path; /* else LAST is the argument */
    char last[REFUSED_PATH_MAX];
    char reason[COMMAND_LACKS_MAX];
};

struct refusals {
    const struct command *command; /* the last one that was dispatched */
    bool has_path;                 /* its path is the session's subject */
    struct slice argument;         /* else, while it is dispatched */
    struct refusal_tally of[VERB_COUNT];
    struct loop_timer timer;
};

#define CLIENT_NAME_MAX 64

/* How far a control connection is. */
enum arrival {
    ARRIVED,
    ARRIVAL_HEADER, /* a proxy's: its PROXY header is read */
    ARRIVAL_ASKED   /* gate is asked whether the client may enter */
};

struct session {
    const struct settings *settings;
    struct tls_context *tls;
    uint64_t serial;
    struct address peer, local;
    struct address via; /* the proxy; family 0: none */
    enum arrival arrival;
    struct proxy_header header; /* of one connection at a time */
    uint64_t began;

    struct loop loop;
    struct channel master, gate, files;
    struct loop_watch master_watch, gate_watch, files_watch, log_watch,
        keys_watch;
    struct sign_channel signer;
    struct event_sender log;

    struct control control;
    struct login login;
    struct ask ask;
    struct data data;
    struct goodbye goodbyes[GOODBYES];
    struct transfer transfer;
    struct verdict verdict;
    struct buf stat; /* STAT of a folder, as it comes */

    struct path cwd, rename_from;
    struct path subject; /* of the command that files is answering */
    struct refusals refusals;
    bool has_rename_from;
    bool renames_folder; /* and not a file */
    struct set_times times;
    unsigned mode;                    /* of SITE CHMOD */
    struct mff mff;                   /* what MFF shall set; no path */
    struct choices choices;           /* OPTS */
    char client[CLIENT_NAME_MAX + 1]; /* what CLNT or CSID said; "": nothing */
    bool client_told;                 /* the log knows it */
    uint64_t rest;                    /* for the next RETR, STOR */
    uint64_t until;     /* RANG: the first byte that doesn't count; 0: all do */
    uint64_t announced; /* by ALLO */
    bool ascii;         /* TYPE A, and it changes line ends */
    bool deflate;       /* MODE Z */
    int level;          /* and how hard it tries, 1 to 9 */
    uint64_t sized;     /* what SIZE said last: may be there already */
    bool implicit;      /* TLS begins before the greeting */
    bool has_pbsz;      /* PBSZ, without which there is no PROT */
    bool protected;     /* PROT P */
    bool only_epsv;     /* EPSV ALL */
    bool quit_after;    /* QUIT came during a transfer */
    uint64_t total;     /* bytes of all transfers, for the end's event */
    enum ending ending;
    char why[128]; /* why.c: what the client is instead; "": nothing known */
};

/* In session.c: what ps shows; and the beginning of a session whose client is
 * known. */
void session_title(struct session *s);
void session_welcome(struct session *s);

#endif
