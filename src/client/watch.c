/* The command watch: uploads each file that appears in a directory and is
 * complete, until Ctrl-C. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

#include "client.h"
#include "sallyport/base/clock.h"
#include "sallyport/base/fd.h"

struct watch {
    struct client *client;
    const char *dir;
    struct word to;
    char **name; /* those to send */
    size_t count;
    bool over; /* the directory is gone */
};

/* A name that begins with a dot is usually that of an unfinished file. */
static void watch_add(struct watch *w, const char *name)
{
    for (size_t i = 0; i < w->count; i++)
        if (strcmp(w->name[i], name) == 0)
            return;
    char *copy = name[0] != '.' ? strdup(name) : NULL;
    char **more =
        copy ? reallocarray(w->name, w->count + 1, sizeof(*more)) : NULL;
    if (!more) {
        free(copy);
        return;
    }
    w->name = more;
    w->name[w->count++] = copy;
}

static void watch_scan(struct watch *w)
{
    DIR *d = opendir(w->dir);
    struct dirent *e;

    while (d && (e = readdir(d)))
        watch_add(w, e->d_name);
    if (d)
        closedir(d);
}

/* Is it a regular file that no program writes? The kernel gives no lease for
 * reading otherwise. Of another user's file it gives none at all: there the
 * event is enough. */
static bool watch_is_complete(const char *path)
{
    FD_CLEANUP int fd =
        open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_NOFOLLOW | O_CLOEXEC);
    struct stat st;

    return fd >= 0 && fstat(fd, &st) == 0 && S_ISREG(st.st_mode) &&
           (fcntl(fd, F_SETLEASE, F_RDLCK) == 0 || errno != EAGAIN);
}

/* Returns an exit code. A file that isn't complete comes again with the event
 * of its end. */
static int watch_send_one(const struct watch *w, const char *name)
{
    char path[PATH_MAX];
    struct word file = { .text = path };

    if (tree_join(w->dir, name, path, sizeof(path)) < 0 ||
        !watch_is_complete(path))
        return 0;
    return put_all(w->client, &file, 1, &w->to);
}

/* What won't be another time. Anything else may be an outage. */
static bool watch_is_over(int code)
{
    return code == 0 || code == EX_NOINPUT || code == EX_USAGE ||
           code == EX_DATAERR;
}

/* Files that an outage may have stopped stay in the list. */
static void watch_send(struct watch *w)
{
    size_t kept = 0;

    for (size_t i = 0; i < w->count; i++) {
        int code = link_interrupted ? 0 : watch_send_one(w, w->name[i]);

        if (!watch_is_over(code))
            w->name[kept++] = w->name[i];
        else
            free(w->name[i]);
    }
    w->count = kept;
}

static void watch_take(struct watch *w, const struct inotify_event *e)
{
    if (e->mask & (IN_DELETE_SELF | IN_MOVE_SELF | IN_IGNORED))
        w->over = true;
    else if (e->mask & IN_Q_OVERFLOW)
        watch_scan(w);
    else if (e->len > 0)
        watch_add(w, e->name);
}

static void watch_read(struct watch *w, int fd)
{
    _Alignas(struct inotify_event) char events[65536];
    ssize_t len = read(fd, events, sizeof(events));

    for (ssize_t at = 0; at < len;) {
        const struct inotify_event *e = (const void *)(events + at);

        watch_take(w, e);
        at += (ssize_t)(sizeof(*e) + e->len);
    }
}

static void watch_run(struct watch *w, int fd)
{
    struct pollfd p = { .fd = fd, .events = POLLIN };

    watch_scan(w);
    while (!w->over && !link_interrupted) {
        uint64_t pause = 1000 * w->client->options.timeout;

        watch_send(w);
        if (link_poll(&p, 1, w->count ? clock_ms() + pause : UINT64_MAX))
            watch_read(w, fd);
    }
    while (w->count > 0)
        free(w->name[--w->count]);
    free(w->name);
}

int cmd_watch(struct client *c, struct word *w, int n)
{
    struct watch watch = { .client = c, .dir = w[0].text, .to = w[1] };
    FD_CLEANUP int fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);

    (void)n;
    watch.to.directory = true;
    if (fd < 0 ||
        inotify_add_watch(fd, watch.dir,
                          IN_CLOSE_WRITE | IN_MOVED_TO | IN_DELETE_SELF |
                              IN_MOVE_SELF | IN_ONLYDIR) < 0)
        return client_refuse(watch.dir, EX_NOINPUT, "%s", strerror(errno));
    signal(SIGIO, SIG_IGN); /* a writer ends a lease by it */
    watch_run(&watch, fd);
    return watch.over
               ? client_refuse(watch.dir, EX_NOINPUT, "the directory is gone")
               : 0;
}
