/* The users, as the rows of a table. The users file is read elsewhere
 * (usersfile), and not by master. */
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
#include "sallyport/domain/rights.h"
#include "sallyport/domain/upload_eof.h"

#define USER_COMMENT_MAX 255
#define USER_HOME_MAX    1023
#define USER_LINE_MAX    4096
#define USERS_FILE_MAX   (16u << 20)
#define USERS_MAX        65536

struct user {
    char *name, *comment, *home; /* in the table's text */
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
    struct slice certificate; /* the permitted ones, in the table's text; len 0:
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

void users_release(struct users *u);

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

#endif
