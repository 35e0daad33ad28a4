/* Each system call of the process files fails once: it returns an error, or the
 * process is killed. Afterwards the directory has the old state or the new one,
 * each visible file is whole, an outcome OK is true, the counter counts the
 * visible files, and the client's retry succeeds and leaves no partial. */
#include <sys/xattr.h>

#include "peer.h"
#include "support/long.h"
#include "support/nth.h"

#define K       1024u
#define OLD_LEN (70 * K)
#define CUT_LEN (100 * K)
#define NEW_LEN (130 * K)
#define NEW     2 /* the seed of the upload */
#define PLENTY  1000000

struct world {
    struct peer p;
    struct nth *nth;
    const struct scenario *s;
    char directory[16];
    unsigned runs;
    struct stored counted;
};

/* Counts the files in the directory that a client can see, or that wait for
 * inspection. */
struct seen {
    unsigned old, new, torn, held;
    bool f_is_old, f_is_new;
};

struct scenario {
    const char *name;
    enum conflict conflict;
    const char *mount; /* "": the home */
    unsigned rights;   /* in this mount; 0: all */
    unsigned old_seed; /* of the old file f; 0: there is none */
    bool counts;
    bool uploads; /* a failed sync must be reported */
    void (*before)(struct world *w);
    int (*work)(struct world *w);
    bool (*is_right)(const struct seen *s, bool ok);
};

/* Returns the virtual path of NAME in the directory of this run. */
static const char *path_of(const struct world *w, const char *name)
{
    static char out[4][64];
    static int turn;

    turn = (turn + 1) % 4;
    snprintf(out[turn], sizeof(out[turn]), "%s%s/%s", w->s->mount, w->directory,
             name);
    return out[turn];
}

static const char *on_disk(const struct world *w, const char *name)
{
    static char out[4][96];
    static int turn;

    turn = (turn + 1) % 4;
    snprintf(out[turn], sizeof(out[turn]), "%s%s/%s",
             w->s->mount[0] ? SHARE : "", w->directory, name);
    return out[turn];
}

/* The work of the scenarios */

/* Sends the bytes from FIRST on as a session does, and commits the upload; or
 * aborts it if a request before the commit fails. */
static int send_rest(struct world *w, int fd, uint64_t first)
{
    struct peer *p = &w->p;
    uint64_t half = first + (NEW_LEN - first) / 2;

    put_pattern(fd, first, half, NEW);
    int r = ask_sync(p);
    put_pattern(fd, half, NEW_LEN, NEW);
    close(fd);
    if (r == OUTCOME_OK)
        r = ask_prepare(p, NEW_LEN);
    if (r != OUTCOME_OK) {
        ask_abort(p);
        return r;
    }
    r = ask_commit(p, NEW_LEN);
    return r == OUTCOME_OK && p->unsafe ? (int)OUTCOME_STORED_UNSAFE : r;
}

/* Uploads f. If the copy fails, aborts the upload, as a session does. */
static int send_file(struct world *w, enum write_mode mode)
{
    struct peer *p = &w->p;
    struct msg_file_writable to;
    int r = ask_open(
        p,
        MESSAGE_BODY(file_write, NEXT(p), .path = slice_from(path_of(w, "f")),
                     .mode = mode, .offset = 0, .announced = 0,
                     .keep_nothing = false, .conflict = CONFLICT_OVERWRITE),
        &to);

    if (r != OUTCOME_OK)
        return r;
    while (r == OUTCOME_OK && to.to_copy > 0)
        r = ask_copy(p, &to.to_copy);
    if (r == OUTCOME_OK)
        return send_rest(w, to.file, to.first);
    close(to.file);
    ask_abort(p);
    return r;
}

static int store(struct world *w)
{
    return send_file(w, WRITE_STORE);
}

/* Plays STOU. A taken name is no failure, since a session would try another
 * name. */
static int store_unique(struct world *w)
{
    int r = send_file(w, WRITE_UNIQUE);

    return r == OUTCOME_EXISTS && disk_has(&w->p, on_disk(w, "f"))
               ? (int)OUTCOME_OK
               : r;
}

