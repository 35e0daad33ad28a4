/* The columns of a user's row that options set, for "user add" and "user
 * change". */
#ifndef CTL_FIELDS_H
#define CTL_FIELDS_H

#include "ctl.h"

struct fields {
    const char *comment;           /* NULL: not given */
    char home[USER_HOME_MAX + 1];  /* home_tidy()'s form; "": not given */
    char homes[SETTINGS_PATH_MAX]; /* the setting, in home_tidy()'s form */
    char hash[USER_HASH_MAX + 1];  /* "": not given; fields_wipe() wipes it */
    unsigned rights;               /* 0: not given */
    uint64_t uid, gid;             /* 0: not given */
};

/* Each function returns an exit code, with the complaint filled in. */

/* Takes the given options, except the hash. */
int fields_take(struct context *x, struct fields *f);
/* Takes HOME, an absolute path, into f->home. */
int fields_take_home(struct context *x, struct fields *f, const char *home);
/* With --hash-stdin: reads the hash, one line of standard input. */
int fields_take_hash(struct context *x, struct fields *f);
/* Refuses the uid and the home of F if another row than OWN has them. OWN may
 * be NULL. */
int fields_check(struct context *x, const struct fields *f,
                 const struct users *u, const struct user *own);
/* Could the user have the uid that the home belongs to? */
bool fields_may_own(const struct context *x, const struct fields *f,
                    const struct users *u);
void fields_wipe(struct fields *f);

#endif
