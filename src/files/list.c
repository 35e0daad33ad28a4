/* FOLDER_LIST in the process files: a listing written into a pipe while the
 * session sends it on. Lines leave as they are made, unsorted, so that a folder
 * of any size takes the same memory. It never follows a link out of the home,
 * and never waits for a reader without watching session and master too. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

#include "errors.h"
#include "facts.h"
#include "folder.h"
#include "pattern.h"
#include "perm.h"
#include "request.h"
#include "resolve.h"
#include "sallyport/base/die.h"
#include "sallyport/base/fd.h"
#include "sallyport/ftp/listing.h"
#include "sweep.h"

#define LIST_BLOCK        65536 /* a pipe's size: what one write can place */
#define LIST_LINE_MAX     16384
#define LIST_ARGUMENT_MAX 1024 /* what a text of a message holds */
#define LIST_SWEEPS       64
#define LIST_LOOK_EVERY   1024 /* names between two looks at the ends */

struct listing {
    struct files *f;
    enum list_format format;
    unsigned facts;        /* MLSD's */
    struct slice argument; /* as the client gave it */
    struct view in;
    bool folder;         /* all names in it are listed, or one */
    const char *pattern; /* only names that match it; NULL: all */
    int pipe;
    struct buf out;
    uint64_t count, seen; /* lines; names */
    time_t now;
    char target[PATH_MAX]; /* of the link in the line being made */
    int sweeps;            /* how many expired partials may still be deleted */
};

static int wait_for_reader(const struct listing *l)
{
    struct pollfd ends[] = {
        { .fd = l->pipe, .events = POLLOUT },
        { .fd = l->f->session.fd },
        { .fd = l->f->master.fd },
    };

    if (poll(ends, 3, -1) < 0)
        return errno == EINTR ? 0 : -errno;
    return ends[1].revents || ends[2].revents ? -EPIPE : 0;
}

static int flush(struct listing *l)
{
    size_t done = 0;
    int r = 0;

    while (done < l->out.len && r == 0) {
        ssize_t n = write(l->pipe, l->out.data + done, l->out.len - done);

        if (n >= 0)
            done += (size_t)n;
        else if (errno == EAGAIN)
            r = wait_for_reader(l);
        else if (errno != EINTR)
            r = -errno;
    }
    buf_clear(&l->out);
    return r;
}

static enum entry_kind kind_of(const struct facts *facts)
{
    return facts->dangling               ? ENTRY_LINK
           : S_ISDIR(facts->st.st_mode)  ? ENTRY_FOLDER
           : S_ISREG(facts->st.st_mode)  ? ENTRY_FILE
           : S_ISFIFO(facts->st.st_mode) ? ENTRY_FIFO
                                         : ENTRY_OTHER;
}

static int add_facts(struct listing *l, const char *name, struct entry *e)
{
    struct facts facts;
    ssize_t len = 0;

    if (facts_read(l->f, &l->in, name, &facts) != 0)
        return -ENOENT;
    e->kind = kind_of(&facts);
    e->mode = facts.st.st_mode & 07777;
    e->links = (uint32_t)facts.st.st_nlink;
    e->size = (uint64_t)facts.st.st_size;
    e->mtime = facts.st.st_mtime;
    e->device = facts.st.st_dev;
    e->inode = facts.st.st_ino;
    perm_text(facts.perm, e->perm);
    if (l->format == LIST_FACTS)
        return listing_facts(&l->out, e, l->facts);
    if (facts.dangling)
        len = readlinkat(l->in.fd, name, l->target, sizeof(l->target));
    e->target = (struct slice){ l->target, len > 0 ? (size_t)len : 0 };
    return listing_long(&l->out, e, l->now);
}

static bool ends_in_slash(struct slice s)
{
    return s.len > 0 && s.ptr[s.len - 1] == '/';
}

/* NLST gives what RETR takes: the client's own argument, and the name. */
static int add_name(struct listing *l, const struct entry *e)
{
    struct slice front = l->argument;
    char text[LIST_ARGUMENT_MAX + 1];

    if (!l->folder && front.len > 0)
        return listing_name(&l->out, front,
                            &(struct entry){ .name = SLICE("") });
    if (front.len > 0 && !ends_in_slash(front)) {
        memcpy(text, front.ptr, front.len);
        text[front.len] = '/';
        front = (struct slice){ text, front.len + 1 };
    }
    return listing_name(&l->out, front, e);
}

/* One that was deleted meanwhile, or may not be looked at, is left out. */
static int add_entry(struct listing *l, const char *name)
{
    struct entry e = { .name = slice_from(name) };
    int r = l->format == LIST_NAMES ? add_name(l, &e) : add_facts(l, name, &e);

    if (r == -ENOENT)
        return 0;
    if (r < 0)
        return r;
    l->count++;
    return l->out.len >= LIST_BLOCK ? flush(l) : 0;
}

static void sweep_one(struct listing *l, const char *name)
{
    if (l->sweeps > 0 && sweep_name(l->f, l->in.fd, name, l->now))
        l->sweeps--;
}

/* Names that are left out write nothing, so no write finds that nobody reads
 * any more. */
static int watch_ends(struct listing *l)
{
    struct pollfd ends[] = {
        { .fd = l->pipe },
        { .fd = l->f->session.fd },
        { .fd = l->f->master.fd },
    };

    if (l->seen++ % LIST_LOOK_EVERY != 0)
        return 0;
    return poll(ends, 3, 0) > 0 ? -EPIPE : 0;
}

