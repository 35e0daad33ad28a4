/* Writes listings into a pipe, in the process files, while the session sends
 * them to the client. Sends each line when it is made, unsorted, so that a
 * directory of any size takes the same memory. Never follows a link out of the
 * home. Watches session and master while it waits for a reader. */
#include "files.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stddef.h>
#include <string.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

#include "sallyport/base/complain.h"
#include "sallyport/base/fd.h"
#include "sallyport/domain/rights.h"
#include "sallyport/ftp/listing.h"

/* Patterns are matched here and not by fnmatch(3), which takes exponential time
 * for the patterns of a hostile client. */
bool list_is_pattern(const char *name)
{
    return strpbrk(name, "*?[") != NULL;
}

static bool pattern_is_in_set(const char *p, const char *end,
                              unsigned char byte)
{
    bool negated = p[1] == '!' || p[1] == '^', found = false;

    for (p += 1 + negated; p < end - 1; p++) {
        unsigned char from = (unsigned char)*p, to = from;

        if (p[1] == '-' && p + 2 < end - 1) {
            to = (unsigned char)p[2];
            p += 2;
        }
        found |= from <= byte && byte <= to;
    }
    return found != negated;
}

/* Matches BYTE against the first part of the pattern P. Returns the rest of the
 * pattern; NULL: BYTE doesn't match, or the name or the pattern has ended. */
static const char *pattern_match_byte(const char *p, char byte)
{
    const char *last = NULL;

    if (byte == '\0' || *p == '\0')
        return NULL;
    if (*p == '[') { /* a ']' that comes first belongs to the set */
        last = p[1] == '!' || p[1] == '^' ? p + 2 : p + 1;
        last = strchr(*last == ']' ? last + 1 : last, ']');
    }
    if (last)
        return pattern_is_in_set(p, last + 1, (unsigned char)byte) ? last + 1
                                                                   : NULL;
    return *p == '?' || *p == byte ? p + 1 : NULL;
}

/* Backtracks only to the last star, since the last star can match all the bytes
 * that an earlier star could match in addition. */
bool list_matches(const char *pattern, const char *name)
{
    const char *star = NULL, *taken = NULL, *next;

    if (*name == '.' && *pattern != '.')
        return false;
    for (;;) {
        if (*pattern == '*') {
            star = ++pattern;
            taken = name;
        } else if ((next = pattern_match_byte(pattern, *name))) {
            pattern = next;
            name++;
        } else if (*pattern == '\0' && *name == '\0') {
            return true;
        } else if (star && *taken) {
            pattern = star;
            name = ++taken;
        } else {
            return false;
        }
    }
}

/* The size of the pipe, which one write fills exactly. One more byte would wait
 * until the session has read, and would then take a whole page of the pipe. */
#define LIST_BLOCK      65536
#define LIST_LINE_MAX   16384
#define LIST_LOOK_EVERY 1024 /* names between two checks of the peers */

/* The object of a listing: a directory, opened for reading, or one name in a
 * directory. */
struct subject {
    int directory; /* or -1 */
    struct place at;
    char pattern[NAME_MAX + 1]; /* pattern for the names in the directory; "":
                                 * all */
};

struct list_output {
    struct files *f;
    const struct subject *what;
    enum list_format format;
    unsigned facts;        /* the facts that MLSD sends */
    struct slice argument; /* as the client gave it */
    struct view in;
    int pipe;
    struct buf out;
    uint64_t seen; /* names */
    int error;     /* errno of an entry that the disk couldn't show */
    time_t now;
    char target[PATH_MAX]; /* target of the link in the line that is being
                            * made */
    const struct own *own; /* the upload that is added; NULL: another entry */
};

/* Waits up to MS (-1: without limit) for EVENTS of the pipe. Returns 0; -EPIPE:
 * the reader, session or master has gone; or another -errno. */
static int list_wait(const struct list_output *l, short events, int ms)
{
    struct pollfd ends[] = {
        { .fd = l->pipe, .events = events },
        { .fd = l->f->session.fd },
        { .fd = l->f->master.fd },
    };

    if (poll(ends, 3, ms) < 0)
        return errno == EINTR ? 0 : -errno;
    return ends[1].revents || ends[2].revents || ends[0].revents & ~POLLOUT
               ? -EPIPE
               : 0;
}

static int list_write(struct list_output *l, size_t len)
{
    size_t done = 0;
    int r = 0;

    while (done < len && r == 0) {
        ssize_t n = write(l->pipe, l->out.data + done, len - done);

        if (n >= 0)
            done += (size_t)n;
        else if (errno == EAGAIN)
            r = list_wait(l, POLLOUT, -1);
        else if (errno != EINTR)
            r = -errno;
    }
    buf_consume(&l->out, len);
    return r;
}

