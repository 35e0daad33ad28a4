/* Turns names and patterns into jobs, for both directions. All functions print
 * each failure and continue with the rest. They return the first failure's exit
 * code, or 0. */
#ifndef CLIENT_TREE_H
#define CLIENT_TREE_H

#include <sys/types.h>

#include "client.h"

/* Adds jobs that upload LOCAL (a file, or a directory with -r) as REMOTE. */
int tree_put(struct client *c, const char *local, const char *remote,
             struct jobs *j);
/* Adds jobs that download REMOTE (a file, or a directory with -r) as LOCAL,
 * which is at DEPTH, see tree_make_local(). */
int tree_get(struct client *c, const char *remote, const char *local, int depth,
             struct jobs *j);

/* Calls EACH with the path of WORD or, if its last component is a pattern, with
 * the paths that match. A pattern without a match is a failure. */
int tree_expand(struct client *c, const struct word *word,
                int (*each)(struct client *c, const char *path, void *of),
                void *of);

/* Calls EACH with everything below the directory PATH of the server; a
 * directory comes after its content. Before the content it calls ENTER (or
 * NULL: none), which returns false if the directory is to be left out. */
int tree_walk(struct client *c, const char *path,
              bool (*enter)(struct client *c, const char *path, void *of),
              int (*each)(struct client *c, const char *path,
                          const struct entry *e, void *of),
              void *of);

/* The greatest depth of directories. */
#define TREE_DEPTH_MAX 64

/* Makes the local directory if it is missing. A link is followed only at DEPTH
 * 0, where the user has named it: the server chooses the names below. DRY:
 * makes nothing. Returns 0, or -1 with the reason. */
int tree_make_local(const char *local, int depth, bool dry,
                    struct failure *why);

/* Writes DIR and NAME with one "/" between. Returns 0, or -1: it doesn't
 * fit. */
int tree_join(const char *dir, const char *name, char *out, size_t size);

/* Says that LOCAL isn't uploaded, since it isn't a regular file. */
void tree_left_out(const char *local, mode_t mode);

/* Keeps CODE in *first if it is the first that isn't 0. */
void tree_keep(int *first, int code);

#endif
