/* How an upload goes on and ends, in the process files: FILE_BEGIN to
 * FILE_COMMIT or FILE_ABORT. The name appears by a rename (place.c), when
 * length, limit, disk and folder agree; else nothing that is visible changes.
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "errors.h"
#include "idle.h"
#include "place.h"
#include "request.h"
#include "resolve.h"
#include "sallyport/base/fd.h"

#define ROOM_MIN (UINT64_C(32) << 20) /* else each block would ask again */

/* Each answer of SIZE counts for one upload: until its first byte is there, and
 * not until it is refused, or who asks again would begin anew with a rest. */
void upload_forget_told(struct files *f, const struct upload *u)
{
    told_set(&f->told, f->name_key, u->folder, u->name, 0, 0);
}

static int begin_bytes(struct files *f)
{
    struct upload *u = &f->upload;

    if (!u->partial.waits)
        return 0;
    upload_forget_told(f, u);
    int r = partial_begin(f, u->folder, u->name, u->first, &u->partial);
    if (r == 0 && copy_left(&u->copy) > 0)
        copy_by_clone(&u->copy, u->partial.fd);
    return r;
}

int serve_begin(struct files *f, const struct packet *p)
{
    int r = begin_bytes(f);

    return r != 0 ? r : answer_done(f, p);
}

/* One step for each request: between two of them the session can give up, and
 * when it is gone nobody asks for the next. */
int serve_copy(struct files *f, const struct packet *p)
{
    struct upload *u = &f->upload;
    int r = begin_bytes(f);

    if (r == 0)
        r = copy_step(&u->copy, u->partial.fd);
    while (errors_outcome(r) == OUTCOME_NO_SPACE &&
           idle_remove_beside(f, u->folder, copy_left(&u->copy)))
        r = copy_step(&u->copy, u->partial.fd);
    if (r == 0)
        answer(f, p,
               &(struct packet){
                   .message = MSG_FILE_COPIED,
                   .value = { NUMBER(copy_left(&u->copy)) },
               });
    return r;
}

int serve_sync(struct files *f, const struct packet *p)
{
    int r = partial_confirm(f, &f->upload.partial);

    return r != 0 ? r : answer_done(f, p);
}

/* The disk is full in the midst of it. */
int serve_room(struct files *f, const struct packet *p)
{
    struct upload *u = &f->upload;
    uint64_t need = p->value[0].number;

    if (idle_remove_beside(f, u->folder, need > ROOM_MIN ? need : ROOM_MIN))
        return answer_done(f, p);
    u->partial.lost = true;
    return OUTCOME_NO_SPACE;
}

static int check_length(const struct files *f, uint64_t length)
{
    struct stat st;

    if (fstat(f->upload.partial.fd, &st) < 0)
        return -errno;
    if ((uint64_t)st.st_size != length || copy_left(&f->upload.copy) > 0)
        return OUTCOME_INCOMPLETE;
    if (f->rules.max_file_size > 0 && length > f->rules.max_file_size)
        return OUTCOME_TOO_LARGE;
    return 0;
}

static void forget(struct files *f)
{
    f->upload.open = false;
    copy_release(&f->upload.copy);
    fd_close(&f->upload.folder);
    f->session.phase = PHASE_IDLE;
}

/* Another session may have renamed it, and made another one of its name. */
static int is_where_told(const struct files *f, const struct upload *u)
{
    PLACE_CLEANUP struct place at = PLACE_NONE;
    struct stat there, open;
    int r = place_find(f, &u->path, O_PATH, &at);

    if (fstat(u->folder, &open) < 0)
        return -errno;
    if (r == -ENOENT || r == -ENOTDIR || r == -EACCES)
        return open.st_nlink > 0 ? (int)OUTCOME_MOVED : r;
    if (r != 0)
        return r;
    if (fstat(at.folder, &there) < 0)
        return -errno;
    return there.st_ino == open.st_ino && there.st_dev == open.st_dev
               ? 0
               : (int)OUTCOME_MOVED;
}

/* What else was begun of that name is the head of another file. */
static void forget_others(struct files *f, const struct upload *u)
{
    partial_forget(f, u->folder, u->name);
    upload_forget_told(f, u);
}

/* Where ctime counts in seconds, copy_unchanged() can miss that another upload
 * has replaced the file. */
static int copy_is_named(const struct files *f, const struct upload *u)
{
    FD_CLEANUP int fd = resolve_open(f, u->path.bytes, O_PATH);
    struct stat st;

    if (fd < 0 || fstat(fd, &st) < 0)
        return OUTCOME_CHANGED;
    return st.st_ino == u->copy.before.st_ino &&
                   st.st_dev == u->copy.before.st_dev
               ? 0
               : (int)OUTCOME_CHANGED;
}

/* Of two appends to one file, the second one to come here must see what the
 * first one did: so from the look to the rename it is one at a time. */
static int place_copy(const struct files *f, struct upload *u)
{
    int r = place_lock(f, u->folder);

    if (r < 0)
        return r;
    r = copy_unchanged(&u->copy);
    if (r == 0)
        r = copy_is_named(f, u);
    if (r == 0)
        r = place_upload(f, u);
    place_unlock(u->folder);
    return r;
}

static int make_visible(struct files *f, struct upload *u)
{
    int r = begin_bytes(f);

    if (r == 0)
        r = check_length(f, u->length);
    if (r == 0)
        r = partial_complete(f, &u->partial);
    if (r == 0)
        r = is_where_told(f, u);
    if (r != 0)
        return r;
    return u->copy.from >= 0 ? place_copy(f, u) : place_upload(f, u);
}

int serve_commit(struct files *f, const struct packet *p)
{
    struct upload *u = &f->upload;

    u->length = p->value[0].number;
    int r = make_visible(f, u);
    u->partial.lost |= errors_outcome(r) == OUTCOME_NO_SPACE;
    if (r != 0) {
        upload_cut(f);
        return r;
    }
    u->stands = true;
    fd_close(&u->partial.fd);
    forget_others(f, u);
    if (f->rules.fsync && fsync(u->folder) < 0)
        r = OUTCOME_STANDS;
    forget(f);
    if (r == 0)
        answer(f, p,
               &(struct packet){
                   .message = MSG_FILE_STORED,
                   .value = { TEXT(path_slice(&u->path)) },
               });
    return r;
}

int serve_abort(struct files *f, const struct packet *p)
{
    if (p->value[0].number != 0 && !f->upload.partial.waits)
        partial_delete(f->upload.folder, &f->upload.partial);
    upload_cut(f);
    return answer_done(f, p);
}

void upload_cut(struct files *f)
{
    struct stat st;

    if (!f->upload.open)
        return;
    if (!f->upload.partial.waits && fstat(f->upload.partial.fd, &st) == 0)
        f->upload.length = (uint64_t)st.st_size;
    partial_end(f, f->upload.folder, &f->upload.partial);
    forget(f);
}
