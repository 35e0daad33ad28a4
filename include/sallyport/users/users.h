/* The users file: one line each, passwd(5)'s column order.
 *   name:hash:uid:gid:comment:home::key=value key=value …
 * Pure but for reading one descriptor; hashes nothing. */
#ifndef SALLYPORT_USERS_USERS_H
#define SALLYPORT_USERS_USERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "sallyport/base/binding.h"
#include "sallyport/base/complaint.h"
#include "sallyport/base/conflict.h"
#include "sallyport/base/siphash.h"
#include "sallyport/base/slice.h"
#include "sallyport/base/upload_eof.h"
#include "sallyport/users/rights.h"

#define USER_NAME_MAX    32
#define USER_HASH_MAX    383
#define USER_COMMENT_MAX 255
#define USER_HOME_MAX    1023
#define USER_LINE_MAX    4096
#define USERS_FILE_MAX   (16u << 20)
#define USERS_MAX        65536

struct user {
    char *name, *comment, *home; /* in the file's own copy */
    char *hash; /* without the '!' of a locked user; then maybe "" or "*" */
    uid_t uid;
    gid_t gid;
    unsigned rights; /* RIGHT_ bits */
    bool has_conflict;
    enum conflict on_conflict; /* if it has_conflict; else as the server */
    bool has_upload_eof;
    enum upload_eof upload_eof; /* if it has_upload_eof; else as the server */
    bool has_binding;
    enum data_binding data_binding; /* if it has_binding; else as the server */
    struct slice certificate; /* which ones, in the file's own copy; len 0: the
                                 password is enough */
    bool certificate_only;    /* instead of the password */
    bool locked;              /* a '!' in front of the hash, or no hash */
    size_t line;
};

struct users {
    struct user *row;
    size_t count;
    char *text; /* wiped on release */
    size_t text_size;
};

/* Reads the file from its start; *u needs no preparation, and is empty on
 * failure. FILE is its name for complaints. Refuses, with file and line: a bad
 * name, a duplicate name or uid, a hash of a refused kind (DES, MD5, NT,
 * empty), a uid that isn't a number, a home that isn't absolute, an unknown
 * key. 0 or -EINVAL; another -errno (-ENOMEM): it couldn't be read, and nothing
 * is known of it. *c says it in each case. */
int users_read(struct users *u, int fd, const char *file, struct complaint *c);
/* For those who show a file, not for those who use it: tells all mistakes, one
 * by one, and *u gets the rows that can be read; of two with one name or uid it
 * gets both. How many mistakes there were; or -errno, *u is empty, and *c says
 * why. */
typedef void users_tell(const char *mistake);
int users_survey(struct users *u, int fd, const char *file, users_tell *tell,
                 struct complaint *c);
void users_release(struct users *u);

/* What certificate= may hold: names of certificates with ';' between them,
 * each "sha256:" and 64 hexadecimal digits in lower case, or "subject:…",
 * "email:…", "dns:…", "uri:…". 0, or -EINVAL with a complaint. */
int user_certificate_check(struct slice value, struct complaint *c);
/* Is one of the user's certificates among CLAIMS, names with a line each? False
 * for a user who needs none. */
bool user_certificate_shown(const struct user *user, struct slice claims);
/* The hashes behind "sha256:", up to MOST: how many. With login=certificate
 * there are no more than USER_PINS_MAX. */
#define USER_PIN_BYTES 32
#define USER_PINS_MAX  16
size_t user_certificate_pins(const struct user *user,
                             uint8_t (*out)[USER_PIN_BYTES], size_t most);

/* The same number for the same row, in every reading of the file, and another
 * one if what grants access differs: the hash, whether it is locked, uid, gid,
 * home, rights, the client's certificate, data_binding. The comment,
 * on_conflict and upload_eof don't count. Without the KEY it tells nothing. */
uint64_t user_version(const struct user *user, const uint8_t key[SIPHASH_KEY]);

const struct user *users_find(const struct users *u, struct slice name);

/* [a-z0-9._-]{1,32}, not beginning with '.' or '-'. */
bool user_name_ok(struct slice name);
/* yescrypt, bcrypt, scrypt, SHA-512, SHA-256; "!" in front means locked; "!"
 * or "*" alone: locked without a password. */
bool user_hash_ok(const char *hash);
/* "yescrypt", "bcrypt", …, "none" for a user without a password. */
const char *user_hash_kind(const char *hash);
/* Of a hash that isn't ok: what it seems to be, in words. */
const char *user_hash_found(const char *hash);
/* Absolute, without "." and "..", not "/", no control byte, not too long. */
bool user_home_ok(struct slice home);
/* UTF-8 or not, but no ':' and no control byte; not too long. */
bool user_comment_ok(struct slice comment);

#endif
