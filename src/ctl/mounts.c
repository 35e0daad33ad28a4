/* Finds mounts within a directory, for "user del --purge", which must know
 * before it removes anything. It reads /proc/self/mountinfo and enters no
 * directory. */
#include "home.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <unistd.h>

#include "sallyport/base/fd.h"

#define MOUNTS_MAX   (16u << 20)
#define FIELDS_AHEAD 4 /* id, parent, device, root; then the mount point */

static bool is_octal(char c)
{
    return c >= '0' && c <= '7';
}

/* The kernel writes blank, tab, line end and backslash as "\040" and so on. */
static int unescape(struct slice text, char *out, size_t size)
{
    size_t len = 0;

    for (size_t i = 0; i < text.len; i++) {
        const char *at = text.ptr + i;

        if (len + 1 >= size)
            return -ENAMETOOLONG;
        if (text.len - i >= 4 && at[0] == '\\' && is_octal(at[1]) &&
            is_octal(at[2]) && is_octal(at[3])) {
            out[len++] =
                (char)((at[1] - '0') * 64 + (at[2] - '0') * 8 + (at[3] - '0'));
            i += 3;
        } else {
            out[len++] = *at;
        }
    }
    out[len] = '\0';
    return 0;
}

/* The mount point in a line. */
static int place_of(struct slice line, char *out, size_t size)
{
    struct slice field = { NULL, 0 };

    for (int i = 0; i <= FIELDS_AHEAD; i++)
        if (!slice_cut(&line, ' ', &field))
            return -EINVAL;
    return unescape(field, out, size);
}

static int look_for(struct slice mounts, const char *directory)
{
    char place[PATH_MAX];
    struct slice line;

    while (slice_cut(&mounts, '\n', &line)) {
        int r = line.len == 0 ? 0 : place_of(line, place, sizeof(place));

        if (r)
            return r;
        if (line.len > 0 && home_beneath(place, directory))
            return -EXDEV;
    }
    return 0;
}

int mounts_within(int fd)
{
    FD_CLEANUP int list = open("/proc/self/mountinfo", O_RDONLY | O_CLOEXEC);
    char name[64], directory[PATH_MAX];
    struct buf mounts;
    ssize_t len;
    int r;

    if (list < 0)
        return -errno;
    snprintf(name, sizeof(name), "/proc/self/fd/%d", fd);
    len = readlink(name, directory, sizeof(directory));
    if (len < 0)
        return -errno;
    if ((size_t)len == sizeof(directory))
        return -ENAMETOOLONG;
    directory[len] = '\0';
    buf_init(&mounts, MOUNTS_MAX);
    r = fd_read_file(list, &mounts);
    if (r == 0)
        r = look_for(buf_slice(&mounts), directory);
    buf_release(&mounts);
    return r;
}
