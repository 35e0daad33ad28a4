/* Each system call of the process files fails once while it obeys an order of
 * sallyportctl. Its answer is true: what is left over is reported, as a file
 * that stays or as a directory that couldn't be read. No upload is lost, and
 * the next order does the rest. */
#include "files/files.h"
#include "peer.h"
#include "support/nth.h"

#define LEN (100 * 1024u)
#define OLD 1
#define NEW 2

struct answers {
    unsigned good, bad; /* entries, and those that weren't dealt with */
    uint64_t unread;
    bool ended; /* else the process was killed */
};

struct world {
    struct peer p; /* of a session, in the same home */
    struct nth *nth;
    const struct order *order;
    char id[HELD_DIGITS + 1];
};

/* The state of the disk. */
struct state {
    bool held, released, old, partial, file;
};

struct order {
    const char *name;
    enum conflict conflict;
    int (*send)(struct peer *ctl, const char *id);
    bool (*is_done)(const struct state *s);
    bool (*is_undone)(const struct state *s);
};

static int list_held(struct peer *ctl, const char *id)
{
    (void)id;
    return SEND(&ctl->session, held_find, NEXT(ctl), .order = HELD_LIST,
                .id = SLICE(""));
}

static int release(struct peer *ctl, const char *id)
{
    return SEND(&ctl->session, held_find, NEXT(ctl), .order = HELD_RELEASE,
                .id = slice_from(id));
}

static int reject(struct peer *ctl, const char *id)
{
    return SEND(&ctl->session, held_find, NEXT(ctl), .order = HELD_REJECT,
                .id = slice_from(id));
}

static int list_partials(struct peer *ctl, const char *id)
{
    (void)id;
    return SEND(&ctl->session, find, NEXT(ctl), .what = FIND_PARTIALS,
                .remove = false, .share = false, .age = 0, .path = SLICE("/"));
}

static int remove_partials(struct peer *ctl, const char *id)
{
    (void)id;
    return SEND(&ctl->session, find, NEXT(ctl), .what = FIND_PARTIALS,
                .remove = true, .share = false, .age = 0, .path = SLICE("/"));
}

static int remove_expired(struct peer *ctl, const char *id)
{
    (void)id;
    return SEND(&ctl->session, find, NEXT(ctl), .what = FIND_EXPIRED,
                .remove = true, .share = false, .age = 0, .path = SLICE("/d"));
}

static bool all_stands(const struct state *s)
{
    return s->held && !s->released && s->old && s->partial && s->file;
}

static bool is_released(const struct state *s)
{
    return !s->held && s->released && s->partial && s->file;
}

static bool is_released_beside_old(const struct state *s)
{
    return is_released(s) && s->old;
}

static bool is_rejected(const struct state *s)
{
    return !s->held && !s->released && s->old && s->partial && s->file;
}

static bool has_no_partial(const struct state *s)
{
    return s->held && s->old && !s->partial && s->file;
}

static bool has_no_file(const struct state *s)
{
    return s->held && s->old && !s->partial && !s->file;
}

/* One of the two may be gone. */
static bool expired_stands(const struct state *s)
{
    return s->held && s->old;
}

static const struct order orders[] = {
    { "inspect list", CONFLICT_OVERWRITE, list_held, all_stands, all_stands },
    { "inspect release", CONFLICT_OVERWRITE, release, is_released, all_stands },
    { "inspect release, a version", CONFLICT_VERSION, release,
      is_released_beside_old, all_stands },
    { "inspect release, another name", CONFLICT_RENAME, release,
      is_released_beside_old, all_stands },
    { "inspect reject", CONFLICT_OVERWRITE, reject, is_rejected, all_stands },
    { "partials list", CONFLICT_OVERWRITE, list_partials, all_stands,
      all_stands },
    { "partials remove", CONFLICT_OVERWRITE, remove_partials, has_no_partial,
      all_stands },
    { "retention run", CONFLICT_OVERWRITE, remove_expired, has_no_file,
      expired_stands },
};

static void empty(struct peer *p, const char *directory)
{
    char command[256];

    snprintf(command, sizeof(command), "find %s -mindepth 1 -delete",
             disk_path(p, directory));
    cr_assert_eq(system(command), 0);
}

/* /in/a, and an upload of that name that waits; /d/f and a partial. */
static void furnish(struct world *w)
{
    struct peer *p = &w->p;
    struct message m;

    empty(p, "/in");
    empty(p, "/d");
    disk_fill(p, "/in/a", LEN, OLD);
    DONE(ask_upload(p, "/in/a", WRITE_STORE, 0, LEN, NEW));
    DONE(ASK(p, &m, file_commit, NEXT(p), .length = LEN));
    cr_assert_eq(slice_copy(m.file_stored.held, w->id, sizeof(w->id)), 0);
    ask_cut(p, "/d/cut", LEN, NEW);
    disk_fill(p, "/d/f", LEN, OLD);
}

