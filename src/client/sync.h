/* Shared by both directions of the command sync. */
#ifndef CLIENT_SYNC_H
#define CLIENT_SYNC_H

#include <sys/stat.h>

#include "client.h"
#include "tree.h"

struct sync {
    struct client *client;
    struct jobs jobs;
    size_t same, removed;
    size_t planned;  /* transfers of a dry run */
    size_t left_out; /* names too long for one of the sides */
    size_t failed;   /* all but the transfers, which are in jobs */
    bool untimed;    /* a note says that the server gives no times */
    int code;        /* exit code of the first failure */
};

/* Prints the failure, and keeps the first exit code. */
void sync_failed(struct sync *s, const char *what, const struct failure *why);
void sync_name_too_long(struct sync *s, const char *name);
/* Transfers one file, or prints its line in a dry run. */
void sync_transfer(struct sync *s, const struct job *job, const char *local,
                   const char *remote);
/* Do the checksums differ? A file that can't be compared counts as changed. */
bool sync_differs(struct sync *s, const char *local, const char *remote,
                  uint64_t size);

/* Gets the time of the entry's last change; 0: the server doesn't give it.
 * Returns 0, or -1: the connection is cut. */
int sync_time(struct sync *s, const char *remote, const struct entry *e,
              time_t *ret);

/* Makes LOCAL like the server's directory REMOTE. */
void sync_down(struct sync *s, const char *remote, const char *local,
               int depth);

#endif
