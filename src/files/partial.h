/* Partials: unfinished uploads, beside the file that they are to become. */
#ifndef FILES_PARTIAL_H
#define FILES_PARTIAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include "sallyport/domain/outcome.h"
#include "sallyport/ftp/path.h"

#define PARTIAL_DIGITS   32
#define PARTIAL_NAME_MAX 64

struct files;
struct stat;

struct partial {
    int fd;        /* holds the lock until commit or abort; -1: none */
    int old;       /* the own one that this will replace, locked; -1: none */
    bool own;      /* named after user and target, so it can be resumed */
    bool waits;    /* the old bytes stand until partial_begin() */
    bool lost;     /* a sync failed, or the disk is full: it is not kept */
    bool reported; /* SIZE has reported it, but its record is removed */
    char name[PARTIAL_NAME_MAX];
};
#define PARTIAL_NONE                                                           \
    {                                                                          \
        .fd = -1, .old = -1                                                    \
    }

/* The name of this user's partial of the file NAME, in any directory. */
void partial_name(const struct files *f, const char *name,
                  char out[PARTIAL_NAME_MAX]);
/* A name that belongs to no file. */
void partial_name_random(char out[PARTIAL_NAME_MAX]);
/* Has NAME the form of a partial's name, of any user? */
bool partial_is_name(const char *name);
/* Made by partial_name_random(): without a writer it is of no use. */
bool partial_is_random(const char *name);
/* A regular file of this user? */
bool partial_is_own(const struct files *f, const struct stat *st);
/* It is complete and has its final name as well: its process died before it
 * removed this one. */
bool partial_has_landed(const struct files *f, int directory, const char *name,
                        const struct stat *st);

/* A number that changes whenever the partial's bytes change. */
uint64_t partial_state(const struct files *f, const struct stat *st);
/* How much of the own partial of NAME can be resumed: its confirmed length. 0:
 * there is none. *st are its facts; *reported: SIZE has reported a length to
 * some client, whose next upload may be the rest alone. */
uint64_t partial_resumable(const struct files *f, int directory,
                           const char *name, struct stat *st, bool *reported);
/* The same for SIZE: what it returns is recorded as reported. */
uint64_t partial_report(const struct files *f, int directory, const char *name,
                        struct stat *st);

/* Opens and locks the own partial, unchanged, if it is in STATE and can be
 * resumed at FIRST; it waits for partial_begin(). -EBUSY if an upload is
 * writing it or it has changed. */
int partial_open(const struct files *f, int directory, const char *name,
                 uint64_t state, uint64_t first, struct partial *ret);
/* Makes an empty one under the own name. While an upload writes that one it
 * gets a random name; where that one could be resumed, it waits to take its
 * place. */
int partial_new(const struct files *f, int directory, const char *name,
                struct partial *ret);
/* Makes an empty one of a random name, which can't be resumed. */
int partial_new_random(const struct files *f, int directory,
                       struct partial *ret);
/* At the first byte of one that waits: it is cut at FIRST, or takes the place
 * of the own partial of NAME, whose bytes no longer count. 0; or -errno, and it
 * still waits. */
int partial_begin(const struct files *f, int directory, const char *name,
                  uint64_t first, struct partial *p);
/* How many bytes that frees. */
uint64_t partial_frees(const struct partial *p, uint64_t first);
/* A handle for the session, O_WRONLY or O_RDWR: it holds no lock. */
int partial_writer(const struct partial *p, int directory, int mode);
/* Is it still under its name? On a network disk the lock can be lost: then
 * another server's session may have replaced it. */
bool partial_is_there(int directory, const struct partial *p);
/* Syncs it, and raises its confirmed length: 0 or -errno, and it is lost. */
int partial_confirm(struct files *f, struct partial *p);
/* Syncs all of it, as a file that is whole: 0 or -errno, and it is lost. */
int partial_complete(const struct files *f, struct partial *p);
/* Ends the upload: it is synced and kept if it can be resumed, otherwise
 * deleted. If it still waits, the old bytes stand. */
void partial_end(struct files *f, int directory, struct partial *p);
void partial_delete(int directory, struct partial *p);

/* Deletes the partial NAME (its name on disk) unless an upload is writing it:
 * 0, -EBUSY, -errno. */
int partial_remove(const struct files *f, int directory, const char *name);
/* The same, but also -EBUSY if it was used after BEFORE. */
int partial_remove_untouched(const struct files *f, int directory,
                             const char *name, time_t before);
/* Deletes the own partial of the file NAME, as partial_remove(). */
int partial_forget(const struct files *f, int directory, const char *name);

/* Is an upload writing it? Shares the lock for a moment to find out: an upload
 * that needs the lock waits that long. */
bool partial_in_use(const struct files *f, int directory, const char *name);
/* The same question about the own partial of the file NAME. */
bool partial_is_busy(const struct files *f, int directory, const char *name);

#endif
