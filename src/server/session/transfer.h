/* Transfers in the session process. A transfer is a list of steps, which moves
 * bytes from a descriptor to a stream, or back. */
#ifndef SALLYPORT_SRC_SESSION_TRANSFER_H
#define SALLYPORT_SRC_SESSION_TRANSFER_H

#include "session.h"

#define TRANSFER_BLOCK (512u << 10)
/* Time in ms for which a step moves bytes before the control connection and the
 * timers get their turn. A fixed number of bytes could take seconds on a slow
 * disk. */
#define TRANSFER_TURN_MS 20

/* Events that a step waits for. A step runs when its turn comes, and again
 * after each of its events. A step with WAITS_ANSWER runs only after its
 * events. */
enum waits {
    WAITS_ANSWER = 1 << 0, /* files' answer to the step before */
    WAITS_FILES = 1 << 1,  /* any answer of files */
    WAITS_CLIENT = 1 << 2, /* the data connection is here */
    WAITS_DATA = 1 << 3,   /* the data connection can be read or written */
    WAITS_PIPE = 1 << 4,   /* a listing has more lines */
    WAITS_TURN = 1 << 5    /* other events have had their turn */
};

/* The result of a step. */
enum stepped {
    STEP_NEXT, /* it is done */
    STEP_WAIT, /* it waits for the events of its row */
    /* The transfer ended inside this step: transfer.step is an undo step or
     * NULL by now. */
    STEP_OVER
};

/* The kind of undo if a step fails, or if ABOR comes while the step waits.
 * transfer_end.c has the table. */
enum undo { UNDO_NOTHING, UNDO_DATA, UNDO_PARTIAL, UNDO_LISTING };

struct step {
    const char *name;
    enum stepped (*run)(struct session *s);
    unsigned waits;
    enum transfer_state state; /* state while this step runs or waits */
    enum undo undo;            /* the undo if this step fails */
};

/* Why a transfer fails; the table in transfer_end.c has the replies. */
enum transfer_failure {
    FAILED_NOT, /* no failure */
    FAILED_MEMORY,
    FAILED_UNCONNECTED, /* cause: why */
    FAILED_CONNECT_LATE,
    FAILED_HANDSHAKE, /* cause: why */
    FAILED_HANDSHAKE_LATE,
    /* The next four: the data connection hasn't proved its user, and no byte
     * has moved. Cause: the user. */
    FAILED_NOT_RESUMED,
    FAILED_OTHER_SESSION,
    FAILED_NOT_OWN_TICKET,
    FAILED_OTHER_CLIENT,
    FAILED_STALLED, /* cause: the seconds */
    FAILED_ABORTED,
    FAILED_CLOSED,   /* the client has closed the connection in the middle */
    FAILED_BROKEN,   /* cause: why */
    FAILED_DATA,     /* cause: why bytes can't be converted */
    FAILED_CUT,      /* cause: how an upload ended */
    FAILED_BARE_END, /* cause: the user */
    FAILED_SHORT,    /* cause: how much of the announced bytes came */
    FAILED_TOO_LARGE,
    FAILED_TOO_LARGE_HERE, /* EFBIG from the kernel */
    FAILED_MAX_BYTES,
    FAILED_WRITE,
    FAILED_FILE_CUT,
    FAILED_READ,
    FAILED_LISTING, /* cause: why */
    FAILED_HASH,    /* cause: why */
    FAILED_HASH_OFFSET,
    FAILED_HASH_LATE,
    FAILED_SIZE_LATE,
    FAILURES
};

void transfer_init(struct session *s);

bool transfer_is_upload(const struct transfer *t);
bool transfer_is_listing(const struct transfer *t);

/* Begins the transfer of a command that needs a data connection. Refuses the
 * command if there is neither a port nor a connection, or if the client wants
 * an offset in TYPE A. */
void transfer_begin(struct session *s, const struct call *call,
                    const struct step *steps);
/* Begin a transfer without a data connection, in two parts. transfer_snapshot()
 * copies the command, its subject and the session's choices, so that later
 * commands don't change the transfer. transfer_start() runs the steps. */
void transfer_snapshot(struct session *s);
void transfer_start(struct session *s, const struct step *steps);
/* Call it after an event of enum waits: runs the current step if it waits for
 * this event. */