/* Plays a client that resumes: it asks for the length first. */
static int append_rest(struct world *w)
{
    int r = ask_facts(&w->p, path_of(w, "f"), FACTS_FOR_SIZE);

    if (r != OUTCOME_OK && r != OUTCOME_NOT_FOUND)
        return r;
    if (r == OUTCOME_OK && w->p.are.size == NEW_LEN)
        return OUTCOME_OK;
    return send_file(w, r == OUTCOME_OK ? WRITE_APPEND : WRITE_STORE);
}

#define LOWER (10 * K)

/* Plays a client that sends a REST below the length that SIZE reports. If the
 * partial is gone, the client begins again. */
static int store_from_below(struct world *w)
{
    struct peer *p = &w->p;
    int fd, r = ask_write(p, path_of(w, "f"), WRITE_STORE, LOWER, 0, &fd);

    if (r == OUTCOME_BAD_OFFSET)
        return store(w);
    return r == OUTCOME_OK ? send_rest(w, fd, p->first) : r;
}

static int cut_and_abort(struct world *w)
{
    int r = ask_upload(&w->p, path_of(w, "f"), WRITE_STORE, 0, CUT_LEN, NEW);

    return r == OUTCOME_OK ? ask_abort(&w->p) : r;
}

static int delete(struct world *w)
{
    int r = ask_path(&w->p, MSG_file_delete, path_of(w, "f"));

    return r == OUTCOME_NOT_FOUND && !disk_has(&w->p, on_disk(w, "f"))
               ? (int)OUTCOME_OK
               : r;
}

static int rename_onto(struct world *w)
{
    int r = ask_rename(&w->p, path_of(w, "g"), path_of(w, "f"));

    return r == OUTCOME_NOT_FOUND && !disk_has(&w->p, on_disk(w, "g"))
               ? (int)OUTCOME_OK
               : r;
}

static void cut(struct world *w)
{
    DONE(cut_and_abort(w));
}

/* Cuts an upload, and gives the partial other bytes than the upload's from
 * LOWER on. */
static void cut_of_other(struct world *w)
{
    int fd;

    cut(w);
    fd = open(disk_path(&w->p, disk_partial(&w->p, on_disk(w, ""))), O_WRONLY);
    cr_assert_geq(fd, 0);
    put_pattern(fd, LOWER, 64 * K, NEW + 1);
    close(fd);
}

static void make_g(struct world *w)
{
    disk_fill(&w->p, on_disk(w, "g"), NEW_LEN, NEW);
}

/* The right states */

static bool new_or_nothing(const struct seen *s, bool ok)
{
    return s->old == 0 && s->new <= 1 && (s->f_is_new || (!ok && s->new == 0));
}

static bool new_over_old(const struct seen *s, bool ok)
{
    return s->old + s->new == 1 && (s->f_is_new || (!ok && s->f_is_old));
}

/* There can be several new files, since an earlier try can succeed without an
 * answer. */
static bool new_beside_old(const struct seen *s, bool ok)
{
    return s->f_is_old && s->old == 1 && (!ok || s->new > 0);
}

static bool new_under_some_name(const struct seen *s, bool ok)
{
    return s->old == 0 && s->held == 0 && (!ok || s->new > 0);
}

static bool new_is_held(const struct seen *s, bool ok)
{
    return s->old == 0 && s->new == 0 && (!ok || s->held > 0);
}

static bool nothing_visible(const struct seen *s, bool ok)
{
    (void)ok;
    return s->old == 0 && s->new == 0;
}

static bool old_or_nothing(const struct seen *s, bool ok)
{
    return s->new == 0 && s->old == (s->f_is_old ? 1 : 0) &&
           !(ok && s->f_is_old);
}

/* The bytes of g exist exactly once, as g or as f. The old file exists until g
 * replaces it. */
static bool g_is_kept(const struct seen *s, bool ok)
{
    return s->new == 1 && s->old <= 1 && (ok ? s->f_is_new : true) &&
           (s->f_is_new || s->f_is_old);
}

