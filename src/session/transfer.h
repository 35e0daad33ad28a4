/* Transfers: from a descriptor to a stream, or back. */
#ifndef SALLYPORT_SRC_SESSION_TRANSFER_H
#define SALLYPORT_SRC_SESSION_TRANSFER_H

#include "ask.h"

#define TRANSFER_BLOCK (512u << 10)
/* How many blocks may go before control and timers get their turn. */
#define TRANSFER_ROUNDS 16

struct binding_refusal;

void transfer_init(struct session *s);

bool transfer_is_upload(const struct transfer *t);
bool transfer_is_listing(const struct transfer *t);

/* What is asked of files from here on is for this transfer. */
void transfer_snapshot(struct session *s, enum verb verb,
                       const struct path *path);
/* A handler's beginning: false (and the reply is sent) without a data
 * connection to come. Takes the snapshot. */
bool transfer_begin(struct session *s, const struct call *call);
/* Files has answered: 150, and the data connection's turn. SIZE UINT64_MAX:
 * unknown. */
void transfer_announce(struct session *s, uint64_t size);
/* Files refused before any 1xx. */
void transfer_refused(struct session *s, struct packet *p);

/* All bytes are given to the stream: close_notify, flush, 226. */
void transfer_sent(struct session *s);
/* The final reply and event. STORED_AS is empty but for uploads. */
void transfer_finish(struct session *s, enum reply r, struct slice a,
                     struct slice b, const char *reason);
/* A failure after the 150: the final reply, no close_notify, and what files
 * still has to do. */
void transfer_fail(struct session *s, enum reply r, struct slice argument,
                   const char *reason);
/* The data connection hasn't proved whose it is: before a byte has moved. */
void transfer_not_bound(struct session *s,
                        const struct binding_refusal *refusal);
/* Files has done what a failure left it to do. */
void transfer_over(struct session *s);
/* The final reply is given. */
void transfer_settled(struct session *s);
/* From a stream's bad state: 426. */
void transfer_broken(struct session *s, enum stream_state state);
void transfer_abort(struct session *s); /* ABOR */
/* The session ends, with LAST as this transfer's final reply: nothing moves any
 * more, and nothing is committed. Not while transfer_is_committing(). */
void transfer_end(struct session *s, enum ending ending, enum reply last);

/* It ends without its client too: that has said, by its close_notify, that an
 * upload is whole, or the log is still to hear of the end. */
bool transfer_goes_on(const struct session *s);
/* Files was asked to make an upload visible, which can't be called back. */
bool transfer_is_committing(const struct session *s);

/* Waits on the data connection; continues soon, without waiting. */
void transfer_wait(struct session *s, uint32_t events);
void transfer_soon(struct session *s);
/* Bytes have moved: the stall timer begins anew. */
void transfer_moved(struct session *s, size_t bytes);

/* The pumps and what they need when a transfer ends (download.c, upload.c,
 * list.c, cmd_hash.c). */
void download_pump(struct session *s);
void download_release(struct session *s);
void upload_pump(struct session *s);
void upload_go_on(struct session *s); /* behind its last byte */
/* Before its commit, when all has been received: ABOR and the client's going
 * away still end it. */
bool upload_is_preparing(const struct session *s);
void upload_give_up(struct session *s);
void hash_pump(struct session *s);
void hash_late(struct session *s);
void hash_release(struct session *s);
void list_pump(struct session *s);
void list_give_up(struct session *s);

#endif
