/* The keys that pass from master to master, in a sealed file in memory, which
 * is never on a disk. Without them a reload would refuse all tickets, see each
 * row of the users file as changed, and lose unfinished uploads where `state`
 * can't be written. Runs in master, before its sandbox. */
#include "secrets.h"

#include <string.h>
#include <unistd.h>

#include "core/master.h"
#include "sallyport/base/fd.h"

#define SECRETS_NAME "keys of master"

bool secrets_inherit(struct master *m)
{
    FD_CLEANUP int fd = succession_inherit(&m->succession, SECRETS_NAME);
    struct secrets s;
    ssize_t n = fd < 0 ? -1 : pread(fd, &s, sizeof(s), 0);

    if (n > 0) /* an older build had fewer keys */
        memcpy(&m->secrets, &s, (size_t)n);
    explicit_bzero(&s, sizeof(s));
    return n >= (ssize_t)sizeof(s.names);
}

int secrets_keep(struct master *m)
{
    const struct slice all = { (const char *)&m->secrets, sizeof(m->secrets) };
    FD_CLEANUP int fd = fd_sealed(SECRETS_NAME, all);

    return fd < 0 ? fd : succession_keep(&m->succession, SECRETS_NAME, fd);
}
