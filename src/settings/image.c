/* The settings on their way to another process, as a file in memory that nobody
 * can change any more. Doesn't depend on any process; must never open a file.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sallyport/base/fd.h"
#include "sallyport/base/slice.h"
#include "sallyport/settings/settings.h"

int settings_seal(const struct settings *s)
{
    const struct slice bytes = { (const char *)s, sizeof(*s) };

    return fd_sealed("settings", bytes);
}

static bool settings_sealed(int fd)
{
    const int seals = F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE;
    struct stat st;

    return fstat(fd, &st) == 0 && st.st_size == sizeof(struct settings) &&
           (fcntl(fd, F_GET_SEALS) & seals) == seals;
}

/* Whoever made them has checked the rest. */
static bool settings_counts_fit(const struct settings *s)
{
    return s->listen_count <= SETTINGS_LISTEN_MAX &&
           s->proxies.count <= SETTINGS_PROXY_MAX &&
           s->no_ban.count <= SETTINGS_PROXY_MAX &&
           s->announced_count <= SETTINGS_ANNOUNCED_MAX &&
           s->certificates.count < CERTIFICATES_MAX &&
           s->keys.count < CERTIFICATES_MAX &&
           s->ocsp_files.count < CERTIFICATES_MAX &&
           s->said_count <= SETTING_ROWS_MAX;
}

int settings_take(struct settings *s, int fd, struct complaint *c)
{
    const struct settings *there;
    bool fit;

    if (!settings_sealed(fd))
        return complain(c, "settings: not those of this build");
    there = mmap(NULL, sizeof(*there), PROT_READ, MAP_SHARED, fd, 0);
    if (there == MAP_FAILED)
        return complain(c, "settings: %s", strerror(errno));
    fit = settings_counts_fit(there);
    if (fit)
        *s = *there;
    munmap((void *)(uintptr_t)there, sizeof(*there));
    return fit ? 0 : complain(c, "settings: more than fit");
}
