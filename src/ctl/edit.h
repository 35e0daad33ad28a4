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
    bool exists;
    bool stands;            /* the new file has replaced the old one */
    struct buf text;        /* the old file */
    struct edit_line *line; /* of the new file; line N is line[N - 1] */
    size_t lines, room;
    struct users users; /* the old file */
    struct buf made;    /* directories for it, with a NUL after each */
    struct complaint *complaint;
};

/* Waits up to LOCK_MS for the lock, and reads the file. In any case the caller
 * calls edit_release(). */
int edit_open(struct edit *e, const char *path, unsigned lock_ms,
              struct complaint *c);
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
/* These change the row of a line: row_set_column(), row_set_hash(), row_set()
 * and row_set_entry(). */
int edit_set_column(struct edit *e, size_t line, enum row_column column,
                    const char *text);
int edit_set_hash(struct edit *e, size_t line, bool locked, const char *hash);
int edit_set_key(struct edit *e, size_t line, const char *key,
                 const char *value);
int edit_set_entry(struct edit *e, size_t line, const char *key,
                   struct slice name, const char *entry);
int edit_commit(struct edit *e);
/* Fills in the complaint: WHAT failed, a file beside the users file. */
int edit_fail(struct edit *e, int error, const char *what);

/* Puts ENTRY into the list KEY, in the order of the names, and removes an older
 * one of NAME. ENTRY NULL only removes it; a list without entries is removed.
 * Returns 0 or -errno, as row_set(). */
int row_set_entry(struct row *row, const char *key, struct slice name,
                  const char *entry);
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

#endif
