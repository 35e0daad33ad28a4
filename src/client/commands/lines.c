/* --files-from: a file with names of files, one in each line. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sysexits.h>

#include "client.h"

/* ".." could lead out of the target. */
static bool line_goes_up(const char *line)
{
    struct slice rest = slice_from(line), part;

    while (slice_cut(&rest, '/', &part))
        if (slice_equal(part, SLICE("..")))
            return true;
    return false;
}

/* The filters see the whole line, and the directories in it. */
static bool line_excluded(const struct client *c, const char *line)
{
    char above[URL_PATH_MAX];

    for (const char *at = line; (at = strchr(at, '/')); at++) {
        snprintf(above, sizeof(above), "%.*s", (int)(at - line), line);
        if (options_exclude(&c->options, above, true))
            return true;
    }
    return options_exclude(&c->options, line, false);
}

static int line_take(struct client *c, const char *line, size_t len,
                     int (*each)(struct client *c, const char *line, void *of),
                     void *of)
{
    if (strlen(line) != len || len >= URL_PATH_MAX)
        return client_refuse("--files-from", EX_DATAERR,
                             "a line is too long, or has a NUL");
    while (strncmp(line, "./", 2) == 0)
        line += 2;
    if (!line[0])
        return 0;
    if (line[0] == '/' || line_goes_up(line))
        return client_refuse(line, EX_DATAERR,
                             "a line of --files-from is a relative path "
                             "without \"..\"");
    if (strcmp(line, "-") == 0)
        return client_refuse(line, EX_DATAERR,
                             "a line of --files-from can't be \"-\", which "
                             "means standard input or output");
    return line_excluded(c, line) ? 0 : each(c, line, of);
}

int lines_each(struct client *c,
               int (*each)(struct client *c, const char *line, void *of),
               void *of)
{
    const char *name = c->options.files_from;
    FILE *f = strcmp(name, "-") == 0 ? stdin : fopen(name, "re");
    bool first = true;
    char *line = NULL;
    size_t size = 0;
    ssize_t len;
    int code = 0;

    if (!f)
        return client_refuse(name, EX_NOINPUT, "%s", strerror(errno));
    while (!link_is_over() && (len = getline(&line, &size, f)) >= 0) {
        while (len > 0 && strchr("\r\n", line[len - 1]))
            line[--len] = '\0';
        size_t mark = first ? text_mark(line, (size_t)len) : 0;
        first = false;
        tree_keep(&code,
                  line_take(c, line + mark, (size_t)len - mark, each, of));
    }
    if (ferror(f))
        tree_keep(&code, client_refuse(name, EX_IOERR, "can't be read"));
    free(line);
    if (f != stdin)
        fclose(f);
    return code;
}

int lines_mkdir_remote(struct client *c, const char *path,
                       char last[URL_PATH_MAX])
{
    char above[URL_PATH_MAX];

    snprintf(above, sizeof(above), "%.*s", (int)(url_base(path) - path), path);
    if (c->options.dry_run || strcmp(above, last) == 0)
        return 0;
    int code = mkdir_one(c, above);
    if (code == 0)
        memcpy(last, above, sizeof(above));
    return code;
}

int lines_mkdir_local(const struct client *c, const char *path)
{
    char above[PATH_MAX];

    if (c->options.dry_run)
        return 0;
    snprintf(above, sizeof(above), "%s", path);
    for (char *at = above + 1; (at = strchr(at, '/')); at++) {
        *at = '\0';
        if (mkdir(above, 0777) < 0 && errno != EEXIST)
            return client_refuse(above, EX_CANTCREAT, "%s", strerror(errno));
        *at = '/';
    }
    return 0;
}
