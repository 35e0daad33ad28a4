/* Resumes uploads, in the process files: SIZE reports how much of an upload is
 * there, and the client then sends only the rest. A wrong decision would join
 * the halves of two files, so any mismatch is refused. */
#include "files.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>

#include "sallyport/base/clock.h"
#include "sallyport/base/fd.h"

#define SETTLE_MS      5000
#define SETTLE_STEP_MS 20
/* Half of the time after which space.c removes an idle partial. */
#define RENEW_S 1800

uint64_t resume_length(uint64_t held)
{
    return held == 0 ? 0 : (held - 1) / RESUME_BLOCK * RESUME_BLOCK;
}

static enum outcome resume_plan_of(struct resume_plan *ret, enum resume_how how,
                                   uint64_t first)
{
    ret->how = how;
    ret->first = first;
    return OUTCOME_OK;
}

/* Does the answer of SIZE still hold? The length alone doesn't show it: another
 * session may have started the partial again since. */
static bool resume_is_valid(const struct resume_facts *f)
{
    return f->sized <= f->resumable && !f->changed;
}

/* Decides for STOR. The client's offset belongs to the file that the client
 * knows: the partial, if SIZE reported it; otherwise the finished file, or the
 * partial if there is no finished file. If both exist, and a client may know
 * the length of the partial from another connection, the client must first call
 * SIZE in this session. If the finished file has gone since SIZE reported it,
 * the client must call SIZE again. If on_conflict keeps the finished file, its
 * copy with an appended rest would be a file that nobody sent. */
static enum outcome resume_decide_store(const struct resume_facts *f,
                                        struct resume_plan *ret)
{
    bool partial = f->sized > 0 || !f->finished;

    if (f->offset == 0)
        return resume_plan_of(ret, RESUME_ANEW, 0);
    if (f->sized > 0 && !resume_is_valid(f))
        return OUTCOME_SIZE_FIRST;
    if (!partial && f->kept)
        return OUTCOME_SEND_WHOLE;
    if (f->sized == 0 && f->reported && f->finished != f->answered)
        return OUTCOME_SIZE_FIRST;
    if (f->offset > (partial ? f->resumable : f->size))
        return OUTCOME_BAD_OFFSET;
    return resume_plan_of(ret, partial ? RESUME_CUT : RESUME_COPY, f->offset);
}

/* Decides for APPE. A client that knows a partial's length sends only the bytes
 * after it. If the partial has changed since SIZE's answer, or this session
 * doesn't know the answer (SIZE was called on another connection, or before an
 * upload that was cut), the client must call SIZE again: otherwise the rest
 * alone would become the file. If SIZE has reported no length, the upload is
 * the whole file. */
static enum outcome resume_decide_append(const struct resume_facts *f,
                                         struct resume_plan *ret)
{
    if (f->sized > 0)
        return (!f->finished || f->kept) && resume_is_valid(f)
                   ? resume_plan_of(ret, RESUME_CUT, f->sized)
                   : OUTCOME_SIZE_FIRST;
    if (f->finished && f->kept)
        return OUTCOME_SEND_WHOLE;
    if (f->reported && !(f->finished && f->answered))
        return OUTCOME_SIZE_FIRST;
    if (f->finished)
        return resume_plan_of(ret, RESUME_COPY, f->size);
    return resume_plan_of(ret, RESUME_ANEW, 0);
}

enum outcome resume_decide(const struct resume_facts *facts,
                           struct resume_plan *ret)
{
    return facts->mode == WRITE_APPEND ? resume_decide_append(facts, ret)
                                       : resume_decide_store(facts, ret);
}

const struct sized *resume_sized(const struct files *f, int directory,
                                 const char *name)
{
    struct stat st;

    for (const struct sized *s = f->sized; s < f->sized + SIZED_MAX; s++)
        if (strcmp(s->name, name) == 0 && fstat(directory, &st) == 0 &&
            st.st_ino == s->inode && st.st_dev == s->device)
            return s;
    return NULL;
}

