/* What systemd forbids the service. --check runs outside of the unit, where a
 * home in /home can be reached; the service may not reach it. systemctl(1) has
 * read the unit and its drop-ins; only the keys that decide about homes are
 * asked for. Runs in check and in sallyportctl; changes nothing. */
#include "sallyport/unit/unit.h"

#include <limits.h>
#include <string.h>

#include "sallyport/base/execute.h"
#include "sallyport/users/places.h"

#define ANSWER_MS 5000

static bool is_no(struct slice value)
{
    static const char *const words[] = { "no", "false", "off", "0", "" };

    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
        if (slice_equal(value, slice_from(words[i])))
            return true;
    return false;
}

/* "-/srv /data": '-' passes over what is missing, '+' is about a root that is
 * not in use here. */
static void add_writable(struct unit *u, struct slice value)
{
    struct slice path;

    while (slice_cut(&value, ' ', &path)) {
        while (path.len > 0 && (path.ptr[0] == '-' || path.ptr[0] == '+'))
            path = (struct slice){ path.ptr + 1, path.len - 1 };
        if (path.len > 0 && u->writables < UNIT_PATHS_MAX &&
            slice_copy(path, u->writable[u->writables],
                       sizeof(u->writable[0])) == 0)
            u->writables++;
    }
}

void unit_add(struct unit *u, struct slice line)
{
    struct slice key;

    if (!slice_cut(&line, '=', &key) || !line.ptr)
        return;
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

void unit_ask(struct unit *u)
{
    static const char *const question[] = {
        "/usr/bin/systemctl", "show", "sallyport.service",
        "--property=ProtectSystem,ProtectHome,PrivateTmp,ReadWritePaths", NULL
    };
    static char text[EXECUTE_OUTPUT_MAX];
    struct slice rest, line;

    execute_program(question, ANSWER_MS, text); /* no answer: an empty text */
    rest = slice_from(text);
    *u = (struct unit){ .unknown = text[0] == '\0' };
    while (slice_cut(&rest, '\n', &line))
        unit_add(u, line);
}

/* PATH is resolved. systemd follows symbolic links, too. */
static bool lies_in(const char *path, const char *directory)
{
    char real[PATH_MAX];

    if (user_path_within(path, directory))
        return true;
    place_resolve(directory, real);
    return user_path_within(path, real);
}

static bool is_writable(const struct unit *u, const char *path)
{
    for (size_t i = 0; i < u->writables; i++)
        if (lies_in(path, u->writable[i]))
            return true;
    return !u->strict || lies_in(path, "/var/lib/sallyport");
}

/* Is it there, or does it lead there? */
static bool is_among(const char *path, const char *real,
                     const char *const *directories, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (user_path_within(path, directories[i]) ||
            lies_in(real, directories[i]))
            return true;
    return false;
}

bool unit_forbids(const struct unit *u, const char *what, const char *path,
                  struct complaint *c)
{
    static const char *const temporary[] = { "/tmp", "/var/tmp" };
    static const char *const homes[] = { "/home", "/root", "/run/user" };
    char real[PATH_MAX];
    bool hidden;
    int parent;

    place_resolve(path, real);
    if (u->private_tmp && is_among(path, real, temporary, 2))
        return complain(c,
                        "systemd hides the %s %s from the service "
                        "(PrivateTmp=); move it, such as to /srv",
                        what, path) < 0;
    hidden = u->protect_home && is_among(path, real, homes, 3);
    if (!hidden && is_writable(u, real))
        return false;
    if (hidden || !real[0])
        slice_copy(slice_from(path), real, sizeof(real));
    parent = (int)(strrchr(real, '/') - real);
    /* One restart is enough for all homes beside it; but not all of /home. */
    if (hidden || parent == 0 || !strcmp(what, "directory"))
        parent = (int)strlen(real);
    complain(c, "systemd %s the %s %s%s; run: sallyportctl paths add %.*s",
             hidden ? "hides" : "makes", what, path,
             hidden ? " from the service (ProtectHome=)"
                    : " read-only for the service (ReadWritePaths=)",
             parent, real);
    return true;
}
