/* Begins an upload, in the process files, and ends it if there is no commit.
 * Its bytes go into a partial through a handle that the session gets. A resumed
 * partial is cut at the offset; any other old partial is dropped. This process
 * never writes into a file that has its final name. */
#include "files.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "sallyport/base/clock.h"
#include "sallyport/base/fd.h"
#include "sallyport/domain/rights.h"
#include "sallyport/ftp/command.h"

#define WANTED_MS 1000

/* A request for an upload, and facts about its name. */
struct wish {
    struct path path;
    uint64_t announced; /* length of the whole file; 0: unknown */
    bool unique;        /* STOU */
    bool keep_nothing;  /* the upload is deleted if it is cut */
    enum conflict conflict;
    uint64_t left;       /* bytes that upload_bytes leaves; UINT64_MAX: no
                          * limit */
    struct stat file;    /* facts of the file that has the name */
    struct stat partial; /* facts of the own partial, which may be resumed */
    uint64_t identity;   /* of this partial */
    struct resume_facts facts;
    struct resume_plan plan;
};

/* Looks whether a file has the name. A link to a file counts as that file: the
 * upload replaces the link, and its target stays. A link that leads nowhere is
 * no regular file. */
static int upload_look_at_target(struct files *f, const struct place *at,
                                 struct wish *w)
{
    const struct own *own = own_find(f, &w->path);
    struct stat st;
    bool link;

    /* In a drop never looks the name up. But a rest of what this session has
     * stored there, or with `mine`, must not become a file. */
    w->facts.finished = w->facts.old_keeps_name = own && !w->unique;
    if (at->mount->drop)
        return 0;
    if (fstatat(at->directory, at->name, &st, AT_SYMLINK_NOFOLLOW) < 0)
        return errno == ENOENT ? 0 : -errno;
    if (resolve_hides(f, at->mount, &st))
        return 0;
    link = S_ISLNK(st.st_mode);
    if (link) {
        FD_CLEANUP int fd = resolve_open(f, path_slice(&w->path), 0, O_PATH);
        if (fd < 0 || fstat(fd, &st) < 0)
            return OUTCOME_NOT_REGULAR;
    }
    if (S_ISDIR(st.st_mode))
        return OUTCOME_IS_DIRECTORY;
    if (!S_ISREG(st.st_mode))
        return OUTCOME_NOT_REGULAR;
    if (w->unique)
        return OUTCOME_EXISTS;
    w->facts.finished = true;
    w->facts.size = (uint64_t)st.st_size;
    w->file = st;
    /* If the upload waits for inspection, the file that it continues may change
     * meanwhile. */
    w->facts.old_keeps_name =
        w->conflict == CONFLICT_RENAME || at->mount->inspect;
    return naming_permitted(at->mount, w->conflict);
}

static enum told upload_told(const struct files *f, const struct wish *w,
                             const struct sized *s, int directory)
{
    const struct resume_facts *facts = &w->facts;
    const bool forgot =
        f->forgot && mount_of(f, path_slice(&w->path))->rights & RIGHT_LIST;

    if (!s)
        return w->identity != 0 ? TOLD_ELSEWHERE
               : forgot         ? TOLD_STALE
                                : TOLD_NOTHING;
    if (s->file)
        return facts->finished && resume_holds_file(s, directory, &w->file)
                   ? TOLD_FILE
                   : TOLD_STALE;
    if (!resume_holds(s, directory, &w->partial, w->identity,
                      facts->resumable) ||
        (s->spent && facts->mode == WRITE_APPEND))
        return TOLD_STALE;
    return s->length > 0 ? TOLD_PARTIAL : TOLD_NOTHING;
}

static int upload_make_plan(struct files *f, int directory, const char *name,
                            struct wish *w)
{
    struct resume_facts *facts = &w->facts;
    char own[PARTIAL_NAME_MAX];

