/* The commit of an upload, in the process files: checks its length, the limits,
 * the disk and the directory, then makes the file appear by a rename
 * (naming.c). If a check fails, nothing visible changes. */
#include "files.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sallyport/base/clock.h"
#include "sallyport/base/fd.h"

/* Time to wait for processes that are reading the partial. */
#define WRITERS_MS      500
#define WRITERS_STEP_MS 10

/* Checks the length of the partial. After the sync only the session, on this
 * machine, can have written to the partial, so a network disk isn't asked
 * again. */
static int commit_check_length(const struct files *f, uint64_t length)
{
    const struct upload *u = &f->upload;
    struct stat st;
    int r = u->prepared ? resolve_known(u->partial.fd, &st)
                        : resolve_fresh(u->partial.fd, &st);

    if (r < 0)
        return r;
    if ((uint64_t)st.st_size != length || copy_left(&f->upload.copy) > 0)
        return OUTCOME_INCOMPLETE;
    if (f->rules.max_file_size > 0 && length > f->rules.max_file_size)
        return OUTCOME_TOO_LARGE;
    return 0;
}

/* Deletes the own partial of NAME, which belongs to an old version now, unless
 * it is the upload's partial. Only one partial can have the own name: if the
 * upload's partial had it, there is no other partial. */
static void commit_forget_others(struct files *f, const struct upload *u,
                                 const char *name)
{
    char own[PARTIAL_NAME_MAX];

    partial_name(f, name, own);
    if (strcmp(own, u->partial.name) != 0)
        partial_forget(f, u->directory, name);
}

/* Checks that the file that this upload continues hasn't changed since the
 * upload first looked at it. If no file had the name when this APPE began, but
 * a file has it now, the client didn't mean this file. */
static int commit_check_base(const struct files *f, const struct upload *u)
{
    struct stat st;

    if (!partial_is_there(u->directory, &u->partial))
        return OUTCOME_PARTIAL_TAKEN;
    if (u->copy.from >= 0) {
        /* Compares device and inode, too: if a file system counts ctime in
         * whole seconds, copy_unchanged() can miss that another upload has
         * replaced the file. */
        FD_CLEANUP int fd = resolve_open(f, path_slice(&u->path), 0, O_PATH);
        if (fd < 0 || resolve_known(fd, &st) < 0 ||
            !resolve_is_same(&st, &u->copy.before))
            return OUTCOME_CHANGED;
        return copy_unchanged(&u->copy);
    }
    if (!u->onto_nothing)
        return 0;
    if (fstatat(u->directory, u->name, &st, AT_SYMLINK_NOFOLLOW) == 0)
        return resolve_hides(f, u->mount, &st) ? 0 : (int)OUTCOME_CHANGED;
    return errno == ENOENT ? 0 : -errno;
}

/* Removes three attributes before the rename: the mark, so that no upload
 * continues a partial that may already have its final name; and the client's
 * name and the directory, so that the finished file doesn't change any more.
 * Removes the record of SIZE's answer only after the rename: if the process
 * died in between, a client's rest could become the whole file. */
static int commit_name(const struct files *f, struct upload *u)
{
    const int fd = u->partial.fd;
    const unsigned has = attributes_of(fd);

    if (u->partial.locks_die && (u->partial.claimed || has & ATTRIBUTE_OWNER) &&
        !owner_is_ours(&u->partial))
        return OUTCOME_PARTIAL_TAKEN;
    attributes_remove(
        fd, has & (ATTRIBUTE_MARK | ATTRIBUTE_WANTED | ATTRIBUTE_DIRECTORY));
    owner_release(&u->partial);
    fd_close(&u->copy.from); /* the rename may replace the copied file */
    u->partial.named = true;
    int r = naming_upload(f, u);
    /* The partial has gone since the last look: another machine has removed
     * it. */
    if (r == -ENOENT && !partial_is_there(u->directory, &u->partial))
        r = OUTCOME_PARTIAL_TAKEN;
    if (r != 0) {
        u->wanted = false; /* a partial that is kept gets the attribute again */
        if (u->partial.linked) /* its other name may be visible */
            u->partial.kind = PARTIAL_LOST;
        return r;
    }
    attributes_remove(fd, has & (ATTRIBUTE_STALE | ATTRIBUTE_REPORTED));
    return 0;
}

