/* Reads the whole configuration from an open file. Runs in reader, and as the
 * administrator in sallyportctl. */
#include <errno.h>
#include <string.h>

#include "sallyport/base/fd.h"

#include "kinds.h"

static int read_text(int fd, const char *path, struct buf *text,
                     struct complaint *c)
{
    int r;

    buf_clear(text);
    r = fd_read_file(fd, text);
    if (r == -EFBIG || text->len > SETTINGS_TEXT_MAX)
        return complain(c, "%s: larger than %u bytes", path, SETTINGS_TEXT_MAX);
    return r ? complain(c, "%s: %s", path, strerror(-r)) : 0;
}

int conf_read(struct settings *s, int fd, const char *path, conf_report *report,
              struct complaint *c)
{
    struct buf text;
    int r;

    buf_init(&text, SETTINGS_TEXT_MAX);
    r = read_text(fd, path, &text, c);
    if (r == 0)
        r = conf_parse(s, buf_slice(&text), path, report, c);
    else
        conf_mistake(c->text, report, c);
    buf_release(&text);
    return r;
}

int conf_load(struct settings *s, const char *path, struct complaint *c)
{
    int fd FD_CLEANUP = settings_open(path, c);

    return fd < 0 ? fd : conf_read(s, fd, path, NULL, c);
}
