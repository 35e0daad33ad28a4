/* Makes, reads and changes files of a test. */
#include "files.h"
#include "fail.h"
#include "sallyport/base/fd.h"
#include "test.h"

void files_make_folder(const char *path, mode_t mode)
{
    FAIL_IF(mkdir(path, mode), "mkdir %s: %s", path, strerror(errno));
    FAIL_IF(chmod(path, mode), "chmod %s: %s", path, strerror(errno));
}

void files_write(const char *path, const void *bytes, size_t len, mode_t mode)
{
    FD_CLEANUP int fd =
        open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode);
    int r;

    FAIL_IF(fd < 0, "open %s: %s", path, strerror(errno));
    FAIL_IF(fchmod(fd, mode), "chmod %s: %s", path, strerror(errno));
    r = fd_write_all(fd, bytes, len);
    FAIL_IF(r, "write %s: %s", path, strerror(-r));
}

void files_set_time(const char *path, time_t when)
{
    const struct timespec times[2] = { { .tv_nsec = UTIME_OMIT },
                                       { .tv_sec = when } };

    FAIL_IF(utimensat(AT_FDCWD, path, times, 0), "the time of %s: %s", path,
            strerror(errno));
}

bool files_read(const char *path, struct buf *into)
{
    FD_CLEANUP int fd = open(path, O_RDONLY | O_CLOEXEC);
    int r;

    if (fd < 0)
        return false;
    r = fd_read_file(fd, into);
    FAIL_IF(r, "read %s: %s", path, strerror(-r));
    return true;
}

/* Reads the file into *MADE, with TO in place of its first FROM. The caller
 * releases MADE. */
static void changed(const char *path, const char *from, const char *to,
                    struct buf *made)
{
    struct buf text;
    const char *at;

    buf_init(&text, 1 << 20);
    buf_init(made, 1 << 20);
    FAIL_IF(!files_read(path, &text) || buf_add(&text, "", 1), "no %s", path);
    at = strstr(text.data, from);
    FAIL_IF(!at, "no \"%s\" in %s", from, path);
    buf_add(made, text.data, (size_t)(at - text.data));
    buf_add_text(made, to);
    FAIL_IF(buf_add_text(made, at + strlen(from)), "%s is too long", path);
    buf_release(&text);
}

void files_change(const char *path, const char *from, const char *to,
                  bool in_place)
{
    char beside[512];
    struct buf made;

    FAIL_IF((size_t)snprintf(beside, sizeof(beside), "%s.hand", path) >=
                sizeof(beside),
            "path too long");
    changed(path, from, to, &made);
    files_write(in_place ? path : beside, made.data, made.len, 0600);
    FAIL_IF(!in_place && rename(beside, path) != 0, "rename %s", path);
    buf_release(&made);
}

bool files_exists(const char *path)
{
    struct stat st;

    return lstat(path, &st) == 0;
}

void files_give_to_owner_of(const char *folder, const char *path)
{
    struct stat st;

    FAIL_IF(stat(folder, &st), "stat %s: %s", folder, strerror(errno));
    FAIL_IF(geteuid() == 0 && lchown(path, st.st_uid, st.st_gid),
            "chown %s: %s", path, strerror(errno));
}

/* Uses xorshift64*, which is fast enough for gigabytes. */
void files_noise(void *into, size_t len, uint64_t seed)
{
    uint64_t x = seed * 0x9e3779b97f4a7c15U + 1;
    unsigned char *to = into;

    for (size_t i = 0; i < len; i += sizeof(x)) {
        uint64_t out;

        x ^= x >> 12;
        x ^= x << 25;
        x ^= x >> 27;
        out = x * 0x2545f4914f6cdd1dU;
        memcpy(to + i, &out, len - i < sizeof(x) ? len - i : sizeof(x));
    }
}
