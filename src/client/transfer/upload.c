/* An upload: the server makes the file visible when all bytes have arrived. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

#include "sallyport/base/clock.h"
#include "sallyport/base/fd.h"
#include "transfer.h"

/* A smaller file is sent again from its first byte: the request for SIZE would
 * cost as much. */
#define RESUME_LEAST (1024 * 1024)
#define BULK_LEAST   (256 * 1024)
/* What fits into one TLS record arrives whole or not at all. ALLO, which costs
 * a round trip, is for longer files, and for servers that insist on it. */
#define ANNOUNCED_LEAST (16 * 1024 + 1)

bool upload_is_stream(const struct file_transfer *t)
{
    return strcmp(t->job->local, "-") == 0;
}

/* Files of /proc have bytes, but no length. */
static bool upload_is_sized(const struct file_transfer *t)
{
    return !upload_is_stream(t) && t->size > 0;
}

static long upload_read(void *of, char *bytes, size_t len)
{
    struct file_transfer *t = of;
    uint64_t left = t->size - t->done;
    ssize_t n = 0;

    /* A file that grows ends at the length that it had at first. */
    if (upload_is_sized(t) && len > left)
        len = (size_t)left;
    if (len == 0)
        return 0;
    do
        n = read(t->fd, bytes, len);
    while (n < 0 && errno == EINTR && !link_interrupted);
    t->broken = n < 0 && !link_interrupted ? errno : 0;
    t->shorter = n == 0 && upload_is_sized(t);
    if (n < 0 || t->shorter)
        return -1;
    digest_add(&t->digest, bytes, (size_t)n);
    t->done += (uint64_t)n;
    return (long)n;
}

static size_t upload_give(void *of, char *bytes, size_t len)
{
    struct file_transfer *t = of;
    long n = t->z.kind == ZSTREAM_OFF
                 ? upload_read(t, bytes, len)
                 : zstream_pack(&t->z, bytes, len, upload_read, t);

    return n < 0 ? CURL_READFUNC_ABORT : (size_t)n;
}

/* libcurl calls it after it has resumed. */
static int upload_seek(void *of, curl_off_t offset, int origin)
{
    struct file_transfer *t = of;

    return lseek(t->fd, (off_t)offset, origin) < 0 ? CURL_SEEKFUNC_FAIL
                                                   : CURL_SEEKFUNC_OK;
}

static int upload_open(struct file_transfer *t, struct failure *why)
{
    struct stat st;

    if (upload_is_stream(t)) {
        t->fd = STDIN_FILENO;
        return 0;
    }
    t->fd =
        names_open(t->local, t->job->named, O_RDONLY | O_NONBLOCK | O_NOCTTY);
    if (t->fd < 0 || fstat(t->fd, &st) < 0)
        return fail_errno(why, errno, t->local);
    if (S_ISDIR(st.st_mode))
        return fail(why, EX_USAGE, "%s: is a directory; add -r", t->local);
    if (!S_ISREG(st.st_mode))
        return fail(why, EX_NOINPUT, "%s: not a regular file", t->local);
    bool same = source_is_same(&st, &t->read);
    if (!same && t->held == HELD_OURS)
        t->held = HELD_UNKNOWN;
    t->compared &= same;
    t->size = (uint64_t)st.st_size;
    t->modified = st.st_mtime;
    t->read = st;
    return 0;
}

/* Has a listing the answer? It may be hours old, and somebody else may have
 * taken the name since. */
static bool upload_is_listed(const struct file_transfer *t)
{
    return t->job->known &&
           (t->job->taken || clock_ms() - t->job->listed < LISTED_MS);
}

/* Does the name exist? If the directory was listed, the answer is known. */
static int upload_taken(struct file_transfer *t, const char *path,
                        struct failure *why)
{
    struct listing_entry e;

    if (upload_is_listed(t) && strcmp(path, t->job->remote) == 0)
        return t->job->taken;
    enum presence r = remote_stat(t->link, path, &e, why);
    if (r == PRESENT && e.kind == ENTRY_DIRECTORY)
        return fail(why, EX_CANTCREAT, "/%s is a directory", path);
    return r == PRESENCE_UNKNOWN ? -1 : r == PRESENT;
}

static int upload_name_taken(void *transfer, const char *name,
                             struct failure *why)
{
    return names_are_taken(name) ? 1 : upload_taken(transfer, name, why);
}

