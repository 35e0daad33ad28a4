/* Functions that downloads and uploads share: the checksum of the transferred
 * bytes, and --remove-source. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "sallyport/base/clock.h"
#include "sallyport/base/fd.h"
#include "transfer.h"

/* The checksum of the transferred bytes. */

#define DIGEST_BLOCK 262144
#define KEEP_MS      30000
#define BEHIND_MAX   (256 * 1024 * 1024)

int digest_begin(struct checksum *d, const char *name)
{
    const EVP_MD *md = name ? EVP_get_digestbyname(name) : NULL;

    *d = (struct checksum){ .ctx = md ? EVP_MD_CTX_new() : NULL };
    if (!name)
        return 0;
    return d->ctx && EVP_DigestInit_ex(d->ctx, md, NULL) == 1 ? 0 : -1;
}

/* Reads a block. Returns 1; 0: there are no more bytes now; -ENODATA: the file
 * has become shorter; or another -errno. */
static int digest_read(struct checksum *d)
{
    static _Thread_local char block[DIGEST_BLOCK];

    if (!d->end || d->at >= *d->end)
        return 0;
    uint64_t left = *d->end - d->at;
    ssize_t n =
        pread(d->fd, block, left < sizeof(block) ? (size_t)left : sizeof(block),
              (off_t)d->at);

    if (n <= 0)
        return n == 0 ? -ENODATA : errno == EINTR ? 1 : -errno;
    EVP_DigestUpdate(d->ctx, block, (size_t)n);
    d->at += (uint64_t)n;
    return 1;
}

/* Adds bytes. If the digest has fallen far behind the transfer, reads the file
 * now, since later the bytes would no longer be in the page cache. */
void digest_add(struct checksum *d, const void *bytes, size_t len)
{
    if (d->ctx && !d->end)
        EVP_DigestUpdate(d->ctx, bytes, len);
    while (d->end && *d->end > d->at + BEHIND_MAX && digest_read(d) == 1)
        ;
}

void digest_sent(struct checksum *d, const void *bytes, size_t len)
{
    if (d->end && d->at == *d->end) {
        EVP_DigestUpdate(d->ctx, bytes, len);
        d->at += len;
    } else {
        digest_add(d, bytes, len);
    }
}

/* Reads a block while the link waits. Returns true if more bytes are left.
 * Ignores an error: digest_catch_up() will get the error again, and return
 * it. */
static bool digest_read_some(void *of)
{
    struct checksum *d = of;

    return digest_read(d) == 1 && d->at < *d->end;
}

void digest_follow(struct checksum *d, int fd, const uint64_t *end,
                   struct link *l)
{
    if (!d->ctx)
        return;
    d->link = l;
    d->fd = fd;
    d->end = end;
    l->spare = (struct link_spare){ digest_read_some, d };
}

int digest_catch_up(struct checksum *d, struct link *kept)
{
    uint64_t at = clock_ms();
    struct failure why;
    int r;

    while ((r = digest_read(d)) == 1) {
        if (link_interrupted)
            return -EINTR;
        if (kept && clock_ms() - at > KEEP_MS) {
            link_command(kept, &why, "NOOP");
            at = clock_ms();
        }
    }
    return r;
}

void digest_peek(const struct checksum *d, char out[DIGEST_HEX_MAX])
{
    EVP_MD_CTX *copy = EVP_MD_CTX_new();
    unsigned char hash[EVP_MAX_MD_SIZE];
    unsigned len = 0;

    out[0] = '\0';
    if (copy && d->ctx && EVP_MD_CTX_copy_ex(copy, d->ctx) == 1 &&
        EVP_DigestFinal_ex(copy, hash, &len) == 1)
        for (unsigned i = 0; i < len; i++)
            snprintf(out + (size_t)2 * i, 3, "%02x", hash[i]);
    EVP_MD_CTX_free(copy);
}

void digest_end(struct checksum *d, char out[DIGEST_HEX_MAX])
{
    if (out)
        digest_peek(d, out);
    if (d->link)
        d->link->spare = (struct link_spare){ 0 };
    EVP_MD_CTX_free(d->ctx);
    *d = (struct checksum){ 0 };
}

