/* Checks the files that settings name, and passes the settings to another
 * process in a sealed file in memory. Refuses a file that other users can write
 * or, if the file is private, read. Checks the open file, never a name. Runs as
 * root in master, and as the administrator in sallyportctl. */
#include "sallyport/settings/settings.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sallyport/base/fd.h"
#include "sallyport/base/shared.h"
#include "sallyport/ipc/generation.h"

/* Permits a symbolic link, and checks the link's target. Checks the owner, too,
 * since the owner can always change a file, whatever its mode. */
int settings_check_file(int fd, const char *name, enum settings_file kind,
                        struct complaint *c)
{
    struct stat st;

    if (fstat(fd, &st) < 0)
        return complain(c, "%s: %s", name, strerror(errno));
    if (!S_ISREG(st.st_mode))
        return complain(c, "%s: not a regular file", name);
    if (kind == SETTINGS_REGULAR)
        return 0;
    if (st.st_uid != 0 && st.st_uid != geteuid())
        return complain(c, "%s: belongs to uid %u; run: chown %u %s", name,
                        (unsigned)st.st_uid, (unsigned)geteuid(), name);
    if (kind == SETTINGS_TRUSTED && st.st_mode & (S_IWGRP | S_IWOTH))
        return complain(c,
                        "%s: writable by group or others; run: chmod go-w %s",
                        name, name);
    if (kind == SETTINGS_PRIVATE && st.st_mode & S_IRWXO)
        return complain(c, "%s: open to others; run: chmod o-rwx %s", name,
                        name);
    if (st.st_mode & S_IWGRP)
        return complain(c, "%s: writable by group; run: chmod g-w %s", name,
                        name);
    return 0;
}

int settings_open(const char *path, struct complaint *c)
{
    int fd FD_CLEANUP =
        open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);

    if (fd < 0) {
        const int e = errno;

        complain(c, "%s: %s%s", path, strerror(e),
                 e == ENOENT ? "; an empty file is enough: each setting has a "
                               "default"
                             : "");
        return fd_may_pass(e) ? -EIO : -EINVAL;
    }
    return settings_check_file(fd, path, SETTINGS_TRUSTED, c) < 0
               ? -EINVAL
               : fd_take(&fd);
}

static int read_failed(const char *path, struct complaint *c)
{
    const int error = errno;

    complain(c, "%s: %s", path, strerror(error));
    return error == ENOENT ? -ENOENT : -EACCES;
}

void settings_key_path(const char *state, const char *common,
                       char out[SETTINGS_KEY_PATH_MAX])
{
    bool own = !common[0];

    snprintf(out, SETTINGS_KEY_PATH_MAX, "%s%s", own ? state : common,
             own ? "/" SETTINGS_KEY_FILE : "");
}

int settings_read_key(int directory, const char *name, const char *path,
                      uint8_t key[SIPHASH_KEY], struct complaint *c)
{
    uint8_t bytes[SIPHASH_KEY + 1]; /* one more byte, to notice a longer file */

    FD_CLEANUP int fd =
        openat(directory, name,
               O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    if (fd < 0)
        return read_failed(path, c);
    if (settings_check_file(fd, path, SETTINGS_PRIVATE, c) < 0)
        return -EINVAL;
    ssize_t n = read(fd, bytes, sizeof(bytes));
    if (n < 0)
        return read_failed(path, c);
    if (n == SIPHASH_KEY)
        memcpy(key, bytes, SIPHASH_KEY);
    explicit_bzero(bytes, sizeof(bytes));
    if (n == SIPHASH_KEY)
        return 0;
    complain(c, "%s: not a key", path);
    return -EBADMSG;
}

/* The settings in a file. The file names the build, since two builds can have
 * structs of the same size with different fields. */
struct settings_image {
    char build[BUILD_NAME_MAX];
    struct settings settings;
};

int settings_write(const struct settings *s, int fd)
{
    char build[BUILD_NAME_MAX];
    int r;

    build_name_fill(build);
    r = fd_write_all(fd, build, sizeof(build));
    return r < 0 ? r : fd_write_all(fd, s, sizeof(*s));
}

int settings_take(struct settings *s, int fd, struct complaint *c)
{
    const struct settings_image *there;
    struct stat st;
    bool ours, fit;

    if (fstat(fd, &st) < 0 || st.st_size != sizeof(*there) || !fd_is_sealed(fd))
        return complain(c, "settings: written by another build");
    there = shared_map(fd, sizeof(*there), PROT_READ);
    if (!there)
        return complain(c, "settings: %s", strerror(errno));
    ours = build_name_is(there->build);
    /* Check only the counts: the process that made the settings has checked the
     * rest. */
    fit = there->settings.listen_count <= SETTINGS_LISTEN_MAX &&
          there->settings.proxies.count <= SETTINGS_PROXY_MAX &&
          there->settings.no_ban.count <= SETTINGS_PROXY_MAX &&
          there->settings.announced_count <= SETTINGS_ANNOUNCED_MAX &&
          there->settings.certificates.count < CERTIFICATES_MAX &&
          there->settings.keys.count < CERTIFICATES_MAX &&
          there->settings.said_count <= SETTING_ROWS_MAX;
    if (ours && fit)
        *s = there->settings;
    if (ours && fit)
        settings_commands(s->file);
    SHARED_UNMAP(there);
    if (!ours)
        return complain(c, "settings: written by another build");
    return fit ? 0 : complain(c, "settings: more than fit");
}