void transfer_run(struct session *s, unsigned happened);
/* Handles files' answer to a request of a step. A refusal fails the
 * transfer (transfer_end.c). */
answer_fn transfer_on_answer;

/* Steps of several transfers (transfer.c). */
enum stepped transfer_ask_file(struct session *s);
enum stepped transfer_offer_ticket(struct session *s);
enum stepped transfer_announce(struct session *s);
enum stepped transfer_offer_next(struct session *s);
enum stepped transfer_connect(struct session *s);
enum stepped transfer_handshake(struct session *s);
enum stepped transfer_bind(struct session *s);
enum stepped transfer_flush(struct session *s);
enum stepped transfer_reply_complete(struct session *s);
enum stepped transfer_over(struct session *s);

/* Steps of each list with a data connection. */
#define TRANSFER_DATA_STEPS(undo)                                              \
    { "150", transfer_announce, 0, TRANSFER_CONNECTING, undo },                \
        { "next ticket", transfer_offer_next, 0, TRANSFER_CONNECTING, undo },  \
        { "connection", transfer_connect, WAITS_CLIENT, TRANSFER_CONNECTING,   \
          undo },                                                              \
        { "handshake", transfer_handshake, WAITS_DATA, TRANSFER_HANDSHAKE,     \
          undo },                                                              \
    {                                                                          \
        "binding", transfer_bind, 0, TRANSFER_HANDSHAKE, undo                  \
    }
#define TRANSFER_SENT_STEPS(undo)                                              \
    { "close_notify", transfer_flush, WAITS_DATA, TRANSFER_FLUSHING, undo },   \
    {                                                                          \
        "226", transfer_reply_complete, 0, TRANSFER_FLUSHING, undo             \
    }
/* The last step of each list. */
#define TRANSFER_LAST_STEP                                                     \
    { "over", transfer_over, 0, TRANSFER_CLOSING, UNDO_NOTHING }

/* Closes the transfer's file. Returns 0, or the errno of an upload. Some file
 * systems report lost writes only when the file is closed, so after an error
 * the upload is worthless: nobody knows which bytes are there. */
int transfer_close_file(struct session *s);
/* Frees the memory and the descriptor of a transfer, or of STAT of a path. */
void transfer_release(struct session *s);
/* Ends the transfer: sends the event, and the final reply R with the arguments
 * A and B. B is the name under which an upload is stored, or empty. */
enum stepped transfer_finish(struct session *s, enum reply r, struct slice a,
                             struct slice b, const char *reason);
/* Fails the transfer: sends the reply and the event of WHY, and undoes what the
 * step's row names. CAUSE is for a WHY that has no words of its own. */
enum stepped transfer_fail(struct session *s, enum transfer_failure why,
                           const char *cause);
/* Fails the transfer because the stream has failed. */
enum stepped transfer_broken(struct session *s, enum stream_state state);
/* Ends the transfer because the session ends. Logs the code of LAST, which the
 * caller sends, as the transfer's result. No byte moves any more, and nothing
 * is committed. Don't call it in TRANSFER_COMMITTING. */
void transfer_end_with_session(struct session *s, enum ending ending,
                               enum reply last);
/* Does the transfer continue without its client? Returns true if the session
 * has asked files for the rename; if the client doesn't wait for a reply to its
 * upload (QUIT, or upload_eof = lenient); or if files must still delete the
 * partial. */
bool transfer_outlives_client(const struct session *s);

/* Takes the source and its size out of the answer to transfer_ask_file(). */
void transfer_take_file(struct session *s);
/* Returns STEP_NEXT if STATE is STREAM_OK. If it is STREAM_AGAIN, watches the
 * data connection and returns STEP_WAIT. Otherwise fails the transfer. */
enum stepped transfer_moved(struct session *s, enum stream_state state);
/* Watches the data connection for EVENTS; 0: for errors only. */
void transfer_watch(struct session *s, uint32_t events);
/* Watch the data connection for errors only, and return STEP_WAIT.
 * transfer_soon() waits for WAITS_TURN, which comes at once. transfer_pause()
 * waits for another process or the rate, and stops stall_timeout: the client
 * isn't stalling. */
