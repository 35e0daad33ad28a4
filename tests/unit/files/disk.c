/* Changes and checks of the home on disk, for the tests. */
#include <sys/sendfile.h>
#include <sys/un.h>
#include <sys/xattr.h>

#include "peer.h"

const char *disk_path(struct peer *p, const char *path)
{
    static char out[8][4096];
    static int turn;

    turn = (turn + 1) % 8;
    snprintf(out[turn], sizeof(out[turn]), "%s%s", p->home, path);
    return out[turn];
}

static void own(const char *path)
{
    if (geteuid() == 0)
        cr_assert_eq(lchown(path, PEER_UID, PEER_UID), 0);
}

void disk_put(struct peer *p, const char *path, const void *data, size_t len)
{
    const char *name = disk_path(p, path);
    int fd = open(name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

    cr_assert_geq(fd, 0, "%s", name);
    cr_assert_eq(fd_write_all(fd, data, len), 0);
    close(fd);
    own(name);
}

void disk_directory(struct peer *p, const char *path)
{
    const char *name = disk_path(p, path);

    cr_assert_eq(mkdir(name, 0700), 0, "%s", name);
    own(name);
}

int disk_dig(struct peer *p, const char *path, int depth, const char *name)
{
    int at = open(disk_path(p, path), O_PATH | O_DIRECTORY | O_CLOEXEC);

    for (int i = 0; i < depth; i++) {
        cr_assert_eq(mkdirat(at, name, 0700), 0);
        if (geteuid() == 0)
            cr_assert_eq(fchownat(at, name, PEER_UID, PEER_UID, 0), 0);
        int next = openat(at, name, O_PATH | O_DIRECTORY | O_CLOEXEC);
        cr_assert_geq(next, 0);
        close(at);
        at = next;
    }
    return at;
}

void disk_link(struct peer *p, const char *target, const char *path)
{
    const char *name = disk_path(p, path);

    cr_assert_eq(symlink(target, name), 0, "%s", name);
    own(name);
}

void disk_socket(struct peer *p, const char *path)
{
    struct sockaddr_un at = { .sun_family = AF_UNIX };
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    snprintf(at.sun_path, sizeof(at.sun_path), "%s", disk_path(p, path));
    cr_assert_eq(bind(fd, (struct sockaddr *)&at, sizeof(at)), 0);
    close(fd);
}

void disk_hard_link(struct peer *p, const char *from, const char *to)
{
    cr_assert_eq(link(disk_path(p, from), disk_path(p, to)), 0, "%s", to);
}

void disk_rename(struct peer *p, const char *from, const char *to)
{
    cr_assert_eq(rename(disk_path(p, from), disk_path(p, to)), 0, "%s", to);
}

static unsigned char pattern(size_t at, unsigned seed)
{
    return (unsigned char)((at * 31 + (at >> 8) * 7 + (at >> 16)) ^ seed);
}

/* Fills the block with the bytes of pattern SEED from FROM on, at most up to
 * TO. Returns the number of bytes. */
static size_t block_of_pattern(unsigned char block[4096], size_t from,
                               size_t to, unsigned seed)
{
    size_t n = to - from < 4096 ? to - from : 4096;

    for (size_t i = 0; i < n; i++)
        block[i] = pattern(from + i, seed);
    return n;
}

void put_pattern(int fd, size_t from, size_t to, unsigned seed)
{
    unsigned char block[4096];

    while (from < to) {
        size_t n = block_of_pattern(block, from, to, seed);

        cr_assert_eq(pwrite(fd, block, n, (off_t)from), (ssize_t)n);
        from += n;
    }
}

void disk_fill(struct peer *p, const char *path, size_t len, unsigned seed)
{
    disk_put(p, path, "", 0);
    int fd = open(disk_path(p, path), O_WRONLY | O_CLOEXEC);
    cr_assert_geq(fd, 0);
    put_pattern(fd, 0, len, seed);
    close(fd);
}

/* Gives FD the attributes, the owner, the mode and the times of FROM. */
static void copy_facts(int from, int fd, const struct stat *st)
{
    const struct timespec times[2] = { st->st_atim, st->st_mtim };
    char names[1024], value[1024];
    const ssize_t all = flistxattr(from, names, sizeof(names));

    for (const char *n = names; n < names + all; n += strlen(n) + 1) {
        const ssize_t len = fgetxattr(from, n, value, sizeof(value));

        cr_assert(strncmp(n, "user.", 5) != 0 ||
                  fsetxattr(fd, n, value, (size_t)len, 0) == 0);
    }
    cr_assert_eq(fchown(fd, st->st_uid, st->st_gid), 0);
    cr_assert_eq(fchmod(fd, st->st_mode & 07777), 0);
    cr_assert_eq(futimens(fd, times), 0);
}

void disk_copy(struct peer *p, const char *from, const char *to)
{
    DIR *d = opendir(disk_path(p, from));
    struct stat st;

    cr_assert_not_null(d);
    disk_directory(p, to);
    for (struct dirent *e; (e = readdir(d));) {
        char path[512];

        if (e->d_type != DT_REG)
            continue;
        snprintf(path, sizeof(path), "%s/%s", to, e->d_name);
        disk_put(p, path, "", 0);
        FD_CLEANUP int a = openat(dirfd(d), e->d_name, O_RDONLY | O_CLOEXEC),
                       b = open(disk_path(p, path), O_WRONLY | O_CLOEXEC);
        cr_assert_eq(fstat(a, &st), 0);
        cr_assert_eq(sendfile(b, a, NULL, (size_t)st.st_size), st.st_size);
        copy_facts(a, b, &st);
    }
    closedir(d);
}

void disk_empty(struct peer *p, const char *path)
{
    DIR *d = opendir(disk_path(p, path));

    cr_assert_not_null(d);
    for (struct dirent *e; (e = readdir(d));)
        if (unlinkat(dirfd(d), e->d_name, 0) < 0) /* d_type isn't everywhere */
            unlinkat(dirfd(d), e->d_name, AT_REMOVEDIR);
    closedir(d);
}

bool disk_has(struct peer *p, const char *path)
{
    struct stat st;

    return lstat(disk_path(p, path), &st) == 0;
}

struct stat disk_stat(struct peer *p, const char *path)
{
    struct stat st;

    cr_assert_eq(lstat(disk_path(p, path), &st), 0, "%s", path);
    return st;
}

unsigned disk_mode(struct peer *p, const char *path)
{
    return disk_stat(p, path).st_mode & 07777;
}

bool disk_has_attribute(struct peer *p, const char *path, const char *name)
{
    return getxattr(disk_path(p, path), name, NULL, 0) >= 0;
}

bool disk_is(struct peer *p, const char *path, size_t len, unsigned seed)
{
    FILE *file = fopen(disk_path(p, path), "re");
    unsigned char block[4096], bytes[4096];
    bool same = file != NULL;
    size_t n;

    for (size_t i = 0; same && i < len; i += n) {
        n = block_of_pattern(block, i, len, seed);
        same = fread(bytes, 1, n, file) == n && memcmp(bytes, block, n) == 0;
    }
    same = same && getc(file) == EOF;
    if (file)
        fclose(file);
    return same;
}

static size_t find_partials(struct peer *p, const char *folder, char *last,
                            size_t size)
{
    DIR *dir = opendir(disk_path(p, folder));
    size_t count = 0;

    cr_assert_not_null(dir);
    for (struct dirent *e; (e = readdir(dir));)
        if (strncmp(e->d_name, ".sallyport-", 11) == 0 &&
            strcmp(e->d_name, LOCK_FILE) != 0) {
            count++;
            snprintf(last, size, "%s%s%s", folder,
                     folder[strlen(folder) - 1] == '/' ? "" : "/", e->d_name);
        }
    closedir(dir);
    return count;
}

size_t disk_partials(struct peer *p, const char *folder)
{
    char last[512];

    return find_partials(p, folder, last, sizeof(last));
}

const char *disk_partial(struct peer *p, const char *folder)
{
    static char out[4][512];
    static int turn;

    turn = (turn + 1) % 4;
    cr_assert_eq(find_partials(p, folder, out[turn], sizeof(out[turn])), 1);
    return out[turn];
}

const char *disk_partial_name(const struct peer *p, const char *file)
{
    static char out[PARTIAL_NAME_MAX];
    struct files f = { .user = p->start.name };

    memcpy(f.name_key, p->start.name_key, sizeof(f.name_key));
    partial_name(&f, file, out);
    return out;
}

void disk_extend(struct peer *p, const char *folder, size_t len, unsigned seed)
{
    FD_CLEANUP int fd =
        open(disk_path(p, disk_partial(p, folder)), O_WRONLY | O_CLOEXEC);
    struct stat st;

    cr_assert_eq(fstat(fd, &st), 0);
    put_pattern(fd, (size_t)st.st_size, len, seed);
}

void disk_age(struct peer *p, const char *path, int days)
{
    time_t then = time(NULL) - (time_t)days * 86400 - 60;
    struct timespec times[2] = { { .tv_sec = then }, { .tv_sec = then } };

    cr_assert_eq(
        utimensat(AT_FDCWD, disk_path(p, path), times, AT_SYMLINK_NOFOLLOW), 0);
}
