/* The state of the process lookup: each host name, and its current or next try.
 */
#ifndef SALLYPORT_SRC_LOOKUP_LOOKUP_H
#define SALLYPORT_SRC_LOOKUP_LOOKUP_H

#include <sys/types.h>

#include "sallyport/base/loop.h"
#include "sallyport/domain/outcome.h"
#include "sallyport/process/frame.h"

/* `address` and 32 lines `address.NETWORK`. */
#define LOOKUP_HOSTS_MAX 33
/* /etc, /run, /usr, /lib, /lib64. */
#define LOOKUP_DIRECTORIES 5

/* libc asks each name server twice, and waits 5 s each time. */
#define LOOKUP_TRY_MS 25000
/* Between two tries of a name: twice as long each time. */
#define LOOKUP_PAUSE_MS     1000
#define LOOKUP_PAUSE_MAX_MS 60000

/* What a try reports, by its pipe. */
struct finding {
    struct address address; /* family 0: none, and why: */
    enum unresolved why;
};

struct lookup;

/* A host name without an answer. */
struct host {
    struct lookup *lookup;
    uint64_t number; /* as master gave it */
    char name[MESSAGE_WORD_MAX + 1];
    pid_t try;  /* 0: none is under way */
    int answer; /* the read end of its pipe */
    struct loop_watch watch;
    struct loop_timer timer; /* ends the try, or the pause */
    uint64_t pause_ms;       /* the next one */
    bool failed;             /* master has heard so */
};

struct lookup {
    struct frame frame; /* the first member */
    struct host host[LOOKUP_HOSTS_MAX];
    size_t count, open; /* open: without an answer */
    struct beneath directory[LOOKUP_DIRECTORIES];
    /* resolve_host() and the times; a test has its own. */
    void (*resolve)(const char *name, struct finding *ret);
    uint64_t try_ms, pause_ms, pause_max_ms;
};

extern const struct frame_row lookup_row;

/* try.c. Begins to look for H's address. */
void try_begin(struct host *h);
/* Ends the try, or the pause, of H. */
void try_end(struct host *h);
/* lookup.c. What a try has found. */
void lookup_found(struct host *h, const struct finding *f);

/* Asks the system's resolver for an IPv4 address of NAME that clients can
 * connect to; the lowest, if there are several. Takes as long as it takes, and
 * parses what the network answers. */
void resolve_host(const char *name, struct finding *ret);
/* Can a client connect to A? */
bool resolve_usable(const struct address *a);

#endif
