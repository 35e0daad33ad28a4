/* SIZE of a partial that is still locked, in the process files. A client whose
 * connection was cut asks again at once, while the files process of its old
 * session still syncs. How much can be resumed is known only after that. */
#include "settle.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>

#include "resolve.h"
#include "sallyport/base/clock.h"
#include "sallyport/base/fd.h"
#include "state.h"

#define SETTLE_MS      5000
#define SETTLE_STEP_MS 20
#define RENEW_S        1800 /* half of what idle.c waits */

/* A new ctime invalidates the answer of another session's SIZE, so it changes
 * as seldom as possible. */
static void settle_renew(const struct files *f, int fd)
{
    struct stat st;

    if (fstat(fd, &st) == 0 && partial_is_own(f, &st) &&
        time(NULL) - st.st_ctime >= RENEW_S)
        fchmod(fd, st.st_mode &
                       07777); /* the same mode again: that sets the ctime */
}

static bool settle_is_written(const struct files *f, int directory,
                              const char *partial)
{
    FD_CLEANUP int fd = resolve_in(
        directory, partial, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY, 0);

    if (fd < 0)
        return false;
    if (flock(fd, LOCK_SH | LOCK_NB) < 0)
        return errno == EWOULDBLOCK;
    settle_renew(f, fd);
    return false;
}

bool settle_partial(struct files *f, int directory, const char *name)
{
    struct pollfd ends[] = { { .fd = f->session.fd }, { .fd = f->master.fd } };
    uint64_t end = clock_ms() + SETTLE_MS;
    char own[PARTIAL_NAME_MAX];
    bool waited = false;

    partial_name(f, name, own);
    while (!f->over && settle_is_written(f, directory, own) &&
           clock_ms() < end) {
        waited = true;
        if (poll(ends, 2, SETTLE_STEP_MS) > 0)
            f->over = true; /* only the end of a peer is waited for */
    }
    return waited;
}
