/* Homes and shares, each searched by a process files (search.c). */
#ifndef CTL_SEARCH_H
#define CTL_SEARCH_H

#include "ctl.h"

struct search {
    /* Sends the process files its question. Returns SEND()'s result. */
    int (*ask)(struct search *s, struct channel *files, uint32_t request);
    /* Takes an answer; the last one is partials_end. */
    void (*take)(struct search *s, struct message *answer);
    /* Searches only for uploads of these ids: a home that doesn't exist, or a
     * directory that they can't enter, has none. */
    bool only_uploads;
    const char *user; /* owner of the searched home; or the label of a share */
    char label[USER_NAME_MAX + 2];
    int patience; /* ms; 0: SEARCH_MS. Halved by each disk that hangs */
    struct table found;
    /* For the search that runs: the directory beneath the setting homes or
     * shares, the ids, and files with its channels to a session and to master,
     * which this program plays. */
    const char *name, *home, *below;
    uid_t uid;
    gid_t gid;
    pid_t pid;
    struct channel files, master;
};

/* ms until files must be ready, or send a sign of life. So each disk that hangs
 * costs that much, and after the first ones less. */
#define SEARCH_MS       8000
#define SEARCH_LEAST_MS 2000

/* Searches the home of USER; or SHARE, as its member USER or (NULL) with the
 * ids of the share. Returns 0, or the code of a failure with the reason in
 * *why. */
int search_try(struct search *s, const struct user *user,
               const struct share *share, struct complaint *why);
/* Prints the failure, unless CODE is 0, and makes it the status of the command,
 * which continues with the next home. */
void search_failed(const struct search *s, int code,
                   const struct complaint *why);

/* inspect.c: adds the number of the uploads that wait in the home of USER, or
 * in SHARE, to *count. Returns as search_try(). */
int inspect_count(const struct user *user, const struct share *share,
                  unsigned *count, struct complaint *why);

#endif
