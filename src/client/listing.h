/* Directory listings of servers: MLSD (RFC 3659) or LIST. */
#ifndef CLIENT_LISTING_H
#define CLIENT_LISTING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include "sallyport/base/slice.h"

enum entry_kind {
    ENTRY_FILE,
    ENTRY_DIRECTORY,
    ENTRY_OTHER, /* links and all other kinds */
};

struct entry {
    char *name;
    enum entry_kind kind;
    uint64_t size;
    bool sized;      /* the listing has the size */
    time_t modified; /* 0: unknown */
};

#define LISTING_MAX 1000000 /* entries */
/* Of all listings together: a walk holds one for each directory on its way
 * down, and each of them may have a million entries. */
#define LISTING_BYTES_MAX (512ul * 1024 * 1024)

struct listing {
    struct entry *entry;
    size_t count, size;
    size_t bytes;   /* of the entries, with their names */
    size_t refused; /* lines that can't be read, or whose name isn't safe for
                       a local file */
    bool itself; /* LIST: it shows the directory itself, so it was readable, and
                    "-a" was obeyed; the form of IIS hides no names */
    bool whole;  /* it is sure that no line is missing */
};

#define LISTING_REFUSED                                                        \
    "the server lists lines that can't be read, or names that no file here "   \
    "may have; they were left out"

#define LISTING_CUT                                                            \
    "the listing may be cut, or the server doesn't show this directory"

void listing_release(struct listing *l);
/* Takes one line of MLSD or MLST, or of LIST. Returns 0; 1: no entry (".",
 * "total", a name that isn't safe); -ENOMEM; -E2BIG: a limit above is reached.
 */
int listing_take_mlsd(struct listing *l, struct slice line);
int listing_take_list(struct listing *l, struct slice line);
/* Reads "20261120074201" or "20261120074201.123"; 0: it is neither. */
time_t listing_time(struct slice text);
void listing_sort(struct listing *l);
/* Returns the entry of a sorted listing whose name is the last part of PATH, or
 * NULL. */
const struct entry *listing_find(const struct listing *l, const char *path);

/* Does a name that isn't in it surely not exist? */
bool listing_is_whole(const struct listing *l);

/* May a local file have this name: one component, not "." or "..", without
 * control bytes? */
bool listing_safe(struct slice name);

#endif
