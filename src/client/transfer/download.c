/* A download: the bytes go into a partial file beside the target. The partial
 * file gets the target's name when it is complete and its checksum is right. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

#include "sallyport/base/fd.h"
#include "transfer.h"

/* Has the server reported the file's length by MLST or MLSD? Then the client
 * accepts no bytes beyond this length, since they could fill the disk. */
static bool download_is_sized(const struct file_transfer *t)
{
    return t->fd != STDOUT_FILENO;
}

static size_t download_take(void *of, const char *bytes, size_t len)
{
    struct file_transfer *t = of;

    t->too_long = download_is_sized(t) && len > t->size - t->done;
    if (t->too_long)
        len = (size_t)(t->size - t->done);
    t->unwritten = -fd_write_all(t->fd, bytes, len);
    if (t->unwritten)
        return 0;
    digest_add(&t->digest, bytes, len);
    t->done += len;
    return t->too_long ? 0 : len;
}

/* Gets the size and the time of the file: before the transfer begins, from the
 * listing, if it has them; otherwise from the server. Returns 0; 1: skip; -1:
 * failed. */
static int download_facts(struct file_transfer *t, struct failure *why)
{
    const struct options *o = t->link->site->options;
    struct listing_entry e = { .kind = LISTED_FILE,
                               .size = t->job->size,
                               .sized = true,
                               .modified = t->job->modified,
                               .unique = t->job->unique };
    int r = t->job->known && !t->row.verb && o->min_age == 0
                ? 0
                : remote_look(t->link, t->remote, LOOK_KIND, &e, why);

    if (r != 0)
        return -1;
    if (e.kind == LISTED_DIRECTORY)
        return fail(why, EX_USAGE, "is a directory; add -r");
    if (!e.sized)
        return fail(why, EX_UNAVAILABLE,
                    "the server gives no size for this file; use sallyport "
                    "cat, which needs none");
    t->size = e.size;
    t->modified = e.modified;
    t->unique = e.unique;
    t->reason = options_too_young(o, e.modified, true) ? TOO_YOUNG : NULL;
    return t->reason != NULL;
}

static int download_name_taken(void *of, const char *name, struct failure *why)
{
    struct stat st;

    (void)of;
    (void)why;
    return lstat(name, &st) == 0 || errno != ENOENT;
}

/* Finds a free name for a target that exists. */
static int download_rename(struct file_transfer *t, struct failure *why)
{
    return names_new(t->job->local, download_name_taken, NULL, t->local,
                     sizeof(t->local), why);
}

/* Decides what to do if the local name is taken. Returns 0: download; 1: skip;
 * -1: failed. */
static int download_target(struct file_transfer *t, struct failure *why)
{
    struct stat st;

    if (t->job->overwrite || t->replaces)
        return 0;
    if (lstat(t->local, &st) < 0)
        return errno == ENOENT ? 0 : fail_errno(why, errno, t->local);
    if (S_ISDIR(st.st_mode))
        return fail(why, EX_CANTCREAT, "%s: is a directory", t->local);
    /* Refuse a device, a pipe, or a link to one of them. */
    if (stat(t->local, &st) == 0 && !S_ISREG(st.st_mode) &&
        !S_ISDIR(st.st_mode))
        return fail(why, EX_CANTCREAT,
                    "%s: not a regular file; for standard output write -",
                    t->local);
    enum conflict_choice choice =
        names_decide(t->link->site->options, t->local, t->job->twice, "here",
                     (struct names_file){ (uint64_t)st.st_size, st.st_mtime },
                     (struct names_file){ t->size, t->modified });
    t->replaces = choice == CHOICE_OVERWRITE;
    if (choice != CHOICE_RENAME)
        return choice == CHOICE_SKIP;
    int r = download_rename(t, why);
    if (r == 0)
        names_tell(t->link->site->options, t->job->local, t->local);
    return r;
}

static int download_bytes(struct file_transfer *t, struct failure *why)
{
    const struct link_io io = { .take = download_take,
                                .moved = transfer_moved,
                                .of = t };

    t->too_long = false;
    t->unwritten = 0;
    link_begin(t->link, t->remote, &io);
    link_set_first(t->link, t->first);
    int r = link_run(t->link, why);
    if (t->too_long && t->again && t->size > t->announced) {
        progress_note("%s: the file grows on the server; its first %llu "
                      "bytes were downloaded",
                      t->remote, (unsigned long long)t->size);
        return 0;
    }
    if (t->too_long)
        return fail(why, EX_DATAERR,
                    "the server sends more than the %llu bytes that it "
                    "announced; the file has changed, try again",
                    (unsigned long long)t->size);
    if (t->unwritten)
        return fail_errno(why, t->unwritten, t->local);
    /* If no length was announced, close_notify marks the end of the file. */
    if (r < 0 || download_is_sized(t) || t->link->whole)
        return r;
    fail(why, EX_TEMPFAIL,
         "the file may be incomplete: the server ended without close_notify");
    why->transient = true;
    return -1;
}

