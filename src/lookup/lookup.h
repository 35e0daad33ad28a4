/* What the process lookup holds, and the lookup that is under way. */
#ifndef SALLYPORT_SRC_LOOKUP_LOOKUP_H
#define SALLYPORT_SRC_LOOKUP_LOOKUP_H

#include <sys/types.h>

#include "sallyport/base/loop.h"
#include "sallyport/domain/outcome.h"
#include "sallyport/event/event.h"
#include "sallyport/ipc/channel.h"

/* libc asks each name server twice, and waits 5 s each time. */
#define LOOKUP_MS 25000

struct finding;

struct lookup {
    struct loop loop;
    struct channel master;
    struct loop_watch master_watch;
    struct event_sender log;
    /* The one question that master may ask at a time. */
    pid_t lookup; /* 0: none */
    uint32_t request;
    int answer; /* the read end of its pipe */
    /* lookup_host() and its deadline; a test puts its own here. */
    void (*look)(const char *host, const struct address *kept,
                 struct finding *ret);
    uint64_t look_ms;
    struct loop_watch answer_watch;
    struct loop_timer deadline;
};

void lookup_init(struct lookup *n, int fd);
void lookup_release(struct lookup *n);
/* Serves until master is gone: 0 or -errno. */
int lookup_run(struct lookup *n);

/* What a lookup says, by its pipe. */
struct finding {
    struct address address; /* family 0: none, and why: */
    enum unresolved why;
};

/* Asks the system's resolver for HOST's IPv4 address that clients can connect
 * to; for KEPT, if that is still one of them. Takes as long as it takes, and
 * parses what the network answers. */
void lookup_host(const char *host, const struct address *kept,
                 struct finding *ret);
/* Is it one that a client could connect to? */
bool lookup_usable(const struct address *a);

#endif
