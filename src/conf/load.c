/* Opens the configuration and private files, and refuses those that other users
 * can write or, if they are private, read. Runs as root in master, as the
 * administrator in sallyportctl. Checks the open file, never its name. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sallyport/base/fd.h"

#include "kinds.h"

/* The owner can always write it, whatever its mode. */
static int check_owner(const struct stat *st, const char *path,
                       struct complaint *c)
{
    if (st->st_uid == 0 || st->st_uid == geteuid())
        return 0;
    return complain(c, "%s: belongs to uid %u; run: chown %u %s", path,
                    (unsigned)st->st_uid, (unsigned)geteuid(), path);
}

/* A symbolic link is permitted: its target is checked. */
static int check_file(int fd, const char *path, struct complaint *c)
{
    struct stat st;

    if (fstat(fd, &st))
        return complain(c, "%s: %s", path, strerror(errno));
    if (!S_ISREG(st.st_mode))
        return complain(c, "%s: not a regular file", path);
    if (check_owner(&st, path, c))
        return -EINVAL;
    if (st.st_mode & (S_IWGRP | S_IWOTH))
        return complain(c,
                        "%s: writable by group or others; run: chmod go-w %s",
                        path, path);
    return 0;
}

static int read_text(const char *path, struct buf *text, struct complaint *c)
{
    int fd FD_CLEANUP =
        open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    int r;

    if (fd < 0)
        return complain(c, "%s: %s%s", path, strerror(errno),
                        errno == ENOENT ? "; copy the example, sallyport.conf "
                                          "in /usr/share/doc/sallyport"
                                        : "");
    if (check_file(fd, path, c))
        return -EINVAL;
    buf_clear(text);
    r = fd_read_file(fd, text);
    if (r == -EFBIG || text->len > SETTINGS_TEXT_MAX)
        return complain(c, "%s: larger than %u bytes", path, SETTINGS_TEXT_MAX);
    if (r)
        return complain(c, "%s: %s", path, strerror(-r));
    return 0;
}

int settings_load(struct settings *s, const char *path, struct buf *text,
                  struct complaint *c)
{
    int r = read_text(path, text, c);

    return r ? r : settings_parse(s, buf_slice(text), path, c);
}

int settings_survey(const char *path, settings_report *report,
                    struct complaint *c)
{
    struct buf text;
    int r;

    buf_init(&text, SETTINGS_TEXT_MAX);
    r = read_text(path, &text, c);
    if (r == 0)
        r = settings_survey_text(buf_slice(&text), path, report, c);
    buf_release(&text);
    return r;
}

int settings_control(const struct settings *s, char *out, size_t size)
{
    const char *slash = strrchr(s->file, '/');
    int directory = slash ? (int)(slash - s->file) : 1;
    const char *start = slash ? s->file : ".";
    int n;

    if (geteuid() == 0 || settings_line(s, "control") != 0)
        return slice_copy(slice_from(s->control), out, size);
    n = snprintf(out, size, "%.*s/control", directory, start);
    return n < 0 || (size_t)n >= size ? -ENAMETOOLONG : 0;
}

int settings_trusted_file(int fd, const char *name, struct complaint *c)
{
    return check_file(fd, name, c);
}

int settings_private_file(int fd, const char *name, struct complaint *c)
{
    struct stat st;

    if (fstat(fd, &st))
        return complain(c, "%s: %s", name, strerror(errno));
    if (!S_ISREG(st.st_mode))
        return complain(c, "%s: not a regular file", name);
    if (check_owner(&st, name, c))
        return -EINVAL;
    if (st.st_mode & S_IRWXO)
        return complain(c, "%s: open to others; run: chmod o-rwx %s", name,
                        name);
    if (st.st_mode & S_IWGRP)
        return complain(c, "%s: writable by group; run: chmod g-w %s", name,
                        name);
    return 0;
}