/* If a name is there that couldn't be looked at, notes that the listing is
 * incomplete: a client that mirrors would remove its copy. */
static void list_note_error(struct list_output *l, int r)
{
    if (r != -ENOENT)
        l->error = r;
}

static int list_add_facts(struct list_output *l, const char *name,
                          const struct mount *m, struct entry *e)
{
    struct facts facts;
    ssize_t len = 0;

    int r = l->own ? own_facts(l->f, l->own, &facts)
            : m    ? facts_of_mount(l->f, m, &facts)
                   : facts_read(l->f, &l->in, name, false, &facts);
    if (r != 0) {
        list_note_error(l, r);
        return -ENOENT;
    }
    e->kind = facts_kind(&facts);
    e->mode = facts.st.st_mode & 07777;
    e->links = (uint32_t)facts.st.st_nlink;
    e->size = (uint64_t)facts.st.st_size;
    e->mtime = facts.st.st_mtime;
    e->device = facts.st.st_dev;
    e->inode = facts.st.st_ino;
    e->perm = facts.perm;
    e->owner = facts.owner;
    if (l->format == LIST_FACTS)
        return listing_facts(&l->out, e, l->facts);
    if (e->kind == ENTRY_LINK)
        len = readlinkat(l->in.fd, name, l->target, sizeof(l->target));
    e->target = (struct slice){ l->target, len > 0 ? (size_t)len : 0 };
    return listing_long(&l->out, e, l->now);
}

static bool list_ends_in_slash(struct slice s)
{
    return s.len > 0 && s.ptr[s.len - 1] == '/';
}

/* Adds the entry NAME. M: the mount that has this name, or NULL. Leaves out a
 * name that was deleted meanwhile, that is hidden from the user, or that can't
 * be looked at; in the last case the listing is reported as incomplete. */
static int list_add_entry(struct list_output *l, const char *name,
                          const struct mount *m)
{
    struct entry e = { .name = slice_from(name) };
    struct slice front = l->argument;
    char text[MESSAGE_TEXT_MAX + 1];
    int r;

    if (l->format != LIST_NAMES) {
        r = list_add_facts(l, name, m, &e);
    } else {
        /* Makes a name that RETR accepts: the client's own argument, then the
         * entry's name. */
        if (l->what->directory < 0 && front.len > 0) {
            e.name = SLICE("");
        } else if (front.len > 0 && !list_ends_in_slash(front)) {
            memcpy(text, front.ptr, front.len);
            text[front.len] = '/';
            front = (struct slice){ text, front.len + 1 };
        }
        r = listing_name(&l->out, front, e.name);
    }

    if (r == -ENOENT)
        return 0;
    if (r < 0)
        return r;
    return l->out.len >= LIST_BLOCK ? list_write(l, LIST_BLOCK) : 0;
}

/* Does NLST leave the name out, since it is another user's file? Listings with
 * facts learn this from facts_read(). */
static bool list_hides(struct list_output *l, const char *name)
{
    struct stat st;

    if (!l->in.mount->mine || l->format != LIST_NAMES)
        return false;
    if (fstatat(l->in.fd, name, &st, AT_SYMLINK_NOFOLLOW) == 0)
        return resolve_hides(l->f, l->in.mount, &st);
    list_note_error(l, -errno);
    return true;
}

static bool list_leaves_out(const struct list_output *l, const char *name)
{
    return l->what->pattern[0] && !list_matches(l->what->pattern, name);
}

/* In a drop adds what this session has stored there. */
static int list_add_own(struct list_output *l)
{
    const struct own *const end = l->f->own + OWN_MAX;
    int r = 0;

    for (l->own = l->f->own; l->own < end && r == 0; l->own++)
        if (l->own->mount == l->in.mount && !l->own->held &&
            !list_leaves_out(l, l->own->name))
            r = list_add_entry(l, l->own->name, NULL);
    l->own = NULL;
    return r;
}

/* Adds the shares to the listing of "/"; each hides an entry of the same name.
 * Lists a mount that couldn't be opened, too: a client that mirrors removes its
 * copy of a directory that the listing lacks. */
static int list_add_mounts(struct list_output *l)
{
    const struct files *f = l->f;
    int r = 0;

    for (size_t i = 1; i < f->mounts && r == 0; i++)
        if (!list_leaves_out(l, f->mount[i].at.ptr + 1))
            r = list_add_entry(l, f->mount[i].at.ptr + 1, &f->mount[i]);
    return r;
}