#define HOME       .mount = ""
#define THE_SHARE  .mount = "/contracts", .rights = RIGHT_ALL
#define THE_DROP   .mount = "/contracts", .rights = RIGHT_WRITE
#define INSPECTION .mount = "", .rights = RIGHT_ALL | RIGHT_INSPECT

static const struct scenario scenarios[] = {
    { "a new file", HOME, .uploads = true, .work = store,
      .is_right = new_or_nothing },
    { "over an old file", HOME, .old_seed = 1, .uploads = true, .work = store,
      .is_right = new_over_old },
    { "beside an old file", CONFLICT_RENAME, HOME, .old_seed = 1,
      .uploads = true, .work = store, .is_right = new_beside_old },
    { "STOU", HOME, .uploads = true, .work = store_unique,
      .is_right = new_or_nothing },
    { "a resumed upload", HOME, .uploads = true, .before = cut,
      .work = append_rest, .is_right = new_or_nothing },
    { "from below what can be resumed", HOME, .uploads = true,
      .before = cut_of_other, .work = store_from_below,
      .is_right = new_or_nothing },
    { "a whole upload after a cut", HOME, .uploads = true, .before = cut,
      .work = store, .is_right = new_or_nothing },
    { "onto a finished file", HOME, .old_seed = NEW, .uploads = true,
      .work = append_rest, .is_right = new_over_old },
    { "in a share", THE_SHARE, .old_seed = 1, .uploads = true, .work = store,
      .is_right = new_over_old },
    { "in a drop", THE_DROP, .uploads = true, .work = store,
      .is_right = new_under_some_name },
    { "with uploads", HOME, .uploads = true, .counts = true, .work = store,
      .is_right = new_or_nothing },
    { "beside an old file with uploads", CONFLICT_RENAME, HOME, .old_seed = 1,
      .uploads = true, .counts = true, .work = store,
      .is_right = new_beside_old },
    { "with uploads in a share", THE_SHARE, .uploads = true, .counts = true,
      .work = store, .is_right = new_or_nothing },
    { "for inspection", INSPECTION, .uploads = true, .work = store,
      .is_right = new_is_held },
    { "a cut", HOME, .work = cut_and_abort, .is_right = nothing_visible },
    { "DELE", HOME, .old_seed = 1, .work = delete, .is_right = old_or_nothing },
    { "RNTO over a file", HOME, .old_seed = 1, .before = make_g,
      .work = rename_onto, .is_right = g_is_kept },
};

/* One run */

static void look_at(const struct world *w, const char *name, struct seen *ret)
{
    struct peer *p = (struct peer *)(uintptr_t)&w->p;
    const char *path = on_disk(w, name);
    bool new = disk_is(p, path, NEW_LEN, NEW);
    bool old =
        !new && w->s->old_seed &&disk_is(p, path, OLD_LEN, w->s->old_seed);

    if (strstr(name, ".held-") && new) {
        ret->held++;
        return;
    }
    ret->new += new;
    ret->old += old;
    ret->torn += !new && !old;
    if (strcmp(name, "f") == 0) {
        ret->f_is_old = old;
        ret->f_is_new = new;
    }
}

/* Counts the files in the directory. *partials: the number of partials with
 * bytes; an empty partial takes no space. */
static struct seen look(const struct world *w, unsigned *partials)
{
    struct peer *p = (struct peer *)(uintptr_t)&w->p;
    DIR *d = opendir(disk_path(p, on_disk(w, "")));
    struct seen s = { 0 };
    struct dirent *e;
    struct stat st;

    *partials = 0;
    cr_assert_not_null(d);
    while ((e = readdir(d)))
        if (partial_is_name(e->d_name))
            *partials +=
                fstatat(dirfd(d), e->d_name, &st, 0) == 0 && st.st_size > 0;
        else if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0 &&
                 e->d_name[0] != 'z')
            look_at(w, e->d_name, &s);
    closedir(d);
    return s;
}