    /* Skips the look at the old partial for an upload of a whole file without
     * an announced length. With an announced length the bytes of the old
     * partial count as free. */
    if (facts->mode == WRITE_STORE && facts->offset == 0 && w->announced == 0)
        return OUTCOME_OK;
    partial_name(f, name, own);
    const bool in_use = partial_name_in_use(f, directory, own);
    int r = partial_resumable(f, directory, name, &w->partial, &w->identity,
                              &facts->resumable);
    if (r < 0)
        return r;
    if (w->keep_nothing)
        facts->resumable = 0;
    const struct sized *sized = resume_sized(f, resume_key(f, &w->path));
    facts->told = upload_told(f, w, sized, directory);
    facts->sized = facts->told == TOLD_PARTIAL ? sized->length : 0;
    enum outcome o = resume_decide(&w->facts, &w->plan);
    /* If another session is writing this partial, the reply is "busy": soon
     * more of the partial can be resumed, so the offset may become valid, and
     * SIZE's answer holds again; and an APPE may be the partial's rest, which
     * must not become a file of its own. */
    bool doubtful = o == OUTCOME_BAD_OFFSET || o == OUTCOME_SIZE_FIRST ||
                    (o == OUTCOME_OK && facts->mode == WRITE_APPEND &&
                     w->plan.how == RESUME_ANEW);
    return doubtful && (in_use || partial_name_in_use(f, directory, own))
               ? (int)OUTCOME_BUSY
               : (int)o;
}

/* Returns the length that upload_bytes permits. A copied head was counted when
 * its file was stored, so it doesn't count again. A partial wasn't counted
 * yet. */
static uint64_t upload_longest(const struct wish *w)
{
    uint64_t head = w->plan.how == RESUME_COPY ? w->plan.first : 0, longest;

    return __builtin_add_overflow(w->left, head, &longest) ? UINT64_MAX
                                                           : longest;
}

static int upload_check_limit(const struct files *f, const struct wish *w)
{
    uint64_t max = f->rules.max_file_size, longest = upload_longest(w);

    if (max > 0 && (w->announced > max || w->plan.first > max))
        return OUTCOME_TOO_LARGE;
    return w->announced > longest || w->plan.first > longest
               ? (int)OUTCOME_MAX_BYTES
               : 0;
}

static int upload_open_partial(const struct files *f, const struct wish *w,
                               int directory, const char *name,
                               struct upload *u)
{
    if (w->plan.how == RESUME_CUT)
        return partial_open(f, directory, name, &w->partial, w->identity,
                            w->plan.first, &u->partial);
    if (w->plan.how == RESUME_COPY) {
        /* Makes a partial that can't be resumed. While the finished file
         * exists, SIZE reports that file; when it has gone, the copied head
         * must not become the head of another file. */
        int from = resolve_open(f, path_slice(&w->path), 0,
                                O_RDONLY | O_NONBLOCK | O_NOCTTY);
        int r = from < 0 ? from : copy_init(&u->copy, from, w->plan.first);

        /* Refuses the copy if another file has the name since its check: APPE
         * would append to this file, or to a part of it. */
        if (r == 0 && !resolve_is_unchanged(&u->copy.before, &w->file))
            r = -EBUSY;
        if (r == 0)
            r = partial_new_random(f, directory, &u->partial);
        if (r == 0)
            copy_by_clone(&u->copy, u->partial.fd);
        return r;
    }
    return w->keep_nothing ? partial_new_random(f, directory, &u->partial)
                           : partial_new(f, directory, name, &u->partial);
}

/* Opens the upload's partial. If the disk is full, removes idle partials and
 * tries again; but not for a resumed upload, which makes no new file, and needs
 * its own partial. */
static int upload_open_on_full(struct files *f, const struct wish *w,
                               const struct place *at, struct upload *u)
{
    int r = upload_open_partial(f, w, at->directory, at->name, u);

    if (files_outcome(r) == OUTCOME_NO_SPACE && w->plan.how != RESUME_CUT &&
        space_remove_idle(f, at->mount, at->directory, r, 1) > 0) {
        copy_release(&u->copy);
        r = upload_open_partial(f, w, at->directory, at->name, u);
    }
    return r;
}

/* Makes room on the disk of the file or directory FD for the announced bytes
 * that are still to come, and for COPIED bytes. FREES: how many bytes of its
 * own partial the upload is about to drop. */
static int upload_make_room(struct files *f, const struct wish *w,
                            const struct mount *m, int fd, uint64_t frees,
                            uint64_t copied)
{
    uint64_t first = w->plan.first;
    uint64_t need = w->announced > first ? w->announced - first : 0;

    if (__builtin_add_overflow(need, copied, &need))
        return -ENOSPC;
    return need > frees ? space_make_room(f, m, fd, need - frees)
                        : space_ensure_floor(f, m, fd);
}

/* Returns how many bytes of its own partial the upload drops or cuts. If the
 * partial has a second name, its bytes stay. */
