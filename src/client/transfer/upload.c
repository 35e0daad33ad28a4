/* An upload: the choice of the name, the byte at which it resumes, the sending,
 * and what the server has after a failure. */
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

#define BULK_LEAST (256 * 1024)
/* Bytes. A shorter file is sent without ALLO, which costs a round trip, unless
 * the server insists on ALLO: the bytes of one TLS record arrive together or
 * not at all. */
#define ANNOUNCED_LEAST (16 * 1024 + 1)
#define TAIL            (16 * 1024)
#define DRIP_MS         5000
#define DRIP            16 /* bytes: a Sallyport wants one in each second */

bool upload_is_stream(const struct file_transfer *t)
{
    return strcmp(t->job->local, "-") == 0;
}

/* Does the file have a length? Files of /proc have bytes, but no length. */
static bool upload_is_sized(const struct file_transfer *t)
{
    return !upload_is_stream(t) && t->size > 0;
}

/* A kernel may keep the facts of a file for a minute, and with noatime a read
 * doesn't renew them (NFSv4). So this asks the disk. */
static int upload_stat(int fd, struct stat *st)
{
    struct statx fresh; /* the kernel keeps it for fstat() */

    (void)statx(fd, "", AT_EMPTY_PATH | AT_STATX_FORCE_SYNC, STATX_BASIC_STATS,
                &fresh);
    return fstat(fd, st);
}

/* May the last byte be sent? If the file is rewritten while it is sent, a mix
 * of old and new bytes would arrive. So the client sends the last byte only if
 * the file hasn't changed, or has only grown, such as a log, or got a link:
 * then the bytes that were read are still its beginning. Reads them again, also
 * the LAST ones, for DRIP_MS at most: if T->reread is kept, the answer isn't
 * known yet. */
static bool upload_is_sound(struct file_transfer *t, const char *last,
                            size_t len)
{
    char again[TAIL];
    char before[DIGEST_HEX_MAX], after[DIGEST_HEX_MAX];
    const uint64_t end = clock_ms() + DRIP_MS;
    struct checksum *d = &t->reread;
    struct stat now, linked;

    if (upload_stat(t->fd, &now) < 0)
        return false;
    if (source_is_same(&now, &t->read))
        return true;
    linked = now;
    linked.st_ctim = t->read.st_ctim;
    if ((uint64_t)now.st_size <= t->size && !source_is_same(&linked, &t->read))
        return false;
    /* Only after digest_follow() does a digest begin at byte 0. */
    const bool whole = t->digest.end;
    if (digest_catch_up(&t->digest, NULL) < 0)
        return false;
    if (!d->ctx) {
        t->looked = now;
        if (digest_begin(d, whole ? transfer_hash_name(t) : LOCAL_HASH) < 0)
            return false;
        digest_follow(d, t->fd, &t->done, t->link);
        d->at = whole ? 0 : t->first;
    }
    while (link_use_spare(t->link))
        if (link_interrupted || (t->size - t->done > DRIP && clock_ms() >= end))
            return true;
    if (digest_catch_up(d, NULL) < 0)
        return false;
    digest_end(d, after);
    digest_peek(&t->digest, before);
    if (strcmp(before, after) != 0 ||
        pread(t->fd, again, len, (off_t)t->done) != (ssize_t)len ||
        memcmp(again, last, len) != 0)
        return false;
    t->read.st_ctim = t->looked.st_ctim;
    t->read.st_nlink = t->looked.st_nlink;
    return true;
}

