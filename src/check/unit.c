/* Reads the systemd unit. --check runs outside of the unit, where a home in
 * /home can be reached; the service may not reach it. Only the keys that decide
 * about homes are read. Runs in check; changes nothing. */
#include "unit.h"

#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <stdio.h>
#include <string.h>

#include "sallyport/base/buf.h"
#include "sallyport/base/fd.h"

static bool is_below(const char *path, const char *directory)
{
    size_t len = strlen(directory);

    while (len > 1 && directory[len - 1] == '/')
        len--;
    return strncmp(path, directory, len) == 0 &&
           (len == 1 || path[len] == '/' || path[len] == '\0');
}

static bool is_no(struct slice value)
{
    static const char *const words[] = { "no", "false", "off", "0", "" };

    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
        if (slice_equal(value, slice_from(words[i])))
            return true;
    return false;
}

/* "-/srv /data": '-' passes over what is missing, '+' is about a root that is
 * not in use here. An empty value forgets those before. */
static void add_writable(struct unit *u, struct slice value)
{
    struct slice path;

    if (value.len == 0)
        u->writables = 0;
    while (slice_cut(&value, ' ', &path)) {
        while (path.len > 0 && (path.ptr[0] == '-' || path.ptr[0] == '+'))
            path = (struct slice){ path.ptr + 1, path.len - 1 };
        if (path.len > 0 && u->writables < UNIT_PATHS_MAX &&
            slice_copy(path, u->writable[u->writables],
                       sizeof(u->writable[0])) == 0)
            u->writables++;
    }
}

static void add_line(struct unit *u, struct slice line)
{
    struct slice key;

    if (!slice_cut(&line, '=', &key) || !line.ptr)
        return;
    key = slice_trim(key);
    line = slice_trim(line);
    if (slice_equal(key, SLICE("ProtectSystem")))
        u->strict = slice_equal(line, SLICE("strict"));
    else if (slice_equal(key, SLICE("ProtectHome")))
        u->protect_home = !is_no(line);
    else if (slice_equal(key, SLICE("PrivateTmp")))
        u->private_tmp = !is_no(line);
    else if (slice_equal(key, SLICE("ReadWritePaths")))
        add_writable(u, line);
}

void unit_add(struct unit *u, struct slice text)
{
    struct slice line;

    while (slice_cut(&text, '\n', &line))
        add_line(u, line);
}

static int open_file(struct unit_files *files, const char *path)
{
    int fd;

    if (files->count == UNIT_FILES_MAX)
        return -EMFILE;
    fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        return -errno;
    files->fd[files->count++] = fd;
    return 0;
}

#define FIND(directory) directory "/systemd/system/sallyport.service"

static const char *const places[] = {
    FIND("/etc"),     FIND("/run"), FIND("/usr/local/lib"),
    FIND("/usr/lib"), FIND("/lib"),
};
#define PLACES (sizeof(places) / sizeof(places[0]))

static void open_drop_ins(struct unit_files *files, const char *place)
{
    char pattern[128];
    glob_t found;

    snprintf(pattern, sizeof(pattern), "%s.d/*.conf", place);
    if (glob(pattern, 0, NULL, &found) != 0)
        return;
    for (size_t i = 0; i < found.gl_pathc; i++)
        open_file(files, found.gl_pathv[i]);
    globfree(&found);
}

void unit_open(struct unit_files *files)
{
    int r = -ENOENT;

    files->count = 0;
    for (size_t i = 0; i < PLACES && r < 0; i++)
        r = open_file(files, places[i]);
    for (size_t i = PLACES; i-- > 0 && r == 0;)
        open_drop_ins(files, places[i]);
}

void unit_read(struct unit *u, struct unit_files *files)
{
    *u = (struct unit){ .writables = 0 };
    for (size_t i = 0; i < files->count; i++) {
        struct buf text;

        buf_init(&text, UNIT_TEXT_MAX);
        if (fd_read_file(files->fd[i], &text) == 0)
            unit_add(u, buf_slice(&text));
        buf_release(&text);
        fd_close(&files->fd[i]);
    }
    files->count = 0;
}

static bool is_writable(const struct unit *u, const char *home)
{
    for (size_t i = 0; i < u->writables; i++)
        if (is_below(home, u->writable[i]))
            return true;
    return !u->strict || is_below(home, "/var/lib/sallyport");
}

bool unit_forbids(const struct unit *u, const char *home, struct complaint *c)
{
    static const char *const homes[] = { "/home", "/root", "/run/user" };
    bool hidden = false, writable = is_writable(u, home);

    if (u->private_tmp &&
        (is_below(home, "/tmp") || is_below(home, "/var/tmp")))
        return complain(c,
                        "systemd hides the home %s from the service "
                        "(PrivateTmp=); move it, such as to /srv",
                        home) < 0;
    for (size_t i = 0; u->protect_home && i < 3; i++)
        hidden |= is_below(home, homes[i]);
    if (!hidden && writable)
        return false;
    /* One drop-in has all that is missing. */
    complain(c,
             "systemd %s the home %s%s; run: systemctl edit sallyport, and "
             "write [Service]%s%s%s%s%s; then run: systemctl restart sallyport",
             hidden ? "hides" : "makes", home,
             hidden ? " from the service (ProtectHome=)"
                    : " read-only for the service (ReadWritePaths=)",
             hidden && !writable ? ", " : " and ",
             hidden ? "ProtectHome=no" : "", hidden && !writable ? " and " : "",
             writable ? "" : "ReadWritePaths=", writable ? "" : home);
    return true;
}
