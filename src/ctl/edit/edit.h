/* Edits of the users file. Functions of type int return an exit code, with the
 * complaint filled in, where nothing else is said. */
#ifndef CTL_EDIT_H
#define CTL_EDIT_H

#include "ctl.h"

/* edit.c */

/* An edit of the users file: locked, and atomic. Lines that it doesn't change
 * keep every byte. */

struct edit_line {
    struct slice text; /* of the old file, without its end; ptr NULL: none */
    struct row row;    /* of a changed or new one; else without columns */
};

struct edit {
    struct users_file file;
    bool stands;            /* the new file has replaced the old one */
    struct buf text;        /* the old file */
    struct edit_line *line; /* of the new file; line N is line[N - 1] */
    size_t lines, room;
    const struct users *users; /* the old file: own, or read before the lock */
    struct users own;
    struct buf made; /* directories for it, with a NUL after each */
    struct complaint *complaint;
};

/* Waits up to LOCK_MS for the lock, and reads the file. If it still is the text
 * of BEFORE (NULL: none), these are its users. In any case the caller calls
 * edit_release(). */
int edit_open(struct edit *e, const char *path, unsigned lock_ms,
              const struct context *before, struct complaint *c);
void edit_release(struct edit *e);
/* Notes a directory that was made for this edit. edit_release() removes it
 * again, if the file wasn't replaced. */
void edit_made(struct edit *e, const char *path);
/* Calls MAKE, which changes the file, under the lock. Then the running server
 * hears of it, also if the change could not be synced. */
int edit_run(struct context *x,
             int (*make)(struct context *x, struct edit *e, void *given),
             void *given);

/* Lines of users, shares and teams have the numbers of the old file, from 1
 * on. */

/* Adds the row as a new line. Refuses one that is longer than a line may be. */
int edit_append(struct edit *e, const struct row *row);
void edit_remove(struct edit *e, size_t line);
/* Takes the line as a row, for a change. It belongs to E, up to its next
 * append. */
int edit_row(struct edit *e, size_t line, struct row **ret);
/* These change the row of a line: row_set_column(), row_set_hash() and
 * row_set(). */
int edit_set_column(struct edit *e, size_t line, enum row_column column,
                    const char *text);
int edit_set_hash(struct edit *e, size_t line, bool locked, const char *hash);
int edit_set_key(struct edit *e, size_t line, const char *key,
                 const char *value);
int edit_commit(struct edit *e);
/* Fills in the complaint: WHAT failed, a file beside the users file. */
int edit_fail(struct edit *e, int error, const char *what);

/* An edit of the whole text. The caller holds no struct edit. */

/* Waits up to LOCK_MS for the lock of the users file PATH, and reads it; a
 * missing one is empty. In any case the caller calls users_file_close(). */
int edit_read_locked(struct users_file *file, const char *path,
                     unsigned lock_ms, struct buf *text, struct complaint *c);
/* Gives that file another text, as users_file_commit(). */
int edit_replace(const struct users_file *file, struct slice text,
                 users_file_check *check, void *owner, bool *stands,
                 struct complaint *c);
/* Has the text no mistake? The owner is a struct complaint. */
users_file_check edit_check;

/* lists.c: the lists shares= and teams=. */

/* Puts ENTRY into the list KEY, in the order of the names, and removes an older
 * one of NAME. ENTRY NULL only removes it; a list without entries is removed.
 * Returns 0 or -errno, as row_set(). */
int row_set_entry(struct row *row, const char *key, struct slice name,
                  const char *entry);
/* The same for a line. */
int edit_set_entry(struct edit *e, size_t line, const char *key,
                   struct slice name, const char *entry);
/* In each list KEY that has NAME, it becomes TO with the same role, or with
 * NULL it is removed. */
int edit_rename_entries(struct edit *e, const char *key, struct slice name,
                        const char *to);
/* By bytes, as strcmp(3). */
int name_order(struct slice a, struct slice b);
/* The exit code for a result of a row, or of a buffer for lines. */
int row_exit(int r, struct complaint *c);

/* ids.c: the numbers of users and shares. */

/* The ids that were ever assigned (USERS.last-uid, .last-gid): all up to the
 * last one, and those above it that somebody has chosen. */
enum edit_last { EDIT_LAST_UID, EDIT_LAST_GID };
extern const char *const edit_last_ids[]; /* the ends of their names */
#define SPENT_MAX  USERS_MAX
#define SPENT_TEXT (12 * (SPENT_MAX + 2))
struct spent {
    uint64_t last; /* 0: none */
    uint32_t chosen[SPENT_MAX];
    size_t count;
};
int edit_spent(struct edit *e, enum edit_last which, struct spent *s);
bool spent_has(const struct spent *s, uint64_t id);
/* Adds a chosen one. Returns false if there are too many. */
bool spent_choose(struct spent *s, uint64_t id);
int edit_record_spent(struct edit *e, enum edit_last which,
                      const struct spent *s);
/* Records the id as used, forever; and all below it, unless it is a CHOSEN
 * one. */
