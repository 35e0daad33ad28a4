/* Partials: unfinished uploads, beside the file that they are to become. */
#ifndef FILES_PARTIAL_H
#define FILES_PARTIAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sallyport/ftp/path.h"
#include "sallyport/ipc/outcome.h"

#define PARTIAL_DIGITS   32
#define PARTIAL_NAME_MAX 64

struct files;
struct stat;

struct partial {
    int fd;   /* holds the lock until commit or abort; -1 */
    bool own; /* has the name of user and target, so it can be resumed */
    char name[PARTIAL_NAME_MAX];
};
#define PARTIAL_NONE                                                           \
    {                                                                          \
        .fd = -1                                                               \
    }

/* The name of this user's partial of the file NAME, in whatever folder. */
void partial_name(const struct files *f, const char *name,
                  char out[PARTIAL_NAME_MAX]);
/* A name of that shape, whoever's it is. */
bool partial_is_name(const char *name);
/* A regular file of this user with this one name? */
bool partial_is_own(const struct files *f, const struct stat *st);

/* A number that a partial doesn't keep when its bytes change, by whomever. */
uint64_t partial_state(const struct files *f, const struct stat *st);
/* How much of the own partial of NAME can be resumed; 0: none. *st is its. */
uint64_t partial_resumable(const struct files *f, int folder, const char *name,
                           struct stat *st);

/* The own partial, locked, if it is in STATE, cut at FIRST; -EBUSY when
 * somebody writes it or it changed. */
int partial_cut(const struct files *f, int folder, const char *name,
                uint64_t state, uint64_t first, struct partial *ret);
/* An empty one: the own, or a random one while somebody writes that. */
int partial_new(const struct files *f, int folder, const char *name,
                struct partial *ret);
/* An empty random one, which nobody finds to go on with it. */
int partial_new_random(const struct files *f, int folder, struct partial *ret);
/* A handle for the session, O_WRONLY or O_RDWR: it holds no lock. */
int partial_writer(const struct partial *p, int folder, int mode);
/* Ends the upload: kept when it can be resumed, else deleted. */
void partial_end(const struct files *f, int folder, struct partial *p);
void partial_delete(int folder, struct partial *p);

/* Deletes the partial NAME (its name on disk) unless somebody writes it: 0,
 * -EBUSY, -errno. */
int partial_remove(const struct files *f, int folder, const char *name);

/* An upload is writing it. Looks by taking the lock for a moment. */
bool partial_in_use(const struct files *f, int folder, const char *name);

#endif
