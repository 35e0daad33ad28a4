/* Counts the files and bytes that a user has stored, in the process files. The
 * count is an attribute of the home, also for files in shares. A deleted file
 * still counts. The process holds the home's lock while it counts. */
#include "files.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/xattr.h>
#include <unistd.h>

/* On a network disk opens a lock file, since most network disks keep the lock
 * of a directory on one machine. Call it before the sandbox closes, which may
 * permit no writing in the home. If the lock file can't be opened, uploads are
 * refused; everything else works. */
int count_open(struct files *f, int home)
{
    if (f->rules.uploads == 0 && f->rules.upload_bytes == 0)
        return 0;
    f->counter = resolve_in(home, ".", O_RDONLY | O_DIRECTORY, 0);
    if (f->counter < 0)
        return f->counter;
    owner_note_disk(f, f->counter);
    f->counter_lock =
        f->locks_die ? lock_make_file(f, &f->mount[0], home) : f->counter;
    return 0;
}

static int count_begin(const struct files *f)
{
    return f->counter_lock < 0 ? f->counter_lock
                               : lock_open_file(f, f->counter_lock);
}

uint64_t count_left(const struct files *f, const struct stored *stored)
{
    const uint64_t most = f->rules.upload_bytes;

    if (most == 0)
        return UINT64_MAX;
    return most > stored->bytes ? most - stored->bytes : 0;
}

/* Converts an error of the home's disk to -EIO, since the error says nothing
 * about the disk of the upload. Reports the error once in a session. */
static int count_failed(struct files *f, int r)
{
    struct event_record e;

    if (f->no_count)
        return -EIO;
    f->no_count = true;
    files_event_begin(
        f, &e, EVENT_TROUBLE,
        "uploads can't be counted: the attribute " STORED_ATTRIBUTE
        " of the home can't be used");
    event_number(&e, FIELD_NUMBER, (uint64_t)-r);
    event_send(&f->log, &e);
    return -EIO;
}

int count_check(struct files *f, uint64_t bytes, struct stored *ret)
{
    const uint64_t most = f->rules.uploads;
    char text[STORED_TEXT_MAX];
    int r = 0;

    *ret = (struct stored){ 0 };
    if (f->counter < 0)
        return 0;
    ssize_t len = fgetxattr(f->counter, STORED_ATTRIBUTE, text, sizeof(text));
    if (len >= 0)
        r = stored_parse((struct slice){ text, (size_t)len }, ret);
    else if (errno != ENODATA)
        r = -errno;
    if (r < 0)
        return count_failed(f, r);
    if (most > 0 && ret->files >= most)
        return OUTCOME_MAX_FILES;
    const uint64_t left = count_left(f, ret);
    return left == 0 || bytes > left ? (int)OUTCOME_MAX_BYTES : 0;
}

static int count_set(struct files *f, const struct stored *stored)
{
    char text[STORED_TEXT_MAX];
    size_t len = stored_text(stored, text);

    return fsetxattr(f->counter, STORED_ATTRIBUTE, text, len, 0) < 0
               ? count_failed(f, -errno)
               : 0;
}

void count_back(struct files *f, uint64_t bytes)
{
    struct stored stored;

    if (f->counter < 0 || count_begin(f) != 0)
        return;
    count_check(f, 0, &stored);
    if (stored.files > 0) {
        stored.files--;
        stored.bytes -= bytes < stored.bytes ? bytes : stored.bytes;
        count_set(f, &stored);
    }
    flock(f->counter_lock, LOCK_UN);
}

/* Releases the counter's lock before the sync, since the home's disk may be
 * slow. */
int count_one(struct files *f, uint64_t *bytes)
{
    struct stored stored;
    int r = f->counter < 0 ? 0 : count_begin(f);

    if (f->counter < 0 || r == -EBUSY)
        return r;
    if (r != 0)
        return count_failed(f, r);
    r = count_check(f, *bytes, &stored);
    stored.files++;
    stored.bytes += *bytes;
    if (r == 0)
        r = count_set(f, &stored);
    flock(f->counter_lock, LOCK_UN);
    if (r == 0 && f->rules.fsync && fsync(f->counter) < 0) {
        r = count_failed(f, -errno);
        count_back(f, *bytes);
    }
    return r;
}
