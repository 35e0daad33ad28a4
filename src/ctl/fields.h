/* The columns of a user's row that options give, for "user add" and "user
 * change". */
#ifndef CTL_FIELDS_H
#define CTL_FIELDS_H

#include "ctl.h"

struct fields {
    const char *comment;           /* NULL: not given */
    char home[USER_HOME_MAX + 1];  /* tidy; "": not given */
    char homes[SETTINGS_PATH_MAX]; /* the setting, tidy */
    char hash[USER_HASH_MAX + 1];  /* "": not given; fields_wipe() */
    unsigned rights;               /* 0: not given */
    uint64_t uid, gid;             /* 0: not given */
};

/* All return an exit code, with the complaint said. */

/* Takes the options that were given, but for the hash. */
int fields_take(struct context *x, struct fields *f);
/* HOME, an absolute path, into f->home. */
int fields_take_home(struct context *x, struct fields *f, const char *home);
/* With --hash-stdin: one line of standard input. */
int fields_take_hash(struct context *x, struct fields *f);
/* Does the uid or the home of F belong to a row besides OWN, which may be NULL?
 */
int fields_check(struct context *x, const struct fields *f,
                 const struct users *u, const struct user *own);
void fields_wipe(struct fields *f);

#endif
