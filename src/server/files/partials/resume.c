/* Resumes uploads, in the process files: SIZE reports how much of an upload is
 * there, and the client then sends only the rest. A wrong decision would join
 * the halves of two files, so any mismatch is refused. */
#include "files.h"

#include <errno.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sallyport/base/clock.h"
#include "sallyport/base/fd.h"

#define SETTLE_MS      5000
#define SETTLE_STEP_MS 20

static enum outcome resume_plan_of(struct resume_plan *ret, enum resume_how how,
                                   uint64_t first)
{
    ret->how = how;
    ret->first = first;
    return OUTCOME_OK;
}

/* Decides for STOR. The client's offset belongs to the file that the client
 * knows: the partial, if SIZE reported it; otherwise the finished file, or the
 * partial if there is no finished file. If a client may know the length of the
 * partial from another connection, the client must first call SIZE in this
 * session; and again if the finished file has changed since SIZE reported it.
 * If on_conflict keeps the finished file, its copy with an appended rest would
 * be a file that nobody sent. */
static enum outcome resume_decide_store(const struct resume_facts *f,
                                        struct resume_plan *ret)
{
    bool partial = f->told == TOLD_PARTIAL || !f->finished;

    if (f->offset == 0)
        return resume_plan_of(ret, RESUME_ANEW, 0);
    if (f->told == TOLD_STALE)
        return OUTCOME_SIZE_FIRST;
    if (!partial && f->old_keeps_name)
        return OUTCOME_SEND_WHOLE;
    if (f->told == TOLD_ELSEWHERE)
        return OUTCOME_SIZE_FIRST;
    if (f->offset > (partial ? f->resumable : f->size))
        return OUTCOME_BAD_OFFSET;
    if (f->told == TOLD_PARTIAL && f->offset > f->sized) /* it has grown */
        return OUTCOME_SIZE_FIRST;
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
    if (f->told == TOLD_STALE)
        return OUTCOME_SIZE_FIRST;
    if (f->told == TOLD_PARTIAL)
        return !f->finished || f->old_keeps_name
                   ? resume_plan_of(ret, RESUME_CUT, f->sized)
                   : OUTCOME_SIZE_FIRST;
    if (f->finished && f->old_keeps_name)
        return OUTCOME_SEND_WHOLE;
    if (f->told == TOLD_ELSEWHERE)
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

uint64_t resume_key(const struct files *f, const struct path *path)
{
    return siphash(f->name_key, path->bytes, path->len);
}

struct sized *resume_sized(struct files *f, uint64_t key)
{
    for (struct sized *s = f->sized; s < f->sized + 2 * SIZED_MAX; s++)
        if (s->used && s->key == key)
            return s;
    return NULL;
}

bool resume_holds(const struct sized *s, int directory, const struct stat *st,
                  uint64_t identity, uint64_t resumable)
{
    struct stat here;

    return resolve_known(directory, &here) == 0 &&
           s->directory == here.st_ino && s->device == here.st_dev &&
           ((s->length == 0 && !s->file && resumable == 0) ||
            (s->identity == identity && identity > IDENTITY_LOST &&
             s->inode == st->st_ino && s->length <= resumable));
}

static uint64_t resume_ns(struct timespec t)
{
    return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

/* The inode doesn't suffice, since ext4 gives a removed file's inode to the
 * next file; nor does the mtime, which a client or a program can set. */
static uint64_t resume_file_identity(const struct stat *file)
{
    return resume_ns(file->st_mtim) + 3 * resume_ns(file->st_ctim) +
           IDENTITY_LOST + 1;
}

bool resume_holds_file(const struct sized *s, int directory,
                       const struct stat *file)
{
    return s->length == (uint64_t)file->st_size &&
           resume_holds(s, directory, file, resume_file_identity(file),
                        s->length);
}

void resume_follow_cut(struct files *f, uint64_t key, int fd, uint64_t first)
{
    struct sized *s = resume_sized(f, key);

    if (!s)
        return;
    s->identity = identity_of_writer(fd);
    if (s->length > first) {
        s->length = first;
        s->spent = true;
    }
}

void resume_drop_answer(struct files *f, uint64_t key)
{
    struct sized *s = resume_sized(f, key);

    if (s)
        s->used = false;
}

void resume_follow_change(struct files *f, const struct path *path, int fd,
                          const struct stat *before)
{
    struct sized *s = resume_sized(f, resume_key(f, path));
    struct stat st;

    if (s && s->file && s->inode == before->st_ino &&
        s->identity == resume_file_identity(before) && fstat(fd, &st) == 0)
        s->identity = resume_file_identity(&st);
}

static void resume_note_answer(struct files *f, uint64_t key, int directory,
                               const struct sized *answer)
{
    struct sized *s = &f->sized[answer->file * SIZED_MAX +
                                f->next_sized[answer->file]++ % SIZED_MAX];
    struct stat here = { 0 };

    f->forgot |= s->used && s->file;
    *s = *answer;
    resolve_known(directory, &here); /* if it fails, the answer never holds */
    s->used = true;
    s->key = key;
    s->device = here.st_dev;
    s->directory = here.st_ino;
}

void resume_note_file(struct files *f, uint64_t key, int directory,
                      const struct stat *file)
{
    resume_drop_answer(f, key); /* resume_size() may just have noted one */
    if (!S_ISREG(file->st_mode))
        return;
    resume_note_answer(f, key, directory,
                       &(struct sized){ .file = true,
                                        .inode = file->st_ino,
                                        .identity = resume_file_identity(file),
                                        .length = (uint64_t)file->st_size });
}

void resume_note_nothing(struct files *f, uint64_t key, int directory)
{
    if (f->forgot && !resume_sized(f, key))
        resume_note_answer(f, key, directory, &(struct sized){ 0 });
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

/* Reads the identity before the length, so that bytes that change in between
 * leave an answer that doesn't hold. */
static uint64_t resume_report_length(const struct files *f, int directory,
                                     int fd, struct stat *st,
                                     uint64_t *identity)
{
    const bool settled = partial_share_lock(fd) == 0;
    uint64_t length =
        fstat(fd, st) == 0 ? confirmed_length(f, directory, fd, st) : 0;
    bool made = false;

    /* Removes the record, since SIZE reports nothing to resume: the client's
     * next upload isn't a rest. If a writer has the lock, the record stays: the
     * writer may soon make bytes resumable. A hard link shares the record with
     * the original. */
    if (length == 0 && settled && !confirmed_is_elsewhere(fd, directory))
        attributes_remove(fd, ATTRIBUTE_REPORTED);
    if (length > 0)
        length = identity_give(fd, st, settled, identity, &made) == 0 &&
                         fstat(fd, st) == 0
                     ? confirmed_length(f, directory, fd, st)
                     : 0;
    if (length > 0 && settled)
        fchmod(fd, st->st_mode & 07777); /* the same mode sets the ctime */
    flock(fd, LOCK_UN); /* other sessions don't wait for the sync */
    return made && f->rules.fsync && fsync(fd) < 0 ? 0 : length;
}

uint64_t resume_size(struct files *f, uint64_t key, int directory,
                     const char *name, struct stat *st, bool *waited)
{
    FD_CLEANUP int fd = resume_open_settled(f, directory, name, waited);
    struct sized s = { 0 };

    if (fd >= 0)
        s.length = resume_report_length(f, directory, fd, st, &s.identity);
    if (s.length > 0) {
        s.inode = st->st_ino;
        resume_drop_answer(f, key); /* about the finished file */
    }
    if (s.length > 0 || (fd >= 0 && !resume_sized(f, key) &&
                         confirmed_is_elsewhere(fd, directory)))
        resume_note_answer(f, key, directory, &s);
    return s.length;
}