/* Bytes of a part: a server can read them even within a short time limit. */
#define HASH_PART (1024ul * 1024 * 1024)

static const char *const verbs[] = { [JOB_GET] = "get", [JOB_PUT] = "put" };

const char *transfer_hash_name(const struct file_transfer *t)
{
    const struct site *s = t->link->site;

    return s->options->no_verify ? NULL : s->hash;
}

void transfer_tell_next(const struct file_transfer *t, struct failure *why)
{
    char size[SHOW_SIZE_MAX];

    fail_add(why, "; run the same command again: it can resume at about %s",
             show_size(t->done, size));
}

int transfer_begin_digest(struct file_transfer *t, bool follows,
                          struct failure *why)
{
    const char *name = transfer_hash_name(t);
    bool here = !name && follows && t->job->kind == JOB_PUT;

    if (digest_begin(&t->digest, here ? LOCAL_HASH : name) < 0)
        return fail(why, EX_OSERR, "out of memory");
    if (follows && name)
        digest_follow(&t->digest, t->fd, &t->done, t->link);
    return 0;
}

/* Asks the server first, since the client computes its own checksum while it
 * waits for the server's. */
static int transfer_compare_range(struct file_transfer *t,
                                  struct remote_range range,
                                  struct failure *why)
{
    char here[DIGEST_HEX_MAX], there[DIGEST_HEX_MAX];

    if (remote_hash(t->link, t->remote, range, there, why) < 0)
        return why->lost || link_interrupted ? -1 : 1;
    int r = digest_catch_up(&t->digest, t->link);
    digest_peek(&t->digest, here);
    if (r == -EINTR)
        return fail(why, EX_TEMPFAIL, "interrupted");
    if (r == -ENODATA)
        return fail(why, EX_IOERR, "%s became shorter while it was compared",
                    t->local);
    if (r < 0)
        return fail_errno(why, -r, t->local);
    snprintf(t->sum, sizeof(t->sum), "%s", here);
    return strcmp(here, there) == 0
               ? 0
               : fail(why, EX_DATAERR,
                      "the checksums differ (%s here, %s there); the file is "
                      "damaged or has changed: transfer it again with "
                      "--no-resume --conflict overwrite",
                      here, there);
}

/* Begins T->digest again, at byte FROM of the local file. */
static int transfer_follow(struct file_transfer *t, uint64_t from,
                           const uint64_t *end, struct failure *why)
{
    digest_end(&t->digest, NULL);
    if (digest_begin(&t->digest, t->link->site->hash) < 0)
        return fail(why, EX_OSERR, "out of memory");
    digest_follow(&t->digest, t->fd, end, t->link);
    t->digest.at = from;
    return 0;
}

int transfer_compare(struct file_transfer *t, struct remote_range range,
                     struct failure *why)
{
    int r = transfer_compare_range(t, range, why);

    if (r != 1 || why->reply != 451 || !t->digest.end)
        return r;
    r = 0;
    for (uint64_t from = 0, to; r == 0 && from < t->done; from = to) {
        to = t->done - from > HASH_PART ? from + HASH_PART : t->done;
        if (transfer_follow(t, from, &to, why) < 0)
            return -1;
        r = transfer_compare_range(t, (struct remote_range){ from, to, true },
                                   why);
    }
    t->sum[0] = '\0';
    return transfer_follow(t, 0, &t->done, why) < 0 ? -1 : r;
}

int transfer_compare_head(struct file_transfer *t, struct failure *why)
{
    if (!transfer_hash_name(t))
        return 0;
    /* An account that may read no stored file may read an unfinished upload. */
    t->link->refused[QUESTION_HASH][0] = '\0';
    int r = transfer_compare(t, (struct remote_range){ .to = t->done }, why);
    return r < 0 && why->code != EX_DATAERR ? -1 : r == 0;
}

/* Has the server's file become longer than the LENGTH that was downloaded? */
static bool transfer_outgrown(const struct file_transfer *t, uint64_t length)
{
    struct listing_entry e;
    struct failure why;

    return t->job->kind == JOB_GET && length > 0 &&
           remote_look(t->link, t->remote, 0, &e, &why) == PRESENT &&
           e.size > length;
}