static size_t upload_give(void *of, char *bytes, size_t len)
{
    /* The last bytes, which are read before the file is checked. */
    static _Thread_local char tail[TAIL];
    struct file_transfer *t = of;
    uint64_t left = t->size - t->done;
    uint64_t most = left > TAIL ? left - TAIL : left;
    struct stat now;
    ssize_t n = 0;

    if (upload_is_sized(t) && len > most)
        len = (size_t)most;
    if (len == 0)
        return 0;
    if (t->reread.ctx)
        memcpy(bytes, tail + TAIL - left, len);
    do
        n = t->reread.ctx ? (ssize_t)len : read(t->fd, bytes, len);
    while (n < 0 && errno == EINTR && !link_interrupted);
    t->broken = n < 0 && !link_interrupted ? errno : 0;
    if (n < 0)
        return CURL_READFUNC_ABORT;
    t->changed = upload_is_sized(t) &&
                 (n == 0 || ((uint64_t)n == left &&
                             !upload_is_sound(t, bytes, (size_t)n)));
    /* It was empty when it was opened, perhaps since somebody rewrites it. */
    if (n == 0 && !upload_is_stream(t))
        t->changed |=
            upload_stat(t->fd, &now) < 0 || !source_is_same(&now, &t->read);
    if (t->changed || link_interrupted)
        return CURL_READFUNC_ABORT;
    /* Meanwhile a few bytes keep the server from cutting the transfer. */
    if (t->reread.ctx) {
        memcpy(tail + TAIL - left, bytes, (size_t)n);
        n = n < DRIP ? n : DRIP;
    }
    digest_sent(&t->digest, bytes, (size_t)n);
    t->done += (uint64_t)n;
    return (size_t)n;
}

static int upload_open(struct file_transfer *t, struct failure *why)
{
    struct stat st;

    if (upload_is_stream(t)) {
        t->fd = STDIN_FILENO;
        return 0;
    }
    t->opened = time(NULL);
    t->fd =
        names_open(t->local, t->job->named, O_RDONLY | O_NONBLOCK | O_NOCTTY);
    if (t->fd < 0 || fstat(t->fd, &st) < 0)
        return fail_errno(why, errno, t->local);
    if (S_ISDIR(st.st_mode))
        return fail(why, EX_USAGE, "%s: is a directory; add -r", t->local);
    if (!S_ISREG(st.st_mode))
        return fail(why, EX_NOINPUT, "%s: not a regular file", t->local);
    if (!source_is_same(&st, &t->read)) {
        t->has = t->has == HAS_COMPARED ? HAS_CONFIRMED : t->has;
        t->confirmed = UNCONFIRMED;
    }
    t->size = (uint64_t)st.st_size;
    t->modified = st.st_mtime;
    t->read = st;
    return 0;
}

/* Decides what to do if the name is taken. Returns 0: send the file; 1: skip
 * it; -1 with the reason. */
static int upload_decide(struct file_transfer *t, struct failure *why)
{
    const struct options *o = t->link->site->options;
    struct listing_entry old = { 0 };
    struct failure unknown;

    if (names_asks(o))
        remote_look(t->link, t->remote, 0, &old, &unknown);
    const bool twice = t->job->twice || upload_takes_name(t);
    t->choice = t->job->overwrite
                    ? CHOICE_OVERWRITE
                    : names_decide(o, t->remote, twice, "on the server",
                                   (struct names_file){
                                       old.size, old.sized ? old.modified : 0 },
                                   (struct names_file){ t->size, t->modified });
    t->replaces = t->choice == CHOICE_OVERWRITE;
    if (t->replaces && t->job->twin &&
        remote_own_name(t->link, t->remote, why) < 0) {
        t->choice = CHOICE_SKIP; /* the next try asks again */
        t->has = HAS_NOTHING;
        return -1;
    }
    return t->choice == CHOICE_SKIP;
}

/* Chooses what the server does if the name is taken. It decides at the last
 * byte, so an upload replaces no file that appears meanwhile. If the name is a
 * twin, upload_decide() comes before a replacement. */
static void upload_target(struct file_transfer *t)
{
    const struct options *o = t->link->site->options;

    t->replaces |= t->job->overwrite || o->conflict == CHOICE_OVERWRITE;
    if (t->choice == CHOICE_ASK)
        t->choice = t->replaces && !t->job->twin ? CHOICE_OVERWRITE
                    : t->replaces || o->conflict == CHOICE_SKIP || names_asks(o)
                        ? CHOICE_SKIP
                        : CHOICE_RENAME;
}

/* Sets T->first, the byte at which the upload resumes. SITE PARTIAL gives the
 * length of an unfinished upload. A second upload of the user may have put its
 * own bytes there, also between two tries of this upload, so a checksum
 * decides. Returns 0, or -1 with the reason. */
