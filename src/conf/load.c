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
    if (settings_trusted_file(fd, path, c))
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
