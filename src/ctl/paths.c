/* "paths": the directories outside /srv in which systemd lets the service
 * write. The command owns one drop-in of sallyport.service; those of the
 * administrator aren't touched. systemd is only asked, never told. */
#include "ctl.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

#include "sallyport/base/fd.h"

#define DROP_IN_MAX (UNIT_PATHS_MAX * 320)
#define COMMANDS                                                               \
    "run: systemctl daemon-reload && systemctl restart sallyport (this ends "  \
    "all sessions)"

/* Another configuration isn't the unit's. An import asks for each user. */
static void ask_unit(const struct context *x, struct unit *u)
{
    static struct unit answer = { .unknown = true };
    static bool asked;

    if (!asked && geteuid() == 0 &&
        strcmp(x->settings.file, SETTINGS_FILE) == 0)
        unit_ask(&answer);
    asked = true;
    *u = answer;
}

void (*paths_unit)(const struct context *x, struct unit *u) = ask_unit;
const char *paths_drop_in = "/etc/systemd/system/sallyport.service.d";

static const char *drop_in_file(const char *name, char out[PATH_MAX])
{
    snprintf(out, PATH_MAX, "%s/%s", paths_drop_in, name);
    return out;
}

/* Adds the lines that this command has written. A missing file has none. */
static int add_drop_in(struct context *x, struct unit *u)
{
    char path[PATH_MAX];
    FD_CLEANUP int fd =
        open(drop_in_file("paths.conf", path), O_RDONLY | O_CLOEXEC);
    struct slice rest, line;
    struct buf text;
    int r;

    if (fd < 0)
        return errno == ENOENT
                   ? 0
                   : ctl_fail(x, EX_NOINPUT, "%s: %s", path, strerror(errno));
    buf_init(&text, DROP_IN_MAX);
    r = fd_read_file(fd, &text);
    rest = buf_slice(&text);
    while (r == 0 && slice_cut(&rest, '\n', &line))
        unit_add(u, line);
    buf_release(&text);
    return r < 0 ? ctl_fail(x, EX_NOINPUT, "%s: %s", path, strerror(-r)) : 0;
}

static int read_drop_in(struct context *x, struct unit *u)
{
    *u = (struct unit){ .writables = 0 };
    return add_drop_in(x, u);
}

/* Systemd is asked once, also for the forks of this process. */
static struct unit permitting;
static bool was_asked;

void paths_ask(const struct context *x)
{
    if (!was_asked)
        paths_unit(x, &permitting);
    was_asked = true;
}

int paths_permit(struct context *x, const char *what, const char *path)
{
    struct unit u;
    struct complaint c = { "" };
    int code;

    paths_ask(x);
    u = permitting; /* add_drop_in() changes it */
    if (!unit_forbids(&u, what, path, &c))
        return 0;
    code = add_drop_in(x, &u);
    if (code == 0 && !unit_forbids(&u, what, path, &(struct complaint){ "" }))
        return ctl_fail(x, EX_CONFIG,
                        "%s: systemd hasn't read the drop-in of \"paths add\" "
                        "yet; " COMMANDS,
                        path);
    return code ? code : ctl_fail(x, EX_CONFIG, "%s", c.text);
}

/* A missing path, such as of a disk that isn't mounted, mustn't keep the
 * service from its start: '-'. */
static void write_lines(const struct unit *u, struct buf *into)
{
    const struct unit hides = { .protect_home = true, .strict = false };
    bool home = false;

    for (size_t i = 0; i < u->writables; i++)
        home |= unit_forbids(&hides, "directory", u->writable[i],
                             &(struct complaint){ "" });
    buf_add_format(into, "# Written by: sallyportctl paths\n[Service]\n%s",
                   home ? "ProtectHome=no\n" : "");
    for (size_t i = 0; i < u->writables; i++)
        buf_add_format(into, "ReadWritePaths=-%s\n", u->writable[i]);
}

#define RETENTION "../sallyport-retention.service.d"

/* The unit that removes expired files needs the same lines. */
static int link_retention(const char *path)
{
    char name[PATH_MAX];

    if (mkdir(drop_in_file(RETENTION, name), 0755) < 0 && errno != EEXIST)
        return -errno;
    drop_in_file(RETENTION "/paths.conf", name);
    return symlink(path, name) < 0 && errno != EEXIST ? -errno : 0;
}

