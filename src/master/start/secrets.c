/* The keys that pass from master to master, in a sealed file of memory, which
 * is never on a disk: without them a reload would refuse all tickets, see each
 * row of the users file as changed, and lose unfinished uploads where `state`
 * can't be written. Runs in master, before its sandbox. */
#include "secrets.h"

#include <string.h>
#include <unistd.h>

#include "core/master.h"
#include "sallyport/base/fd.h"

#define SECRETS_NAME "keys of master"

/* The file. Another build reads it: a new key goes to the end. */
struct secrets {
    uint8_t names[sizeof(((struct master *)0)->name_key)];
    uint8_t versions[sizeof(((struct master *)0)->version_key)];
};

bool secrets_inherit(struct master *m)
{
    FD_CLEANUP int fd = succession_inherit(&m->succession, SECRETS_NAME);
    struct secrets s;
    bool whole = fd >= 0 && pread(fd, &s, sizeof(s), 0) == sizeof(s);

    if (whole) {
        memcpy(m->name_key, s.names, sizeof(s.names));
        memcpy(m->version_key, s.versions, sizeof(s.versions));
    }
    explicit_bzero(&s, sizeof(s));
    return whole;
}

int secrets_keep(struct master *m)
{
    struct secrets s;

    memcpy(s.names, m->name_key, sizeof(s.names));
    memcpy(s.versions, m->version_key, sizeof(s.versions));
    FD_CLEANUP int fd =
        fd_sealed(SECRETS_NAME, (struct slice){ (const char *)&s, sizeof(s) });
    explicit_bzero(&s, sizeof(s));
    return fd < 0 ? fd : succession_keep(&m->succession, SECRETS_NAME, fd);
}
