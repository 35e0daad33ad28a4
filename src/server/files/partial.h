/* Declares the functions for partials. A partial is an unfinished upload, in
 * the directory in which its file will appear. Words about a partial:
 *
 * own, random  its name: a hash of user and file name, or random digits
 * lost         useless, as after a failed sync: its upload's end deletes it
 * at rest      no upload writes it: cut to its confirmed length, no token
 * reported     SIZE has told a client its length: the next upload may contain
 *              only the rest
 * stale        another session has stored, renamed or deleted its file
 *              meanwhile (attribute "overtaken"): no byte can be resumed
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

/* After so many seconds without a change a partial has no writer any more: even
 * a server that was cut off from the disk has given up the upload by then. */
#define PARTIAL_UNTOUCHED_S 3600

struct files;
struct mount;

enum partial_kind {
    PARTIAL_RANDOM, /* has a random name; deleted if its upload is cut */
    PARTIAL_OWN,    /* named after user and target, so that it can be resumed */
    PARTIAL_LOST    /* useless, as after a failed sync or on a full disk: its
                       upload's end deletes it */
};

#define OWNER_BYTES 16

struct partial {
    int fd; /* holds the lock until commit or abort; -1: none */
    enum partial_kind kind;
    char name[PARTIAL_NAME_MAX];
    struct stat opened; /* its facts when it was locked */
    bool locks_die;     /* the disk can give its lock to another server without
                           notice */
    bool claimed;       /* it has the token below */
    bool no_tokens;     /* the disk has no attributes, and so no marks */
    bool named;         /* a rename was tried, so it may be a visible file */
    bool linked;        /* it is a visible file, and still has its own name */
    bool rests;         /* its upload is open, but FD isn't */
    struct stat rested; /* its facts then */
    uint8_t token[OWNER_BYTES];
};
#define PARTIAL_NONE { .fd = -1 }

/* Makes the own name of this user's partial of the file NAME. The name is the
 * same in each directory. */
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
/* Is the partial NAME a complete file, which also has its final name? Then its
 * process died before it removed NAME. */
bool partial_has_landed(const struct files *f, int directory, const char *name,
                        const struct stat *st);
/* Will no upload continue this partial? True if it has landed, has
 * ATTRIBUTE_STALE or ATTRIBUTE_OWNER, or has neither ATTRIBUTE_MARK nor
 * ATTRIBUTE_REPORTED. If the disk doesn't list attributes, true only if it has
 * landed. */
bool partial_is_useless(const struct files *f, int directory, const char *name,
                        const struct stat *st);

/* Opens the own partial of NAME for reading, without the lock. Returns a
 * descriptor; -ENOENT: there is none; or another -errno. */
int partial_open_unlocked(const struct files *f, int directory,
                          const char *name);
/* Reads the name that the client gave to the upload of PARTIAL. OUT is "" if
 * this name isn't known. */
void partial_wanted(const struct files *f, int directory, const char *partial,
                    char out[NAME_MAX + 1]);
/* Has SIZE told a client the length of PARTIAL, or does its token show a writer
 * on another server? True also if this isn't known. */
bool partial_is_promised(const struct files *f, int directory,
                         const char *partial);
/* Does PARTIAL, a file of this uid, belong to another user? Without root all
 * users have one uid, but a partial's name shows its user. */
bool partial_is_of_other(const struct files *f, int directory,
                         const char *partial);
/* Looks at the own partial of NAME. *st: its facts; *identity: as
 * identity_read() returns it; *length: how many bytes can be resumed, its
 * confirmed length. Returns 0, also if there is none; or -errno. */
int partial_resumable(const struct files *f, int directory, const char *name,
                      struct stat *st, uint64_t *identity, uint64_t *length);

/* Locks the own partial of NAME, so that no process takes it for an idle one.
 * Returns a descriptor that keeps the lock until it is closed; -EBUSY: an
 * upload is writing the partial; or another -errno. */
int partial_lock_of(const struct files *f, int directory, const char *name);
/* Opens and locks the own partial of NAME, if it is still as SEEN, or has this
 * IDENTITY, and can be resumed at FIRST, and cuts it there: from now on only
 * the bytes below FIRST count. Returns 0; -EBUSY: an upload is writing the
 * partial, or it has changed; OUTCOME_PARTIAL_TAKEN: another server's session
 * has used it; or another -errno. */
