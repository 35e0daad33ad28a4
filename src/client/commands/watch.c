/* The command watch: uploads each file that appears in a directory and is
 * complete, until Ctrl-C. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <search.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

#include "client.h"
#include "sallyport/base/clock.h"
#include "sallyport/base/fd.h"

/* A name to send. */
struct watch_name {
    bool closed;    /* the program that wrote it has closed it */
    bool changed;   /* the server may have bytes of an older state */
    uint64_t next;  /* by clock_ms(), when it is tried */
    uint64_t pause; /* before that, after a failure, in seconds */
    char text[];
};

struct watch {
    struct client *client;
    const char *dir;
    struct stat self; /* the directory, whatever its name leads to later */
    struct word to;
    struct watch_name **name; /* those to send, in the order of their events */
    size_t count, size;
    void *known;          /* the same, for tfind() */
    struct timespec read; /* a moment when no event waited */
    bool over;            /* the directory is gone */
    int code;             /* why it ends, or 0 */
};

/* In link_interrupted, where Ctrl-C sets 1. */
#define WATCH_WRITER 2
#define READS_MAX    64 /* of events at once */
#define PAUSE_MAX    3600

static int watch_compare(const void *a, const void *b)
{
    const struct watch_name *one = a, *other = b;

    return strcmp(one->text, other->text);
}

static bool watch_append(struct watch *w, struct watch_name *name)
{
    if (w->count == w->size) {
        size_t size = w->size ? 2 * w->size : 64;
        struct watch_name **more =
            reallocarray(w->name, size, sizeof(struct watch_name *));

        if (!more)
            return false;
        w->name = more;
        w->size = size;
    }
    w->name[w->count++] = name;
    return true;
}

/* Another event makes it due at once. A name that begins with a dot is usually
 * that of an unfinished file. */
static void watch_add(struct watch *w, const char *text, bool closed)
{
    size_t len = strlen(text) + 1;
    struct watch_name *name =
        text[0] != '.' ? calloc(1, sizeof(*name) + len) : NULL;

    if (!name)
        return;
    memcpy(name->text, text, len);
    struct watch_name **known = tsearch(name, &w->known, watch_compare);
    if (known && *known == name && watch_append(w, name)) {
        name->closed = closed;
        return;
    }
    if (known && *known == name)
        tdelete(name, &w->known, watch_compare);
    else if (known) {
        (*known)->closed |= closed;
        (*known)->next = (*known)->pause = 0;
    }
    free(name);
}

/* Opens the directory, if its name still leads to it. An open descriptor would
 * keep the kernel from telling that it is gone. */
