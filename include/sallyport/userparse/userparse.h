/* The users file: one line per user, in the column order of passwd(5):
 * name:hash:uid:gid:comment:home::key=value key=value … The functions are pure,
 * except that users_read() and users_survey() read a descriptor, and
 * users_write() writes to one. No function computes the hash of a password. */
#ifndef SALLYPORT_USERPARSE_USERPARSE_H
#define SALLYPORT_USERPARSE_USERPARSE_H

#include "sallyport/users/users.h"

/* Reads the file from its start, for sallyportctl. *u needs no preparation, and
 * is empty on failure. Complaints call the file FILE. Refuses, with file and
 * line: a bad name, a duplicate name or uid, a hash of a refused kind (DES,
 * MD5, NT, empty), a uid that isn't a number, a home that isn't absolute, an
 * unknown key. Skips keys and values that only older versions permit, so that
 * sallyportctl can edit their rows one by one. Returns 0; -EINVAL: a mistake;
 * another -errno: the file couldn't be read. *c has the reason in each case. */
int users_read(struct users *u, int fd, const char *file, struct complaint *c);
/* Does the same for a text in memory, which stays as it is. Unless LENIENT,
 * refuses what only older versions permit, as the server does. */
int users_parse(struct users *u, struct slice text, const char *file,
                bool lenient, struct complaint *c);
/* Does the same for the server, and refuses what only older versions permit.
 * REPORT NULL: ends at the first mistake. Otherwise reads the file for a
 * program that only shows it: calls REPORT for each mistake, and *u gets the
 * rows that can be read. If two rows have the same name or uid, *u gets both.
 * Returns the number of mistakes, or -errno with an empty *u and the reason in
 * *c. */
typedef void users_report(const char *mistake);
int users_survey(struct users *u, int fd, const char *file,
                 users_report *report, struct complaint *c);

/* Writes the table for users_take() (users/image.h). Returns 0 or -errno. */
int users_write(const struct users *u, int fd);

/* An entry NAME or NAME:ROLE of a list with commas: shares=, teams=. */
struct list_entry {
    struct slice text, name, role; /* role.ptr NULL: there is no role */
};
/* Cuts the next entry from *rest; false: there is none. */
bool entry_next(struct slice *rest, struct list_entry *ret);
/* Finds the entry of NAME in a list. */
bool entry_find(struct slice list, struct slice name, struct list_entry *ret);
/* Sets *ret to the rights of an entry of shares=. An entry without a role gives
 * all rights. Returns 0 or -EINVAL. */
int entry_rights(const struct list_entry *e, unsigned *ret);

/* Reads a value of expires=: "2027-01-31T12:00:00Z", or a day, which means the
 * end of the day in UTC. The years are 1970 to 9999. Returns 0 or -EINVAL. */
int user_expires_parse(struct slice text, int64_t *ret);

/* A value of sync=, "NAME" or "NAME:WORD,WORD". NAME is the source of "user
 * import --sync" that made the row; the words are the SYNC_ marks of the row.
 */
enum {
    SYNC_HASH = 1,    /* the hash comes from the source */
    SYNC_EXPIRES = 2, /* expires= comes from the source */
    SYNC_LOCKED = 4,  /* the source has locked the user */
    SYNC_GONE = 8,    /* the source no longer has the user */
};
#define SYNC_CLOSED   (SYNC_LOCKED | SYNC_GONE)
#define SYNC_TEXT_MAX (USER_NAME_MAX + 32)
struct user_sync {
    struct slice name;
    unsigned marks; /* SYNC_ bits */
};
/* Returns 0 or -EINVAL. */
int user_sync_parse(struct slice value, struct user_sync *ret);
/* Has the source of the row locked the user, or does it no longer have the
 * user? */
bool user_sync_closed(const struct user *user);
/* Returns OUT. */
const char *user_sync_text(const struct user_sync *s, char out[SYNC_TEXT_MAX]);

/* Do only older versions permit this key of a row? */
bool user_key_retired(const char *key);

/* Checks a key of a user's last column, and its value. Returns 0, or -EINVAL
 * with a complaint that begins with "KEY=". */
int user_key_check(const char *key, const char *value, struct complaint *c);

/* Parses a number and its unit: s, min, h, d or w. Returns seconds; 0: TEXT
 * isn't a duration, or is zero. */
int64_t user_duration_parse(struct slice text);

/* How long files in a directory are kept. */
struct retention {
    struct slice path; /* as the user sees it in the home, or in the share */
    int64_t seconds;
};
/* Cuts the next PATH:TIME from a value of retain=. Returns 1, 0 at the end, or
 * -EINVAL. */
int user_retain_next(struct slice *rest, struct retention *ret);
#define USER_RETAIN_EXPECTED                                                   \
    "expected PATH:TIME, such as /incoming:30d, several with commas; a path "  \
    "without blanks, commas, colons, . and ..; a time of at least 1h"

/* Accepts hashes of these kinds, also after "!", which locks the user. "!" or
 * "*" alone stands for a locked user without a password. user_hash.c has
 * user_hash_ok(), user_hash_kind() and user_hash_found(). */
#define USER_HASHES "yescrypt, bcrypt, scrypt, SHA-512 or SHA-256"
bool user_hash_ok(const char *hash);
/* Returns "yescrypt", "bcrypt", …, or "none" for a user without a password. */
const char *user_hash_kind(const char *hash);
/* Returns words for the kind that a refused hash seems to have. */
const char *user_hash_found(const char *hash);
/* Can HOME be a user's home? It must be absolute, not "/", without ".", "..",
 * ':' and control bytes, and not too long. Returns NULL if so; otherwise words
 * for the path that is expected. */
const char *user_home_wanted(struct slice home);
/* Can COMMENT be the comment of a user? It can have any bytes except ':' and
 * control bytes, also bytes that aren't UTF-8, and must not be too long. */
bool user_comment_ok(struct slice comment);

#endif