static struct stored count_of(const struct world *w)
{
    char text[STORED_TEXT_MAX];
    ssize_t len = getxattr(w->p.home, STORED_ATTRIBUTE, text, sizeof(text));
    struct stored stored = { 0 };

    if (len >= 0)
        cr_assert_eq(stored_parse((struct slice){ text, (size_t)len }, &stored),
                     0);
    return stored;
}

static void make_directory(struct world *w)
{
    if (w->s->rights == RIGHT_WRITE) { /* a drop has no directories */
        disk_empty(&w->p, on_disk(w, ""));
    } else {
        /* Each directory adds calls to the look for unfinished uploads. */
        if (w->s->counts && w->runs > 0) {
            disk_empty(&w->p, on_disk(w, ""));
            cr_assert_eq(rmdir(disk_path(&w->p, on_disk(w, ""))), 0);
        }
        snprintf(w->directory, sizeof(w->directory), "/d%u", w->runs++);
        disk_directory(&w->p, on_disk(w, ""));
    }
    if (w->s->old_seed)
        disk_fill(&w->p, on_disk(w, "f"), OLD_LEN, w->s->old_seed);
    w->p.may_die = false;
    if (w->s->before)
        w->s->before(w);
    w->counted = count_of(w);
}

static bool count_is_right(const struct world *w, const struct seen *s,
                           bool killed)
{
    const struct stored now = count_of(w);
    uint64_t more = now.files - w->counted.files, visible = s->new + s->held;

    return !w->s->counts ||
           (now.bytes - w->counted.bytes == more * NEW_LEN &&
            (more == visible || (killed && more == visible + 1)));
}

static const char *fault_of(const struct seen *s, const struct world *w,
                            int outcome, bool killed)
{
    if (s->torn > 0)
        return "a file isn't whole";
    if (!w->s->is_right(s, outcome == OUTCOME_OK))
        return "neither the old state nor the new one";
    if (!count_is_right(w, s, killed))
        return "the counter is wrong";
    return NULL;
}

static void blame(const struct world *w, unsigned n, int error, int outcome,
                  const struct seen *s, const char *what)
{
    cr_expect(false,
              "%s: call %u, %s, %s: %s; outcome %d; old %u, new %u, torn %u, "
              "held %u, f is %s",
              w->s->name, n, nth_call(w->nth),
              error == NTH_KILL ? "killed" : strerrorname_np(error), what,
              outcome, s->old, s->new, s->torn, s->held,
              s->f_is_new   ? "new"
              : s->f_is_old ? "old"
                            : "not there");
}

/* Plays the client's retry, which must succeed. */
static void try_again(struct world *w, unsigned n, int error, bool killed)
{
    unsigned partials;
    int r = w->s->work(w);
    struct seen s = look(w, &partials);
    const char *wrong = r != OUTCOME_OK ? "the next try fails" : NULL;

    /* If a counter counts, the retry can be a second file, since the first try
     * can have stored its file without an answer. */
    if (!wrong && !w->s->counts)
        wrong = fault_of(&s, w, r, killed);
    if (wrong)
        blame(w, n, error, r, &s, wrong);
    if (partials == 0 || w->s->work == cut_and_abort)
        return;
    disk_sweep(&w->p, HOUR);
    s = look(w, &partials);
    if (partials > 0)
        blame(w, n, error, r, &s, "a partial stays");
}

static bool is_sync(const char *call)
{
    return strcmp(call, "fsync") == 0 || strcmp(call, "fdatasync") == 0;
}

static bool is_rename(const char *call)
{
    return strncmp(call, "rename", 6) == 0;
}

/* Was call N the last sync before the rename, or the last sync after it? */
static bool promise_is_broken(const struct world *w, unsigned n)
{
    if (!is_sync(nth_name(w->nth, n)))
        return false;
    for (n++; n <= nth_count(w->nth); n++)
        if (is_sync(nth_name(w->nth, n)))
            return false;
        else if (is_rename(nth_name(w->nth, n)))
            break;
    return true;
}