int transfer_verify(struct file_transfer *t, struct failure *why)
{
    struct remote_range all = { .to = t->size > t->done ? t->size : t->done,
                                .part = t->too_long };

    t->checked = false;
    if (!t->digest.ctx || !transfer_hash_name(t))
        return 0;
    int r = transfer_compare(t, all, why);
    if (r < 0 && why->code == EX_DATAERR && !all.part &&
        transfer_outgrown(t, all.to)) {
        const struct failure differs = *why;

        all.part = true;
        r = transfer_compare(t, all, why);
        if (r == 0)
            progress_note("%s: the file grows on the server; its first %llu "
                          "bytes were downloaded",
                          t->remote, (unsigned long long)all.to);
        if (r == 1) { /* then the first comparison counts */
            *why = differs;
            r = -1;
        }
    }
    if (r == 1 && t->job->kind == JOB_PUT && remote_lacks_right(t->link))
        progress_note("%s: stored; not compared, since this account may not "
                      "read it",
                      t->remote);
    else if (r == 1)
        progress_note("%s: the checksum wasn't compared: %s", t->remote,
                      why->text);
    t->checked = r == 0;
    digest_end(&t->digest, NULL);
    return r < 0 ? -1 : 0;
}

bool source_is_young(time_t modified, time_t now, time_t most)
{
    return now - modified <= most && modified - now <= most;
}

time_t transfer_time(const struct file_transfer *t)
{
    /* The source may have changed right after it was read. An upload can take
     * long, so its file's age when it was opened counts. The server's clock can
     * be another one. */
    const bool put = t->job->kind == JOB_PUT;
    const time_t now = put ? t->opened : time(NULL);
    const bool young =
        t->job->overwrite &&
        source_is_young(t->modified, now, put ? 1 : CLOCKS_APART);

    return t->modified - (young && t->modified > 1);
}

void transfer_moved(void *of)
{
    struct file_transfer *t = of;

    if (t->row.verb)
        progress_moved(&t->row, t->done);
}

void transfer_show(struct file_transfer *t)
{
    const char *name = t->job->kind == JOB_GET ? t->job->remote : t->job->local;

    if (!t->row.verb)
        progress_begin(&t->row, verbs[t->job->kind], name, t->size);
    progress_resume(&t->row, t->first);
}

/* --remove-source: removes a source only if it was compared with its copy, and
 * hasn't changed since it was read. */

static int source_changed(struct failure *why)
{
    return fail(why, EX_TEMPFAIL, "it has changed since it was read");
}

bool source_is_same(const struct stat *a, const struct stat *b)
{
    return a->st_dev == b->st_dev && a->st_ino == b->st_ino &&
           a->st_size == b->st_size && a->st_mtim.tv_sec == b->st_mtim.tv_sec &&
           a->st_mtim.tv_nsec == b->st_mtim.tv_nsec &&
           a->st_ctim.tv_sec == b->st_ctim.tv_sec &&
           a->st_ctim.tv_nsec == b->st_ctim.tv_nsec;
}

int source_remove_local(const struct file_transfer *t, bool now,
                        struct failure *why)
{
    const char *base = url_base(t->local);
    struct statx fresh; /* the kernel keeps it for fstatat() */
    struct stat st;

    /* The facts that the kernel has kept can be older than a change by another
     * machine. */
    FD_CLEANUP int fd = names_open_above(t->local, t->job->named, O_PATH);
    if (fd < 0 ||
        statx(fd, base, AT_SYMLINK_NOFOLLOW | AT_STATX_FORCE_SYNC,
              STATX_BASIC_STATS, &fresh) < 0 ||
        fstatat(fd, base, &st, AT_SYMLINK_NOFOLLOW) < 0)
        return fail_errno(why, errno, t->local);
    if (S_ISLNK(st.st_mode))
        return fail(why, EX_USAGE, "it is a symbolic link");
    /* One more link, or one less, such as by this call, changes the status
     * time. */
    if (st.st_nlink != t->read.st_nlink)
        st.st_ctim = t->read.st_ctim;
    if (st.st_nlink == 0 || !source_is_same(&st, &t->read))
        return source_changed(why);
    /* Disks that count whole seconds show no second change in one; vfat counts
     * some times by 10 ms. Elsewhere a copy can have been given the whole
     * seconds of its source. A time far ahead is no writer's. */
    const time_t age = t->opened - st.st_mtime;
    if (st.st_mtim.tv_nsec == 0 && st.st_ctim.tv_nsec % 10000000 == 0 &&
        age <= 2 && age >= -CLOCKS_APART)
        return fail(why, EX_TEMPFAIL,
                    "it may have changed again within the second of its time");
    if (t->replaced)
        return source_changed(why);
    return !now || unlinkat(fd, base, 0) == 0
               ? 0
               : fail_errno(why, errno, t->local);
}