/* Another link may take the name that was found. */
int upload_rename(struct file_transfer *t, struct failure *why)
{
    int r;

    do
        r = names_new(t->job->remote, upload_name_taken, t, t->remote,
                      sizeof(t->remote), why);
    while (r == 0 && names_take(t->remote, "") != NAMES_OURS);
    return r == 1 ? fail(why, EX_CANTCREAT, "/%s: no free name is left",
                         t->job->remote)
                  : r;
}

/* Returns 0: continue; 1: skip; -1: failed. */
static int upload_target(struct file_transfer *t, struct failure *why)
{
    t->replaces |= t->job->overwrite;
    if (t->replaces || t->begun)
        return 0;
    const struct options *o = t->link->site->options;
    struct listing_entry old = { 0 };
    struct failure unknown;

    int r = upload_taken(t, t->remote, why);
    if (r <= 0)
        return r;
    if (names_asks(o))
        remote_stat(t->link, t->remote, &old, &unknown);
    switch (names_decide(o, t->remote, t->job->twice, "on the server",
                         (struct names_file){ old.size, old.modified },
                         (struct names_file){ t->size, t->modified })) {
    case CONFLICT_SKIP:
        return 1;
    case CONFLICT_OVERWRITE:
        t->replaces = true;
        return 0;
    default:
        r = upload_rename(t, why);
        if (r == 0)
            names_tell(o, t->job->remote, t->remote);
        return r;
    }
}

/* The bytes of an earlier call may be another file's beginning. Continues them
 * only if the client can compare the whole file at the end. Returns 0 or -1. */
static int upload_trust(struct file_transfer *t, uint64_t held,
                        struct failure *why)
{
    int r = transfer_hash_name(t)
                ? remote_may_hash(t->link, t->remote, held, why)
                : 0;

    if (r == 0) {
        t->held = HELD_OTHERS;
        t->left = t->link->site->atomic ? held : 0;
    }
    return r < 0 ? -1 : 0;
}

/* Once bytes were sent, the listing of before says nothing. */
static enum presence upload_presence(struct file_transfer *t,
                                     struct failure *why)
{
    struct listing_entry e;

    if (upload_is_listed(t) && !t->begun)
        return t->job->taken ? PRESENT : ABSENT;
    return remote_stat(t->link, t->remote, &e, why);
}

/* Finds where to resume: SIZE of a name without a finished file is the length
 * of an interrupted upload. A finished file is never continued, since APPE
 * would append the rest of one file to another file. */
static int upload_first(struct file_transfer *t, struct failure *why)
{
    const struct options *o = t->link->site->options;
    uint64_t held = 0;

    t->first = 0;
    if (o->no_resume || t->held == HELD_OTHERS || upload_is_stream(t) ||
        t->size < RESUME_LEAST)
        return 0;
    enum presence r = t->aside ? ABSENT : upload_presence(t, why);
    if (r != ABSENT)
        return r == PRESENT ? 0 : -1;
    if (remote_length(t->link, t->remote, &held, why) < 0)
        return -1;
    if (held == 0)
        t->held = HELD_OURS;
    else if (held == t->left)
        t->held = HELD_OTHERS; /* STOR was cut before its first byte came */
    else if (t->held == HELD_UNKNOWN && upload_trust(t, held, why) < 0)
        return -1;
    t->first = held < t->size && t->held != HELD_OTHERS ? held : 0;
    return 0;
}

/* Has the file no byte? Files of /proc have bytes, too, where fstat() finds
 * none. */
static bool upload_is_empty(const struct file_transfer *t)
{
    char byte;

    return !upload_is_stream(t) && t->size == 0 &&
           pread(t->fd, &byte, 1, 0) == 0;
}

/* After a cut the server may have the whole file, if only its 226 was lost:
 * then it isn't sent again. The empty file that some servers make for an upload
 * which has no length yet isn't the whole one. */
static bool upload_is_there(struct file_transfer *t, struct failure *why)
{
    struct listing_entry e;

    if (!t->begun || !transfer_hash_name(t) ||
        (!upload_is_sized(t) && !upload_is_empty(t)) ||
        remote_stat(t->link, t->remote, &e, why) != 0 || e.kind != ENTRY_FILE ||
        e.size != t->size || transfer_begin_digest(t, true, why) < 0)
        return false;
    t->done = t->size;
    return transfer_verify(t, why) == 0 && t->checked;
}