static int watch_open(const struct watch *w)
{
    int fd = open(w->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    struct stat st;

    if (fd >= 0 && (fstat(fd, &st) < 0 || st.st_dev != w->self.st_dev ||
                    st.st_ino != w->self.st_ino))
        fd_close(&fd);
    return fd;
}

static bool watch_is_since(const struct watch *w, int at, const char *name)
{
    struct stat st;

    return fstatat(at, name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
           (st.st_ctim.tv_sec > w->read.tv_sec ||
            (st.st_ctim.tv_sec == w->read.tv_sec &&
             st.st_ctim.tv_nsec >= w->read.tv_nsec));
}

/* Adds the names in the directory; if events were lost, those that have changed
 * since no event waited. */
static void watch_scan(struct watch *w)
{
    int fd = watch_open(w);
    DIR *d = fd < 0 ? NULL : fdopendir(fd);
    struct dirent *e;

    while (d && (e = readdir(d)))
        if (watch_is_since(w, dirfd(d), e->d_name))
            watch_add(w, e->d_name, false);
    if (d)
        closedir(d);
    else
        fd_close(&fd);
}

/* Is this file complete? The kernel gives a lease for reading only if no
 * program writes it, and FD keeps the lease. Of another user's file it gives
 * none: there the event is enough, or that nobody has changed it for --timeout
 * seconds. */
static bool watch_is_complete(const struct watch *w,
                              const struct watch_name *name, int fd)
{
    struct stat st;

    if (fcntl(fd, F_SETLEASE, F_RDLCK) == 0)
        return true;
    return errno != EAGAIN && fstat(fd, &st) == 0 &&
           (name->closed ||
            st.st_mtime + (time_t)w->client->options.timeout <= time(NULL));
}

/* A program wants to write the file, and waits: its upload ends at once, and
 * nothing of it is published. */
static void watch_on_writer(int number)
{
    (void)number;
    if (!link_interrupted)
        link_interrupted = WATCH_WRITER;
}

static int watch_put(const struct watch *w, struct watch_name *name)
{
    struct options *o = &w->client->options;
    bool no_resume = o->no_resume;
    char path[PATH_MAX];
    struct word file = { .text = path, .named = strlen(w->dir) };

    if (tree_join(w->dir, name->text, path, sizeof(path)) < 0)
        return client_refuse(name->text, EX_USAGE, "the name is too long");
    o->no_resume |= name->changed;
    int code = put_all(w->client, &file, 1, &w->to);
    o->no_resume = no_resume;
    if (code == 0 || link_interrupted != WATCH_WRITER)
        return code;
    name->changed = true;
    progress_note("%s: a program writes it; it is sent when that has closed it",
                  path);
    return EX_TEMPFAIL;
}

/* When it is tried again after it has failed: later and later. A name that
 * nobody could ever send isn't. */
static bool watch_put_off(const struct watch *w, struct watch_name *name,
                          int code)
{
    if (code == 0 || code == EX_USAGE)
        return false;
    name->pause = name->pause ? 2 * name->pause : w->client->options.timeout;
    if (name->pause > PAUSE_MAX)
        name->pause = PAUSE_MAX;
    name->next = clock_ms() + 1000 * name->pause;
    return true;
}

/* A file that isn't complete is tried again: the event of its end may come just
 * before the writer is gone, or in another directory that has the file too.
 * Returns false: there is nothing more to do for this name. */
static bool watch_send_one(struct watch *w, struct watch_name *name)
{
    FD_CLEANUP int at = watch_open(w);
    struct stat st;

    w->over |= at < 0;
    FD_CLEANUP int fd =
        openat(at, name->text,
               O_RDONLY | O_NONBLOCK | O_NOCTTY | O_NOFOLLOW | O_CLOEXEC);
    if (w->over || fd < 0 || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
        return false;
    if (!watch_is_complete(w, name, fd)) {
        name->next = clock_ms() + 1000 * w->client->options.timeout;
        return true;
    }
    int code = watch_put(w, name);
    if (link_interrupted == WATCH_WRITER) { /* the lease is over */
        link_interrupted = 0;
        name->next = 0;
        return true;
    }
    /* Each further try would be another denied login. */
    if (code == EX_NOPERM)
        w->code = code;
    return watch_put_off(w, name, code);
}

static bool watch_ends(const struct watch *w)
{
    return link_interrupted || w->over || w->code;
}

/* Sends the names that are due. Returns when the next one is, by clock_ms(). */
static uint64_t watch_send(struct watch *w)
{
    uint64_t next = UINT64_MAX;
    size_t kept = 0;

    for (size_t i = 0; i < w->count; i++) {
        struct watch_name *name = w->name[i];

        if (watch_ends(w) || name->next > clock_ms() ||
            watch_send_one(w, name)) {
            next = name->next < next ? name->next : next;
            w->name[kept++] = name;
            continue;
        }
        tdelete(name, &w->known, watch_compare);
        free(name);
    }
    w->count = kept;
    return next;
}

static void watch_take(struct watch *w, const struct inotify_event *e)
{
    if (e->mask & (IN_DELETE_SELF | IN_MOVE_SELF | IN_IGNORED))
        w->over = true;
    else if (e->mask & IN_Q_OVERFLOW)
        watch_scan(w);
    else if (e->len > 0)
        watch_add(w, e->name, true);
}

static void watch_take_all(struct watch *w, const char *events, ssize_t len)
{
    for (ssize_t at = 0; at < len;) {
        const struct inotify_event *e = (const void *)(events + at);

        watch_take(w, e);
        at += (ssize_t)(sizeof(*e) + e->len);
    }
}

/* Reads what waits, within reason. Files that change after this moment get a
 * time of the same clock. */
static void watch_read(struct watch *w, int fd)
{
    _Alignas(struct inotify_event) char events[65536];
    struct timespec now;
    ssize_t len = 1;

    clock_gettime(CLOCK_REALTIME_COARSE, &now);
    for (int i = 0; i < READS_MAX && len > 0; i++) {
        len = read(fd, events, sizeof(events));
        watch_take_all(w, events, len);
    }
    if (len <= 0)
        w->read = now;
}

static void watch_run(struct watch *w, int fd)
{
    struct pollfd p = { .fd = fd, .events = POLLIN };
    struct timespec now;

    clock_gettime(CLOCK_REALTIME_COARSE, &now);
    watch_scan(w);
    w->read = now;
    while (!watch_ends(w)) {
        uint64_t next = watch_send(w);

        if (watch_ends(w))
            break;
        link_poll(&p, 1, next);
        watch_read(w, fd);
    }
    tdestroy(w->known, free);
    free(w->name);
}

/* Begins to watch the directory that the name leads to now. */
static int watch_begin(struct watch *w, int events)
{
    FD_CLEANUP int at = open(w->dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
    char path[64];

    snprintf(path, sizeof(path), "/proc/self/fd/%d", at);
    return at < 0 || fstat(at, &w->self) < 0
               ? -1
               : inotify_add_watch(events, path,
                                   IN_CLOSE_WRITE | IN_MOVED_TO |
                                       IN_DELETE_SELF | IN_MOVE_SELF |
                                       IN_ONLYDIR);
}

int cmd_watch(struct client *c, struct word *w, int n)
{
    struct watch watch = { .client = c, .dir = w[0].text, .to = w[1] };
    FD_CLEANUP int fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
    struct failure why;

    (void)n;
    watch.to.directory = true;
    if (remote_enter(&c->link, watch.to.path, &why) < 0)
        return client_error(watch.to.path, &why);
    if (fd < 0 || watch_begin(&watch, fd) < 0)
        return client_refuse(watch.dir, EX_NOINPUT, "%s", strerror(errno));
    signal(SIGIO, watch_on_writer); /* the kernel ends a lease by it */
    watch_run(&watch, fd);
    return watch.over
               ? client_refuse(watch.dir, EX_NOINPUT, "the directory is gone")
               : watch.code;
}
