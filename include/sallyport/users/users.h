/* The users file: one line each, passwd(5)'s column order.
 * name:hash:uid:gid:comment:home::key=value key=value … Pure, except that it
 * reads one descriptor. Hashes nothing. */
#ifndef SALLYPORT_USERS_USERS_H
#define SALLYPORT_USERS_USERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "sallyport/base/complain.h"
#include "sallyport/base/siphash.h"
#include "sallyport/base/slice.h"
#include "sallyport/domain/binding.h"
#include "sallyport/domain/conflict.h"
#include "sallyport/domain/limits.h"
#include "sallyport/domain/pin.h"
#include "sallyport/domain/rights.h"
#include "sallyport/domain/upload_eof.h"

#define USER_COMMENT_MAX 255
#define USER_HOME_MAX    1023
#define USER_LINE_MAX    4096
#define USERS_FILE_MAX   (16u << 20)
#define USERS_MAX        65536

struct user {
    char *name, *comment, *home; /* in the file's own copy */
    char *hash; /* without the '!' of a locked user, so maybe "" or "*" */
    uid_t uid;
    gid_t gid;
    unsigned rights; /* RIGHT_ bits */
    bool has_conflict;
    enum conflict on_conflict; /* if it has_conflict; else as the server */
    bool has_upload_eof;
    enum upload_eof upload_eof; /* if it has_upload_eof; else as the server */
    bool has_binding;
    enum data_binding data_binding; /* if it has_binding; else as the server */
    struct slice certificate; /* the permitted ones, in the file's copy; len 0:
                                 no certificate is needed */
    bool certificate_only;    /* a certificate replaces the password */
    bool locked;              /* a '!' before the hash, or no hash */
    size_t line;
};

struct users {
    struct user *row;
    size_t count;
    char *text; /* wiped on release */
    size_t text_size;
};

/* Reads the file from its start. *u needs no preparation, and is empty on
 * failure. FILE is its name for complaints. Refuses, with file and line: a bad
 * name, a duplicate name or uid, a hash of a refused kind (DES, MD5, NT,
 * empty), a uid that isn't a number, a home that isn't absolute, an unknown
 * key. 0; -EINVAL: a mistake; another -errno: the file couldn't be read. *c has
 * the reason in each case. */
int users_read(struct users *u, int fd, const char *file, struct complaint *c);
/* For programs that show a file, not for those that use it: calls REPORT for
 * each mistake, and *u gets the rows that can be read. It gets both of two rows
 * with the same name or uid. Returns the number of mistakes, or -errno with an
 * empty *u and the reason in *c. */
typedef void users_report(const char *mistake);
int users_survey(struct users *u, int fd, const char *file,
                 users_report *report, struct complaint *c);
void users_release(struct users *u);

/* Checks a value of certificate=: names of certificates with ';' between them,
 * each "sha256:" and 64 hexadecimal digits in lower case, or "subject:…",
 * "email:…", "dns:…", "uri:…". 0, or -EINVAL with a complaint. */
int user_certificate_check(struct slice value, struct complaint *c);
/* Is one of the user's certificates among CLAIMS, one name per line? False for
 * a user who needs no certificate. */
bool user_certificate_shown(const struct user *user, struct slice claims);
/* Writes up to MOST hashes of "sha256:" names to OUT. Returns their number.
 * With login=certificate there are at most USER_PINS_MAX. */
#define USER_PINS_MAX 16
size_t user_certificate_pins(const struct user *user, uint8_t (*out)[PIN_BYTES],
                             size_t most);

/* The version of a row. It differs if anything that grants access differs: the
 * hash, the lock, uid, gid, home, rights, client certificate, data_binding. The
 * comment, on_conflict and upload_eof don't change it. Without the KEY it
 * reveals nothing. */
uint64_t user_version(const struct user *user, const uint8_t key[SIPHASH_KEY]);

/* Who may have a process files. By root: uid_first to uid_last, no gid 0.
 * Without root: homes beneath HOMES, since all have the caller's uid. 0, or
 * -EINVAL with the complaint "user NAME: …" */
struct user_bounds {
    bool root;
    uint64_t uid_first, uid_last;
    const char *homes;
};
int user_permitted(const struct user *user, const struct user_bounds *b,
                   struct complaint *c);

const struct user *users_find(const struct users *u, struct slice name);

/* [a-z0-9._-]{1,32}, not beginning with '.' or '-'. */
bool user_name_ok(struct slice name);
/* yescrypt, bcrypt, scrypt, SHA-512 or SHA-256. With "!" before it: locked. "!"
 * or "*" alone: locked, without a password. */
bool user_hash_ok(const char *hash);
/* "yescrypt", "bcrypt", …, "none" for a user without a password. */
const char *user_hash_kind(const char *hash);
/* What a hash that isn't ok seems to be, in words. */
const char *user_hash_found(const char *hash);
/* Absolute, without "." and "..", not "/", no control byte, not too long. */
bool user_home_ok(struct slice home);
/* UTF-8 or not, but no ':' and no control byte; not too long. */
bool user_comment_ok(struct slice comment);

#endif