static struct state look(struct world *w)
{
    static const char *const names[] = { "/in/a", "/in/a (2)", "/in/a.~1~" };
    char held[96];
    struct state s = { 0 };

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        s.released |= disk_is(&w->p, names[i], LEN, NEW);
        s.old |= disk_is(&w->p, names[i], LEN, OLD);
    }
    snprintf(held, sizeof(held), "/in/.sallyport-%s.held-%c-a", w->id,
             "orvx"[w->order->conflict]);
    s.held = disk_is(&w->p, held, LEN, NEW);
    s.file = disk_is(&w->p, "/d/f", LEN, OLD);
    s.partial = disk_partials(&w->p, "/d") > 0;
    return s;
}

static struct answers hear(struct peer *ctl)
{
    struct answers a = { 0 };
    struct message m;

    while (!a.ended && peer_answers(ctl, &m) == 1) {
        if (m.kind == MSG_partials_end) {
            a.ended = true;
            a.unread = m.partials_end.unread;
        } else if ((m.kind == MSG_held && m.held.outcome != OUTCOME_OK) ||
                   (m.kind == MSG_partial &&
                    (m.partial.state == PARTIAL_STAYS ||
                     m.partial.state == PARTIAL_IN_USE))) {
            a.bad++;
        } else {
            a.good += m.kind == MSG_held || m.kind == MSG_partial;
        }
    }
    return a;
}

/* In a process of its own, as for each order. */
static struct answers obey(struct world *w, unsigned n, int error)
{
    struct peer ctl = w->p;
    struct answers a;

    ctl.start.for_ctl = true;
    ctl.nth = w->nth;
    peer_run(&ctl);
    nth_arm(w->nth, n, error, NULL);
    cr_assert_eq(w->order->send(&ctl, w->id), 0);
    a = hear(&ctl);
    nth_disarm(w->nth);
    channel_close(&ctl.session);
    channel_close(&ctl.master);
    cr_assert_eq(peer_wait(&ctl), a.ended ? 0 : 256 + SIGKILL);
    channel_close(&ctl.log);
    return a;
}

static unsigned entries_of(const struct order *o)
{
    return o->send == remove_expired ? 2 : 1;
}

static const char *fault_of(const struct order *o, const struct state *s,
                            const struct answers *a)
{
    bool all = a->ended && a->bad == 0 && a->unread == 0;

    if (!s->held && !s->released && o->send != reject)
        return "the upload is lost";
    if (!s->old && !s->released)
        return "the old file is lost";
    if (all && a->good != entries_of(o))
        return "something is left out, and not reported";
    if (all && !o->is_done(s))
        return "the answer isn't true";
    return o->is_done(s) || o->is_undone(s) ? NULL : "a state between the two";
}

static void blame(const struct world *w, unsigned n, int error,
                  const struct answers *a, const struct state *s,
                  const char *what)
{
    cr_expect(false,
              "%s: call %u, %s, %s: %s; answered %d, good %u, bad %u, unread "
              "%lu; held %d, released %d, old %d, partial %d, file %d",
              w->order->name, n, nth_call(w->nth),
              error == NTH_KILL ? "killed" : strerrorname_np(error), what,
              a->ended, a->good, a->bad, a->unread, s->held, s->released,
              s->old, s->partial, s->file);
}

/* Returns false if there is no call N. */
static bool run_one(struct world *w, unsigned n, int error)
{
    struct answers a;
    struct state s;
    const char *wrong;
    bool met;

    furnish(w);
    a = obey(w, n, error);
    s = look(w);
    met = nth_call(w->nth)[0];
    wrong = fault_of(w->order, &s, &a);
    if (wrong)
        blame(w, n, error, &a, &s, wrong);
    if (w->order->is_done(&s))
        return met;
    a = obey(w, 0, error);
    s = look(w);
    if (!w->order->is_done(&s))
        blame(w, n, error, &a, &s, "the next order doesn't do the rest");
    return met;
}

static void play(const int *errors, unsigned count)
{
    for (size_t i = 0; i < sizeof(orders) / sizeof(orders[0]); i++) {
        struct world w = { .order = &orders[i], .nth = nth_new() };
        unsigned n = 1;

        if (!w.nth)
            cr_skip_test(NTH_MISSING);
        peer_init(&w.p);
        alarm(600);
        w.p.start.rules.on_conflict = orders[i].conflict;
        disk_directory(&w.p, "/in");
        disk_directory(&w.p, "/d");
        peer_rights(&w.p, "/in", RIGHT_ALL | RIGHT_INSPECT);
        peer_run(&w.p);
        while (run_one(&w, n, errors[(n + i) % count]))
            n += nth_stride();
        cr_expect_gt(n, 1, "%s: no call", orders[i].name);
        peer_leave(&w.p);
        peer_remove(&w.p);
        nth_free(w.nth);
    }
}

Test(nth_orders, call_fails)
{
    play((const int[]){ EIO, ENOSPC, EINTR }, 3);
}

Test(nth_orders, call_kills)
{
    play((const int[]){ NTH_KILL }, 1);
}
