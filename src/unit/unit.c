/* What systemd forbids the service. --check runs outside of the unit, where a
 * home in /home can be reached; the service may not reach it. systemctl(1) has
 * read the unit and its drop-ins; only the keys that decide about homes are
 * asked for. Runs in check and in sallyportctl; changes nothing. */
#include "sallyport/unit/unit.h"

#include <string.h>

#include "sallyport/base/execute.h"
#include "sallyport/users/users.h"

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

static bool is_writable(const struct unit *u, const char *home)
{
    for (size_t i = 0; i < u->writables; i++)
        if (user_path_within(home, u->writable[i]))
            return true;
    return !u->strict || user_path_within(home, "/var/lib/sallyport");
}

bool unit_forbids(const struct unit *u, const char *what, const char *path,
                  struct complaint *c)
{
    static const char *const homes[] = { "/home", "/root", "/run/user" };
    bool hidden = false;
    int parent = (int)(strrchr(path, '/') - path);

    if (u->private_tmp &&
        (user_path_within(path, "/tmp") || user_path_within(path, "/var/tmp")))
        return complain(c,
                        "systemd hides the %s %s from the service "
                        "(PrivateTmp=); move it, such as to /srv",
                        what, path) < 0;
    for (size_t i = 0; u->protect_home && i < 3; i++)
        hidden |= user_path_within(path, homes[i]);
    if (!hidden && is_writable(u, path))
        return false;
    /* One restart is enough for all homes beside it; but not all of /home. */
    if (hidden || parent == 0 || !strcmp(what, "directory"))
        parent = (int)strlen(path);
    complain(c, "systemd %s the %s %s%s; run: sallyportctl paths add %.*s",
             hidden ? "hides" : "makes", what, path,
             hidden ? " from the service (ProtectHome=)"
                    : " read-only for the service (ReadWritePaths=)",
             parent, path);
    return true;
}
