/* What outlives a restart: the directory "state", and in it the key of the
 * names of partials, so that an upload that was under way can be continued.
 * Runs in check; never touches what a user made. */
#include "state.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sallyport/base/fd.h"
#include "sallyport/base/random.h"
#include "sallyport/settings/settings.h"

#define KEY_FILE "partials.key"

/* Nothing that the administrator must mend, but nothing is kept. */
static int state_failed(struct complaint *c, const char *path, int error)
{
    complain(c, "%s: %s", path, strerror(error));
    return error == ENOENT ? -ENOENT : -EACCES;
}

/* A user who may write to it could give us a key that the user knows. */
static int state_check_folder(int fd, const char *path, struct complaint *c)
{
    struct stat st;

    if (fstat(fd, &st) < 0)
        return state_failed(c, path, errno);
    if (st.st_uid != geteuid() && st.st_uid != 0)
        return complain(c, "%s: belongs to uid %lu; run: chown %lu %s", path,
                        (unsigned long)st.st_uid, (unsigned long)geteuid(),
                        path);
    if (st.st_mode & (S_IWGRP | S_IWOTH))
        return complain(c, "%s: writable by others; run: chmod 0700 %s", path,
                        path);
    return 0;
}

static int state_open_folder(const char *path, bool make, struct complaint *c)
{
    if (make && mkdir(path, 0700) < 0 && errno != EEXIST)
        return state_failed(c, path, errno);
    FD_CLEANUP int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return state_failed(c, path, errno);
    int r = state_check_folder(fd, path, c);
    return r < 0 ? r : fd_take(&fd);
}

static int state_read_key(int folder, const char *path, uint8_t key[STATE_KEY],
                          struct complaint *c)
{
    char name[SETTINGS_PATH_MAX + sizeof(KEY_FILE) + 1];
    uint8_t bytes[STATE_KEY + 1]; /* one more shows a longer file */

    snprintf(name, sizeof(name), "%s/%s", path, KEY_FILE);
    FD_CLEANUP int fd =
        openat(folder, KEY_FILE,
               O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    if (fd < 0)
        return state_failed(c, name, errno);
    if (settings_private_file(fd, name, c) < 0)
        return -EINVAL;
    ssize_t n = read(fd, bytes, sizeof(bytes));
    if (n < 0)
        return state_failed(c, name, errno);
    if (n != STATE_KEY)
        return complain(c, "%s: not a key; remove it, and a new one is made",
                        name);
    memcpy(key, bytes, STATE_KEY);
    explicit_bzero(bytes, sizeof(bytes));
    return 0;
}

static int state_write_key(int folder, const char *name,
                           const uint8_t key[STATE_KEY])
{
    FD_CLEANUP int fd =
        openat(folder, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

    if (fd < 0)
        return -errno;
    ssize_t n = write(fd, key, STATE_KEY);
    if (n != STATE_KEY)
        return n < 0 ? -errno : -ENOSPC;
    return fsync(fd) < 0 ? -errno : 0;
}

/* Whole or not at all; when another server is making one, the first wins. */
static int state_make_key(int folder, const char *path,
                          const uint8_t key[STATE_KEY], struct complaint *c)
{
    char name[64];
    uint64_t number;
    int r;

    random_bytes(&number, sizeof(number));
    snprintf(name, sizeof(name), KEY_FILE ".%016llx",
             (unsigned long long)number);
    r = state_write_key(folder, name, key);
    if (r == 0 && linkat(folder, name, folder, KEY_FILE, 0) < 0 &&
        errno != EEXIST)
        r = -errno;
    unlinkat(folder, name, 0);
    if (r == 0 && fsync(folder) < 0)
        r = -errno;
    return r < 0 ? state_failed(c, path, -r) : 0;
}

int state_key(const char *path, bool make, uint8_t key[STATE_KEY],
              struct complaint *c)
{
    FD_CLEANUP int folder = state_open_folder(path, make, c);

    if (folder < 0)
        return folder;
    int r = state_read_key(folder, path, key, c);
    if (r != -ENOENT || !make)
        return r;
    c->text[0] = '\0';
    r = state_make_key(folder, path, key, c);
    return r < 0 ? r : state_read_key(folder, path, key, c);
}