int partial_open(const struct files *f, int directory, const char *name,
                 const struct stat *seen, uint64_t identity, uint64_t first,
                 struct partial *ret);
/* Makes an empty partial of NAME, which replaces the own partial of NAME and
 * all its bytes. If the old partial is in work, marks it as overtaken, and the
 * new one gets a random name. Returns 0; -EOWNERDEAD: the disk gives new files
 * another owner, so the new partial was removed; or another -errno. */
int partial_new(const struct files *f, int directory, const char *name,
                struct partial *ret);
/* Makes an empty partial with a random name, which can't be resumed. */
int partial_new_random(const struct files *f, int directory,
                       struct partial *ret);
/* Opens a handle of P for the session: for writing only, and without the lock.
 * Returns a descriptor; -EBUSY: another file has the name of P; or another
 * -errno. */
int partial_writer(const struct partial *p, int directory);
/* Does P still have its name? On a network disk the lock can be lost: then
 * another server's session may have replaced P. */
bool partial_is_there(int directory, const struct partial *p);
/* Syncs the partial P, and raises its confirmed length. Returns 0;
 * OUTCOME_PARTIAL_TAKEN or -errno: P is PARTIAL_LOST now. */
int partial_confirm(struct files *f, struct partial *p);
/* Gives P the MODE of a file, and syncs all of P. Returns 0; -errno: P is
 * PARTIAL_LOST now. */
int partial_complete(const struct files *f, struct partial *p, unsigned mode);
/* Call partial_rest() while no byte comes: another session can then resume P,
 * and partial_is_alive() is true until the upload ends. Does nothing if no byte
 * of P can be resumed, or others can't see that it is alive. Call
 * partial_go_on() before P changes again. Both return 0; OUTCOME_PARTIAL_TAKEN:
 * P was used meanwhile, and isn't touched any more; or -errno: P is
 * PARTIAL_LOST now. */
int partial_rest(struct files *f, struct partial *p);
int partial_go_on(const struct files *f, int directory, struct partial *p);
/* Is a silent upload alive that has the partial in DIRECTORY with the facts
 * *st? The partial is in use as if it had its lock, but can be resumed. Only
 * uploads on this machine are found. DIRECTORY is open for reading. */
bool partial_is_alive(int directory, const struct stat *st);
/* Ends the upload of P. If P can be resumed, syncs it, cuts it to its confirmed
 * length and keeps it; otherwise deletes it, or empties it if SIZE has told a
 * client its length. */
void partial_end(struct files *f, int directory, struct partial *p);

/* Deletes the partial that has NAME on the disk. Waits up to MS for processes
 * that only look at it. Returns 0; -EBUSY: an upload is writing it or is
 * silent, or it was used after BEFORE (0: ignore its age); or another -errno.
 */
int partial_remove(const struct files *f, int directory, const char *name,
                   time_t before, uint64_t ms);
/* Deletes the user's own partial of the file NAME. Returns the same as
 * partial_remove(). */
int partial_delete_of(const struct files *f, int directory, const char *name);
/* Call it after the file NAME was stored, renamed or deleted: the rest of a new
 * file must not be appended to the own partial of NAME, which belongs to an
 * earlier file. Deletes this partial. If an upload is writing the partial,
 * marks it as overtaken instead: it can still become the file, but can't be
 * resumed after a cut. Returns 0 or -errno. */
int partial_forget(const struct files *f, int directory, const char *name);

/* Takes a shared lock of the open partial FD. An upload that needs the lock
 * waits until it is released. Returns 0; -EWOULDBLOCK: an upload has the lock;
 * or another -errno. */
int partial_share_lock(int fd);

/* Is an upload writing the partial NAME? True also if NAME can't be opened.
 * Takes a shared lock for a moment to find out; an upload that needs the lock
 * waits for this moment. */
bool partial_name_in_use(const struct files *f, int directory,
                         const char *name);
/* confirmed.c: records how much of a partial is on the disk for certain. */

#define RESUME_BLOCK 65536u

/* Returns the largest multiple of 64 KiB below HELD, the length of a partial.
 * So a client that compares lengths always has bytes to send, and its file
 * appears. */
uint64_t resume_length(uint64_t held);

/* Returns the confirmed length of the partial FD in DIRECTORY with the facts
 * *st; 0: no byte can be resumed, as of a partial that was copied from another
 * directory. */