/* Only an end that the local file has caused counts more than libcurl's. */
static int upload_end(struct file_transfer *t, int r, struct failure *why)
{
    const struct link *l = t->link;

    t->begun |= l->begun;
    /* STOR replaces what an earlier call has left. A Sallyport keeps that until
     * the first byte has come: upload_first() compares its length. */
    if (l->taken && t->first == 0 && t->held == HELD_OTHERS)
        t->held = HELD_OURS;
    t->sent = l->sent;
    t->stored = r == 0;
    zstream_end(&t->z);
    if (t->shorter)
        return fail(why, EX_IOERR, "%s became shorter while it was sent",
                    t->local);
    if (t->broken)
        return fail(why, EX_IOERR, "%s can't be read: %s", t->local,
                    strerror(t->broken));
    return r;
}

/* A server may take the announced length for what is sent or for the whole
 * file. Only with the whole file's does Sallyport notice each missing byte of a
 * resumed upload. libcurl doesn't get a length: if a server wants no more, the
 * bytes end before it, and libcurl from 8.7 on would fail instead of reading
 * the server's reason. */
static bool upload_announce(const struct file_transfer *t,
                            const struct link_io *io)
{
    if (io->length < (t->link->wants_length ? 1 : ANNOUNCED_LEAST) &&
        !upload_is_empty(t))
        return false;
    link_announce(t->link, t->size);
    return true;
}

static int upload_bytes(struct file_transfer *t, struct failure *why)
{
    bool packed = transfer_in_mode_z(t);
    const struct link_io io = { .give = upload_give,
                                .moved = transfer_moved,
                                .of = t,
                                .bulk = t->size - t->first >= BULK_LEAST,
                                .stream = upload_is_stream(t),
                                .length = upload_is_sized(t) && !packed
                                              ? t->size - t->first
                                              : 0 };
    t->broken = 0;
    t->sent = t->stored = t->compared = t->shorter = t->sized = false;
    t->checked = false;
    link_begin(t->link, t->remote, &io);
    if (packed)
        transfer_set_mode_z(t);
    const bool announced = upload_announce(t, &io);
    LINK_SET(t->link, CURLOPT_UPLOAD, 1L);
    LINK_SET(t->link, CURLOPT_SEEKFUNCTION, upload_seek);
    LINK_SET(t->link, CURLOPT_SEEKDATA, t);
    LINK_SET(t->link, CURLOPT_RESUME_FROM_LARGE, (curl_off_t)t->first);
    int r = upload_end(t, link_run(t->link, why), why);
    if (r == 0 || why->reply != 503 || announced || io.length == 0)
        return r;
    t->link->wants_length = true;
    return upload_bytes(t, why);
}

/* STOR finds no file that could be missing. */
static bool upload_lacks_directory(const struct file_transfer *t,
                                   const struct failure *why)
{
    return why->reply == 550 && strchr(t->remote, '/') &&
           strcasestr(why->text, "no such file or directory");
}

/* Does the server hide the part, for the next call to continue it? */
static bool upload_goes_on(const struct file_transfer *t)
{
    const struct site *s = t->link->site;

    return s->atomic && !t->replaces && !t->sent && !t->stored && t->done > 0 &&
           t->size >= RESUME_LEAST && transfer_hash_name(t) &&
           !s->options->no_resume && !upload_is_stream(t);
}

void upload_tell(const struct file_transfer *t, struct failure *why)
{
    size_t len = strlen(why->text);

    if (upload_lacks_directory(t, why)) {
        fail(why, EX_NOINPUT, "there is no directory /%.*s; make it by mkdir",
             (int)(strrchr(t->remote, '/') - t->remote), t->remote);
        return;
    }
    if (!t->begun || (t->compared && !t->aside))
        return;
    if (t->aside) {
        snprintf(why->text + len, sizeof(why->text) - len,
                 "; what has arrived is /%s, so run the same command again",
                 t->other);
        return;
    }
    if (upload_goes_on(t)) {
        transfer_tell_next(t, why);
        return;
    }
    snprintf(why->text + len, sizeof(why->text) - len, "; %s",
             t->stored
                 ? "the server has confirmed it, but may have only a part "
                   "of the file, so send it again"
             : t->sent ? "all bytes were sent, but the server hasn't confirmed "
                         "the file"
                       : "the server may have only a part of the file, so send "
                         "it again");
}

