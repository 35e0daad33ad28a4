/* What systemd forbids the service. --check runs outside of the unit, where a
 * home in /home can be reached; the service may not reach it. systemctl(1) has
 * read the unit and its drop-ins; only the keys that decide about homes are
 * asked for. Runs in check; changes nothing. */
#include "check.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

#include "sallyport/base/fd.h"

#define ANSWER_MAX 65536 /* bytes that are read */
#define ANSWER_MS  5000  /* ms: for some of them */

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

/* Returns a pipe with its lines, and with its errors, which have no key that is
 * known here; or -1. */
static int ask_systemctl(pid_t *pid)
{
    static char *const question[] = {
        "systemctl", "show", "sallyport.service",
        "--property=ProtectSystem,ProtectHome,PrivateTmp,ReadWritePaths", NULL
    };
    int ends[2];

    if (pipe2(ends, O_CLOEXEC) < 0)
        return -1;
    *pid = fork();
    if (*pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        dup2(ends[1], STDOUT_FILENO);
        dup2(ends[1], STDERR_FILENO);
        close_range(STDERR_FILENO + 1, ~0U, 0); /* the users, too */
        execv("/usr/bin/systemctl", question);
        _exit(EX_UNAVAILABLE);
    }
    close(ends[1]);
    return ends[0];
}

void unit_ask(struct unit *u)
{
    static char text[ANSWER_MAX];
    struct slice rest = { text, 0 }, line;
    pid_t pid = -1;
    FD_CLEANUP int answer = ask_systemctl(&pid);
    struct pollfd readable = { .fd = answer, .events = POLLIN };
    ssize_t n = 0;

    do {
        rest.len += (size_t)n;
        n = answer >= 0 && poll(&readable, 1, ANSWER_MS) == 1
                ? read(answer, text + rest.len, sizeof(text) - rest.len)
                : 0;
    } while (n > 0);
    if (pid > 0) {
        kill(pid, SIGKILL); /* if it hangs, or has more to say */
        waitpid(pid, NULL, 0);
    }
    *u = (struct unit){ .writables = 0 };
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
    bool hidden = false, writable = is_writable(u, path);

    if (u->private_tmp &&
        (user_path_within(path, "/tmp") || user_path_within(path, "/var/tmp")))
        return complain(c,
                        "systemd hides the %s %s from the service "
                        "(PrivateTmp=); move it, such as to /srv",
                        what, path) < 0;
    for (size_t i = 0; u->protect_home && i < 3; i++)
        hidden |= user_path_within(path, homes[i]);
    if (!hidden && writable)
        return false;
    /* One drop-in has all that is missing. */
    complain(c,
             "systemd %s the %s %s%s; run: systemctl edit sallyport, and "
             "write [Service]%s%s%s%s%s; then run: systemctl restart sallyport",
             hidden ? "hides" : "makes", what, path,
             hidden ? " from the service (ProtectHome=)"
                    : " read-only for the service (ReadWritePaths=)",
             hidden && !writable ? ", " : " and ",
             hidden ? "ProtectHome=no" : "", hidden && !writable ? " and " : "",
             writable ? "" : "ReadWritePaths=", writable ? "" : path);
    return true;
}
