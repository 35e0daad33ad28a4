/* The users as rows of a table, with the shares and with each user's rights in
 * them. The room userparse reads the users file; master doesn't. */
#ifndef SALLYPORT_USERS_USERS_H
#define SALLYPORT_USERS_USERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <time.h>

#include "sallyport/base/address.h"
#include "sallyport/base/complain.h"
#include "sallyport/base/random.h"
#include "sallyport/base/slice.h"
#include "sallyport/domain/choices.h"
#include "sallyport/domain/limits.h"
#include "sallyport/domain/rights.h"
#include "sallyport/domain/tls.h"

#define USER_COMMENT_MAX 255
#define USER_HOME_MAX    1023
#define USER_LINE_MAX    4096
/* The largest id is one less than UINT32_MAX, which chown(2) takes as "no
 * change". */
#define USER_ID_MAX     (UINT32_MAX - 1)
#define USERS_FILE_MAX  (64u << 20)
#define USERS_MAX       131072
#define SHARES_MAX      4096
#define SHARE_GID_MIN   100 /* lower gids belong to groups of the system */
#define TEAMS_MAX       4096
#define USER_MOUNTS_MAX 64         /* shares of one user or team */
#define GRANTS_MAX      (1u << 20) /* grants of all users together */

/* A directory that several users share. It appears as /NAME. */
struct share {
    char *name, *path; /* in the table's text; the path is absolute, normal */
    gid_t gid;
    unsigned file_mode;  /* 0: SHARE_FILE_MODE */
    struct slice retain; /* as in the file; master doesn't have it */
    size_t line;
};
#define SHARE_FILE_MODE 0660

/* The limits in a user's or a team's row. */
struct row_limits {
    uint64_t number[ROW_LIMITS];  /* 0: not in the row; N + 1 is the number N */
    struct slice networks, hours; /* in the table's text; len 0: any */
};

/* A team of users, who get the team's shares and have its limits. In master
 * these shares are among the users' grants. */
struct team {
    char *name;
    struct slice shares; /* as in the file: NAME[:ROLE],NAME[:ROLE]… */
    struct row_limits limits;
    size_t line;
};

/* A user's rights in a share: all rights that the user's row or a row of one of
 * the user's teams gives. */
struct grant {
    uint32_t share; /* index into users.share */
    uint32_t rights;
};

struct user {
    char *name, *comment, *home; /* in the table's text */
    char *hash; /* without the '!' of a locked user, so it can be "" or "*" */
    uid_t uid;
    gid_t gid;
    unsigned rights;          /* RIGHT_ bits */
    unsigned choice[CHOICES]; /* 0: the server's setting counts; N + 1: the
                                 value N of the enum */
    struct slice certificate; /* the permitted certificates, in the table's
                                 text; len 0: the user needs none */
    bool certificate_only;    /* a certificate replaces the password */
    struct slice totp;        /* the secret of the second factor in base32, in
                                 the table's text; len 0: no second factor */
    struct row_limits limits;
    const struct team *team[USER_TEAMS_MAX]; /* the user's teams that have
                                              * limits, then NULL */
    bool locked;      /* by hand, by the source of sync=, or for lack of a
                       * hash */
    bool must_change; /* the password must be changed before anything else */
    bool had_rights;  /* the row has a rights.PATH of older versions */
    int64_t expires;  /* seconds since 1970; 0: never */
    unsigned file_mode, dir_mode; /* 0: the server's */
    const struct share
        *share; /* the table's shares, to which the grants refer */
    const struct grant *grant; /* each share once, in the table's order */
    size_t grants;
    /* Values as in the file: the names of the user's shares and teams, how long
     * files are kept, and the source of the row. Master has neither these
     * values nor .locked_by_hand, which is true if the hash has a '!' before
     * it. */
    struct slice shares, teams, retain, sync;
    bool locked_by_hand;
    size_t line;
};

struct users {
    struct user *row;
    size_t count;
    const struct user **by_name; /* users_index(): a hash table */
    size_t names;                /* its places, a power of 2 */
    size_t twice; /* the first row with the name of an earlier row, or COUNT */
    uint8_t name_key[SIPHASH_KEY];
    struct share *share;
    size_t shares;
    struct team *team;
    size_t teams;
    struct grant
        *grant; /* grants of all users, in the order of the users' rows */
    size_t grants;
    char *text; /* wiped on release; after users_take() it is the file,
                 * read-only */
    size_t text_size;
    bool mapped;          /* TEXT is the mapped file of users_take() */
    bool kept_from_forks; /* users_keep_from_forks() */
};

void users_release(struct users *u);
/* Hides the rows from forks (MADV_WIPEONFORK). This also keeps fork(2) fast
 * with 100,000 users. If the kernel can't hide the rows, forks see them, but
 * not the hashes, which are in the text. */
void users_keep_from_forks(struct users *u);
/* Takes the table that reader has written to the sealed file FD
 * (users/image.h), and checks each field of the table. FD stays the caller's.
 * The texts stay in the file's memory, which no fork inherits. *u needs no
 * preparation, and is empty on failure. Returns 0; or an -errno other than
 * -EINVAL, with the complaint. */