/* The length in Sallyport's "226 Transfer complete: 5 bytes stored as /a", or
 * after a resume in "5 bytes (9 in all)". A file that waits for inspection has
 * an "(id ...)" after that. */
static int upload_confirmed(const struct file_transfer *t, uint64_t *ret)
{
    static const char mark[] = "226 Transfer complete: ";
    struct slice rest = slice_from(t->link->done), word;

    if (!t->link->site->atomic || transfer_in_mode_z(t) ||
        !slice_starts(rest, SLICE(mark)))
        return -1;
    rest.ptr += strlen(mark);
    rest.len -= strlen(mark);
    slice_cut(&rest, ' ', &word);
    if (slice_starts(rest, SLICE("bytes (")) &&
        !slice_starts(rest, SLICE("bytes (id "))) {
        rest.ptr += strlen("bytes (");
        rest.len -= strlen("bytes (");
        slice_cut(&rest, ' ', &word);
        if (!slice_starts(rest, SLICE("in all)")))
            return -1;
    }
    return slice_number(word, INT64_MAX, ret);
}

/* Without HASH the length shows at least that nothing was lost: some servers
 * count an upload whose connection was reset as complete. An account that may
 * not ask for it has the server's confirmation. */
static int upload_length(struct file_transfer *t, struct failure *why)
{
    uint64_t there = 0;

    if (t->link->site->options->no_verify)
        return 0;
    int r = remote_length(t->link, t->remote, &there, why);
    if (r == 1 && t->confirmed > 0) {
        r = 0;
        there = t->confirmed;
    }
    t->sized = r == 0 && there == t->done;
    if (r != 0 || t->sized)
        return r < 0 ? -1 : 0;
    fail(why, EX_DATAERR, "%llu bytes were sent, and %llu arrived",
         (unsigned long long)t->done, (unsigned long long)there);
    why->transient = true;
    return -1;
}

/* The partial of an earlier call may be the beginning of another file. In that
 * case the whole file is sent once, and must replace the mix of both. */
static int upload_doubt(struct file_transfer *t, struct failure *why)
{
    if (why->code == EX_DATAERR && t->first > 0) {
        t->held = HELD_OTHERS;
        t->replaces = true;
        why->transient = true;
    }
    return -1;
}

/* The path in "226 5 bytes stored as /a/b (2)", or an empty slice. */
static struct slice upload_stored_as(const struct link *l)
{
    static const char mark[] = " stored as /";
    const struct buf *b = &l->lines;
    const char *at = memmem(b->data, b->len, mark, strlen(mark));
    struct slice rest, path = { 0 };

    if (!at)
        return path;
    at += strlen(mark) - 1;
    rest = (struct slice){ at, b->len - (size_t)(at - b->data) };
    slice_cut(&rest, '\n', &path);
    return path;
}

/* The file waits for inspection: what has its name, if anything does, is an
 * older one. */
static bool upload_is_held(const struct link *l)
{
    static const char mark[] = ") kept for inspection; released, it is ";
    const char *at = memmem(l->lines.data, l->lines.len, mark, strlen(mark));

    /* A file's name may have these words; its path begins with a slash. */
    return at && !memchr(l->lines.data, '/', (size_t)(at - l->lines.data));
}

/* Nobody but the administrator can read the file, so the length in the 226 is
 * all that can be compared. A part of an earlier call may be another file's. */
static void upload_compare_held(struct file_transfer *t)
{
    char size[SHOW_SIZE_MAX];

    t->modified = 0; /* nothing is there that could get a time */
    t->sized = !t->link->site->options->no_verify && t->confirmed > 0 &&
               t->confirmed == t->done &&
               (t->first == 0 || t->held == HELD_OURS);
    if (t->sized)
        progress_note("%s: kept for inspection; the server has all of it (%s)",
                      t->remote, show_size(t->done, size));
    else
        progress_note("%s: kept for inspection; not compared", t->remote);
}

/* A server may give the file another name. Then that is the file to compare. */
static void upload_follow(struct file_transfer *t)
{
    size_t head = (size_t)(url_base(t->remote) - t->remote);
    struct slice path = upload_stored_as(t->link), name = path;

    while (slice_cut(&path, '/', &name))
        ;
    /* A reply shows control bytes in another way. */
    if (listing_safe(slice_from(t->remote + head)) && listing_safe(name) &&
        !slice_equal(name, slice_from(t->remote + head)) &&
        slice_copy(name, t->remote + head, sizeof(t->remote) - head) == 0)
        t->elsewhere = true;
}