static int commit_publish(struct files *f, struct upload *u)
{
    /* Doesn't count the copied head again: it was counted when the old file was
     * stored, and the upload replaces the old file. */
    uint64_t bytes = u->length - u->copy.len;
    int r = count_one(f, &bytes);

    if (r != 0)
        return r;
    {
        /* Locks the directory from the checks to the rename: if two sessions
         * write one name, the second one must see what the first one did. */
        LOCK_CLEANUP struct lock lock = LOCK_NONE;
        r = lock_place(f, u->mount, &u->path, u->directory, &lock);
        if (r == 0)
            r = commit_check_base(f, u);
        if (r == 0)
            r = commit_name(f, u);
    }
    /* Keeps the count if the file got its name, even if a look at the file then
     * failed, or another session has taken the name since. */
    if (r == (int)OUTCOME_PARTIAL_TAKEN ||
        (r != 0 &&
         (!u->partial.named || partial_is_there(u->directory, &u->partial))))
        count_back(f, bytes);
    return r;
}

/* Checks that no process can still write to the file: a session that kept its
 * handle could change the file after the inspection. Takes a lease for this,
 * which the kernel gives only if nobody else has the file open. A reader, such
 * as another session's SIZE, prevents the lease, too, but not for long. Returns
 * 0; -EBUSY: somebody still has the file open; or another -errno. */
static int commit_check_writers(const struct files *f, int fd)
{
    uint64_t end = clock_ms() + WRITERS_MS;

    while (fcntl(fd, F_SETLEASE, F_WRLCK) < 0) {
        const int error = errno;

        if (fd_has_no_leases(fd, error))
            return 0;
        if (error != EAGAIN)
            return -error;
        if (clock_ms() >= end || files_peer_gone_within(f, WRITERS_STEP_MS))
            return -EBUSY;
    }
    return fcntl(fd, F_SETLEASE, F_UNLCK) < 0 ? -errno : 0;
}

static int commit_prepare(struct files *f, struct upload *u, uint64_t length)
{
    int r = upload_go_on(f);

    u->length = length;
    if (r != 0)
        return r;
    if (u->prepared)
        return commit_check_length(f, length);
    if (u->mount->inspect)
        r = commit_check_writers(f, u->partial.fd);
    if (r == 0)
        r = commit_check_length(f, length);
    if (r == 0 && !count_is_settled(f))
        r = upload_fits(f, length, true);
    if (r == 0)
        r = partial_complete(f, &u->partial, u->mount->file_mode);
    if (r == 0)
        r = space_ensure_floor(f, u->mount, u->directory);
    u->prepared = r == 0;
    return upload_note_shortage(f, r);
}

/* Does the slow part of a commit. The rename is another request, so that the
 * session can look in between whether its client is still there. */
int commit_on_file_prepare(void *owner, struct msg_file_prepare *m)
{
    struct files *f = owner;
    int r = commit_prepare(f, &f->upload, m->length);

    return r != 0 ? r : ANSWER(f, done, m->request);
}

int commit_on_file_commit(void *owner, struct msg_file_commit *m)
{
    struct files *f = owner;
    struct upload *u = &f->upload;
    char wanted[NAME_MAX + 1]; /* u->name before the rename */

    snprintf(wanted, sizeof(wanted), "%s", u->name);
    int r = commit_prepare(f, u, m->length);
    if (r == 0)
        r = upload_note_shortage(f, commit_publish(f, u));
    /* Deletes the partial of an APPE that found a new file of its name: the
     * partial is a tail, and must not become the head of the next upload.
     * Deletes a partial also if a limit of the count is reached, or the disk
     * can't have the name. */
    if (r == (int)OUTCOME_MAX_FILES || r == (int)OUTCOME_MAX_BYTES ||
        r == (int)OUTCOME_BAD_NAME ||
        (r == (int)OUTCOME_CHANGED && u->first == 0))
        u->partial.kind = PARTIAL_LOST;
    if (r != 0) {
        upload_end_as_cut(f);
        return r;
    }
    u->visible = true;
    own_store(f, wanted);
    fd_close(&u->partial.fd);
    if (u->partial.linked && partial_is_there(u->directory, &u->partial))
        unlinkat(u->directory, u->partial.name, 0);
    resume_drop_answer(f, u->answer);
    commit_forget_others(f, u, wanted);
    if (strcmp(wanted, u->name) != 0)
        commit_forget_others(f, u, u->name);
    resume_drop_answer(f, resume_key(f, &u->path));
    bool unsafe = f->rules.fsync && fsync(u->directory) < 0;
    /* No lock keeps a local program from renaming the directory, nor anybody
     * one above it. */
    const int leads = u->held[0] ? 0 : resolve_leads(f, &u->path, u->directory);
    upload_close(f);
    if (leads == (int)OUTCOME_MOVED || leads == -ENOENT)
        return OUTCOME_STORED_MOVED;
    if (unsafe && !u->held[0])
        return OUTCOME_STORED_UNSAFE;
    ANSWER(f, file_stored, m->request, .path = path_slice(&u->path),
           .held = slice_from(u->held), .unsafe = unsafe);
    return 0;
}