uint64_t confirmed_length(const struct files *f, int directory, int fd,
                          const struct stat *st);

/* Is the partial FD bound to another directory, as after cp -a or a restore?
 * Partials of 1.0.0 aren't bound. */
bool confirmed_is_elsewhere(int fd, int directory);
/* Does FD have a mark, of any kind? */
bool confirmed_is_marked(int fd);
/* Does FD have a mark above LENGTH? */
bool confirmed_is_above(int fd, uint64_t length);

/* Syncs the bytes of FD, then raises the mark. Returns 0, also if the mark
 * can't be written and stays lower; -errno: the sync failed, and from now on no
 * byte of this partial counts. */
int confirmed_raise(struct files *f, int fd);

/* Lowers the mark to LENGTH at most, and renews the identity; both survive a
 * power cut. Call it before a byte from LENGTH on is overwritten or cut.
 * Returns 0 or -errno. */
int confirmed_lower(const struct files *f, int fd, uint64_t length);

/* Cuts FD at its confirmed length, and returns this length. The caller has the
 * lock. */
uint64_t confirmed_cut(const struct files *f, int fd);

/* The record of SIZE has a random number, the partial's identity. While the
 * identity is the same, no byte below a length that SIZE has told has changed.
 * The record isn't a part of the mark, since 1.0.0 would take a longer mark for
 * none. */
#define IDENTITY_LOST 1 /* SIZE has told a length, on which nobody can rely */
/* Reads the identity of the partial FD with the facts *st; *ret is 0 if SIZE
 * has reported no length. Returns 0 or -errno. */
int identity_read(int fd, const struct stat *st, uint64_t *ret);
/* Makes the record if there is none, and reads it. SETTLED: the caller has the
 * lock, so a lost identity is replaced. *made: the caller must sync the record.
 * Call it before SIZE's answer: from then on any connection may send the rest
 * of the file. Returns 0 or -errno. */
int identity_give(int fd, const struct stat *st, bool settled, uint64_t *ret,
                  bool *made);
/* Call identity_take() when a writer has locked the partial, and
 * identity_rest() when it has written its last byte. Between them no answer of
 * SIZE counts. The first one returns 0 or -errno. */
int identity_take(int fd, const struct stat *st);
void identity_rest(int fd);
/* Returns the identity that the partial will have when its writer rests. */
uint64_t identity_of_writer(int fd);
/* Call it before the new partial NEW, which has no confirmed bytes, replaces
 * OLD. If SIZE has reported a length of OLD, a client may still send the rest
 * that belongs to OLD: then gives NEW the record, and a mark for 0 bytes.
 * Without a mark NEW could be taken for a finished file. Returns 0 or
 * -errno. */
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
    ATTRIBUTE_STALE = 8,
    ATTRIBUTE_OWNER = 16,
    ATTRIBUTE_DIRECTORY = 32 /* the directory to which the partial is bound */
};
void wanted_get(int fd, char out[NAME_MAX + 1]); /* "": not known */
/* Returns the attributes of the partial FD, bits of enum attribute; all bits if
 * the file system doesn't list attributes. */
unsigned attributes_of(int fd);
bool attribute_is_set(int fd, enum attribute a);
/* Ignores a text that can't be stored. */
void attribute_set(int fd, enum attribute a, const char *text);
void attributes_remove(int fd, unsigned which);

/* owner.c: records which upload owns a partial, on disks that can lose a lock.
 * On such a disk an upload writes its token to each partial with a confirmed
 * length. While the token is set no upload resumes the partial, since nobody
 * knows whether its writer has ended. */

#define OWNER_ATTRIBUTE "user.sallyport.owner"

/* Notes whether the disk of DIRECTORY can lose a lock. Call it before an upload
 * opens a partial there. */
void owner_note_disk(struct files *f, int directory);
/* Returns false if the token shows that another server's session has taken
 * P. */
bool owner_is_ours(const struct partial *p);
/* Removes the token of P. Call it before P becomes a file, or when no upload
 * writes it any more. */
void owner_release(struct partial *p);
/* Sets the token if the disk can lose locks. Call it before a mark says that
 * bytes can be resumed. Returns 0, or OUTCOME_PARTIAL_TAKEN. */
int owner_check(const struct files *f, struct partial *p);
/* Sets the token of a partial at rest, unless the partial has changed since it
 * was opened. Returns 0; OUTCOME_PARTIAL_TAKEN; -EIO: the disk can't store the
 * token. */
