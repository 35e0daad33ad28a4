/* Searches homes and shares, each by its own process files (search.c). */
#ifndef CTL_SEARCH_H
#define CTL_SEARCH_H

#include "ctl.h"

struct search {
    /* Sends the question to files. Returns the result of SEND(). */
    int (*ask)(struct search *s, struct channel *files, uint32_t request);
    /* Takes an answer of files; the last one is partials_end. */
    void (*take)(struct search *s, struct message *answer);
    /* Searches only for uploads of these ids: a missing home, or a directory in
     * it that these ids can't enter, has none, and isn't an error. */
    bool only_uploads;
    bool may_be_closed; /* nor is a share that these ids can't enter */
    const char *user;   /* owner of the home, or the label of the share */
    char label[USER_NAME_MAX + 2];
    int patience; /* ms; 0: the default. A disk that hangs halves it */
    struct table found;
    /* The running search: name of the user or share, its directory, the setting
     * homes or shares, the ids, and the process files with its channels to
     * session and master. This program plays session and master. */
    const char *name, *home, *below;
    uid_t uid;
    gid_t gid;
    pid_t pid;
    struct channel files, master;
};

/* ms in which files must be ready, or send an answer or a sign of life. Each
 * disk that hangs costs this time, but after the first such disks less, down to
 * SEARCH_LEAST_MS. */
#define SEARCH_MS       8000
#define SEARCH_LEAST_MS 2000

/* Searches the home of USER. If SHARE isn't NULL, searches SHARE instead, with
 * the uid of USER, or, if USER is NULL, with the share's gid as the uid.
 * Returns 0, or an exit code with the reason in *why. */
int search_try(struct search *s, const struct user *user,
               const struct share *share, struct complaint *why);
/* Sets *user or *share to the Nth place of all homes, then of all shares, and
 * the other one to NULL. Returns false if there are fewer. */
bool search_place(size_t n, const struct user **user,
                  const struct share **share);
/* Unless CODE is 0, prints the failure, and makes CODE the status of the
 * command, if no failure came before. The command continues with the next
 * home. */
void search_failed(const struct search *s, int code,
                   const struct complaint *why);

/* inspect.c: does "inspect list" search the home of USER? Its rights have the
 * letter i, or the row has rights of older versions. */
bool inspect_lists(const struct user *user);
/* Adds to *count the number of uploads that wait for inspection in
 * the home of USER, or in SHARE. Returns as search_try(). */
int inspect_count(const struct user *user, const struct share *share,
                  unsigned *count, struct complaint *why);
/* Returns the name of the user with that uid: in a share, files can have
 * different owners. If no user has it, returns the user of the home, or the
 * label of the share. */
const char *inspect_owner(const struct search *s, uint64_t uid);

#endif