static int upload_first(struct file_transfer *t, struct failure *why)
{
    const struct job *above = t->job->above;
    uint64_t held = 0;

    t->first = 0;
    if (t->link->site->options->no_resume || upload_is_stream(t) ||
        t->size < RESUME_LEAST ||
        (t->has == HAS_NOTHING && above && above->made))
        return 0;
    int r = remote_partial(t->link, t->remote, &held, why);
    if (r < 0 || held == 0 || held >= t->size)
        return r < 0 ? -1 : 0;
    t->done = held;
    if (transfer_begin_digest(t, true, why) < 0)
        return -1;
    r = transfer_compare_head(t, why);
    if (r == 0)
        digest_end(&t->digest, NULL);
    t->first = r > 0 ? held : 0;
    return r < 0 ? -1 : 0;
}

/* Is the file empty? Tries to read a byte, since fstat() gives the length 0
 * even for files of /proc that have bytes. */
static bool upload_is_empty(const struct file_transfer *t)
{
    char byte;

    return !upload_is_stream(t) && t->size == 0 &&
           pread(t->fd, &byte, 1, 0) == 0;
}

/* Does the server have the whole file after a cut, so that only the 226 was
 * lost, or the comparison after it? Then the client doesn't send the file
 * again, even if this account can't compare. Returns 1: the server has
 * the file; 0: it hasn't, or that isn't known; -1 with the reason. */
static int upload_is_there(struct file_transfer *t, struct failure *why)
{
    const bool sure =
        t->has >= HAS_CONFIRMED && t->confirmed == t->size && !t->again;
    struct listing_entry e;

    /* A twin may have the same bytes. */
    if (t->has == HAS_NOTHING || (t->job->twin && !sure) ||
        !transfer_hash_name(t) || (!upload_is_sized(t) && !upload_is_empty(t)))
        return 0;
    if (!sure &&
        (remote_look(t->link, t->remote, LOOK_KIND, &e, why) != PRESENT ||
         e.kind != LISTED_FILE || e.size != t->size))
        return why->lost ? -1 : 0;
    if (!t->digest.ctx && transfer_begin_digest(t, true, why) < 0)
        return -1;
    t->done = t->size;
    if (transfer_verify(t, why) < 0)
        return sure || why->lost || link_interrupted ? -1 : 0;
    t->sized = sure;
    return sure || t->checked;
}

/* Ends a try: notes what the server may have. WHY keeps libcurl's failure,
 * unless the local file has failed or changed. Returns 0, or -1 with the
 * reason. */
static int upload_end(struct file_transfer *t, int r, struct failure *why)
{
    const struct link *l = t->link;

    digest_end(&t->reread, NULL);
    if (r == 0)
        t->has = HAS_CONFIRMED;
    else if (l->sent)
        t->has = HAS_ALL;
    else if (l->may_have_begun)
        t->has = HAS_PART;
    t->unconfirmed = r < 0;
    if (t->changed) {
        fail(why, EX_TEMPFAIL, "%s has changed while it was sent", t->local);
        why->transient = true;
        return -1;
    }
    if (t->broken)
        return fail(why, EX_IOERR, "%s can't be read: %s", t->local,
                    strerror(t->broken));
    return r;
}

static int upload_bytes(struct file_transfer *t, struct failure *why)
{
    const struct link_io io = { .give = upload_give,
                                .moved = transfer_moved,
                                .of = t,
                                .bulk = t->size - t->first >= BULK_LEAST,
                                .stream = upload_is_stream(t),
                                .length = upload_is_sized(t)
                                              ? t->size - t->first
                                              : 0 };
    t->broken = 0;
    t->changed = t->sized = t->checked = false;
    if (t->has > HAS_PART)
        t->has = HAS_PART;
    if (!upload_is_stream(t) && lseek(t->fd, (off_t)t->first, SEEK_SET) < 0)
        return fail_errno(why, errno, t->local);
    link_begin(t->link, t->remote, &io);
    link_choose(t->link, t->choice);
    /* ALLO announces the length of the whole file, even if the upload is
     * resumed: only then does the server notice each missing byte. A refusal is
     * about the login directory, and the file's can have room. libcurl doesn't
     * get a length: if a server wants no more bytes, the upload ends early, and
     * libcurl from 8.7 on would fail instead of reading the server's reason. */
    const bool announced =
        io.length >= (t->link->wants_length ? 1 : ANNOUNCED_LEAST) ||
        upload_is_empty(t);
    if (announced)
        link_say_number(t->link, "*ALLO", t->size);
    LINK_SET(t->link, CURLOPT_UPLOAD, 1L);
    /* libcurl would send APPE. The server refuses to continue a partial by APPE
     * if there is also a file of that name, which the upload would replace. */
    if (t->first > 0)
        link_say_number(t->link, "REST", t->first);
    int r = upload_end(t, link_run(t->link, why), why);
    if (r == 0 || why->reply != 503 || announced || io.length == 0)
        return r;
    t->link->wants_length = true;
    return upload_bytes(t, why);
}