static uint64_t upload_frees(const struct wish *w)
{
    uint64_t held = (uint64_t)w->partial.st_blocks * 512;
    uint64_t size = (uint64_t)w->partial.st_size, first = w->plan.first;

    if (w->plan.how == RESUME_COPY || w->keep_nothing ||
        w->partial.st_nlink != 1)
        return 0;
    if (w->plan.how == RESUME_ANEW)
        return held;
    uint64_t tail = size > first ? size - first : 0;
    return held < tail ? held : tail;
}

static int upload_open_in_place(struct files *f, const struct wish *w,
                                const struct place *at, struct upload *u)
{
    uint64_t frees = upload_frees(w);
    int r;

    {
        /* Makes room before the upload drops or cuts its partial, since
         * afterwards the upload must not be refused. Holds the lock of this
         * partial meanwhile, since the partial itself may be idle: the search
         * then skips it, so its bytes don't count twice. A partial in work
         * stays. */
        const bool cuts = w->plan.how == RESUME_CUT;
        FD_CLEANUP int held =
            w->partial.st_nlink > 0 &&
                    (cuts || !partial_is_alive(at->directory, &w->partial))
                ? partial_lock_of(f, at->directory, at->name)
                : -1;

        if (held < 0 && cuts)
            return held == -ENOENT ? -EBUSY : held;
        if (held < 0)
            frees = 0;
        r = upload_make_room(f, w, at->mount, at->directory, frees, 0);
    }
    if (r != 0)
        return r;
    if (frees > 0)
        space_look_before(f, at->mount, at->directory);
    r = upload_open_on_full(f, w, at, u);
    if (r == 0 && u->partial.kind == PARTIAL_OWN)
        space_freed(f, frees);
    return r;
}

/* Opens a partial for a copied head. Refuses a copy of more than copy_max,
 * since clients don't wait long. */
static int upload_open_copy(struct files *f, const struct wish *w,
                            const struct place *at, struct upload *u)
{
    int r = upload_open_on_full(f, w, at, u);

    if (r != 0)
        return r;
    uint64_t cost = copy_cost(&u->copy), max = f->rules.copy_max;
    return max > 0 && cost > max
               ? (int)OUTCOME_COPY_TOO_LARGE
               : upload_make_room(f, w, at->mount, u->partial.fd, 0, cost);
}

/* Did this APPE begin when no file had the name, so that the name must still be
 * free at the commit? Returns false with `reject`, since the rename then fails
 * anyway; and for an upload that gets another name: in a drop, for inspection,
 * or resumed with `rename`. */
static bool upload_is_onto_nothing(const struct wish *w, const struct mount *m)
{
    if (m->drop || m->inspect || w->facts.mode != WRITE_APPEND ||
        w->conflict == CONFLICT_REJECT)
        return false;
    return w->plan.how == RESUME_ANEW ||
           (w->plan.how == RESUME_CUT && w->conflict != CONFLICT_RENAME);
}

static int upload_begin(struct files *f, uint32_t request, const struct wish *w,
                        struct place *at)
{
    struct upload *u = &f->upload;

    owner_note_disk(f, at->directory);
    int r = w->plan.how == RESUME_COPY ? upload_open_copy(f, w, at, u)
                                       : upload_open_in_place(f, w, at, u);
    if (r != 0) {
        partial_end(f, at->directory, &u->partial);
        copy_release(&u->copy);
        if (r != -EOWNERDEAD)
            return r;
        /* The disk gives new files another owner (cifs with uid=, NFS with
         * all_squash): a partial there could be neither locked nor found
         * again. */
        struct event_record e;

        files_event_begin(
            f, &e, EVENT_TROUBLE,
            "no upload is possible: the disk gives new files another "
            "owner; change its mount (uid=, all_squash)");
        event_text(&e, FIELD_PATH, path_slice(&w->path));
        event_send(&f->log, &e);
        return -EPERM;
    }
    u->mount = at->mount;
    u->directory = fd_take(&at->owned);
    u->path = w->path;
    u->conflict = w->conflict;
    u->onto_nothing = upload_is_onto_nothing(w, u->mount);
    u->mode = w->unique ? WRITE_UNIQUE : w->facts.mode;
    u->first = u->length = w->plan.first;
    u->began = u->look_at = clock_ms();
    u->unreported = true;
    u->answer = resume_key(f, &w->path);
    u->prepared = u->visible = false;
    u->wanted = w->plan.how == RESUME_CUT;
    u->shortage = 0;
    u->held[0] = '\0';
    snprintf(u->name, sizeof(u->name), "%s", at->name);
    u->open = true;
    if (w->plan.how == RESUME_ANEW)
        resume_drop_answer(f, u->answer);
    if (w->plan.how == RESUME_CUT)
        resume_follow_cut(f, u->answer, u->partial.fd, u->first);
    FD_CLEANUP int writer = partial_writer(&u->partial, u->directory);
    if (writer < 0)
        return writer;
    f->session.phase = PHASE_WRITING;
    uint64_t max = f->rules.max_file_size, longest = upload_longest(w);
    bool by_bytes = longest < UINT64_MAX && (max == 0 || longest < max);

