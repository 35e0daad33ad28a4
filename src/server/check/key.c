/* The key of the partials' names. The key outlives a restart, so that an
 * interrupted upload can be resumed. It is in the directory `state`, or in the
 * file `partials_key`, which several machines can share. Check makes the key
 * once, whole or not at all, and replaces only a damaged key in `state`. Runs
 * in check, as root. */
#include "check.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sallyport/base/fd.h"

#define DAMAGED ".damaged"

/* The place of a key, which may not exist yet. */
struct key_place {
    char path[SETTINGS_KEY_PATH_MAX];
    const char *name; /* the last component of the path */
    int directory;    /* descriptor of the directory above, or -1 */
};

/* Complains that the key can't be kept. Returns -ENOENT or -EACCES, since
 * -EINVAL would mean a mistake of the administrator. */
static int key_failed(struct complaint *c, const char *path, int error)
{
    complain(c, "%s: %s", path, strerror(error));
    return error == ENOENT ? -ENOENT : -EACCES;
}

/* Refuses a directory that others can write to: they could put a key there that
 * they know. */
static int check_directory(int fd, const char *path, struct complaint *c)
{
    struct stat st;

    if (fstat(fd, &st) < 0)
        return key_failed(c, path, errno);
    if (st.st_uid != geteuid() && st.st_uid != 0)
        return complain(c, "%s: belongs to uid %lu; run: chown %lu %s", path,
                        (unsigned long)st.st_uid, (unsigned long)geteuid(),
                        path);
    if (st.st_mode & (S_IWGRP | S_IWOTH))
        return complain(c, "%s: writable by others; run: chmod 0700 %s", path,
                        path);
    return 0;
}

static int open_directory(const char *path, bool make, struct complaint *c)
{
    if (make && mkdir(path, 0700) < 0 && errno != EEXIST)
        return key_failed(c, path, errno);
    FD_CLEANUP int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return key_failed(c, path, errno);
    int r = check_directory(fd, path, c);
    return r < 0 ? r : fd_take(&fd);
}

static int read_key(const struct key_place *at, uint8_t key[SIPHASH_KEY],
                    struct complaint *c)
{
    return settings_read_key(at->directory, at->name, at->path, key, c);
}

/* Opens a file without a name, so that nothing is left if the process is
 * killed. If the disk has no such files, as some network disks, the file gets
 * the unique name TEMP. */
static int open_new(const struct key_place *at, char *temp, size_t size)
{
    const int flags = O_WRONLY | O_CLOEXEC;
    uint64_t number;
    int fd = openat(at->directory, ".", O_TMPFILE | flags, 0600);

    temp[0] = '\0';
    if (fd >= 0)
        return fd;
    random_bytes(&number, sizeof(number));
    snprintf(temp, size, "." SETTINGS_KEY_FILE ".%016llx.sallyport-new",
             (unsigned long long)number);
    return openat(at->directory, temp, O_CREAT | O_EXCL | O_NOFOLLOW | flags,
                  0600);
}

static int give_name(const struct key_place *at, int fd, const char *temp)
{
    char path[64];
    int r;

    snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    r = temp[0] ? linkat(at->directory, temp, at->directory, at->name, 0)
                : linkat(AT_FDCWD, path, at->directory, at->name,
                         AT_SYMLINK_FOLLOW);
    return r < 0 ? -errno : 0;
}

/* Makes the key file, whole or not at all, and reads the key. A link replaces
 * no file: if two servers make a key, on one machine or on two, the first key
 * stays. */
static int make_key(const struct key_place *at, uint8_t key[SIPHASH_KEY],
                    struct complaint *c)
{
    char temp[64];
    FD_CLEANUP int fd = open_new(at, temp, sizeof(temp));
    int r = fd < 0 ? -errno : fd_write_all(fd, key, SIPHASH_KEY);

    if (r == 0 && fsync(fd) < 0)
        r = -errno;
    if (r == 0)
        r = give_name(at, fd, temp);
    if (fd >= 0 && temp[0])
        unlinkat(at->directory, temp, 0);
    if (r == 0 && fsync(at->directory) < 0)
        r = -errno;
    c->text[0] = '\0';
    if (r < 0 && r != -EEXIST)
        return key_failed(c, at->path, -r);
    return read_key(at, key, c);
}