static int upload_send(struct file_transfer *t, bool again, struct failure *why)
{
    int r = upload_first(t, why);

    if (r == 0)
        r = upload_is_there(t, why);
    if (r > 0)
        t->has = HAS_COMPARED;
    if (r == 0 && again && upload_is_stream(t))
        r = fail(why, EX_TEMPFAIL, "standard input can't be sent again");
    if (r != 0)
        return r < 0 ? -1 : 0;
    t->done = t->first;
    if (!t->digest.ctx && transfer_begin_digest(t, upload_is_sized(t), why) < 0)
        return -1;
    digest_catch_up(&t->digest, t->link); /* for digest_sent() */
    transfer_show(t);
    return upload_bytes(t, why) < 0 ? -1 : upload_compare(t, why);
}

/* Sends the file and sets its time. If the time can't be set, only says so,
 * since the server has the file. An account that may only upload gets a 550
 * each time, so a 550 isn't reported. */
static int upload_sent(struct file_transfer *t, bool again, struct failure *why)
{
    const struct options *o = t->link->site->options;
    int r = upload_send(t, again, why);

    if (r != 0)
        return r;
    /* Once it has its source's time, a copy in its source's place looks like
     * it. */
    t->replaced = o->remove_source && source_remove_local(t, false, why) < 0;
    if (!o->no_preserve && t->modified > 0 &&
        remote_set_time(t->link, t->remote, transfer_time(t), why) < 0 &&
        why->reply != 550)
        progress_note("%s: stored, but its time can't be set: %s", t->remote,
                      why->text);
    if (!o->no_preserve && t->read.st_mtime < 1 && !upload_is_stream(t))
        progress_note("%s: stored, but its time can't be set: it isn't after "
                      "1970-01-01 00:00",
                      t->remote);
    return upload_tell_name(t, why);
}

int upload_once(struct file_transfer *t, struct failure *why)
{
    bool again = t->done > 0;
    int r = upload_open(t, why);
    if (r == 0 &&
        options_too_young(t->link->site->options, t->modified, false)) {
        t->reason = TOO_YOUNG;
        r = fail(why, EX_TEMPFAIL, "%s: " TOO_YOUNG, t->local);
    } else if (r < 0 && t->job->above && access(t->local, F_OK) < 0 &&
               errno == ENOENT) {
        FD_CLEANUP int above =
            names_open_above(t->local, t->job->named, O_PATH);

        if (above < 0)
            why->code = EX_TEMPFAIL; /* as the directory's own failure */
        else if (job_is_in(t->job->above, above))
            t->reason = "it was removed meanwhile";
    }
    /* Skip a file that another process has changed or removed since the walk
     * has found it. But if an earlier try has left something on the server that
     * others see, this is a failure. */
    if (t->reason && t->has <= HAS_PART)
        r = 1;
    if (r == 0) {
        upload_target(t);
        r = upload_sent(t, again, why);
    }
    bool taken = r < 0 && t->choice == CHOICE_SKIP && why->reply == 553 &&
                 strstr(why->text, "The name is taken");
    if (taken) {
        digest_end(&t->digest, NULL);
        r = upload_decide(t, why);
        if (r == 0)
            r = upload_sent(t, t->done > 0, why);
    }
    t->skipped = r == 1;
    /* The server has confirmed the file, and has perhaps lost its end: send it
     * again once, if this makes no second file. If the server has confirmed all
     * bytes, another client's file may have replaced them. */
    if (r < 0 && why->code == EX_DATAERR && !t->again && !upload_is_stream(t) &&
        t->choice == CHOICE_OVERWRITE && t->confirmed != t->done)
        t->again = why->transient = true;
    /* The next try can't compute the checksum of standard input again. */
    if (!upload_is_stream(t)) {
        digest_end(&t->digest, NULL);
        fd_close(&t->fd);
    }
    t->fd = -1;
    return r < 0 ? -1 : 0;
}
