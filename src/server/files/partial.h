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

/* A partial that hasn't changed for so long has no writer, on a server that was
 * cut off from the disk, either. */
#define PARTIAL_UNTOUCHED_S 3600

struct files;
struct mount;

enum partial_kind {
    PARTIAL_RANDOM, /* nothing of it is kept if it is cut */
    PARTIAL_OWN,    /* named after user and target, so it can be resumed */
    PARTIAL_LOST    /* a sync failed, or the disk is full: it is not kept */
};

#define OWNER_BYTES 16

struct partial {
    int fd; /* holds the lock until commit or abort; -1: none */
    enum partial_kind kind;
    char name[PARTIAL_NAME_MAX];
    struct stat opened; /* its facts when it was locked */
    bool locks_die;     /* its lock can go to another server, unnoticed */
    bool claimed;       /* it has this token */
    bool no_tokens;     /* the disk has no attributes, and so no marks */
    bool named;         /* a rename was tried: it may be a visible file */
    bool linked;        /* it is one, and has its own name as well */
    uint8_t token[OWNER_BYTES];
};
#define PARTIAL_NONE { .fd = -1 }

/* The name of this user's partial of the file NAME, in any directory. */
void partial_name(const struct files *f, const char *name,
                  char out[PARTIAL_NAME_MAX]);
/* A name that belongs to no file: without a writer it is of no use. */
void partial_name_random(char out[PARTIAL_NAME_MAX]);
/* Has NAME the form of a partial's name, of any user? */
bool partial_is_name(const char *name);
/* Did partial_name_random() make this name? */
bool partial_is_random(const char *name);
/* A regular file of this user? */
bool partial_is_own(const struct files *f, const struct stat *st);
/* It is complete and has its final name as well: its process died before it
 * removed this one. */
bool partial_has_landed(const struct files *f, int directory, const char *name,
                        const struct stat *st);
/* Has another upload become the file, as overtaken_set() notes? */
bool partial_is_overtaken(const struct files *f, int directory,
                          const char *name);
/* Has it a mark, or the record of SIZE's answer, and no token? */
bool partial_can_be_resumed(const struct files *f, int directory,
                            const char *name);

/* Opens the own partial of NAME for reading, without the lock: -1 if there is
 * none. */
int partial_open_unlocked(const struct files *f, int directory,
                          const char *name);
/* A handle for the session, which computes a checksum: it holds no lock.
 * -errno; -EACCES where the sandbox opens no file for reading. */
int partial_reader(const struct files *f, int directory, const char *name);
/* The name that the client gave the upload of PARTIAL; "": not known. */
void partial_wanted(const struct files *f, int directory, const char *partial,
                    char out[NAME_MAX + 1]);
/* Does PARTIAL, a file of this uid, belong to another user? Without root all
 * users have one uid, but a partial's name is its user's. */
bool partial_is_of_other(const struct files *f, int directory,
                         const char *partial);
/* Returns the confirmed length of the own partial of NAME: the part that can be
 * resumed. 0: there is none. *st are its facts; *reported: SIZE has reported a
 * length to a client, so the next upload may contain only the rest. */
uint64_t partial_resumable(const struct files *f, int directory,
                           const char *name, struct stat *st, bool *reported);

/* Locks the own partial of NAME until the descriptor is closed, so that nobody
 * takes it for an idle one. -EBUSY if an upload is writing it; -errno. */
int partial_hold(const struct files *f, int directory, const char *name);
/* Opens and locks the own partial, if it is still as SEEN and can be resumed at
 * FIRST, and cuts it there: only the bytes below FIRST count from now on.
 * -EBUSY if an upload is writing it or it has changed; OUTCOME_TAKEN_OVER. */
int partial_open(const struct files *f, int directory, const char *name,
                 const struct stat *seen, uint64_t first, struct partial *ret);
/* Makes an empty partial with the own name, and replaces an existing one, with
 * all its bytes. If an upload writes that partial, the new one gets a random
 * name. -EOWNERDEAD: the disk gives new files another owner, and nothing is
 * left. */
int partial_new(const struct files *f, int directory, const char *name,
                struct partial *ret);
/* Makes an empty one of a random name, which can't be resumed. */
int partial_new_random(const struct files *f, int directory,
                       struct partial *ret);
/* A handle for the session, which can't read: it holds no lock. */
int partial_writer(const struct partial *p, int directory);
/* Is it still under its name? On a network disk the lock can be lost: then
 * another server's session may have replaced it. */
