/* Each system call of the process files fails once while it carries out an
 * order of sallyportctl. The answer is true: a file that is left is reported as
 * a file that stays, or its directory as unread. No upload is lost, and the
 * next order does the rest. */
#include "peer.h"
#include "support/long.h"
#include "support/nth.h"

#define LEN (100 * 1024u)
#define OLD 1
#define NEW 2

struct answers {
    unsigned good, bad; /* entries that were dealt with, or weren't */
    uint64_t unread;
    bool ended; /* otherwise the process was killed */
};

struct world {
    struct peer p; /* of a session, in the same home */
    struct nth *nth;
    const struct order *order;
};

/* Bits for the state of the disk: the upload waits for inspection; the upload
 * is released; the old file with its name exists; the partial exists; another
 * file exists. */
enum { HELD = 1, RELEASED = 2, OLD_FILE = 4, PARTIAL = 8, FILE_F = 16 };
#define STANDS (HELD | OLD_FILE | PARTIAL | FILE_F)

struct order {
    const char *name;
    enum conflict conflict;
    enum message_kind kind; /* held_find: ORDER; find: WHAT and REMOVE */
    enum held_order order;
    enum find_what what;
    bool remove;
    unsigned done, undone; /* states after success and failure */
    unsigned any;          /* bits that don't matter after success */
    unsigned any_undone;   /* bits that don't matter after failure */
};

#define INSPECT(o)  MSG_held_find, HELD_##o, 0, false
#define FINDS(w, r) MSG_find, 0, FIND_##w, r

static const struct order orders[] = {
    { "inspect list", CONFLICT_OVERWRITE, INSPECT(LIST), STANDS, STANDS, 0, 0 },
    { "inspect release", CONFLICT_OVERWRITE, INSPECT(RELEASE),
      RELEASED | PARTIAL | FILE_F, STANDS, OLD_FILE, 0 },
    { "inspect release, another name", CONFLICT_RENAME, INSPECT(RELEASE),
      RELEASED | OLD_FILE | PARTIAL | FILE_F, STANDS, 0, 0 },
    { "inspect reject", CONFLICT_OVERWRITE, INSPECT(REJECT),
      OLD_FILE | PARTIAL | FILE_F, STANDS, 0, 0 },
    { "partials list", CONFLICT_OVERWRITE, FINDS(PARTIALS, false), STANDS,
      STANDS, 0, 0 },
    { "partials remove", CONFLICT_OVERWRITE, FINDS(PARTIALS, true),
      HELD | OLD_FILE | FILE_F, STANDS, RELEASED, 0 },
    { "retention run", CONFLICT_OVERWRITE, FINDS(EXPIRED, true),
      HELD | OLD_FILE, STANDS, RELEASED, RELEASED | PARTIAL | FILE_F },
};

static bool is_done(const struct order *o, unsigned state)
{
    return ((state ^ o->done) & ~o->any) == 0;
}

static void send_order(struct peer *ctl, const struct order *o, const char *id)
{
    if (o->kind == MSG_find)
        REQUEST(&ctl->session, find, .what = o->what, .remove = o->remove,
                .path = slice_from(o->what == FIND_EXPIRED ? "/d" : "/"));
    else
        REQUEST(&ctl->session, held_find, .order = o->order,
                .id = slice_from(o->order == HELD_LIST ? "" : id));
}

/* Makes /in/a, an upload of /in/a that waits for inspection, /d/f, and a
 * partial. */
static void furnish(struct world *w)
{
    struct peer *p = &w->p;

    disk_empty(p, "/in");
    disk_empty(p, "/d");
    PLAY(p, FILL("/in/a", LEN, OLD), STOR("/in/a", LEN, NEW),
         CUTS("/d/cut", LEN, NEW), FILL("/d/f", LEN, OLD));
}

