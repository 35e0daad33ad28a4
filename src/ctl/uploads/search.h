/* Homes and shares, each searched by a process files (search.c). */
#ifndef CTL_SEARCH_H
#define CTL_SEARCH_H

#include "ctl.h"

struct search {
    struct context *x;
    void *owner;
    /* Sends the process files its question: the result of SEND(). */
    int (*ask)(struct search *s, struct channel *files, uint32_t request);
    /* Takes an answer and returns an exit code. partials_end is the last
     * answer. */
    int (*take)(struct search *s, struct message *answer);
    bool in_shares; /* search_user(): in the user's shares, too */
    bool only_own;  /* there: not what others with the user's uid stored */
    /* Only uploads of these ids are searched for: a home that isn't there, or
     * a directory that they can't enter, has none. */
    bool only_uploads;
    const char *user;  /* owner of the searched home; or the label of a share */
    const char *where; /* the directory */
    char label[USER_NAME_MAX + 2];
    int patience; /* ms; 0: SEARCH_MS. Halved by each disk that hangs */
};

/* files: to be ready, or to send a sign of life. So each disk that hangs costs
 * that much, and after the first ones less. */
#define SEARCH_MS       8000
#define SEARCH_LEAST_MS 2000

/* Each returns an exit code. */
int search_user(struct search *s, const struct user *user);
int search_share(struct search *s, const struct share *share);
/* The homes of all users. */
int search_all(struct search *s);

/* Reports a failure with one home, so that the search continues with the next.
 * *first gets the first code. */
void search_failed(struct search *s, int code, int *first);

#endif