int users_take(struct users *u, int fd, struct complaint *c);

/* Returns the version of a row. The version changes with each value that
 * decides about access: the hash, the lock, the expiry, the second factor, uid,
 * gid, home, rights, client certificate, data_binding, the shares and the
 * rights in them, the modes, must_change, uploads, upload_bytes. The comment,
 * on_conflict and upload_eof don't change the version. A process without KEY
 * can't read anything about the row from the version. */
uint64_t user_version(const struct user *user, const uint8_t key[SIPHASH_KEY]);

/* Has the user expired at NOW, in seconds since 1970? */
bool user_expired(const struct user *user, int64_t now);

/* Sets *somewhere to the rights that the user has in at least one place (the
 * home or a share), and *everywhere to the rights that the user has in all
 * these places. In *somewhere a drop counts as a place with RIGHT_ALL: files,
 * which knows the path, refuses what a drop doesn't permit. */
void user_rights(const struct user *user, unsigned *somewhere,
                 unsigned *everywhere);

/* Returns the user's CHOICE_ (domain/choices.h), or the server's SETTING if the
 * user's row doesn't set it. */
unsigned user_choice(const struct user *user, int choice, unsigned setting);
/* Returns the ROW_ limit of a row, or the server's SETTING if the row doesn't
 * set this limit. */
uint64_t row_limit(const struct row_limits *l, int limit, uint64_t setting);
/* Returns the smallest ROW_ limit of the user and the user's teams; 0: no
 * limit. */
uint64_t user_limit(const struct user *user, int limit, uint64_t setting);

/* May the user be logged in from PEER at the time NOW? Hours are in the
 * server's local time. The networks and hours of the user and of each team must
 * permit it. PEER NULL: any address. */
enum admission { ADMISSION_YES, ADMISSION_ELSEWHERE, ADMISSION_OUT_OF_HOURS };
enum admission user_admission(const struct user *user,
                              const struct address *peer, time_t now);
/* Check a value of networks= ("192.0.2.0/24,2001:db8::1"), and of hours=
 * ("mon-fri/08:00-18:00,sat"). Return 0, or -EINVAL with a complaint. */
int user_networks_check(struct slice value, struct complaint *c);
int user_hours_check(struct slice value, struct complaint *c);

/* Checks a value of certificate=: names of certificates with ';' between them,
 * each "sha256:" and 64 hexadecimal digits in lower case, or "subject:…",
 * "email:…", "dns:…", "uri:…". Returns 0, or -EINVAL with a complaint. */
int user_certificate_check(struct slice value, struct complaint *c);
/* Does CLAIMS, one name per line, have one of the user's certificates? Returns
 * false for a user who needs no certificate. */
bool user_certificate_shown(const struct user *user, struct slice claims);
/* Writes the hashes of the user's "sha256:" names to OUT, at most MOST. Returns
 * the number of hashes written. A user with login=certificate has at most
 * USER_PINS_MAX. */
#define USER_PINS_MAX 16
size_t user_certificate_pins(const struct user *user, uint8_t (*out)[PIN_BYTES],
                             size_t most);

/* May the user have a process files? If root runs the server, the uid must be
 * in uid_first to uid_last, and the gid not 0. Otherwise the home must be below
 * `homes`, and shares below `shares`, since all users have the caller's uid.
 * Returns 0, or -EINVAL with the complaint "user NAME: …". */
struct settings;
int user_permitted(const struct user *user, const struct settings *s, bool root,
                   struct complaint *c);

/* Makes the hash table for users_find(). Afterwards the rows must not move in
 * memory. Returns false if memory is short. users_find() returns the first row
 * with this name, or NULL. Both functions are in index.c. */
bool users_index(struct users *u);
const struct user *users_find(const struct users *u, struct slice name);

/* Can NAME be the name of a user: does it match [A-Za-z0-9._@-]{1,32}, without
 * '.', '-' or '@' at the beginning? Capitals count: Anna and anna are two
 * users. */
bool user_name_ok(struct slice name);
/* Can NAME be the name of a share or a team: does it match [a-z0-9._-]{1,32},
 * without '.' or '-' at the beginning? */
bool group_name_ok(struct slice name);
/* Is HASH a yescrypt hash ("$y$…"), as auth makes it, without characters that
 * could end its column in the users file? */
bool user_hash_is_new(struct slice hash);
/* Is PATH absolute, not "/", without "//", ".", ".." and control bytes, without
 * a '/' at its end, and not over USER_HOME_MAX bytes? */
bool user_path_ok(struct slice path);
/* Does PATH lie in DIRECTORY? The two paths are normal. A directory doesn't lie
 * in itself. */
bool user_path_beneath(const char *path, const char *directory);
/* Does the same, but here a directory lies in itself, and all directories lie
 * in "/". */
bool user_path_within(const char *path, const char *directory);
/* Compares two paths for qsort(3). '/' comes before all other bytes, so the
 * contents of a directory follow the directory immediately. */
int user_path_order(const char *a, const char *b);

#endif
