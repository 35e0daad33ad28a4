/* Edits of the users file. A function that can't do its work calls fail(). */
#ifndef CTL_EDIT_H
#define CTL_EDIT_H

#include "ctl.h"

/* edit.c: an edit holds the lock of the users file, and replaces the file in
 * one step. Lines that the edit doesn't change keep every byte. */

/* The rows of the locked file. */
extern const struct users *edit_users;

/* Locks and reads the users file, and calls MAKE(GIVEN), which changes lines.
 * If the text has changed, replaces the file and tells the running server, but
 * not with --dry-run. MAKE waits only in disk_run(), and prints nothing. */
void edit_run(void (*make)(void *given), void *given);
/* A function for at_fail, which edit_run() sets: says that the users file was
 * changed before the failure. */
void edit_stood(int code);
/* Notes the directory PATH, which MAKE has made: an edit that fails removes it.
 */
void edit_made(const char *path);

/* Lines keep their numbers of the old file, counted from 1. */

/* Adds the row as a new line. */
void edit_append(const struct row *row);
void edit_remove(size_t line);
/* Returns the line as a row that MAKE can change. The row is valid until the
 * next edit_append(). */
struct row *edit_row(size_t line);
/* Fails unless R, the result or error of a row (sallyport/users/row.h), is 0. A
 * row of the edit needs it only before a prompt: the edit looks at the end. */
void row_need(int r);

/* Locks and reads the users file. Fails if the file is perhaps incomplete. */
void edit_lock(struct users_file *file, struct buf *text);
/* Replaces the text of the locked file, or fails. *stands is as for
 * users_file_commit(). */
void edit_replace(const struct users_file *file, struct slice text,
                  bool *stands);

/* lists.c: the lists shares= and teams=. */

/* Puts ENTRY into the sorted list KEY, in place of an older entry of NAME.
 * ENTRY NULL: only removes the older entry. Removes a list without entries. */
void row_set_entry(struct row *row, const char *key, struct slice name,
                   const char *entry);
/* Renames the entry NAME to TO in each list KEY, and keeps its role. TO NULL:
 * removes the entry. */
void edit_rename_entries(const char *key, struct slice name, const char *to);

/* ids.c: the numbers of users and shares. The next number is above the last
 * assigned number (USERS.last-uid, USERS.last-gid), and no row, no directory in
 * homes or shares, and no account or group of the system has it. */

/* Asks the disk and NSS for the next N numbers, and for some more, since other
 * commands can take a few before this command has the lock. Ignores the owner
 * of the directory OWN (NULL: ignores none). */
void ids_ask(bool share, size_t n, const char *own);
/* Returns the number that the Nth new row, counted from 0, will probably get;
 * 0: none is left. */
uint32_t ids_likely(size_t n);
/* Takes the next free number of ids_ask(). Call it under the lock; edit_run()
 * records the number after it has replaced the file. */
uint32_t ids_take(void);
/* Records the last number that ids_take() has taken for the edit. */
void ids_record(const struct users_file *file);
/* Notes that a row loses the uid or gid ID, unless a row of NOW has it (NULL:
 * no row has it). */
void ids_lose(const struct users *now, uint32_t id);
/* Records the noted numbers that are in a range and above the last one, or
 * fails. edit_replace() calls it before it replaces the file. */
void ids_record_lost(const struct users_file *file);
/* Returns the line of a row with ID as uid or gid; 0: there is none. */
size_t ids_line(const struct users *u, uint64_t id);
/* Does a group of the system have the gid, or an account of /etc/passwd as its
 * primary group? Fails if name services don't answer. Call it in a fork. */
bool ids_system_has_gid(gid_t gid);
/* Returns the gid of the group TEXT, a name or a number, of the system; or
 * fails. */
gid_t ids_of_group(const char *text);

/* given.c: the options of the command line. */

#define NONE "none"

/* Checks the options that are keys of a row, and --comment, and sets them in
 * the row. Asks neither a disk nor NSS. */
void given_set(struct row *row);
/* Checks NAME, the value of --sync. BESIDES ends the message, with the other
 * values that the command permits. */
void given_source(const char *name, const char *besides);
/* Checks the same options for a row that is made later. */
void given_check(void);
/* Fails if no option changes a row. */
void given_any(void);
/* Reads a hash from one line of standard input, and sets it in the row. */
void given_hash(struct row *row);
/* Writes PATH in place_tidy()'s form. Fails if PATH can't be a home or a
 * share's directory, or if the caller isn't root and PATH isn't beneath BELOW.
 * The message begins with WHAT. */