int edit_spend_id(struct edit *e, enum edit_last which, uint64_t id,
                  bool chosen);

/* Uids of users. None is assigned twice, even if its user is removed: those
 * that were assigned, and those of rows that were written by hand. */
struct uids {
    struct spent spent;
    bool changed; /* and not recorded yet */
};

int uids_open(struct context *x, struct uids *u, struct edit *e);
/* Prints whose files the user NAME may get with this uid. */
void uids_hint(const struct uids *u, struct slice name, uint64_t uid);
/* Sets *uid to the next one and *gid to the same number, unless they aren't 0.
 * NAME is the user's. */
int uids_assign(struct context *x, struct uids *u, struct slice name,
                uint64_t *uid, uint64_t *gid);
/* Adds a uid that somebody has chosen, or had. */
int uids_choose(struct context *x, struct uids *u, uint64_t uid);
/* Records the uid, so that "user add" never assigns the uid of a row that was
 * written by hand, changed or removed: files of that user may still exist. */
int uids_spend(struct context *x, struct edit *e, uint64_t uid);
/* Records the assigned uids as used: before anything else is written. */
int uids_record(struct uids *u, struct edit *e);
/* Has an account of the system (NSS) this uid, whose owner could read and
 * change the user's files? Or a group this gid? They return 1, 0, or -errno:
 * nobody knows. */
int uid_is_of_system(uint64_t uid);
int gid_is_of_system(uint64_t gid);
/* errno after a question to NSS that found nothing: 0, or -errno as above. */
int nss_result(int error);
/* Returns EX_TEMPFAIL, with the complaint that nobody knows. */
int nss_fail(struct context *x, int result);
/* Refuses a --uid that is the number of an account or a group of the system. */
int given_ids_free(struct context *x);
/* Finds a group of the system by name or number. */
int given_group(struct context *x, const char *group, gid_t *ret);

/* given.c: the options of the command line. */

/* The value that removes a key: the server's setting counts. */
#define DEFAULT "default"

/* Sets all given options but --hash-stdin in the row, and checks their values.
 * Asks no system. */
int given_set(struct context *x, struct row *row);
/* Checks the keys, for a row that is made later. */
int given_check(struct context *x);
/* Refuses a command line without an option that changes a row. */
int given_any(struct context *x);
/* --hash-stdin: reads the hash, one line of standard input. */
int given_hash(struct context *x, struct row *row);
/* Sets HOME, an absolute path, in place_tidy()'s form. */
int given_home(struct context *x, struct row *row, const char *home);
/* --rights-in, which is given: the path, and the role or NULL for the word
 * default. */
int given_rights_in(struct context *x, char path[USER_HOME_MAX + 1],
                    const char **role);
/* At the end of a command: prints a hint if a certificate was given, but the
 * server never asks for one; if the given expiry has passed; or if files shall
 * be removed, but no timer does it. */
void given_hint(const struct context *x);

#define CERTIFICATE_MAX 2048
/* Writes names of client certificates, in the form in which people copy them,
 * as a row has them. A fingerprint as openssl(1) prints it ("AA:BB:…")
 * becomes lower case without colons. A space becomes \20 and a ';' \3B, with
 * or without a backslash before it. Returns 0 or -ENAMETOOLONG. */
int certificate_tidy(const char *text, char out[CERTIFICATE_MAX]);

/* user_add.c: rows in the making. */

struct draft {
    struct row
        row; /* a new one; or of a change what the options give, and "" */
    gid_t local_gid;   /* the group of the home; 0: the user's */
    mode_t local_mode; /* then the home's */
    bool made;         /* the home is new */
};

/* A user without anything. In any case the caller calls draft_end(), which
 * wipes the hash. */
int draft_begin(struct context *x, struct draft *d, const char *name);
void draft_end(struct draft *d);
/* The home is NAME in DIRECTORY. */
int draft_home_in(struct context *x, struct draft *d, const char *directory);
/* Refuses the name, lists, uid and home if the rows don't permit them. OWN is
 * the row that is changed; NULL: it is new. */
int draft_check(struct context *x, const struct draft *d, const struct users *u,
                const struct user *own);
int draft_set_ids(struct context *x, struct draft *d, uint64_t uid,
                  uint64_t gid);
/* Would draft_make() refuse the home? Makes nothing. */
int draft_check_make(struct context *x, const struct draft *d, struct edit *e);
/* Makes the home, if the draft has one; and in it, or else in HOME, the
 * directory of --rights-in, if it is missing: the user can't. With --max-files
 * or --max-bytes it refuses a home whose file system can't hold the count. */
int draft_make(struct context *x, struct draft *d, struct edit *e,
               const char *home);
/* Adds the row, and makes the home. The caller commits the edit. */
int draft_put(struct context *x, struct draft *d, struct edit *e);

/* Adds the user of the command line. PASSWORD gets the new one, unless a hash
 * is given. The caller calls draft_end(), and prints what was done. */
int user_add_row(struct context *x, struct draft *d, struct secret *password);

#endif