static int source_remove_remote(const struct file_transfer *t,
                                struct failure *why)
{
    struct timespec times[2] = { { .tv_nsec = UTIME_OMIT },
                                 { .tv_sec = t->modified - 60 } };
    struct listing_entry e;
    char sum[DIGEST_HEX_MAX];
    struct stat st;

    /* Before the server's file is removed, its copy must be on the disk
     * here. */
    FD_CLEANUP int fd = open(t->local, O_RDONLY | O_CLOEXEC);
    FD_CLEANUP int directory =
        names_open_above(t->local, t->job->named, O_RDONLY);
    if (fd < 0 || directory < 0 || fsync(fd) < 0 || fsync(directory) < 0 ||
        fstat(fd, &st) < 0)
        return fail_errno(why, errno, t->local);
    /* A listing shows no second change in one second. */
    if (t->checked && t->sum[0] &&
        source_is_young(t->modified, time(NULL), CLOCKS_APART)) {
        if (remote_hash(t->link, t->remote,
                        (struct remote_range){ .to = t->size }, sum, why) < 0)
            return -1;
        if (strcmp(sum, t->sum) != 0)
            return source_changed(why);
    }
    /* If the server serves this directory, a copy that has replaced a file may
     * have replaced its source, and the server shows the copy's time. So the
     * copy has another time meanwhile. */
    if (t->replaces)
        futimens(fd, times);
    int r = remote_look(t->link, t->remote, 0, &e, why);
    times[1] = st.st_mtim;
    if (t->replaces)
        futimens(fd, times);
    if (r != 0)
        return -1;
    if (!listing_is_same(&e, t->size, t->modified, t->unique))
        return source_changed(why);
    return link_command(t->link, why, "DELE %s", t->remote);
}

static int source_remove_checked(struct file_transfer *t, struct failure *why)
{
    bool put = t->job->kind == JOB_PUT;

    if (link_interrupted)
        return fail(why, EX_TEMPFAIL, "interrupted");
    if (put && t->unconfirmed)
        return fail(why, EX_TEMPFAIL, "the server hasn't confirmed it");
    if (!t->checked && !(put ? t->sized : t->done == t->size))
        return fail(why, EX_UNAVAILABLE,
                    "neither its checksum nor its size could be compared");
    return put ? source_remove_local(t, true, why)
               : source_remove_remote(t, why);
}

int transfer_end(struct file_transfer *t, int r, uint64_t *moved,
                 struct failure *why)
{
    const struct job *job = t->job;
    struct failure reason;

    if (r < 0 && job->kind == JOB_PUT)
        upload_tell(t, why);
    else if (r < 0 && (why->transient || why->lost || link_interrupted) &&
             t->done > 0 && t->done < t->size && strcmp(job->local, "-") != 0 &&
             !t->link->site->options->no_resume)
        transfer_tell_next(t, why); /* the next call can resume the part */
    if (r == 0 && !t->skipped && t->link->site->options->remove_source &&
        source_remove_checked(t, &reason) < 0) {
        r = fail(why, reason.code, "transferred, but not removed: %s",
                 reason.text);
        why->reply = reason.reply;
    }
    digest_end(&t->digest, NULL);
    *moved = t->done > t->size ? t->done : t->size;
    if (t->skipped)
        progress_note("%s: skipped: %s", t->local,
                      t->reason ? t->reason : "the name is taken");
    if (r == 0 && (!t->row.verb || t->skipped)) {
        progress_settle(job->size);
        return t->skipped;
    }
    if (!t->row.verb)
        transfer_show(t);
    progress_end(&t->row, job->kind == JOB_GET ? t->local : t->remote,
                 t->checked, r < 0 ? why : NULL);
    return r;
}