enum stepped transfer_soon(struct session *s);
enum stepped transfer_pause(struct session *s);
/* Starts stall_timeout. */
void stall_begin(struct session *s);
/* Counts BYTES that have moved. After enough of them stall_timeout begins
 * again. */
void stall_moved(struct session *s, size_t bytes);
/* upload.c: the timer's end, after no byte has come for a while. */
void upload_on_silent(void *owner);

/* Called if the data connection has been open for a while: its handshake may
 * hang while the client's own connection waits. */
void transfer_on_slow(struct session *s);
/* Called if the data connection can be read or written, or has failed. */
void transfer_on_data(struct session *s, uint32_t events);

/* The session sends a ticket on the control connection, with the next reply. If
 * it can't make the ticket, this reply fails, too, and the session then reports
 * the failure. */

/* Call it when a user has logged in, and when the user's row has another
 * version: tickets from before it are of no use then. Makes the first tickets,
 * which the session sends with the next reply. */
void binding_start(struct session *s);
/* Makes a ticket for the reply to PASV, unless the previous transfer
 * has brought a ticket that is still new, with the present key. */
void binding_offer_with_port(struct session *s);

/* The steps of each kind of transfer, and the undo steps. */
extern const struct step upload_steps[], upload_undo_steps[];
extern const struct step download_steps[], hash_steps[];
extern const struct step list_steps[], list_undo_steps[];
/* Begins the checksum NAME of the subject's bytes from START up to UNTIL, which
 * is excluded (0: up to the end). */
void hash_file(struct session *s, const char *name, uint64_t start,
               uint64_t until);

/* flow.c: reads and writes a transfer's bytes, through the stream of the data
 * connection, and through the transfer's conversions */

/* Does the client count the same length and offset of a file as the server?
 * Returns false in TYPE A, which changes line ends. */
bool flow_keeps_lengths(const struct session *s);

/* Sets up s->transfer.conversions, once the data connection is here. Returns
 * false for lack of memory. */
bool flow_open(struct session *s);
void flow_close(struct session *s);

/* Work like the functions of stream.h, but *took, LEN and *got count bytes of
 * the file. */
enum stream_state flow_write(struct session *s, const void *from, size_t len,
                             size_t *took);
enum stream_state flow_flush(struct session *s);
/* Call it after the last byte: sends the end of the converted bytes, then
 * close_notify. */
enum stream_state flow_finish(struct session *s);
/* Reads the bytes that have come. *got can be 0 with STREAM_OK, too. LEN must
 * be 2 or more, since in TYPE A a CR can come before these bytes. Returns
 * STREAM_CLOSED only if both the connection and the conversions have ended in
 * order. */
enum stream_state flow_read(struct session *s, char *into, size_t len,
                            size_t *got);

/* rate.c: the rate of the session's uploads or downloads */

void rate_on_timer(void *owner);
/* Must the transfer wait now? If so, WAITS_TURN comes when it may go on. */
bool rate_waits(struct session *s);
/* Returns how many of LEN bytes may move: at least 512, unless LEN is less.
 * Call it only after rate_waits() has returned false. */
size_t rate_cap(const struct session *s, size_t len);
void rate_spend(struct session *s, size_t bytes);

/* digest.c: computes checksums of bytes, or their length in TYPE A. The only
 * code of session that uses a library for checksums. */

#define DIGEST_TEXT_MAX 129 /* SHA-512 in hexadecimal, and a NUL */

struct digest;

/* The name of a count instead of a checksum: how many bytes the file has in
 * TYPE A (RFC 3659 4). */
#define DIGEST_LINES "lines"

/* NAME is "SHA-256", "SHA-512", "CRC32" or DIGEST_LINES. Returns NULL if memory
 * is short or there is no such name. */
struct digest *digest_new(const char *name);
/* Returns false if the library failed. */
bool digest_add(struct digest *d, const void *bytes, size_t len);
/* Writes the checksum in hexadecimal and lower case, or the length in decimal.
 * Returns false if the library failed. Then call only digest_free(). */
bool digest_text(struct digest *d, char out[DIGEST_TEXT_MAX]);
/* D can be NULL. */
void digest_free(struct digest *d);

#endif
