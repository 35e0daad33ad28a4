/* Partials: unfinished uploads, beside the file that they are to become.
 *
 * own, random  its name: a hash of user and file name, or random
 * lost         a sync failed, or the disk is full: deleted at its end
 * at rest      nobody writes it: cut to its confirmed length, without a token
 * reported     SIZE has told a client its length: the rest alone may follow
 * stale        its file was stored, renamed or deleted by another session
 *              meanwhile (attribute "overtaken"): no byte is resumed
 * named        a rename was tried, so it may be a visible file
 * linked       it is one, and has its own name as well
 * landed       the same, and its process died before it removed that name
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

/* A partial that hasn't changed for so long has no writer, not even on a server
 * that was cut off from the disk. */
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
/* Makes a name that belongs to no file: without a writer the partial is
 * useless. */
void partial_name_random(char out[PARTIAL_NAME_MAX]);
/* Has NAME the form of a partial's name, of any user? */
bool partial_is_name(const char *name);
/* Did partial_name_random() make this name? */
bool partial_is_random(const char *name);
/* Is it a regular file of this user? */
bool partial_is_own(const struct files *f, const struct stat *st);
/* Is it complete and has its final name, too? Then its process died before it
 * removed this name. */
bool partial_has_landed(const struct files *f, int directory, const char *name,
                        const struct stat *st);
/* Will no upload continue it? It is landed or stale; or it has neither a mark
 * nor the record of SIZE's answer; or it has a token. If the disk doesn't list
 * attributes, only a landed one is. */
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
/* Returns the confirmed length of the own partial of NAME: the part that can be
 * resumed. 0: there is none. *st are its facts; *reported: SIZE has reported a
 * length to a client, so the next upload may contain only the rest. */
uint64_t partial_resumable(const struct files *f, int directory,
                           const char *name, struct stat *st, bool *reported);

/* Locks the own partial of NAME until the descriptor is closed, so that no
 * process takes it for an idle one. Returns -EBUSY if an upload is writing it;
 * -errno. */
int partial_hold(const struct files *f, int directory, const char *name);
/* Opens and locks the own partial, if it is still as SEEN and can be resumed at
 * FIRST, and cuts it there: from now on only the bytes below FIRST count.
 * Returns -EBUSY if an upload is writing it or it has changed;
 * OUTCOME_TAKEN_OVER. */
int partial_open(const struct files *f, int directory, const char *name,
                 const struct stat *seen, uint64_t first, struct partial *ret);
/* Makes an empty partial with the own name, and replaces an existing one, with
 * all its bytes. If an upload is writing that partial, the new one gets a
 * random name. Returns -EOWNERDEAD if the disk gives new files another owner;
 * then nothing is left. */
int partial_new(const struct files *f, int directory, const char *name,
                struct partial *ret);
/* Makes an empty partial with a random name, which can't be resumed. */
int partial_new_random(const struct files *f, int directory,
                       struct partial *ret);
/* Opens a handle for the session, which can't read: it holds no lock. */
int partial_writer(const struct partial *p, int directory);
/* Has it still its name? On a network disk the lock can be lost: then another
 * server's session may have replaced it. */
bool partial_is_there(int directory, const struct partial *p);
/* Syncs it, and raises its confirmed length. Returns 0, or -errno or
 * OUTCOME_TAKEN_OVER, and the partial is lost. */
int partial_confirm(struct files *f, struct partial *p);
/* Gives it the MODE of a file, and syncs all of it, as a complete file. Returns
 * 0, or -errno and the partial is lost. */
int partial_complete(const struct files *f, struct partial *p, unsigned mode);
/* Ends the upload. A partial that can be resumed is synced, cut to its
 * confirmed length and kept; any other is deleted. */
void partial_end(struct files *f, int directory, struct partial *p);

/* Deletes the partial NAME (its name on disk) unless an upload is writing it,
 * or it was used after BEFORE (0: at any time). Waits MS for processes that
 * only look at it. Returns 0, -EBUSY, -errno. */
int partial_remove(const struct files *f, int directory, const char *name,
                   time_t before, uint64_t ms);
/* Deletes the own partial of the file NAME, as partial_remove(). */
int partial_delete_of(const struct files *f, int directory, const char *name);
/* Call it when NAME has another file now, or none: deletes the own partial, and
 * drops SIZE's answer, since the rest of another file must not be appended to
 * it. If an upload is writing the partial, it may still become the file, but is
 * stale after a cut. Returns 0 or -errno. */
int partial_forget(struct files *f, int directory, const char *name);

/* Shares the lock of an open partial, so that an upload that needs it waits.
 * Returns 0; -EWOULDBLOCK if an upload has the lock; another -errno. */
int partial_share_lock(int fd);

/* Is an upload writing it? Shares the lock for a moment to find out: an upload
 * that needs the lock waits that long. */
bool partial_name_in_use(const struct files *f, int directory,
                         const char *name);
/* confirmed.c: how much of a partial is on the disk for certain. */

/* Returns the confirmed length of the partial FD with the facts *st. 0: it has
 * no mark. */
uint64_t confirmed_length(const struct files *f, int fd, const struct stat *st);

/* Has FD a mark, of any kind? */
bool confirmed_is_marked(int fd);
/* Has FD a mark above LENGTH? */
bool confirmed_is_above(int fd, uint64_t length);

/* Syncs the bytes of FD, then raises the mark. Returns 0; -errno if the sync
 * failed, and then no byte of this partial counts any more. A mark that can't
 * be written is no error: it stays lower. */