void given_tidy(const char *what, const char *path, const char *below,
                char out[USER_HOME_MAX + 1]);
/* Writes ENTRY, which is NAME:ROLE, in the form of a row. Fails if ENTRY has no
 * correct role; the message begins with WHOLE. */
#define GRANT_TEXT_MAX (USER_NAME_MAX + 20)
void grant_text(const struct list_entry *entry, const char *whole,
                char out[GRANT_TEXT_MAX]);
/* Sets sync= of the row to the source NAME with MARKS. */
void user_set_sync(struct row *row, struct slice name, unsigned marks);
/* Fails if the user's row follows a source, unless the source
 * has set one of the marks UNLESS. WOULD says in the message how the source
 * would undo the command. */
void user_refuse_synced(const struct user *user, unsigned unless,
                        const char *would);
#define CERTIFICATE_MAX 2048
/* Writes names of client certificates, as people copy them, in the form of a
 * row. A fingerprint as openssl(1) prints it ("AA:BB:…") becomes lower case
 * without colons. In a name a space, with or without a backslash before it,
 * becomes \20, and a ";" with a backslash becomes \3B. Returns 0 or
 * -ENAMETOOLONG. */
int certificate_tidy(const char *text, char out[CERTIFICATE_MAX]);

/* home.c: homes, and directories of shares. */

/* Flags that open a directory, never the target of a link. */
#define DIRECTORY_FLAGS (O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)

struct home {
    char path[USER_HOME_MAX + 1];
    bool share;
    uid_t uid;
    gid_t gid;
    mode_t mode;
    bool adopt;   /* takes over an empty directory of no row */
    bool imports; /* another run of the command can give another uid */
    bool made;
};

/* Resolves the links of PATH's parent directory, which must exist. Doesn't
 * change a PATH in homes or shares; a PATH that leads there by links begins
 * with the setting's own path afterwards. */
void home_canonical(char path[USER_HOME_MAX + 1]);
/* Fails if PATH overlaps the home or directory of a row of U other than OWN
 * (NULL: of any row). HINT says in the message what to do. Compares texts only.
 */
void home_check_alone(const struct users *u, const void *own, const char *path,
                      const char *hint);
/* Can one of the paths lead to the other one, or to a directory above it, on a
 * disk that ignores case? Only the disk knows letters beyond ASCII. */
bool home_may_meet(const char *a, const char *b);
/* Fails if another row's directory is the directory FD, of PATH, or in it; if
 * FD is -1: if it has the directory PARENT of PATH in it. Looks for paths of
 * other case; with --purge also for links that lead from outside homes and
 * shares. OPENS (or NULL) gets the path of each row's directory before it is
 * opened. Call it after home_check_alone(). */
void home_check_case(const char *path, int parent, int fd,
                     char opens[PATH_MAX]);
/* Forgets the directories of the rows, which home_check_alone() keeps. Call it
 * when rows have changed. */
void home_forget_rows(void);
/* Fails if PATH lies in `homes`, and most homes there are missing: PATH would
 * be made in the directory on which their disk belongs. */
void home_check_mounted(const char *path);
/* Returns the owner that the home of a user with this uid must have: without
 * root, the caller. */
uid_t home_owner(uid_t uid);
/* Fails if home_make() would fail, or if systemd doesn't let the service write
 * there. Makes nothing. */
void home_check(const struct home *h);
/* Makes the directory, in the running edit. If root runs the command, the
 * directory gets the owner of H. Keeps an existing directory that belongs to
 * the user; refuses a link. */
void home_make(struct home *h);

/* user_add.c: rows that are being made, with their homes. */

struct draft {
    struct row row; /* add: the new row; change: only the columns that options
                     * give, the others are "" */
    struct home home;
};

void draft_begin(struct draft *d, const char *name);
/* Sets the home to HOME, after home_canonical(); NULL: to NAME in the setting
 * homes. */
void draft_home(struct draft *d, const char *home);
/* Fails if the row has an error, or if the rows of U don't permit the name, the
 * lists or the home. OWN is
 * the row that is changed; NULL: the row is new. */
void draft_check(const struct draft *d, const struct users *u,
                 const struct user *own);
/* Gives a new row its uid, makes its home, and appends the row. Call it under
 * the lock. */
void draft_put(struct draft *d);
/* Adds the user of the command line. PASSWORD gets the new password, unless the
 * user gets a hash or logs in without a password. */
void user_add_row(struct draft *d, struct secret *password);

#endif