static int download_into(struct file_transfer *t, struct part *p, bool replace,
                         struct failure *why)
{
    struct stat st;

    t->fd = p->fd;
    t->first = t->done = p->length;
    if (transfer_begin_digest(t, true, why) < 0)
        return -1;
    if (p->length > 0 && lseek(p->fd, (off_t)p->length, SEEK_SET) < 0)
        return fail_errno(why, errno, t->local);
    transfer_show(t);
    if ((p->length == 0 || p->length < t->size) && download_bytes(t, why) < 0)
        return -1;
    if (fstat(p->fd, &st) < 0)
        return fail_errno(why, errno, t->local);
    if (download_is_sized(t) && (uint64_t)st.st_size < t->size) {
        fail(why, EX_TEMPFAIL,
             "%llu of %llu announced bytes have arrived; the transfer was "
             "cut, or the file has changed",
             (unsigned long long)st.st_size, (unsigned long long)t->size);
        why->transient = true;
        return -1;
    }
    progress_moved(&t->row, (uint64_t)st.st_size);
    if (transfer_verify(t, why) < 0)
        return -1;
    bool keep = !t->link->site->options->no_preserve;
    int r;
    while ((r = part_finish(p, t->local, replace, t->job->twice,
                            keep ? transfer_time(t) : 0, why)) == 1) {
        t->skipped = t->link->site->options->conflict == CHOICE_SKIP;
        if (t->skipped || download_rename(t, why) < 0)
            return t->skipped ? 0 : -1;
    }
    return r;
}

static int download_to_stdout(struct file_transfer *t, struct failure *why)
{
    t->fd = STDOUT_FILENO;
    fflush(stdout); /* what a session has printed comes first */
    if (t->link->site->options->json) /* otherwise only a failure is shown */
        transfer_show(t);
    if (transfer_begin_digest(t, false, why) < 0)
        return -1;
    int r = download_bytes(t, why);
    if (t->unwritten)
        why->code = EX_IOERR;
    if (r == 0)
        r = transfer_verify(t, why);
    digest_end(&t->digest, NULL);
    if (t->done > 0)
        why->transient = false; /* printed bytes can't be taken back */
    return r;
}

int download_once(struct file_transfer *t, struct failure *why)
{
    const struct site *s = t->link->site;
    struct part p = PART_NONE;
    char server[2 * URL_PART_MAX + 16], size[SHOW_SIZE_MAX];
    struct stat st;

    if (strcmp(t->job->local, "-") == 0)
        return download_to_stdout(t, why);
    int r = download_facts(t, why);
    if (r == 0)
        r = download_target(t, why);
    const bool replace = t->job->overwrite || t->replaces;
    t->skipped = r == 1;
    if (r != 0)
        return r < 0 ? -1 : 0;
    snprintf(server, sizeof(server), "%s@%s:%u", s->url.user, s->url.host,
             s->url.port);
    const struct part_source from = {
        server, t->remote, t->size, t->modified, !s->options->no_resume, replace
    };
    if (part_open(&p, t->local, t->job->named, &from, why) < 0)
        return -1;
    /* The listing may be hours old. Ask for the current size and time, since
     * only the same state of the file may be resumed. */
    if (p.length > 0 && t->job->known && !t->row.verb) {
        t->job->known = false;
        part_close(&p, true);
        return download_once(t, why);
    }
    r = download_into(t, &p, replace, why);
    digest_end(&t->digest, NULL);
    /* The file may have been replaced meanwhile, so the next try asks for its
     * size. */
    if (r < 0 && why->code == EX_DATAERR && !t->again) {
        t->again = why->transient = true;
        t->announced = t->size;
    }
    if (r < 0 && why->full && p.name[0] && fstat(p.fd, &st) == 0 &&
        st.st_size > 0)
        fail_add(why,
                 "; %s of it are kept in %s, where the next call can resume",
                 show_size((uint64_t)st.st_size, size), p.name);
    part_close(&p, !t->skipped && why->code != EX_DATAERR);
    t->fd = -1;
    return r;
}
