/* Partials: unfinished uploads, beside the file that they are to become.
 *
 * own, random  its name: a hash of user and file name, or random
 * lost         a sync failed, or the disk is full: deleted at its upload's end
 * at rest      nobody writes it: cut to its confirmed length, without a token
 * reported     SIZE has told a client its length: the next upload may contain
 *              only the rest
 * stale        its file was stored, renamed or deleted by another session
 *              meanwhile (attribute "overtaken"): no byte is resumed
 * named        a rename was tried, so it may be a visible file
 * linked       it is a visible file, and still has its own name as well
 * landed       linked, and its process died before it removed its own name
 * claimed      it has the token of this upload, on a network disk */
#ifndef FILES_PARTIAL_H
#define FILES_PARTIAL_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <time.h>

#include "sallyport/domain/outcome.h"
#include "sallyport/ftp/path.h"

#define PARTIAL_DIGITS   32
#define PARTIAL_NAME_MAX 64

/* Seconds without a change after which a partial has no writer any more. A
 * server that was cut off from the disk has given it up by then. */
#define PARTIAL_UNTOUCHED_S 3600

struct files;
struct mount;

enum partial_kind {
    PARTIAL_RANDOM, /* deleted if it is cut */
    PARTIAL_OWN,    /* named after user and target, so that it can be resumed */
    PARTIAL_LOST    /* a sync failed, or the disk is full: deleted if it is
                     * cut */
};

#define OWNER_BYTES 16

struct partial {
    int fd; /* holds the lock until commit or abort; -1: none */
    enum partial_kind kind;
    char name[PARTIAL_NAME_MAX];
    struct stat opened; /* its facts when it was locked */
    bool locks_die;     /* its lock can go to another server without notice */
    bool claimed;       /* it has this token */
    bool no_tokens;     /* the disk has no attributes, and so no marks */
    bool named;         /* a rename was tried, so it may be a visible file */
    bool linked;        /* it is a visible file, and still has its own name */
    uint8_t token[OWNER_BYTES];
};
#define PARTIAL_NONE { .fd = -1 }

/* Makes the name of this user's partial of the file NAME, in any directory. */
void partial_name(const struct files *f, const char *name,
                  char out[PARTIAL_NAME_MAX]);
/* Makes a random name, by which no upload finds the partial: after its upload
 * has ended, the partial is useless. */
void partial_name_random(char out[PARTIAL_NAME_MAX]);
/* Has NAME the form of a partial's name, of any user? */
bool partial_is_name(const char *name);
/* Did partial_name_random() make this name? */
bool partial_is_random(const char *name);
/* Is ST a regular file of this user? */
bool partial_is_own(const struct files *f, const struct stat *st);
/* Is the partial NAME complete, and has its final name, too? Then its process
 * died before it removed NAME. */
bool partial_has_landed(const struct files *f, int directory, const char *name,
                        const struct stat *st);
/* Will no upload continue this partial? True if it has landed, has
 * ATTRIBUTE_OVERTAKEN or ATTRIBUTE_OWNER, or has neither ATTRIBUTE_MARK nor
 * ATTRIBUTE_REPORTED. If the disk doesn't list attributes, true only if it has
 * landed. */
bool partial_is_useless(const struct files *f, int directory, const char *name,
                        const struct stat *st);

/* Opens the own partial of NAME for reading, without the lock. Returns -1 if
 * there is none. */
int partial_open_unlocked(const struct files *f, int directory,
                          const char *name);
/* Reads the name that the client gave to the upload of PARTIAL; "": not
 * known. */
void partial_wanted(const struct files *f, int directory, const char *partial,
                    char out[NAME_MAX + 1]);
/* Does PARTIAL, a file of this uid, belong to another user? Without root all
 * users have one uid, but a partial's name shows its user. */
bool partial_is_of_other(const struct files *f, int directory,
                         const char *partial);
/* Returns how many bytes of the own partial of NAME can be resumed: its
 * confirmed length, or 0. *st: its facts; *reported: SIZE has reported a length
 * to a client, so the next upload may contain only the rest. */
uint64_t partial_resumable(const struct files *f, int directory,
                           const char *name, struct stat *st, bool *reported);

/* Locks the own partial of NAME, so that no process takes it for an idle one.
 * Returns a descriptor that keeps the lock until it is closed; -EBUSY: an
 * upload is writing the partial; or another -errno. */
int partial_hold(const struct files *f, int directory, const char *name);
/* Opens and locks the own partial of NAME, if it is still as SEEN and can be
 * resumed at FIRST, and cuts it there: from now on only the bytes below FIRST
 * count. Returns 0; -EBUSY: an upload is writing the partial, or it has
 * changed; OUTCOME_TAKEN_OVER; or another -errno. */
int partial_open(const struct files *f, int directory, const char *name,
                 const struct stat *seen, uint64_t first, struct partial *ret);
