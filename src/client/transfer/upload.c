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

/* May the last byte be sent? If the file is rewritten while it is sent, a mix
 * of old and new bytes would arrive. So the client sends the last byte only if
 * the file hasn't changed, or has only grown, such as a log: then the bytes
 * that were read are still its beginning. Reads them again, for DRIP_MS at
 * most: if T->reread is kept, the answer isn't known yet. */
static bool upload_is_sound(struct file_transfer *t)
{
    char before[DIGEST_HEX_MAX], after[DIGEST_HEX_MAX];
    const uint64_t end = clock_ms() + DRIP_MS;
    struct checksum *d = &t->reread;
    struct stat now;

    if (fstat(t->fd, &now) < 0)
        return false;
    if (source_is_same(&now, &t->read))
        return true;
    if ((uint64_t)now.st_size <= t->size)
        return false;
    /* Only after digest_follow() does a digest begin at byte 0. */
    const bool whole = t->digest.end;
    if (digest_catch_up(&t->digest, NULL) < 0)
        return false;
    if (!d->ctx) {
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
    return strcmp(before, after) == 0;
}

static size_t upload_give(void *of, char *bytes, size_t len)
{
    /* The last bytes, which are read before the file is checked. */
    static _Thread_local char tail[TAIL];
    struct file_transfer *t = of;
    uint64_t left = t->size - t->done;
    uint64_t most = left > TAIL ? left - TAIL : left;
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
                 (n == 0 || ((uint64_t)n == left && !upload_is_sound(t)));
    if (t->changed || link_interrupted)
        return CURL_READFUNC_ABORT;
    /* Meanwhile a few bytes keep the server from cutting the transfer. */
    if (t->reread.ctx) {
        memcpy(tail + TAIL - left, bytes, (size_t)n);
        n = n < DRIP ? n : DRIP;
    }
    digest_add(&t->digest, bytes, (size_t)n);
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
    bool same = source_is_same(&st, &t->read);
    t->ours &= same;
    if (!same && t->has == HAS_COMPARED)
        t->has = HAS_CONFIRMED;
    t->size = (uint64_t)st.st_size;
    t->modified = st.st_mtime;
    t->read = st;
    return 0;
}

/* Is the name taken, on the server or by another file of this call? */
static int upload_taken(void *of, const char *path, struct failure *why)
{
    const struct file_transfer *t = of;
    struct listing_entry e;

    if (t->job->twice && strcmp(path, t->job->remote) == 0)
        return 1;
    bool replaces = t->link->site->options->conflict == CHOICE_OVERWRITE;
    enum presence r = remote_look(
        t->link, path, LOOK_KIND | (replaces ? LOOK_GONE : LOOK_FREE), &e, why);
    if (r == PRESENT && e.kind == LISTED_DIRECTORY)
        return fail(why, EX_CANTCREAT, "/%s is a directory", path);
    return r == PRESENCE_UNKNOWN ? -1 : r == PRESENT;
}

/* Does the same as upload_taken() for a new name that the client has chosen.
 * Doesn't ask the server for a name that this call has taken already. */
static int upload_new_taken(void *of, const char *path, struct failure *why)
{
    return names_are_taken(path) ? 1 : upload_taken(of, path, why);
}

/* Finds a new name. If another link has taken this name meanwhile, finds
 * another. */
int upload_rename(struct file_transfer *t, struct failure *why)
{
    int r;

    do
        r = names_new(t->job->remote, upload_new_taken, t, t->remote,
                      sizeof(t->remote), why);
    while (r == 0 && names_take(t->remote, "") != NAMES_OURS);
    return r;
}

/* Decides what to do if the name is taken. Returns 0: send the file; 1: skip
 * it; -1 with the reason. */
static int upload_decide(struct file_transfer *t, struct failure *why)
{
    const struct options *o = t->link->site->options;
    struct listing_entry old = { 0 };
    struct failure unknown;

    if (names_asks(o))
        remote_look(t->link, t->remote, LOOK_SIZE, &old, &unknown);
    t->choice = names_decide(
        o, t->remote, t->job->twice, "on the server",
        (struct names_file){ old.size, old.sized ? old.modified : 0 },
        (struct names_file){ t->size, t->modified });
    t->replaces = t->choice == CHOICE_OVERWRITE;
    if (t->choice != CHOICE_RENAME || t->link->site->decides)
        return t->choice == CHOICE_SKIP;
    int r = upload_rename(t, why);
    if (r == 0)
        names_tell(o, t->job->remote, t->remote);
    return r;
}

/* Chooses the target. If the server decides about a taken name, it decides at
 * the last byte, so an upload replaces no file that appears meanwhile. Returns
 * the same values as upload_decide(). */
static int upload_target(struct file_transfer *t, struct failure *why)
{
    const struct options *o = t->link->site->options;

    if (remote_keeps_name(t->link, t->job->remote, why) < 0)
        return -1;
    t->replaces |= t->job->overwrite;
    if (t->choice == CHOICE_ASK)
        t->choice =
            t->replaces || o->conflict == CHOICE_OVERWRITE ? CHOICE_OVERWRITE
            : o->conflict == CHOICE_SKIP || names_asks(o)  ? CHOICE_SKIP
                                                           : CHOICE_RENAME;
    if (t->link->site->decides || t->replaces || t->has != HAS_NOTHING)
        return 0;
    int r = upload_taken(t, t->remote, why);
    return r <= 0 ? r : upload_decide(t, why);
}

/* Does the server's unfinished upload, of HELD bytes, have the beginning of
 * this file? A temporary name has digits of this call. Under another name, a
 * second upload of the user may have put its own bytes there, also between two
 * tries of this upload, so a checksum decides if the server has checksums. A
 * server without them writes into the file of this name, so there two uploads
 * at once mix their bytes anyway. Returns 1: yes; 0: no, or not known; -1 with
 * the reason. */
static int upload_knows(struct file_transfer *t, uint64_t held,
                        struct failure *why)
{
    struct failure other;

    if (t->ours && held != t->foreign && (t->aside || !t->link->site->hash))
        return 1;
    t->done = held;
    if (transfer_begin_digest(t, true, why) < 0)
        return -1;
    int r = transfer_compare_head(t, why);
    if (r == 0) {
        digest_end(&t->digest, NULL);
        /* A server may keep these bytes until the first byte of STOR has come.
         * Under a temporary name nobody else needs the bytes: delete them. */
        bool gone = t->aside &&
                    link_command(t->link, &other, "DELE %s", t->remote) == 0;
        t->foreign = gone ? 0 : held;
    }
    return r;
}

/* Sets T->first, the byte at which the upload resumes. If the server has no
 * finished file of this name, SIZE gives the length of an interrupted upload.
 * Sallyport has SITE PARTIAL for this length. Returns 0, or -1 with the
 * reason. */
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
    /* HELD may be the length of a finished file, to which APPE would add
     * bytes. */
    if (!t->link->site->decides && !t->aside &&
        (!t->ours || t->link->site->atomic)) {
        enum presence there = remote_exists(t->link, t->remote, why);

        t->foreign = held;
        if (there == PRESENT || there == PRESENCE_UNKNOWN)
            return there;
    }
    r = upload_knows(t, held, why);
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
 * lost? Then the client doesn't send the file again. An empty file doesn't
 * count, since some servers make an empty file for an upload without a length.
 * If there is no checksum, the length decides, but only if no older file and no
 * file of somebody else can have this name. Returns 1: the server has the file;
 * 0: it hasn't, or that isn't known; -1 with the reason. */
static int upload_is_there(struct file_transfer *t, struct failure *why)
{
    bool length_counts = t->has >= HAS_ALL && t->ours &&
                         !t->link->site->atomic && (t->aside || !t->replaces);
    const bool stream = upload_is_stream(t);
    const uint64_t size = stream ? t->done : t->size;
    struct listing_entry e;

    if (t->has == HAS_NOTHING ||
        (!length_counts && (stream || !transfer_hash_name(t))) ||
        (!stream && !upload_is_sized(t) && !upload_is_empty(t)))
        return 0;
    enum presence r =
        remote_look(t->link, t->remote, LOOK_KIND | LOOK_SIZE, &e, why);
    if (r != PRESENT || e.kind != LISTED_FILE || e.size != size)
        return why->lost ? -1 : 0;
    if (!stream && !t->digest.ctx && transfer_begin_digest(t, true, why) < 0)
        return -1;
    t->done = size;
    if (transfer_verify(t, why) < 0)
        return why->lost || link_interrupted ? -1 : 0;
    t->sized = length_counts;
    return t->checked || length_counts;
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
    /* Some servers create or truncate the file before they use the data
     * connection. */
    else if (l->may_have_begun || (l->opened && !l->site->atomic &&
                                   (why->reply == 425 || why->reply == 522)))
        t->has = HAS_PART;
    /* After the 150 the server's bytes count as bytes of this file. But some
     * servers keep the old file until the first byte or the last one has come,
     * and report the old length until then. */
    t->ours |= l->begun;
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
     * resumed: only then does Sallyport notice each missing byte. Other servers
     * may take the number for the length of the bytes to come. A refusal is
     * about the login directory, and the file's can have room. libcurl doesn't
     * get a length: if a server wants no more bytes, the upload ends early, and
     * libcurl from 8.7 on would fail instead of reading the server's reason. */
    const bool announced =
        io.length >= (t->link->wants_length ? 1 : ANNOUNCED_LEAST) ||
        upload_is_empty(t);
    if (announced)
        link_say_number(t->link, "*ALLO", t->size);
    LINK_SET(t->link, CURLOPT_UPLOAD, 1L);
    /* libcurl would send APPE. Sallyport refuses to continue a partial by APPE
     * if there is also a file of that name, which the upload would replace. */
    if (t->first > 0 && t->link->site->decides)
        link_say_number(t->link, "REST", t->first);
    else
        LINK_SET(t->link, CURLOPT_APPEND, t->first > 0 ? 1L : 0L);
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
    transfer_show(t);
    return upload_bytes(t, why) < 0 ? -1 : upload_compare(t, why);
}

/* Sends the file under a temporary name. Returns 0; 1: the file must be sent
 * under its own name; -1 with the reason. */
static int upload_aside(struct file_transfer *t, bool again,
                        struct failure *why)
{
    enum arrival arrival = temporary_arrived(t, why);

    if (arrival == ARRIVAL_UNKNOWN || arrival == ARRIVAL_NAMED)
        return arrival == ARRIVAL_NAMED ? 0 : -1;
    int r = arrival == ARRIVAL_NONE ? upload_send(t, again, why) : 0;
    /* The server may have refused the temporary name. But if it has no room
     * (552), STOR under the file's own name would only destroy the old file. */
    if (r < 0 && why->reply >= 500 && why->reply != 552 && !why->lost &&
        t->has == HAS_NOTHING)
        return 1;
    /* Nobody else may have all bytes of standard input. */
    bool kept =
        upload_is_stream(t) && t->has >= HAS_ALL && why->code == EX_TEMPFAIL;
    if (r < 0 && !why->transient && !link_interrupted && !kept)
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
    t->aside = false;
    t->has = HAS_NOTHING;
    t->in_place = true;
    r = upload_target(t, why); /* another file may have got the name since */
    if (r == 0)
        r = upload_send(t, again, why);
    if (r == 0)
        temporary_refused(refusal);
    return r;
}

/* Sends the file and sets its time. If the time can't be set, only says so,
 * since the server has the file. An account that may only upload gets a 550
 * each time, so a 550 isn't reported. */
static int upload_sent(struct file_transfer *t, bool again, struct failure *why)
{
    int r = upload_named(t, again, why);

    if (r != 0)
        return r;
    if (!t->link->site->options->no_preserve && t->modified > 0 &&
        remote_set_time(t->link, t->remote, transfer_time(t), why) < 0 &&
        why->reply != 550)
        progress_note("%s: stored, but its time can't be set: %s", t->remote,
                      why->text);
    return upload_tell_name(t, why);
}

int upload_once(struct file_transfer *t, struct failure *why)
{
    bool again = t->done > 0;
    int r = upload_open(t, why);
    /* Skip a file that another process has removed since the walk has found it.
     * But if an earlier try has left something on the server that others see,
     * the missing file is a failure. */
    bool unseen =
        t->has == HAS_NOTHING || (t->has == HAS_PART && t->link->site->atomic);
    t->vanished = r < 0 && unseen && t->job->above &&
                  access(t->local, F_OK) < 0 && errno == ENOENT;
    if (t->vanished) {
        t->skipped = true;
        return 0;
    }
    if (r == 0)
        r = upload_target(t, why);
    if (r == 0)
        r = upload_sent(t, again, why);
    bool taken = r < 0 && t->link->site->decides && t->choice == CHOICE_SKIP &&
                 why->reply == 553 && strstr(why->text, "The name is taken");
    if (taken) {
        digest_end(&t->digest, NULL);
        r = upload_decide(t, why);
        if (r == 0)
            r = upload_sent(t, t->done > 0, why);
    }
    t->skipped = r == 1;
    /* The server has confirmed the file, and has perhaps lost its end: send it
     * again once, if this makes no second file. */
    if (r < 0 && why->code == EX_DATAERR && !t->again && !upload_is_stream(t) &&
        (t->aside || t->choice == CHOICE_OVERWRITE))
        t->again = why->transient = true;
    /* The next try can't compute the checksum of standard input again. */
    if (!upload_is_stream(t)) {
        digest_end(&t->digest, NULL);
        fd_close(&t->fd);
    }
    t->fd = -1;
    return r < 0 ? -1 : 0;
}