    return ANSWER(f, file_writable, request, .first = w->plan.first,
                  .limit = by_bytes ? longest : max, .by_bytes = by_bytes,
                  .to_copy = copy_left(&f->upload.copy), .file = writer);
}

int upload_on_file_write(void *owner, struct msg_file_write *m)
{
    struct files *f = owner;
    struct wish w = { 0 };
    struct stored stored;
    PLACE_CLEANUP struct place at = PLACE_NONE;

    resolve_request(m->path, &w.path);
    w.unique = m->mode == WRITE_UNIQUE;
    w.facts.mode = w.unique ? WRITE_STORE : m->mode;
    w.facts.offset = m->offset;
    w.announced = m->announced;
    w.keep_nothing = m->keep_nothing;
    w.conflict = w.unique ? CONFLICT_REJECT
                          : naming_stricter(f->rules.on_conflict, m->conflict);
    int r = resolve_new_place(f, &w.path, RIGHT_WRITE, O_RDONLY, &at);
    if (r == 0 && at.mount->inspect && strlen(at.name) > HELD_NAME_MAX)
        r = OUTCOME_BAD_NAME;
    if (r == 0)
        r = count_check(f, 0, &stored);
    if (r == 0) {
        w.left = count_left(f, &stored);
        r = upload_look_at_target(f, &at, &w);
    }
    if (r == 0)
        r = upload_make_plan(f, at.directory, at.name, &w);
    if (r == 0)
        r = upload_check_limit(f, &w);
    if (r == 0)
        r = quota_explain(f, at.mount, at.directory, true,
                          upload_begin(f, m->request, &w, &at));
    if (r != 0)
        upload_end_as_cut(f);
    return r;
}

void upload_note_wanted(struct files *f)
{
    struct upload *u = &f->upload;

    if (u->open)
        count_note_unfinished(f);
    if (u->open && !u->wanted)
        attribute_set(u->partial.fd, ATTRIBUTE_WANTED, u->name);
    u->wanted = true;
}

int upload_wanted_ms(const struct upload *u)
{
    const uint64_t due = u->began + WANTED_MS, now = clock_ms();

    if (!u->open || u->wanted)
        return -1;
    return due > now ? (int)(due - now) : 0;
}

/* After a lack of space, makes the upload's end delete the partial, and idle
 * partials as well, so that the client's retry has more room; but no idle
 * partials if min_free was the cause, since all of them wouldn't be enough. */
int upload_note_shortage(struct files *f, int result)
{
    struct upload *u = &f->upload;

    if (space_is_short(result))
        u->partial.kind = PARTIAL_LOST;
    if (files_outcome(result) == OUTCOME_NO_SPACE)
        u->shortage = result;
    return quota_explain(f, u->mount, u->directory, false, result);
}

/* Copies one step for each request, so that the session can give up, or go,
 * between two steps. */
int upload_on_file_copy(void *owner, struct msg_file_copy *m)
{
    struct files *f = owner;
    struct upload *u = &f->upload;
    int r = upload_note_shortage(f, copy_step(&u->copy, u->partial.fd));

    return r != 0 ? r
                  : ANSWER(f, file_copied, m->request,
                           .left = copy_left(&u->copy));
}

/* Spends at most a twentieth of the time of the upload on looks. */
int upload_fits(struct files *f, uint64_t length, bool complete)
{
    struct upload *u = &f->upload;
    const uint64_t began = clock_ms();
    const uint64_t counted = u->copy.len;
    int r = count_others(f, length > counted ? length - counted : 0, complete);

    u->look_at = clock_ms() + 20 * (clock_ms() - began);
    return r;
}

int upload_go_on(struct files *f)
{
    return partial_go_on(f, f->upload.directory, &f->upload.partial);
}

int upload_on_file_rest(void *owner, struct msg_file_rest *m)
{
    struct files *f = owner;
    struct upload *u = &f->upload;

    upload_note_wanted(f);
    int r =
        u->prepared ? 0 : upload_note_shortage(f, partial_rest(f, &u->partial));
    if (u->partial.rests)
        u->length = (uint64_t)u->partial.rested.st_size;
    return r != 0 ? r : ANSWER(f, done, m->request);
}