/* Makes an empty partial of NAME, which replaces the own partial of NAME and
 * all its bytes. If an upload is writing the old partial, the new one gets a
 * random name. Returns 0; -EOWNERDEAD: the disk gives new files another owner,
 * so the new partial was removed; or another -errno. */
int partial_new(const struct files *f, int directory, const char *name,
                struct partial *ret);
/* Makes an empty partial with a random name, which can't be resumed. */
int partial_new_random(const struct files *f, int directory,
                       struct partial *ret);
/* Opens a handle of P for the session: for writing only, and without the lock.
 * Returns -EBUSY: another file has the name of P; or another -errno. */
int partial_writer(const struct partial *p, int directory);
/* Has P still its name? On a network disk the lock can be lost: then another
 * server's session may have replaced P. */
bool partial_is_there(int directory, const struct partial *p);
/* Syncs the partial P, and raises its confirmed length. Returns 0; after an
 * -errno or OUTCOME_TAKEN_OVER P is PARTIAL_LOST. */
int partial_confirm(struct files *f, struct partial *p);
/* Gives P the MODE of a file, and syncs all of P. Returns 0; after an -errno P
 * is PARTIAL_LOST. */
int partial_complete(const struct files *f, struct partial *p, unsigned mode);
/* Ends the upload of P. A partial that can be resumed is synced, cut to its
 * confirmed length and kept; any other is deleted. */
void partial_end(struct files *f, int directory, struct partial *p);

/* Deletes the partial that has NAME on the disk. Waits up to MS for processes
 * that only look at it. Returns 0; -EBUSY: an upload is writing it, or it was
 * used after BEFORE (0: ignore its age); or another -errno. */
int partial_remove(const struct files *f, int directory, const char *name,
                   time_t before, uint64_t ms);
/* Deletes the own partial of the file NAME. Returns the same as
 * partial_remove(). */
int partial_delete_of(const struct files *f, int directory, const char *name);
/* Call it when another file has NAME now, or none: the rest of another file
 * must not be appended to the own partial of NAME. Deletes this partial, and
 * drops SIZE's answer. If an upload is writing the partial, marks it as
 * overtaken instead: it can still become the file, but is stale after a cut.
 * Returns 0 or -errno. */
int partial_forget(struct files *f, int directory, const char *name);

/* Shares the lock of the open partial FD; an upload that needs the lock then
 * waits. Returns 0; -EWOULDBLOCK: an upload has the lock; or another -errno. */
int partial_share_lock(int fd);

/* Is an upload writing the partial NAME? Shares the lock for a moment to find
 * out: an upload that needs the lock waits for so long. */
bool partial_name_in_use(const struct files *f, int directory,
                         const char *name);
/* confirmed.c: how much of a partial is on the disk for certain. */

/* Returns the confirmed length of the partial FD with the facts *st; 0: no byte
 * can be resumed. */
uint64_t confirmed_length(const struct files *f, int fd, const struct stat *st);

/* Has FD a mark, of any kind? */
bool confirmed_is_marked(int fd);
/* Has FD a mark above LENGTH? */
bool confirmed_is_above(int fd, uint64_t length);

/* Syncs the bytes of FD, then raises the mark. Returns 0, also if the mark
 * can't be written and stays lower; -errno: the sync failed, and from now on no
 * byte of this partial counts. */
int confirmed_raise(struct files *f, int fd);

/* Lowers the mark to LENGTH at most; the lower mark survives a power cut. Call
 * it before a byte from LENGTH on is overwritten or cut. Returns 0 or
 * -errno. */
int confirmed_lower(const struct files *f, int fd, uint64_t length);

/* Cuts FD at its confirmed length, and returns this length. The caller has the
 * lock. */
uint64_t confirmed_cut(const struct files *f, int fd);

/* Records that SIZE has reported a length of the partial FD. Call it before the
 * answer: from then on any connection may send the rest of the file. The record
 * survives a power cut. Returns 0 or -errno. */
int reported_set(const struct files *f, int fd);
/* Call it when the new partial NEW, without confirmed bytes, replaces OLD. If
 * SIZE has reported a length of OLD, a client may still send the rest that
 * belongs to OLD: then gives NEW the record, and a mark for 0 bytes, without
 * which NEW could be taken for a file. Returns 0 or -errno. */
int reported_hand_on(const struct files *f, int old, int new);

enum attribute {
    ATTRIBUTE_MARK = 1,     /* how many bytes are confirmed */
    ATTRIBUTE_REPORTED = 2, /* SIZE has told a client a length */
    /* The client's name for the file, since partial_name() hides it. Only the
       partial's owner can read the attribute. */
    ATTRIBUTE_WANTED = 4,
    /* The file was stored, renamed or deleted while the partial was being
       written. The partial's bytes belong to an earlier version, and can't be
       resumed. */
    ATTRIBUTE_OVERTAKEN = 8,
    ATTRIBUTE_OWNER = 16
};
void wanted_get(int fd, char out[NAME_MAX + 1]); /* "": not known */
/* Returns the attributes of the partial FD, bits of enum attribute; all bits if
 * the file system doesn't list attributes. */