bool partial_is_there(int directory, const struct partial *p);
/* Syncs it, and raises its confirmed length: 0, or -errno or
 * OUTCOME_TAKEN_OVER, and it is lost. */
int partial_confirm(struct files *f, struct partial *p);
/* Gives it the MODE of a file, and syncs all of it, as a file that is whole: 0
 * or -errno, and it is lost. */
int partial_complete(const struct files *f, struct partial *p, unsigned mode);
/* Ends the upload: if it can be resumed, it is synced, cut to its confirmed
 * length and kept; otherwise deleted. */
void partial_end(struct files *f, int directory, struct partial *p);

/* Deletes the partial NAME (its name on disk) unless an upload is writing it,
 * or it was used after BEFORE (0: whenever that was): 0, -EBUSY, -errno. */
int partial_remove(const struct files *f, int directory, const char *name,
                   time_t before);
/* Deletes the own partial of the file NAME, as partial_remove(). */
int partial_delete_of(const struct files *f, int directory, const char *name);
/* NAME has another file now, or none. So the own partial is deleted, and SIZE's
 * answer dropped: the rest of another file must not be appended to it. If an
 * upload is writing the partial, it may still become the file, but is stale
 * after a cut. 0 or -errno. */
int partial_forget(struct files *f, int directory, const char *name);

/* Shares the lock of an open partial, so that an upload that needs it waits. 0;
 * -EWOULDBLOCK if an upload has it; another -errno. */
int partial_share_lock(int fd);

/* Is an upload writing it? Shares the lock for a moment to find out: an upload
 * that needs the lock waits that long. */
bool partial_name_in_use(const struct files *f, int directory,
                         const char *name);
/* The same question about the own partial of the file NAME. */
bool partial_target_in_use(const struct files *f, int directory,
                           const char *name);

/* confirmed.c: how much of a partial is on the disk for certain. */

/* Returns the confirmed length of the partial FD with the facts *st. 0: no
 * mark. */
uint64_t confirmed_length(const struct files *f, int fd, const struct stat *st);

/* Has FD a mark, of any kind? */
bool confirmed_is_marked(int fd);
/* One of more than LENGTH? */
bool confirmed_is_above(int fd, uint64_t length);

/* Syncs the bytes of FD, then counts them: 0; -errno when the sync failed, and
 * then no byte of this partial counts any more. A mark that can't be written is
 * no error: it stays lower. */
int confirmed_raise(struct files *f, int fd);

/* No more than LENGTH counts, also after a power cut. To be called before a
 * byte at LENGTH or after it is overwritten or cut. 0 or -errno. */
int confirmed_lower(const struct files *f, int fd, uint64_t length);

/* Cuts FD at its confirmed length, which it returns. The upload of FD holds the
 * lock. */
uint64_t confirmed_cut(const struct files *f, int fd);

/* Call before SIZE reports a length of the partial FD to any client: from then
 * on any connection may send the rest of that file. The record survives a power
 * cut. 0 or -errno. */
int reported_set(const struct files *f, int fd);
bool reported_is_set(int fd);
/* The new partial NEW, without confirmed bytes, replaces OLD, but a client may
 * still send the rest that belongs to OLD. So NEW gets OLD's record, and a
 * mark, or it could be taken for a file. 0 or -errno. */
int reported_hand_on(const struct files *f, int old, int new);
/* No client relies on a length of it any more. */
void reported_remove(int fd);

/* While the partial was being written another upload of its name became the
 * file. So its bytes belong to an earlier version, and can't be resumed. */
void overtaken_set(int fd);
void overtaken_remove(int fd);
bool overtaken_is_set(int fd);

/* The name that the client gave, for sallyportctl: partial_name() hides it, and
 * only the owner can read an attribute of a partial. */
void wanted_set(int fd, const char *name);
void wanted_get(int fd, char out[NAME_MAX + 1]); /* "": not known */
void wanted_remove(int fd);

/* The attributes that the partial FD has; all of them, if the file system
 * doesn't list them. */
enum attribute {
    ATTRIBUTE_MARK = 1,
    ATTRIBUTE_REPORTED = 2,
    ATTRIBUTE_WANTED = 4,
    ATTRIBUTE_OVERTAKEN = 8,
    ATTRIBUTE_OWNER = 16
};
unsigned attributes_of(int fd);

