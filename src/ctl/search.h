/* Homes and shares, each searched by a process files (search.c). */
#ifndef CTL_SEARCH_H
#define CTL_SEARCH_H

#include <stdbool.h>
#include <stdint.h>

#include "ctl.h"
#include "sallyport/ipc/channel.h"

#define WALK_MS (15 * 60 * 1000) /* files: to find the next file */

struct search {
    struct context *x;
    void *owner;
    /* Asks the process files, and takes all its answers: an exit code. */
    int (*ask)(struct search *s, struct channel *files);
    bool in_shares;   /* search_user(): in the user's shares, too */
    const char *user; /* whose home is searched; or the label of a share */
    char label[USER_NAME_MAX + 2];
};

/* Each returns an exit code. */
int search_user(struct search *s, const struct user *user);
int search_share(struct search *s, const struct share *share);
/* The homes of all users. */
int search_all(struct search *s);

/* For the last answer of files. */
int search_end(struct search *s, const struct msg_partials_end *msg);

/* Reports a failure with one home, so that the search continues with the next.
 * *first gets the first code. */
void search_failed(struct search *s, int code, int *first);

#endif