unsigned attributes_of(int fd);
bool attribute_is_set(int fd, enum attribute a);
/* Ignores a text that can't be stored. */
void attribute_set(int fd, enum attribute a, const char *text);
void attributes_remove(int fd, unsigned which);

/* owner.c: the upload that owns a partial, on disks that can lose a lock. On
 * such a disk an upload writes its token to each partial with a confirmed
 * length. While the token is set the partial isn't resumed, since nobody knows
 * whether its writer has ended. */

#define OWNER_ATTRIBUTE "user.sallyport.owner"

/* Notes whether the disk of DIRECTORY can lose a lock. Call it before an upload
 * opens a partial there. */
void owner_note_disk(struct files *f, int directory);
/* Returns false if the token shows that another server's session has taken
 * P. */
bool owner_is_ours(const struct partial *p);
/* Removes the token: P becomes a file. */
void owner_release(struct partial *p);
/* Sets the token if the disk can lose locks. Call it before a mark says that
 * bytes can be resumed. Returns 0, or OUTCOME_TAKEN_OVER. */
int owner_check(const struct files *f, struct partial *p);
/* Sets the token of a partial at rest, unless the partial has changed since it
 * was opened. Returns 0; OUTCOME_TAKEN_OVER; -EIO: the disk can't store the
 * token. */
int owner_claim_rest(struct partial *p);

/* resume.c: decides where an upload begins, from facts alone, so that it can be
 * read and tested as a table. */

#define RESUME_BLOCK 65536u

/* Returns the largest multiple of 64 KiB below HELD, the length of a partial.
 * So a client that compares lengths always has bytes to send, and its file
 * appears. */
uint64_t resume_length(uint64_t held);

struct resume_facts {
    enum write_mode mode;
    uint64_t offset;    /* REST */
    uint64_t resumable; /* bytes of the user's own partial; 0: there is none */
    bool finished;      /* a file has that name */
    uint64_t size;      /* of this file */
    bool kept;          /* that file keeps the name, and the upload gets another
                         * one */
    uint64_t sized;     /* the length of a partial that SIZE answered; or 0 */
    bool changed;  /* the partial was changed or replaced since that answer */
    bool reported; /* SIZE has reported a length of the partial to some
                    * client */
    bool answered; /* SIZE has reported the file's length to this
                    * session */
};

enum resume_how {
    RESUME_ANEW, /* an empty partial */
    RESUME_CUT,  /* continue the own partial, cut at FIRST */
    RESUME_COPY  /* copy the first FIRST bytes of the finished file */
};

struct resume_plan {
    enum resume_how how;
    uint64_t first;
};

/* Returns OUTCOME_OK: *ret is the plan; or OUTCOME_BAD_OFFSET,
 * OUTCOME_SEND_WHOLE or OUTCOME_SIZE_FIRST. */
enum outcome resume_decide(const struct resume_facts *facts,
                           struct resume_plan *ret);

/* An answer of SIZE, on which the client's next upload can rely. It is found by
 * directory and name, so by each path to the file. It contains the partial's
 * facts, since another session may put other bytes of the same length there. */
#define SIZED_MAX 32
struct sized {
    dev_t device; /* of the directory */
    ino_t inode;
    char name[NAME_MAX + 1]; /* "": this entry is free */
    uint64_t length; /* 0: the answer was the length of the finished file */
    struct stat partial;
};

/* Returns how many bytes of the own partial of NAME can be resumed, or 0. *st:
 * its facts. Waits up to 5 s until no upload writes the partial, but stops when
 * session or master has gone. *waited: it has waited, so the file itself may
 * exist by now. If the ctime is old, renews it, so that space.c leaves the
 * partial alone for half an hour at least. */
uint64_t resume_size(struct files *f, int directory, const char *name,
                     struct stat *st, bool *waited);
/* Call it when SIZE answers with the length of the finished file. Notes this
 * answer if a client may know a length of the own partial. */
void resume_note_file(struct files *f, int directory, const char *name);
/* Finds the last answer of SIZE about NAME, or returns NULL. */
const struct sized *resume_sized(const struct files *f, int directory,
                                 const char *name);
/* Keeps the last answer of SIZE valid for the next upload. Call it when an
 * upload has written no byte, but its token has changed the ctime. */
void resume_keep_answer(struct files *f, int directory, const char *name);
/* Forgets the last answer of SIZE about NAME. */
void resume_drop_answer(struct files *f, int directory, const char *name);

/* sweep.c: deletes the partials of the directory FD, open for reading and at
 * its start, if it contains nothing else. Returns 0; OUTCOME_OTHERS_PARTIALS:
 * in a share another member's partial has changed within the last hour, and
 * nothing is deleted; -ENOTEMPTY: something else is there, and nothing is
 * deleted, or a partial can't be deleted now; or another -errno. */
int sweep_all(const struct files *f, const struct mount *m, int fd);

#endif