/* Compares what has arrived with what was sent. */
static int upload_compare(struct file_transfer *t, struct failure *why)
{
    if (transfer_verify(t, why) < 0)
        return upload_doubt(t, why);
    if (t->checked)
        return 0;
    if (t->first > 0 && t->held != HELD_OURS) {
        fail(why, EX_DATAERR, "the part of an earlier call can't be verified");
        return upload_doubt(t, why);
    }
    return upload_length(t, why);
}

static int upload_checked(struct file_transfer *t, struct failure *why)
{
    t->done = t->first;
    if (transfer_begin_digest(t, upload_is_sized(t), why) < 0)
        return -1;
    transfer_show(t);
    if (upload_bytes(t, why) < 0)
        return -1;
    if (upload_confirmed(t, &t->confirmed) < 0)
        t->confirmed = 0;
    if (upload_is_held(t->link)) {
        upload_compare_held(t);
        return 0;
    }
    upload_follow(t);
    int r = upload_compare(t, why);
    t->compared = r == 0;
    return r;
}

/* The user wanted to replace a file, and the server has added one. */
static int upload_misplaced(const struct file_transfer *t, struct failure *why)
{
    return fail(why, EX_CANTCREAT,
                "the server replaces no file: it kept /%s, and stored this one "
                "as /%s",
                t->job->remote, t->remote);
}

static int upload_send(struct file_transfer *t, bool again, struct failure *why)
{
    int r = upload_first(t, why);

    if (r == 0 && again && upload_is_stream(t))
        r = fail(why, EX_TEMPFAIL, "standard input can't be sent again");
    if (r < 0)
        return -1;
    t->compared = upload_is_there(t, why);
    return t->compared ? 0 : upload_checked(t, why);
}

/* Sends the file under a temporary name. Returns 1: it must be sent under its
 * own. */
static int upload_aside(struct file_transfer *t, bool again,
                        struct failure *why)
{
    enum arrival arrival;
    int r = temporary_arrived(t, &arrival, why);

    if (r < 0 || arrival == ARRIVAL_NAMED)
        return r;
    if (arrival == ARRIVAL_NONE)
        r = upload_send(t, again, why);
    if (r < 0 && why->reply >= 500 && !t->begun)
        return 1; /* perhaps because of its name */
    if (r < 0 && !why->transient && !link_interrupted)
        temporary_remove(t);
    return r < 0 ? r : temporary_finish(t, why);
}

static int upload_named(struct file_transfer *t, bool again,
                        struct failure *why)
{
    char refusal[FAILURE_TEXT];
    int r;

    if (!temporary_begin(t))
        return upload_send(t, again, why);
    r = upload_aside(t, again, why);
    temporary_end(t);
    t->aside &= r != 0;
    if (r != 1)
        return r;
    memcpy(refusal, why->text, sizeof(refusal));
    digest_end(&t->digest, NULL);
    t->aside = t->begun = false;
    t->in_place = true;
    r = upload_send(t, again, why);
    if (r == 0)
        temporary_refused(refusal);
    return r;
}

/* The server has the file, whatever becomes of its time. A 550 is what an
 * account that may only upload gets each time: no news. */
static void upload_set_time(struct file_transfer *t)
{
    struct retry retry = { 0 };
    struct failure why;
    int r;

    if (t->link->site->options->no_preserve || t->modified <= 0)
        return;
    do
        r = remote_set_time(t->link, t->remote, t->modified, &why);
    while (r < 0 && link_again(t->link, &retry, t->remote, &why));
    if (r < 0 && why.reply != 550)
        progress_note("%s: stored, but its time can't be set: %s", t->remote,
                      why.text);
}

int upload_once(struct file_transfer *t, struct failure *why)
{
    bool again = t->done > 0;
    int r = upload_open(t, why);
    if (r == 0)
        r = upload_target(t, why);
    t->skipped = r == 1;
    if (r == 0)
        r = upload_named(t, again, why);
    if (r == 0)
        upload_set_time(t);
    if (r == 0 && t->elsewhere && t->replaces)
        r = upload_misplaced(t, why);
    digest_end(&t->digest, NULL);
    if (!upload_is_stream(t))
        fd_close(&t->fd);
    t->fd = -1;
    return r < 0 ? -1 : 0;
}