static int replace_drop_in(const struct unit *u, const char *path)
{
    char new[PATH_MAX];
    struct buf text;
    int r;

    if (u->writables == 0) {
        unlink(drop_in_file(RETENTION "/paths.conf", new));
        return unlink(path) < 0 ? -errno : 0;
    }
    if (mkdir(paths_drop_in, 0755) < 0 && errno != EEXIST)
        return -errno;
    FD_CLEANUP int fd = open(drop_in_file("paths.conf.new", new),
                             O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    if (fd < 0)
        return -errno;
    buf_init(&text, DROP_IN_MAX);
    write_lines(u, &text);
    r = fd_write_all(fd, text.data, text.len);
    buf_release(&text);
    if (r == 0 && (fsync(fd) < 0 || rename(new, path) < 0))
        r = -errno;
    return r == 0 ? link_retention(path) : r;
}

static int write_drop_in(struct context *x, const struct unit *u)
{
    char path[PATH_MAX];
    int r = replace_drop_in(u, drop_in_file("paths.conf", path));

    if (r < 0)
        return ctl_fail(x, ctl_exit_of(-r), "%s: %s", path, strerror(-r));
    printf("%s: %s; " COMMANDS "\n", path,
           u->writables > 0 ? "written" : "removed");
    return 0;
}

/* What systemd.exec(5) gives a meaning to is refused; and directories whose
 * protection is the unit's purpose. */
static int take_path(struct context *x, char out[USER_HOME_MAX + 1])
{
    static const char *const never[] = { "",      "/etc",  "/usr",
                                         "/var",  "/boot", "/dev",
                                         "/proc", "/sys",  "/run" };
    const char *path = x->args.word[2];

    if (path[0] != '/' || strstr(path, "/..") ||
        place_tidy(slice_from(path), out, USER_HOME_MAX + 1) < 0 ||
        strpbrk(out, " \t\r\n\"'\\%$;#") || strlen(out) > 250)
        return ctl_fail(x, EX_USAGE,
                        "%s: give an absolute path of at most 250 bytes, "
                        "without blanks and quotes",
                        path);
    if (slice_among(slice_from(out), never, sizeof(never) / sizeof(never[0])) >=
        0)
        return ctl_fail(x, EX_USAGE, "%s: name a directory in it", path);
    return 0;
}

static size_t find_path(const struct unit *u, const char *path)
{
    size_t i = 0;

    while (i < u->writables && strcmp(u->writable[i], path) != 0)
        i++;
    return i;
}

int paths_add(struct context *x)
{
    static struct unit ours, all;
    char path[USER_HOME_MAX + 1];
    struct complaint c = { "" };
    struct stat st;
    int code = take_path(x, path);

    if (code == 0)
        code = read_drop_in(x, &ours);
    if (code)
        return code;
    paths_unit(x, &all);
    if (all.unknown)
        return ctl_fail(x, EX_UNAVAILABLE,
                        "systemd gives no answer about sallyport.service; run "
                        "this as root, without --config. Without systemd "
                        "nothing is needed");
    if (!unit_forbids(&all, "directory", path, &c)) {
        printf("systemd lets the service write in %s: nothing is needed\n",
               path);
        return 0;
    }
    if (strstr(c.text, "PrivateTmp="))
        return ctl_fail(x, EX_CONFIG, "%s", c.text);
    if (find_path(&ours, path) < ours.writables) {
        printf("it is written already; " COMMANDS "\n");
        return 0;
    }
    if (stat(path, &st) < 0 || !S_ISDIR(st.st_mode))
        return ctl_fail(x, EX_NOINPUT,
                        "%s: no such directory; make it first: install -d %s",
                        path, path);
    if (ours.writables == UNIT_PATHS_MAX)
        return ctl_fail(x, EX_USAGE, "there are %d paths already",
                        UNIT_PATHS_MAX);
    slice_copy(slice_from(path), ours.writable[ours.writables++],
               sizeof(ours.writable[0]));
    return write_drop_in(x, &ours);
}

int paths_del(struct context *x)
{
    static struct unit ours;
    char path[USER_HOME_MAX + 1];
    int code = take_path(x, path);
    size_t i;

    if (code == 0)
        code = read_drop_in(x, &ours);
    if (code)
        return code;
    i = find_path(&ours, path);
    if (i == ours.writables)
        return ctl_fail(x, EX_NOINPUT,
                        "%s: \"paths add\" hasn't written it; run: "
                        "sallyportctl paths list",
                        path);
    memmove(ours.writable[i], ours.writable[i + 1],
            (ours.writables - i - 1) * sizeof(ours.writable[0]));
    ours.writables--;
    return write_drop_in(x, &ours);
}

/* A path that systemd hasn't read yet is marked. */
int paths_list(struct context *x)
{
    static struct unit ours, all;
    int code = read_drop_in(x, &ours);

    paths_unit(x, &all);
    for (size_t i = 0; code == 0 && i < all.writables; i++)
        puts(all.writable[i]);
    for (size_t i = 0; code == 0 && i < ours.writables; i++)
        if (find_path(&all, ours.writable[i]) == all.writables)
            printf(all.unknown ? "%s\n" : "%s (not yet; " COMMANDS ")\n",
                   ours.writable[i]);
    return code;
}