int owner_claim_rest(struct partial *p);

/* resume.c: decides where an upload begins. The decision uses only the facts
 * below, so that it can be read and tested as a table. */

/* The last answer of SIZE to this session about the name. */
enum told {
    TOLD_NOTHING,
    TOLD_ELSEWHERE, /* nothing; but some client knows the partial's length */
    TOLD_PARTIAL,   /* the length of the partial */
    TOLD_FILE,      /* the length of the finished file, which hasn't changed */
    TOLD_STALE /* of another directory or other bytes; or for APPE, an upload
                  that was cut has used the answer */
};

struct resume_facts {
    enum write_mode mode;
    uint64_t offset;     /* REST */
    uint64_t resumable;  /* bytes of the user's own partial; 0: there is none */
    bool finished;       /* a file has that name */
    uint64_t size;       /* of this file */
    bool old_keeps_name; /* that file keeps the name, and the upload gets
                            another name */
    enum told told;
    uint64_t sized; /* the partial's length, if TOLD_PARTIAL */
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

/* An answer of SIZE, on which the client's next upload can rely. Another
 * session may have stored other bytes meanwhile, or the path may lead to
 * another directory. */
#define SIZED_MAX 128 /* answers about partials, and as many about files */
struct sized {
    uint64_t key; /* resume_key() */
    dev_t device; /* of its directory */
    ino_t directory, inode;
    uint64_t identity; /* of the partial; or the times of the finished file */
    uint64_t length;   /* 0: a copy is there, which nobody resumes */
    bool file;         /* the answer was the length of the finished file */
    bool used, spent;
};

/* Returns a hash of PATH, by which an answer is found. */
uint64_t resume_key(const struct files *f, const struct path *path);
/* Returns how many bytes of the own partial of NAME can be resumed, or 0. *st:
 * its facts. Waits up to 5 s until no upload writes the partial, but stops when
 * session or master has gone. *waited: true if it has waited; then the file
 * itself may exist by now. Renews the ctime, so that space.c leaves the partial
 * alone for an hour. An answer about the finished file stays if the result is
 * 0; otherwise call resume_drop_answer() before. */
uint64_t resume_size(struct files *f, uint64_t key, int directory,
                     const char *name, struct stat *st, bool *waited);
/* Call it if SIZE answers with the length of the finished file FILE. If FILE is
 * a directory, only forgets the last answer. */
void resume_note_file(struct files *f, uint64_t key, int directory,
                      const struct stat *file);
/* Call it if SIZE has found nothing. Once an answer about a file was forgotten,
 * a name without an answer may be the name of this file. */
void resume_note_nothing(struct files *f, uint64_t key, int directory);
/* Finds the last answer of SIZE, or returns NULL. */
struct sized *resume_sized(struct files *f, uint64_t key);
/* Is the answer, about a partial, still true of the partial in DIRECTORY that
 * has the facts *st, IDENTITY, and RESUMABLE bytes? */
bool resume_holds(const struct sized *s, int directory, const struct stat *st,
                  uint64_t identity, uint64_t resumable);
/* Is the answer, about a finished file, still true of FILE? */
bool resume_holds_file(const struct sized *s, int directory,
                       const struct stat *file);
/* Call it after an upload that relies on an answer has cut the partial FD at
 * FIRST: up to there the answer still holds, but APPE needs the next one. */
void resume_follow_cut(struct files *f, uint64_t key, int fd, uint64_t first);
/* Call it after the session has changed the times or the mode of the file FD,
 * which had the facts *BEFORE: if SIZE's answer was true, it still is. */
void resume_follow_change(struct files *f, const struct path *path, int fd,
                          const struct stat *before);
/* Forgets the last answer of SIZE. */
void resume_drop_answer(struct files *f, uint64_t key);

/* sweep.c: deletes all partials in the directory FD, and its lock file, if FD
 * contains nothing else. FD is open for reading, and at its start. Returns 0;
 * OUTCOME_OTHERS_PARTIALS: FD is in a share, and another member's partial has
 * changed within the last hour, so nothing was deleted; -ENOTEMPTY: something
 * else is there, and nothing was deleted, or a partial couldn't be deleted; or
 * another -errno. */
int sweep_all(const struct files *f, const struct mount *m, int fd);

#endif