/* Reads or makes the key in `state`. */
static int own_key(const struct key_place *at, bool make,
                   uint8_t key[SIPHASH_KEY], struct complaint *c)
{
    struct complaint damage = { "" };
    int r = read_key(at, key, c);

    /* Sets aside a key that a crash of the file system has damaged. Without it
     * unfinished uploads can't be resumed, but nothing else is lost, so a start
     * goes on with another key. */
    if (r == -EBADMSG && make) {
        r = renameat(at->directory, at->name, at->directory,
                     SETTINGS_KEY_FILE DAMAGED) < 0
                ? key_failed(&damage, at->path, errno)
                : -ENOENT;
        complain(&damage,
                 "%s: not a key; it is set aside as " SETTINGS_KEY_FILE DAMAGED
                 ", and a new one is made",
                 at->path);
        *c = damage;
    }
    if (r == -ENOENT && make)
        r = make_key(at, key, c);
    if (r == 0 && damage.text[0])
        *c = damage;
    return r == -EBADMSG ? -EACCES : r;
}

/* Reads the key in `partials_key`. If there is none and MAKE is set, writes KEY
 * there. Doesn't set a damaged key aside, since other machines may still use
 * it. A server with another key finds no unfinished uploads of the other
 * machines, so any mistake ends a start. */
static int common_key(const struct key_place *at, bool make,
                      uint8_t key[SIPHASH_KEY], struct complaint *c)
{
    int r = read_key(at, key, c);

    if (r == -ENOENT && !make)
        return r;
    if (r == -ENOENT)
        r = make_key(at, key, c);
    return r < 0 ? -EINVAL : 0;
}

/* Finds the key in one of its two places. If there is no common key yet, the
 * key in `state` becomes the common key, so that the server finds the uploads
 * under this key again. The directory `state` is also needed for the bans. */
static int find_key(const struct settings *s, struct prepared *p,
                    struct key_place *state, struct key_place *common,
                    uint8_t key[SIPHASH_KEY], struct complaint *c)
{
    struct complaint ignored = { "" };
    settings_key_path(s->state, "", state->path);
    state->name = SETTINGS_KEY_FILE;
    state->directory = open_directory(s->state, p->make, c);
    int r = state->directory < 0 ? state->directory : 0;

    if (s->partials_key[0] == '\0')
        return r < 0 ? r : own_key(state, p->make, key, c);
    if (r == -EINVAL)
        return r;
    if (r == 0 && !p->inherited)
        read_key(state, key, &ignored);
    c->text[0] = '\0';
    /* Never makes the directory of `partials_key`: if it is missing, its disk
     * is away. */
    struct complaint why = { "" };
    char directory[SETTINGS_PATH_MAX];
    size_t len;

    settings_key_path(s->state, s->partials_key, common->path);
    common->name = strrchr(common->path, '/') + 1;
    len = (size_t)(common->name - common->path);
    snprintf(directory, sizeof(directory), "%.*s",
             (int)(len > 1 ? len - 1 : len), common->path);
    common->directory = open_directory(directory, false, &why);
    if (common->directory < 0)
        return settings_blame(s, "partials_key", c, "%s", why.text);
    return common_key(common, p->make, key, c);
}

int part_key(const struct check *k, struct prepared *p, struct complaint *c)
{
    const struct settings *s = &k->settings;
    struct key_place state = { .directory = -1 }, common = { .directory = -1 };
    uint8_t key[SIPHASH_KEY];
    int r;

    memcpy(key, p->key, sizeof(key));
    r = find_key(s, p, &state, &common, key, c);
    if (r == 0 && p->inherited && memcmp(key, p->key, sizeof(key)) != 0) {
        complain(c, "%s: has another key than the one in use",
                 common.directory < 0 ? state.path : common.path);
        r = -EACCES;
    }
    if (r == 0)
        memcpy(p->key, key, sizeof(key));
    explicit_bzero(key, sizeof(key));
    fd_close(&state.directory);
    fd_close(&common.directory);
    r = part_refuse(k, "state", r, c);
    return part_refuse(k, "partials_key", r, c);
}
