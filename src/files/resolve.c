/* Paths become descriptors here, in the process files, and nowhere else: by
 * openat2(2) beneath the home, which the kernel treats as the root, so that no
 * link and no ".." leads out. Never by comparing or joining strings with a
 * path of the server. */
#include "resolve.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/syscall.h>
#include <sysexits.h>
#include <unistd.h>

#include "sallyport/base/die.h"
#include "sallyport/base/fd.h"
#include "sallyport/ipc/outcome.h"

/* openat2 says EAGAIN when a rename elsewhere might have moved a ".." of a
 * link; it asks for a retry. */
#define RESOLVE_TRIES 32

void request_path(struct slice text, struct path *ret)
{
    if (!path_is_normal(text) ||
        slice_copy(text, ret->bytes, sizeof(ret->bytes)) != 0)
        die(EX_PROTOCOL, "session: a path that isn't normal");
    ret->len = text.len;
}

bool path_is_reserved(struct slice path)
{
    struct slice component;

    while (slice_cut(&path, '/', &component))
        if (slice_starts(component, SLICE(PATH_RESERVED)))
            return true;
    return false;
}

static int open_how(int folder, const char *path, struct open_how *how)
{
    how->flags |= O_CLOEXEC;
    for (int tries = 0; tries < RESOLVE_TRIES; tries++) {
        long fd = syscall(SYS_openat2, folder, path, how, sizeof(*how));
        if (fd >= 0)
            return (int)fd;
        if (errno != EAGAIN && errno != EINTR)
            return -errno;
    }
    return -EBUSY;
}

int resolve_open(const struct files *f, const char *path, int flags)
{
    struct open_how how = {
        .flags = (unsigned)flags,
        .resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS,
    };

    if (path_is_reserved(slice_from(path)))
        return -ENOENT;
    return open_how(f->root, path, &how);
}

int resolve_in(int folder, const char *name, int flags, unsigned mode)
{
    struct open_how how = {
        .flags = (unsigned)flags,
        .mode = mode,
        .resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS,
    };

    return open_how(folder, name, &how);
}

int resolve_beneath(int folder, const char *path, int flags)
{
    struct open_how how = {
        .flags = (unsigned)flags,
        .resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS,
    };

    return open_how(folder, path, &how);
}

/* The home's own descriptor serves for "/", unless it is to be read. */
static int open_folder(const struct files *f, struct slice path, int flags,
                       struct place *ret)
{
    char folder[FTP_PATH_MAX + 1];

    if (path.len == 1 && flags == O_PATH) {
        ret->folder = f->root;
        return 0;
    }
    if (slice_copy(path, folder, sizeof(folder)) != 0)
        return -ENAMETOOLONG;
    int fd = resolve_open(f, folder, flags | O_DIRECTORY);
    if (fd < 0)
        return fd;
    ret->folder = ret->owned = fd;
    return 0;
}

int place_find(const struct files *f, const struct path *path, int flags,
               struct place *ret)
{
    struct slice folder, name;

    path_split(path_slice(path), &folder, &name);
    if (path_is_reserved(name))
        return -ENOENT;
    if (slice_copy(name, ret->name, sizeof(ret->name)) != 0)
        return -ENAMETOOLONG;
    return open_folder(f, folder, flags, ret);
}

int place_find_new(const struct files *f, const struct path *path, int flags,
                   struct place *ret)
{
    struct slice folder, name;

    path_split(path_slice(path), &folder, &name);
    if (name.len == 0)
        return OUTCOME_EXISTS;
    if (!path_name_ok(name))
        return OUTCOME_BAD_NAME;
    return place_find(f, path, flags, ret);
}

void place_release(struct place *p)
{
    fd_close(&p->owned);
    p->folder = -1;
}