void resume_drop_answer(struct files *f, int directory, const char *name)
{
    const struct sized *s = resume_sized(f, directory, name);

    if (s)
        f->sized[s - f->sized].name[0] = '\0';
}

/* Notes an answer. ST: the facts of the partial; NULL if LENGTH is 0. */
static void resume_note_answer(struct files *f, int directory, const char *name,
                               uint64_t length, const struct stat *st)
{
    struct sized *s = &f->sized[f->next_sized++ % SIZED_MAX];
    struct stat in;

    *s = (struct sized){ .length = length };
    if (fstat(directory, &in) < 0)
        return;
    s->device = in.st_dev;
    s->inode = in.st_ino;
    if (st)
        s->partial = *st;
    snprintf(s->name, sizeof(s->name), "%s", name);
}

void resume_note_file(struct files *f, int directory, const char *name)
{
    FD_CLEANUP int fd = partial_open_unlocked(f, directory, name);

    resume_drop_answer(f, directory, name);
    if (fd >= 0 && attribute_is_set(fd, ATTRIBUTE_REPORTED))
        resume_note_answer(f, directory, name, 0, NULL);
}

void resume_keep_answer(struct files *f, int directory, const char *name)
{
    const struct sized *s = resume_sized(f, directory, name);
    struct stat now, as_then;
    bool reported;
    uint64_t length;

    if (!s || s->length == 0 ||
        partial_resumable(f, directory, name, &now, &reported, &length) != 0 ||
        length != s->length)
        return;
    as_then = now;
    as_then.st_ctim = s->partial.st_ctim;
    if (resolve_is_unchanged(&as_then, &s->partial))
        f->sized[s - f->sized].partial = now;
}

/* Opens the partial of NAME, and waits until no upload has its lock: after a
 * cut the client asks again at once, while the files process of its old session
 * still has the lock, and syncs. Only after this sync is it known how much can
 * be resumed. Returns a descriptor or -1. */
static int resume_open_settled(struct files *f, int directory, const char *name,
                               bool *waited)
{
    uint64_t end = clock_ms() + SETTLE_MS;

    for (*waited = false;; *waited = true) {
        FD_CLEANUP int fd = partial_open_unlocked(f, directory, name);

        if (fd < 0 || partial_share_lock(fd) != -EWOULDBLOCK ||
            clock_ms() >= end || files_peer_gone_within(f, SETTLE_STEP_MS))
            return fd_take(&fd);
    }
}

static uint64_t resume_report_length(const struct files *f, int fd,
                                     struct stat *st)
{
    uint64_t length = fstat(fd, st) == 0 ? confirmed_length(f, fd, st) : 0;

    if (length == 0) {
        /* Removes the record, since SIZE reports nothing to resume: the
         * client's next upload isn't a rest. If a writer has the lock, the
         * record stays: the writer may soon make bytes resumable. */
        if (partial_share_lock(fd) == 0)
            attributes_remove(fd, ATTRIBUTE_REPORTED);
        return 0;
    }
    /* Renews the ctime as seldom as possible: a new ctime invalidates the
     * answer of another session's SIZE. */
    if (time(NULL) - st->st_ctime >= RENEW_S)
        fchmod(fd, st->st_mode & 07777); /* the same mode sets the ctime */
    flock(fd, LOCK_UN); /* other sessions don't wait for the sync */
    /* The record changes the ctime, too. */
    return reported_set(f, fd) == 0 && fstat(fd, st) == 0 ? length : 0;
}

uint64_t resume_size(struct files *f, int directory, const char *name,
                     struct stat *st, bool *waited)
{
    FD_CLEANUP int fd = resume_open_settled(f, directory, name, waited);
    uint64_t length = fd >= 0 ? resume_report_length(f, fd, st) : 0;

    resume_drop_answer(f, directory, name);
    if (length > 0)
        resume_note_answer(f, directory, name, length, st);
    return length;
}
