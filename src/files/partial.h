/* Partials: unfinished uploads, beside the file that they are to become. */
#ifndef FILES_PARTIAL_H
#define FILES_PARTIAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include "sallyport/ftp/path.h"
#include "sallyport/ipc/outcome.h"

#define PARTIAL_DIGITS   32
#define PARTIAL_NAME_MAX 64

struct files;
struct stat;

struct partial {
    int fd;     /* holds the lock until commit or abort; -1 */
    int old;    /* the own one, locked, whose place this is to take; -1 */
    bool own;   /* has the name of user and target, so it can be resumed */
    bool waits; /* what was there before stands until partial_begin() */
    bool lost;  /* a sync failed, or the disk is full: nothing of it is kept */
    char name[PARTIAL_NAME_MAX];
};
#define PARTIAL_NONE                                                           \
    {                                                                          \
        .fd = -1, .old = -1                                                    \
    }

/* The name of this user's partial of the file NAME, in whatever folder. */
void partial_name(const struct files *f, const char *name,
                  char out[PARTIAL_NAME_MAX]);
/* One that is nobody's. */
void partial_name_random(char out[PARTIAL_NAME_MAX]);
/* A name of that shape, whoever's it is. */
bool partial_is_name(const char *name);
/* partial_name_random() made it: without a writer it is of no use. */
bool partial_is_random(const char *name);
/* A regular file of this user with this one name? */
bool partial_is_own(const struct files *f, const struct stat *st);
/* It has its final name as well: its process died before this one went. */
bool partial_has_landed(const struct files *f, const struct stat *st);

/* A number that a partial doesn't keep when its bytes change, by whomever. */
uint64_t partial_state(const struct files *f, const struct stat *st);
/* How much of the own partial of NAME can be resumed: its confirmed length. 0:
 * none. *st is its. */
uint64_t partial_resumable(const struct files *f, int folder, const char *name,
                           struct stat *st);

/* The own partial as it is, locked, if it is in STATE and can be resumed at
 * FIRST; it waits. -EBUSY when somebody writes it or it changed. */
int partial_open(const struct files *f, int folder, const char *name,
                 uint64_t state, uint64_t first, struct partial *ret);
/* An empty one: the own; or a random one while somebody writes that, or which
 * waits to take the place of one that could be resumed. */
int partial_new(const struct files *f, int folder, const char *name,
                struct partial *ret);
/* An empty random one, which nobody finds to go on with it. */
int partial_new_random(const struct files *f, int folder, struct partial *ret);
/* For the first byte of one that waits: it is cut at FIRST, or takes the place
 * of the own partial of NAME, whose bytes count no more from then on. 0 or
 * -errno, and then it waits still. */
int partial_begin(const struct files *f, int folder, const char *name,
                  uint64_t first, struct partial *p);
/* Bytes that this will free. */
uint64_t partial_frees(const struct partial *p, uint64_t first);
/* A handle for the session, O_WRONLY or O_RDWR: it holds no lock. */
int partial_writer(const struct partial *p, int folder, int mode);
/* Syncs it, and raises its confirmed length: 0 or -errno, and it is lost. */
int partial_confirm(struct files *f, struct partial *p);
/* Syncs all of it, as a file that is whole: 0 or -errno, and it is lost. */
int partial_complete(const struct files *f, struct partial *p);
/* Ends the upload: synced and kept when it can be resumed, else deleted; what
 * was there before, if it waits still. */
void partial_end(struct files *f, int folder, struct partial *p);
void partial_delete(int folder, struct partial *p);

/* Deletes the partial NAME (its name on disk) unless somebody writes it: 0,
 * -EBUSY, -errno. */
int partial_remove(const struct files *f, int folder, const char *name);
/* The same, only if nobody has touched it since BEFORE; else also -EBUSY. */
int partial_remove_untouched(const struct files *f, int folder,
                             const char *name, time_t before);
/* Deletes the own partial of the file NAME, as partial_remove(). */
int partial_forget(const struct files *f, int folder, const char *name);

/* An upload is writing it. Looks by taking the lock for a moment. */
bool partial_in_use(const struct files *f, int folder, const char *name);
/* The same question about the own partial of the file NAME. */
bool partial_is_busy(const struct files *f, int folder, const char *name);

#endif
