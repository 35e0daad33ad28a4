/* Rows in the making: of "user add", "user change", "user import", and the keys
 * of "share add" and "share change". Functions of type int return an exit code,
 * with the complaint filled in. */
#ifndef CTL_DRAFT_H
#define CTL_DRAFT_H

#include "edit.h"

#define CERTIFICATE_MAX 2048

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
/* Refuses a --uid that is the number of an account or a group of the system. */
int given_ids_free(struct context *x);
/* --hash-stdin: reads the hash, one line of standard input. */
int given_hash(struct context *x, struct row *row);
/* Sets HOME, an absolute path, in place_tidy()'s form. */
int given_home(struct context *x, struct row *row, const char *home);
/* --rights-in, which is given: the path, and the role or NULL for the word
 * default. */
int given_rights_in(struct context *x, char path[USER_HOME_MAX + 1],
                    const char **role);
/* Finds a group of the system by name or number. */
int given_group(struct context *x, const char *group, gid_t *ret);
/* At the end of a command: prints a hint if a certificate was given, but the
 * server never asks for one; if the given expiry has passed; or if files shall
 * be removed, but no timer does it. */
void given_hint(const struct context *x);

/* certificate.c: writes names of client certificates, in the form in which
 * people copy them, as a row has them. A fingerprint as openssl(1) prints it
 * ("AA:BB:…") becomes lower case without colons. A space becomes \20 and a
 * ';' \3B, with or without a backslash before it. Returns 0 or
 * -ENAMETOOLONG. */
int certificate_tidy(const char *text, char out[CERTIFICATE_MAX]);

/* draft.c */

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
/* Sets uid and gid, as uids_assign(). */
int draft_assign(struct context *x, struct draft *d, struct uids *uids);
/* Would draft_make() refuse the home? Makes nothing. */
int draft_check_make(struct context *x, const struct draft *d, struct edit *e);
/* Makes the home, if the draft has one; and in it, or else in HOME, the
 * directory of --rights-in, if it is missing: the user can't. With --max-files
 * it refuses a home whose file system can't hold the count. */
int draft_make(struct context *x, struct draft *d, struct edit *e,
               const char *home);
/* Adds the row, and makes the home. The caller commits the edit. */
int draft_put(struct context *x, struct draft *d, struct edit *e);

/* user_add.c: adds the user of the command line. PASSWORD gets the new one,
 * unless a hash is given. The caller calls draft_end(), and prints what was
 * done. */
int user_add_row(struct context *x, struct draft *d, struct secret *password);

#endif