/* Plays the work with a fault in call N. Returns false if there is no call
 * N. */
static bool run_one(struct world *w, unsigned n, int error)
{
    unsigned partials;
    struct seen s;

    make_directory(w);
    w->p.may_die = true;
    nth_arm(w->nth, n, error, NULL);
    int outcome = w->s->work(w);
    bool met = nth_disarm(w->nth);
    bool killed = outcome == OUTCOME_UNANSWERED;
    if (killed) { /* a new session of the user begins */
        peer_end_as(&w->p, 256 + SIGKILL);
        peer_run(&w->p);
    }
    w->p.may_die = false;
    s = look(w, &partials);
    const char *wrong = fault_of(&s, w, outcome, killed);
    if (!wrong && w->s->uploads && outcome == OUTCOME_OK && met &&
        promise_is_broken(w, n))
        wrong = "a sync failed, and the client isn't told";
    if (!wrong && !met && outcome != OUTCOME_OK)
        wrong = "without a fault it fails";
    if (wrong)
        blame(w, n, error, outcome, &s, wrong);
    try_again(w, n, error, killed);
    return met;
}

/* Expects at least two syncs before the last rename, which gives the name: in
 * the middle of the upload and at its end; and at least one sync after this
 * rename. */
static void expect_order(const struct world *w)
{
    unsigned before = 0, after = 0;

    for (unsigned n = 1; n <= nth_count(w->nth); n++) {
        const char *call = nth_name(w->nth, n);

        if (is_rename(call)) {
            before += after;
            after = 0;
        }
        after += is_sync(call);
    }
    cr_expect_geq(before, 2, "%s: a name before the sync", w->s->name);
    cr_expect_geq(after, 1, "%s: no sync after the rename", w->s->name);
}

static void start(struct world *w, const struct scenario *s)
{
    *w = (struct world){ .s = s, .nth = nth_new() };
    if (!w->nth)
        cr_skip_test(NTH_MISSING);
    peer_init(&w->p);
    alarm(600);
    w->p.nth = w->nth;
    w->p.start.rules.fsync = true;
    w->p.start.rules.copy_max = UINT64_C(1) << 30;
    w->p.start.rules.on_conflict = s->conflict;
    w->p.start.rules.uploads = s->counts ? PLENTY : 0;
    w->p.start.rules.upload_bytes = s->counts ? INT64_MAX : 0;
    if (s->mount[0])
        peer_share(&w->p, s->mount, s->rights);
    else if (s->rights)
        w->p.start.rights = s->rights;
    peer_run(&w->p);
}

static void end(struct world *w)
{
    peer_leave(&w->p);
    peer_remove(&w->p);
    nth_free(w->nth);
}

/* In the short form each fourth call gets one of ERRORS in turn; in the long
 * form each call gets each error. */
static void play(const int *errors, unsigned count)
{
    unsigned runs = is_long() ? count : 1;

    for (size_t i = 0; i < sizeof(scenarios) / sizeof(scenarios[0]); i++)
        for (unsigned turn = 0; turn < runs; turn++) {
            struct world w;
            unsigned n = 1;

            start(&w, &scenarios[i]);
            while (run_one(&w, n, errors[(n + i + turn) % count]))
                n += nth_stride();
            cr_expect_gt(n, 1, "%s: no call", w.s->name);
            end(&w);
        }
}

Test(nth, call_fails)
{
    static const int errors[] = { EIO, ENOSPC, EINTR };

    play(errors, 3);
}

Test(nth, call_kills, WITHOUT_SANITIZERS)
{
    play((const int[]){ NTH_KILL }, 1);
}

Test(nth, bytes_are_synced_before_the_name)
{
    for (size_t i = 0; i < sizeof(scenarios) / sizeof(scenarios[0]); i++) {
        struct world w;

        if (!scenarios[i].uploads)
            continue;
        start(&w, &scenarios[i]);
        make_directory(&w);
        nth_arm(w.nth, 0, EIO, NULL);
        DONE(w.s->work(&w));
        expect_order(&w);
        end(&w);
    }
}