static int add_folder(struct listing *l)
{
    struct folder d;
    const char *name;
    int r;

    folder_begin(&d, l->in.fd);
    while ((r = watch_ends(l)) == 0 && (r = folder_next(&d, &name)) == 1) {
        if (path_is_reserved(slice_from(name))) {
            sweep_one(l, name);
            continue;
        }
        if (l->pattern && !pattern_matches(l->pattern, name))
            continue;
        r = add_entry(l, name);
        if (r < 0)
            return r;
    }
    return r;
}

/* What is listed: a folder, opened to be read, or one name in a folder. */
struct subject {
    int folder; /* or -1 */
    struct place at;
    char pattern[NAME_MAX + 1]; /* for the names in the folder; "": all */
};

/* Nothing has that name: is it a pattern for names in the directory before it?
 * The name of a directory is none, nor is the working directory's, for which
 * the argument is empty. */
static int open_pattern(const struct files *f, const struct path *path,
                        struct slice argument, struct subject *ret)
{
    char folder[FTP_PATH_MAX + 1];
    struct slice head, name;

    path_split(path_slice(path), &head, &name);
    if (path_names_folder(argument) ||
        slice_copy(name, ret->pattern, sizeof(ret->pattern)) != 0 ||
        slice_copy(head, folder, sizeof(folder)) != 0 ||
        !pattern_is(ret->pattern))
        return -ENOENT;
    ret->folder = resolve_open(f, folder, O_RDONLY | O_DIRECTORY);
    return ret->folder < 0 ? ret->folder : 0;
}

static int open_subject(const struct files *f, const struct path *path,
                        enum list_format format, struct slice argument,
                        struct subject *ret)
{
    struct stat st;
    int fd = resolve_open(f, path->bytes, O_RDONLY | O_DIRECTORY);

    if (fd >= 0) {
        ret->folder = fd;
        return 0;
    }
    if (fd == -ENOENT && format != LIST_FACTS) /* RFC 3659 7.1 */
        return open_pattern(f, path, argument, ret);
    if (fd != -ENOTDIR || format == LIST_FACTS)
        return fd;
    int r = place_find(f, path, O_PATH, &ret->at);
    if (r == 0 &&
        fstatat(ret->at.folder, ret->at.name, &st, AT_SYMLINK_NOFOLLOW) < 0)
        r = -errno;
    return r;
}

/* "dir/" of a pattern "dir/a?": NLST puts it before the names. */
static struct slice before_name(struct slice argument)
{
    while (argument.len > 0 && !ends_in_slash(argument))
        argument.len--;
    return argument;
}

static int stream(struct listing *l, const struct path *path,
                  const struct subject *what)
{
    struct slice name;
    int r;

    l->folder = what->folder >= 0;
    l->in.fd = l->folder ? what->folder : what->at.folder;
    l->in.path = path_slice(path);
    if (!l->folder || what->pattern[0])
        path_split(path_slice(path), &l->in.path, &name);
    if (what->pattern[0]) {
        l->pattern = what->pattern;
        l->argument = before_name(l->argument);
    }
    if (fstat(l->in.fd, &l->in.st) < 0)
        return -errno;
    r = l->folder ? add_folder(l) : add_entry(l, what->at.name);
    return r == 0 ? flush(l) : r;
}

/* Non-blocking at both ends: the session's end is part of its loop. */
static int hand_out_pipe(struct files *f, const struct packet *p, int *ret)
{
    int ends[2];

    if (pipe2(ends, O_CLOEXEC | O_NONBLOCK) < 0)
        return -errno;
    answer(f, p,
           &(struct packet){
               .message = MSG_FOLDER_PIPE,
               .fd = { ends[0], -1 },
           });
    fd_close(&ends[0]);
    *ret = ends[1];
    return 0;
}

static int run(struct files *f, const struct packet *p, const struct path *path,
               const struct subject *what)
{
    struct listing l = {
        .f = f,
        .format = (enum list_format)p->value[1].number,
        .argument = p->value[2].text,
        .facts = (unsigned)p->value[3].number,
        .now = time(NULL),
        .sweeps = LIST_SWEEPS,
    };
    int r = hand_out_pipe(f, p, &l.pipe);

    if (r < 0)
        return r;
    buf_init(&l.out, LIST_BLOCK + LIST_LINE_MAX);
    r = f->over ? -EPIPE : stream(&l, path, what);
    buf_release(&l.out);
    fd_close(&l.pipe); /* the session sees the end before it is told of it */
    answer(f, p,
           &(struct packet){
               .message = MSG_FOLDER_LISTED,
               .value = { NUMBER(errors_outcome(r)), NUMBER(l.count) },
           });
    return 0;
}

int serve_list(struct files *f, const struct packet *p)
{
    struct path path;
    struct subject what = { .folder = -1, .at = PLACE_NONE };

    request_path(p->value[0].text, &path);
    if (p->value[1].number >= LIST_FORMAT_COUNT)
        die(EX_PROTOCOL, "session: an unknown way to list");
    if (p->value[3].number > LISTING_ALL)
        die(EX_PROTOCOL, "session: an unknown fact");
    int r = open_subject(f, &path, (enum list_format)p->value[1].number,
                         p->value[2].text, &what);
    if (r == 0)
        r = run(f, p, &path, &what);
    fd_close(&what.folder);
    place_release(&what.at);
    return r;
}