int upload_on_file_go_on(void *owner, struct msg_file_go_on *m)
{
    struct files *f = owner;
    struct upload *u = &f->upload;
    int r = upload_go_on(f);

    u->prepared = false; /* the session gets a handle again */
    FD_CLEANUP int writer =
        r == 0 ? partial_writer(&u->partial, u->directory) : -1;

    if (writer == -ENOENT || writer == -EBUSY)
        r = OUTCOME_PARTIAL_TAKEN;
    else if (r == 0 && writer < 0)
        r = writer;
    return r != 0 ? r : ANSWER(f, file_again, m->request, .file = writer);
}

int upload_on_file_sync(void *owner, struct msg_file_sync *m)
{
    struct files *f = owner;
    struct upload *u = &f->upload;
    int r = upload_go_on(f);
    struct stat st;

    if (r == 0)
        r = space_ensure_floor(f, u->mount, u->directory);
    if (r == 0 && clock_ms() >= u->look_at && fstat(u->partial.fd, &st) == 0)
        r = upload_fits(f, (uint64_t)st.st_size, false);
    if (r == 0) {
        upload_note_wanted(f);
        r = partial_confirm(f, &u->partial);
    }
    r = upload_note_shortage(f, r);
    return r != 0 ? r : ANSWER(f, done, m->request);
}

/* Answers with the quota as it is now, with this upload's bytes. Partials are
 * removed only when the upload ends. */
int upload_on_file_full(void *owner, struct msg_file_full *m)
{
    struct files *f = owner;

    return upload_note_shortage(f, m->over_quota ? -EDQUOT : -ENOSPC);
}

void upload_close(struct files *f)
{
    f->upload.open = false;
    copy_release(&f->upload.copy);
    fd_close(&f->upload.directory);
    f->session.phase = PHASE_IDLE;
}

void upload_end_as_cut(struct files *f)
{
    struct upload *u = &f->upload;
    struct stat st;

    if (!u->open)
        return;
    upload_go_on(f);
    if (fstat(u->partial.fd, &st) == 0)
        u->length = (uint64_t)st.st_size;
    if (u->partial.kind == PARTIAL_OWN) {
        upload_note_wanted(f);
        const uint64_t rest = resume_length(u->length);
        if (rest > 0 && upload_fits(f, rest, false) > 0)
            u->partial.kind = PARTIAL_LOST;
    }
    partial_end(f, u->directory, &u->partial);
    struct sized *sized = resume_sized(f, u->answer);
    if (sized)
        sized->spent |= u->length > u->first;
    if (u->shortage != 0)
        space_remove_idle(f, u->mount, u->directory, u->shortage, UINT64_MAX);
    upload_close(f);
}

int upload_on_file_abort(void *owner, struct msg_file_abort *m)
{
    struct files *f = owner;

    if (m->worthless)
        f->upload.partial.kind = PARTIAL_LOST;
    upload_end_as_cut(f);
    return ANSWER(f, done, m->request);
}

static const enum verb verbs[WRITE_MODE_COUNT] = {
    [WRITE_STORE] = VERB_STOR,
    [WRITE_APPEND] = VERB_APPE,
    [WRITE_UNIQUE] = VERB_STOU,
};

/* Logs the upload of a session that died: only this process knows path and
 * length. A session that leaves by itself reports its transfer, even in the
 * middle of it: never call this then, or there would be two events. */
void upload_report_death(struct files *f)
{
    const struct upload *u = &f->upload;
    const char *complete = !u->visible  ? ""
                           : u->held[0] ? "; the file is kept for inspection"
                                        : "; the file is complete";
    struct event_record r;
    char reason[80];

    snprintf(reason, sizeof(reason), "the session died: signal %d%s", f->died,
             complete);
    files_event_begin(f, &r, EVENT_TRANSFER, reason);
    event_text(&r, FIELD_VERB, slice_from(command_name(verbs[u->mode])));
    event_text(&r, FIELD_PATH, path_slice(&u->path));
    event_number(&r, FIELD_BYTES,
                 u->length > u->first ? u->length - u->first : 0);
    if (u->first > 0)
        event_number(&r, FIELD_FROM, u->first);
    event_number(&r, FIELD_MS, clock_ms() - u->began);
    event_number(&r, FIELD_RESULT, 0);
    if (u->held[0])
        event_text(&r, FIELD_HELD, slice_from(u->held));
    event_send(&f->log, &r);
}