/* For a partial that becomes a file: no byte of it counts any more. */
void confirmed_remove_mark(int fd);

/* owner.c: the upload that owns a partial, on disks that can lose a lock. There
 * an upload writes its token to each partial with a confirmed length. While the
 * token stands the partial isn't resumed: nobody knows whether its writer has
 * ended. */

#define OWNER_ATTRIBUTE "user.sallyport.owner"

bool owner_is_set(int fd);
/* Call before an upload opens a partial in DIRECTORY: can the disk lose a
 * lock? */
void owner_note_disk(struct files *f, int directory);
/* Returns true if the token says that no other server's session has taken P. */
bool owner_is_ours(const struct partial *p);
/* P becomes a file, which has no token. */
void owner_release(struct partial *p);
/* Before a mark says that bytes can be resumed: sets the token, where the disk
 * can lose locks. 0, or OUTCOME_TAKEN_OVER. */
int owner_check(const struct files *f, struct partial *p);
/* Can it have a mark? Not where the token is missing. */
bool owner_may_mark(const struct partial *p);
/* Sets it for one at rest, unless it has changed since it was opened: 0, or
 * OUTCOME_TAKEN_OVER. */
int owner_claim_rest(struct partial *p);

/* resume.c: where an upload begins, decided from facts alone, so that it can be
 * read and tested as a table. */

#define RESUME_BLOCK 65536u

/* The largest multiple of 64 KiB below the length of a partial. A client that
 * compares lengths always sends something, and so its file appears. */
uint64_t resume_length(uint64_t held);

struct resume_facts {
    enum write_mode mode;
    uint64_t offset;    /* REST */
    uint64_t resumable; /* bytes of the user's own partial; 0: there is none */
    bool finished;      /* a file has that name */
    uint64_t size;      /* of it */
    bool kept;          /* it keeps the name: the upload gets another one */
    uint64_t sized;     /* SIZE answered with this length of a partial */
    bool changed;       /* since then it was changed or replaced */
    bool reported;      /* SIZE has answered some client with a length of it */
    bool answered;      /* SIZE answered this session with the file's length */
};

enum resume_how {
    RESUME_ANEW, /* an empty partial */
    RESUME_CUT,  /* the own partial, cut at FIRST */
    RESUME_COPY  /* the first FIRST bytes of the finished file */
};

struct resume_plan {
    enum resume_how how;
    uint64_t first;
};

/* OUTCOME_OK with *ret, BAD_OFFSET, SEND_WHOLE or SIZE_FIRST. */
enum outcome resume_decide(const struct resume_facts *facts,
                           struct resume_plan *ret);

/* An answer of SIZE, which the client's next upload may rely on. It is kept by
 * directory and name, so that each path to the file finds it; with the
 * partial's facts, since another session may put other bytes of the same length
 * there. */
#define SIZED_MAX 32
struct sized {
    dev_t device; /* of the directory */
    ino_t inode;
    char name[NAME_MAX + 1]; /* "": this place is free */
    uint64_t length; /* 0: the answer was the length of the finished file */
    struct stat partial;
};

/* How much of the own partial of NAME can be resumed, with its facts in *st; 0:
 * nothing. Waits until no upload writes it, at most 5 s; ends at once when
 * session or master is gone. *waited: the file itself may be there by now. What
 * is there counts as used just now, so space.c leaves it alone for an hour. */
uint64_t resume_size(struct files *f, int directory, const char *name,
                     struct stat *st, bool *waited);
/* SIZE answers with the length of the finished file. If a client may know a
 * length of the own partial, that is noted, too. */
void resume_note_file(struct files *f, int directory, const char *name);
/* Finds the last answer of SIZE about NAME, or returns NULL. */
const struct sized *resume_sized(const struct files *f, int directory,
                                 const char *name);
/* An upload that relied on that answer has written nothing, but its token has
 * changed the ctime: the answer counts for the next one, too. */
void resume_keep_answer(struct files *f, int directory, const char *name);
/* Forgets that answer. */
void resume_drop_answer(struct files *f, int directory, const char *name);

/* sweep.c: Deletes the partials of a directory that holds nothing else: 0;
 * -ENOTEMPTY, or OUTCOME_OTHERS_PARTIALS in a share where another member has
 * touched one within the last hour, and nothing is deleted; -errno. */
int sweep_all(const struct files *f, const struct mount *m, int directory);

#endif