int confirmed_raise(struct files *f, int fd);

/* Lowers the mark to LENGTH at most, so that it holds after a power cut. Call
 * it before a byte at LENGTH or after it is overwritten or cut. Returns 0 or
 * -errno. */
int confirmed_lower(const struct files *f, int fd, uint64_t length);

/* Cuts FD at its confirmed length, which it returns. The upload of FD holds the
 * lock. */
uint64_t confirmed_cut(const struct files *f, int fd);

/* Call it before SIZE reports a length of the partial FD to any client: from
 * then on any connection may send the rest of that file. The record survives a
 * power cut. Returns 0 or -errno. */
int reported_set(const struct files *f, int fd);
/* Call it when the new partial NEW, without confirmed bytes, replaces OLD. A
 * client may still send the rest that belongs to OLD, so NEW gets OLD's record,
 * and a mark, or it could be taken for a file. Returns 0 or -errno. */
int reported_hand_on(const struct files *f, int old, int new);

enum attribute {
    ATTRIBUTE_MARK = 1,     /* without it no byte counts any more */
    ATTRIBUTE_REPORTED = 2, /* without it no client relies on a length */
    /* The client's name, for sallyportctl: partial_name() hides it, and only
     * the owner can read an attribute of a partial. */
    ATTRIBUTE_WANTED = 4,
    /* Another upload of its name became the file while the partial was being
     * written. Its bytes belong to an earlier version, and can't be resumed. */
    ATTRIBUTE_OVERTAKEN = 8,
    ATTRIBUTE_OWNER = 16
};
void wanted_get(int fd, char out[NAME_MAX + 1]); /* "": not known */
/* Those of the partial FD; all, if the file system doesn't list them. */
unsigned attributes_of(int fd);
bool attribute_is_set(int fd, enum attribute a);
/* Ignores a text that can't be stored. */
void attribute_set(int fd, enum attribute a, const char *text);
void attributes_remove(int fd, unsigned which);

/* owner.c: the upload that owns a partial, on disks that can lose a lock. There
 * an upload writes its token to each partial with a confirmed length. While the
 * token is set the partial isn't resumed, since nobody knows whether its writer
 * has ended. */

#define OWNER_ATTRIBUTE "user.sallyport.owner"

/* Notes whether the disk of DIRECTORY can lose a lock. Call it before an upload
 * opens a partial there. */
void owner_note_disk(struct files *f, int directory);
/* Returns true if the token says that no other server's session has taken P. */
bool owner_is_ours(const struct partial *p);
/* Removes the token: P becomes a file. */
void owner_release(struct partial *p);
/* Sets the token if the disk can lose locks. Call it before a mark says that
 * bytes can be resumed. Returns 0, or OUTCOME_TAKEN_OVER. */
int owner_check(const struct files *f, struct partial *p);
/* Sets the token of a partial at rest, unless the partial has changed since it
 * was opened. Returns 0, or OUTCOME_TAKEN_OVER. */
int owner_claim_rest(struct partial *p);

/* resume.c: decides where an upload begins, from facts alone, so that it can be
 * read and tested as a table. */

#define RESUME_BLOCK 65536u

/* Returns the largest multiple of 64 KiB below the length of a partial. So a
 * client that compares lengths always sends something, and its file appears. */
uint64_t resume_length(uint64_t held);

struct resume_facts {
    enum write_mode mode;
    uint64_t offset;    /* REST */
    uint64_t resumable; /* bytes of the user's own partial; 0: there is none */
    bool finished;      /* a file has that name */
    uint64_t size;      /* of it */
    bool kept;          /* that file keeps the name, and the upload gets another
                         * one */
    uint64_t sized;     /* SIZE answered with this length of a partial */
    bool changed;       /* the partial was changed or replaced since then */
    bool reported;      /* SIZE has reported a length of the partial to some
                         * client */
    bool answered;      /* SIZE has reported the file's length to this
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

/* Returns OUTCOME_OK with *ret, BAD_OFFSET, SEND_WHOLE or SIZE_FIRST. */
enum outcome resume_decide(const struct resume_facts *facts,
                           struct resume_plan *ret);

/* An answer of SIZE, on which the client's next upload may rely. It is stored
 * by directory and name, so that each path to the file finds it; and with the
 * partial's facts, since another session may put other bytes of the same length
 * there. */
#define SIZED_MAX 32
struct sized {
    dev_t device; /* of the directory */
    ino_t inode;
    char name[NAME_MAX + 1]; /* "": this entry is free */
    uint64_t length; /* 0: the answer was the length of the finished file */
    struct stat partial;
};

/* Returns how much of the own partial of NAME can be resumed, with its facts
 * in *st; 0: nothing. Waits until no upload writes it, at most 5 s; ends at
 * once when session or master has gone. *waited: the file itself may exist
 * by now. Marks the partial as just used, so that space.c leaves it alone
 * for an hour. */
uint64_t resume_size(struct files *f, int directory, const char *name,
                     struct stat *st, bool *waited);
/* Notes that SIZE answers with the length of the finished file, and whether a
 * client may know a length of the own partial. */
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
 * its start, if it contains nothing else. Returns 0; -ENOTEMPTY, or
 * OUTCOME_OTHERS_PARTIALS in a share where another member has touched one
 * within the last hour, and nothing is deleted; -errno. */
int sweep_all(const struct files *f, const struct mount *m, int fd);

#endif