static int list_add_names(struct list_output *l)
{
    struct directory d;
    const char *name;
    int r;

    directory_begin(&d, l->in.fd);
    for (;;) {
        /* Watches the peers while names are left out: only a write would show
         * that the reader has gone. */
        r = l->seen++ % LIST_LOOK_EVERY == 0 ? list_wait(l, 0, 0) : 0;
        if (r != 0 || (r = directory_next(&d, &name)) != 1)
            return r;
        if (path_name_is_reserved(slice_from(name)) ||
            list_leaves_out(l, name) || mount_covers(l->f, l->in.path, name) ||
            list_hides(l, name))
            continue;
        r = list_add_entry(l, name, NULL);
        if (r < 0)
            return r;
    }
}

static int list_open_subject(const struct files *f, const struct path *path,
                             enum list_format format, struct slice argument,
                             struct subject *ret)
{
    struct slice head, name;
    struct stat st;
    int fd =
        resolve_open(f, path_slice(path), RIGHT_LIST, O_RDONLY | O_DIRECTORY);

    /* If nothing has the name and its last component is a pattern, opens the
     * directory above. MLSD has no patterns (RFC 3659 7.1). A path that ends in
     * "/" isn't a pattern, and an empty argument means the working
     * directory. */
    path_split(path_slice(path), &head, &name);
    if (fd == -ENOENT && format != LIST_FACTS &&
        !path_names_directory(argument) &&
        slice_copy(name, ret->pattern, sizeof(ret->pattern)) == 0 &&
        list_is_pattern(ret->pattern))
        fd = resolve_open(f, head, RIGHT_LIST, O_RDONLY | O_DIRECTORY);
    if (fd >= 0) {
        ret->directory = fd;
        return 0;
    }
    if (fd != -ENOTDIR || format == LIST_FACTS ||
        (argument.len > 0 && path_names_directory(argument)))
        return fd;
    int r = resolve_place(f, path, RIGHT_LIST, O_PATH, &ret->at);
    if (r == 0 &&
        fstatat(ret->at.directory, ret->at.name, &st, AT_SYMLINK_NOFOLLOW) < 0)
        r = -errno;
    return r;
}

static int list_stream(struct list_output *l, const struct path *path)
{
    const struct subject *what = l->what;
    const bool directory = what->directory >= 0;
    struct slice name;
    int r;

    l->in.fd = directory ? what->directory : what->at.directory;
    l->in.path = path_slice(path);
    if (!directory || what->pattern[0])
        path_split(path_slice(path), &l->in.path, &name);
    /* NLST puts "dir/" of a pattern "dir/a?" before the names. */
    while (what->pattern[0] && l->argument.len > 0 &&
           !list_ends_in_slash(l->argument))
        l->argument.len--;
    l->in.mount = mount_of(l->f, l->in.path);
    /* Doesn't even read the names in a drop. */
    r = !directory          ? list_add_entry(l, what->at.name, NULL)
        : l->in.mount->drop ? 0
                            : list_add_names(l);
    if (r == 0 && directory && l->in.path.len == 1)
        r = list_add_mounts(l);
    if (r == 0 && l->in.mount->drop && directory &&
        mount_is_at(l->in.mount, l->in.path))
        r = list_add_own(l);
    if (r == 0)
        r = list_write(l, l->out.len);
    return r == 0 ? l->error : r;
}

static int list_run(struct files *f, const struct msg_directory_list *m,
                    const struct path *path, const struct subject *what)
{
    struct list_output l = {
        .f = f,
        .what = what,
        .format = m->format,
        .argument = m->argument,
        .facts = (unsigned)m->facts,
        .now = time(NULL),
    };
    int ends[2];

    /* Makes the pipe non-blocking at both ends: the session's loop watches the
     * other end. */
    if (pipe2(ends, O_CLOEXEC | O_NONBLOCK) < 0)
        return -errno;
    l.pipe = ends[1];
    ANSWER(f, directory_pipe, m->request, .listing = ends[0]);
    fd_close(&ends[0]);
    buf_init(&l.out, LIST_BLOCK + LIST_LINE_MAX);
    int r = f->over ? -EPIPE : list_stream(&l, path);
    buf_release(&l.out);
    fd_close(&l.pipe); /* the session then sees the pipe's end before the
                        * answer */
    return ANSWER(f, directory_listed, m->request, .outcome = files_outcome(r));
}

int list_on_directory_list(void *owner, struct msg_directory_list *m)
{
    struct files *f = owner;
    struct path path;
    struct subject what = { .directory = -1, .at = PLACE_NONE };

    resolve_request(m->path, &path);
    if (m->facts > LISTING_ALL)
        die(EX_PROTOCOL, "session: an unknown fact");
    int r = list_open_subject(f, &path, m->format, m->argument, &what);
    if (r == 0)
        r = list_run(f, m, &path, &what);
    fd_close(&what.directory);
    resolve_release_place(&what.at);
    return r;
}
