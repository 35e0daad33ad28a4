/* Edits of the users file. A function that can't do its work calls fail(). */
#ifndef CTL_EDIT_H
#define CTL_EDIT_H

#include "ctl.h"

/* edit.c: an edit is locked, and atomic. Lines that it doesn't change keep
 * every byte. */

/* The rows of the locked file. */
extern const struct users *edit_users;

/* Locks the file and reads it, calls MAKE, which changes lines, and replaces
 * the file if its text has changed, but not with --dry-run. Then tells the
 * running server. MAKE waits only for disk_run(), and prints nothing. */
void edit_run(void (*make)(void *given), void *given);
/* For at_fail: says that an edit of the command stands. edit_run() sets it. */
void edit_stood(int code);
/* Notes a directory that MAKE has made: it is removed if the edit fails. */
void edit_made(const char *path);

/* Lines have the numbers of the old file, from 1 on. */

/* Adds the row as a new line. */
void edit_append(const struct row *row);
void edit_remove(size_t line);
/* Takes the line as a row, for a change. It is valid up to the next append. */
struct row *edit_row(size_t line);
/* Fails with the reason of a row function (sallyport/users/row.h), unless R is
 * 0. */
void row_need(int r);

/* Locks the users file, and reads it; fails if somebody may still be writing
 * it. */
void edit_lock(struct users_file *file, struct buf *text);
/* Gives that file another text. *stands as for users_file_commit(). */
void edit_replace(const struct users_file *file, struct slice text,
                  bool *stands);

/* lists.c: the lists shares= and teams=. */

/* Puts ENTRY into the list KEY, in the order of the names, and removes an older
 * one of NAME. ENTRY NULL only removes it; a list without entries is
 * removed. */
void row_set_entry(struct row *row, const char *key, struct slice name,
                   const char *entry);
/* Renames NAME to TO in each list KEY that has it, with the same role; TO NULL:
 * removes it. */
void edit_rename_entries(const char *key, struct slice name, const char *to);

/* ids.c: the numbers of users and shares. The next number is above the last
 * assigned one (USERS.last-uid, .last-gid). No row has it, no directory in
 * homes or shares, and no account or group of the system. */

/* Asks the disk and NSS for the next N numbers, and for some more, since other
 * commands may take a few before the lock. The directory OWN (NULL: none)
 * doesn't count. */
void ids_ask(bool share, size_t n, const char *own);
/* Returns the number that the Nth new row, counted from 0, will probably get;
 * 0: none is left. */
uint32_t ids_likely(size_t n);
/* Takes the next of these numbers that is free. Call it under the lock;
 * edit_run() records the number after it has replaced the file. */
uint32_t ids_take(void);
/* Records what ids_take() has taken for the edit. */
void ids_record(const struct users_file *file);
/* Returns the line of a row with that uid or gid; 0: there is none. */
size_t ids_line(const struct users *u, uint64_t id);
/* Finds a group of the system by name or number. */
gid_t ids_of_group(const char *text);

/* given.c: the options of the command line. */

#define DEFAULT "default" /* the server's setting counts */
#define NONE    "none"

/* Sets all given options but --hash-stdin in the row, and checks their values.
 * Asks no system. */
void given_set(struct row *row);
/* Checks the name of a source, the value of --sync. BESIDES: what is permitted
 * too. */
void given_source(const char *name, const char *besides);
/* Checks the options, for a row that is made later. */
void given_check(void);
/* Fails unless an option changes a row. */
void given_any(void);
/* Reads a hash, one line of standard input. */
void given_hash(struct row *row);
/* Writes PATH in place_tidy()'s form. If it can't be a home or a share's
 * directory, or without root isn't beneath BELOW, fails with WHAT before the
 * path. */
void given_tidy(const char *what, const char *path, const char *below,
                char out[USER_HOME_MAX + 1]);
/* Cuts the next NAME:ROLE from *list, into TEXT for a row. Fails without a
 * role. */
#define GRANT_TEXT_MAX (USER_NAME_MAX + 20)
void grant_text(const struct list_entry *entry, const char *whole,
                char out[GRANT_TEXT_MAX]);
/* user_change.c: sets sync= to the source NAME with these marks. */
void user_set_sync(struct row *row, struct slice name, unsigned marks);
/* user_change.c: refuses a row that follows a source, which WOULD undo the
 * command, unless the source has set one of the marks UNLESS. */
void user_refuse_synced(const struct user *user, unsigned unless,
                        const char *would);
/* Call it at the end of "user add" and "user change": says what prevents the
 * change from having an effect. */
void given_hint(void);
#define CERTIFICATE_MAX 2048
/* Writes names of client certificates, as people copy them, in the form of a
 * row. A fingerprint as openssl(1) prints it ("AA:BB:…") becomes lower case
 * without colons. A space becomes \20 and a ';' \3B, with or without a
 * backslash before it. Returns 0 or -ENAMETOOLONG. */
int certificate_tidy(const char *text, char out[CERTIFICATE_MAX]);

/* home.c: homes, and directories of shares. */

/* Flags for the directory itself, never for what a link names. */
#define DIRECTORY_FLAGS (O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)

struct home {
    char path[USER_HOME_MAX + 1];
    bool share;
    uid_t uid;
    gid_t gid;
    mode_t mode;
    bool adopt; /* an empty directory that belongs to no row */
    bool made;
};

/* Resolves the links of PATH's parent directory, which must exist, or be one of
 * the settings homes and shares. Paths beneath these keep their names. */
void home_canonical(char path[USER_HOME_MAX + 1]);
/* Refuses PATH if it overlaps a home or a share of a row of U other than OWN,
 * which may be NULL. HINT says what to do. Compares texts. */
void home_check_alone(const struct users *u, const void *own, const char *path,
                      const char *hint);
/* Call it when the rows of a table have changed. */
void home_forget_rows(void);
/* Fails if home_make() would; makes nothing. Also asks systemd. */
void home_check(const struct home *h);
/* Makes the directory, for the running edit; root gives it to its owner. Keeps
 * an existing directory if it belongs to the user, and refuses a link. */
void home_make(struct home *h);

/* user_add.c: rows that are being made, with their homes. */

struct draft {
    struct row row; /* add: the new row; change: only the columns that options
                     * give, the others are "" */
    struct home home;
};

void draft_begin(struct draft *d, const char *name);
/* Sets the home in the canonical form; NULL: NAME in the setting homes. Then
 * asks its disk whether it can be made. */
void draft_home(struct draft *d, const char *home);
/* Refuses the name, lists, uid and home if the rows of U don't permit them. OWN
 * is the row that is changed; NULL: the row is new. */
void draft_check(const struct draft *d, const struct users *u,
                 const struct user *own);
/* Gives a new row its uid, makes its home, and appends it. Call it under the
 * lock. */
void draft_put(struct draft *d);
/* Adds the user of the command line. PASSWORD gets the new password, unless a
 * hash is given. */
void user_add_row(struct draft *d, struct secret *password);

#endif