static unsigned look(struct world *w)
{
    static const char *const names[] = { "/in/a", "/in/a (2)" };
    struct peer *p = &w->p;
    char held[96];
    unsigned s = 0;

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        s |= disk_is(p, names[i], LEN, NEW) ? RELEASED : 0;
        s |= disk_is(p, names[i], LEN, OLD) ? OLD_FILE : 0;
    }
    snprintf(held, sizeof(held), "/in/.sallyport-%s.held-%c-a", p->held,
             "orx"[w->order->conflict]);
    s |= disk_is(p, held, LEN, NEW) ? HELD : 0;
    s |= disk_is(p, "/d/f", LEN, OLD) ? FILE_F : 0;
    return s | (disk_partials(p, "/d") > 0 ? PARTIAL : 0);
}

static struct answers hear(struct peer *ctl)
{
    struct answers a = { 0 };

    while (!a.ended && cast_hear(&ctl->session) != MSG_NONE) {
        if (heard.kind == MSG_partials_end) {
            a.ended = true;
            a.unread = heard.partials_end.unread;
        } else if ((heard.kind == MSG_held &&
                    heard.held.outcome != OUTCOME_OK) ||
                   (heard.kind == MSG_partial &&
                    (heard.partial.state == PARTIAL_STAYS ||
                     heard.partial.state == PARTIAL_IN_USE))) {
            a.bad++;
        } else {
            a.good += heard.kind == MSG_held || heard.kind == MSG_partial;
        }
    }
    return a;
}

/* Gives the order to a process of its own, with a fault in call N; 0: no
 * fault. */
static struct answers obey(struct world *w, unsigned n, int error)
{
    struct peer ctl = w->p;
    struct answers a;

    ctl.start.for_ctl = true;
    ctl.nth = w->nth;
    peer_run(&ctl);
    nth_arm(w->nth, n, error, NULL);
    send_order(&ctl, w->order, w->p.held);
    a = hear(&ctl);
    nth_disarm(w->nth);
    peer_end_as(&ctl, a.ended ? 0 : 256 + SIGKILL);
    return a;
}

static const char *fault_of(const struct order *o, unsigned state,
                            const struct answers *a)
{
    bool all = a->ended && a->bad == 0 && a->unread == 0;
    bool rejects = o->kind == MSG_held_find && o->order == HELD_REJECT;

    if (!(state & (HELD | RELEASED)) && !rejects)
        return "the upload is lost";
    if (!(state & (OLD_FILE | RELEASED)))
        return "the old file is lost";
    if (all && a->good != (o->what == FIND_EXPIRED ? 2 : 1))
        return "something is left out, and not reported";
    if (all && !is_done(o, state))
        return "the answer isn't true";
    return is_done(o, state) || ((state ^ o->undone) & ~o->any_undone) == 0
               ? NULL
               : "a state between the two";
}

static void blame(const struct world *w, unsigned n, int error,
                  const struct answers *a, unsigned state, const char *what)
{
    cr_expect(false,
              "%s: call %u, %s, %s: %s; answered %d, good %u, bad %u, unread "
              "%lu; state %x",
              w->order->name, n, nth_call(w->nth),
              error == NTH_KILL ? "killed" : strerrorname_np(error), what,
              a->ended, a->good, a->bad, a->unread, state);
}

/* Plays the order with a fault in call N. Returns false if there is no call
 * N. */
static bool run_one(struct world *w, unsigned n, int error)
{
    struct answers a;
    const char *wrong;
    unsigned s;
    bool met;

    furnish(w);
    a = obey(w, n, error);
    s = look(w);
    met = nth_call(w->nth)[0];
    wrong = fault_of(w->order, s, &a);
    if (wrong)
        blame(w, n, error, &a, s, wrong);
    if (is_done(w->order, s))
        return met;
    a = obey(w, 0, error);
    s = look(w);
    if (!is_done(w->order, s))
        blame(w, n, error, &a, s, "the next order doesn't do the rest");
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
        PLAY(&w.p, DIRECTORY("/in"), DIRECTORY("/d"),
             w.p.start.rights = RIGHT_ALL | RIGHT_INSPECT, RUN());
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

Test(nth_orders, call_kills, WITHOUT_SANITIZERS)
{
    play((const int[]){ NTH_KILL }, 1);
}
