/* Plays two sessions that use one name, and compares the results with a model.
 * Each session runs a short program of commands in a real process files. The
 * test chooses in which order the two go on, from request to request, and from
 * one change of a name to the next. Afterwards some serial order of the
 * commands must explain the answers and the files; a command that ended before
 * another one began must also precede it in this order. And the rest of a file
 * must never become the file. */

#include <sys/xattr.h>

#include "renames.h"
#include "steps.h"
#include "support/long.h"
#include "support/nth.h"

#define UNIT    65536u /* bytes for which a letter of a content below stands */
#define LONGEST 24
#define OPS     8
#define EXTRAS  6

enum verb {
    STOR,
    STOR_CUT,
    REST, /* REST and STOR: at the length that SIZE has reported, or at 1 */
    REST_CUT,
    APPE,
    APPE_CUT,
    DELE,
    ONTO, /* RNTO from g to f */
    AWAY, /* RNTO from f to h */
    SIZE,
    RETR,
    MDTM,
    VERBS
};
static const char *const verbs[VERBS] = { "STOR",     "STOR-cut", "REST+STOR",
                                          "REST-cut", "APPE",     "APPE-cut",
                                          "DELE",     "RNTO-f",   "RNTO-away",
                                          "SIZE",     "RETR",     "MDTM" };

struct op {
    enum verb verb;
    int client, outcome;
    unsigned began, ended; /* in ticks */
    bool of_partial;       /* SIZE has reported a partial */
    bool knows_file;       /* as in the client */
    bool tail;             /* only the rest of a file would become the file */
    bool copies;           /* resumes onto the finished file */
    uint64_t first;        /* in units */
    char head[LONGEST];    /* of the partial that is resumed */
    char sent[LONGEST];
    char seen[LONGEST]; /* what RETR has read */
    uint64_t size;      /* what SIZE has reported */
};

/* The next part of an upload. */
enum part { BEGIN, COPIES, BEGUN };

struct client {
    struct peer peer;
    struct steps *steps;
    struct op *op;
    enum part part;
    bool waits;  /* for an answer */
    bool ends;   /* this was the last request of the command */
    int failure; /* why the upload is cut; 0: it isn't */
    int fd;
    uint64_t sized;        /* by SIZE, in units; 0: none */
    char partial[LONGEST]; /* the bytes that SIZE has counted */
    bool knows_file;       /* SIZE has reported the file beside a partial with
                              a record */
    const enum verb *program;
    size_t at, count;
};

static struct run {
    struct client c[2];
    enum conflict conflict;
    struct op op[OPS];
    size_t ops;
    unsigned tick, number;
    bool reported[2]; /* a partial's length, to a session of this user */
    bool two_users, cut, was_sized;
    char trace[512];
    char directory[32];
} run;

/* Files */

static const char *path_of(const char *name)
{
    static char out[4][64];
    static int turn;

    turn = (turn + 1) % 4;
    snprintf(out[turn], sizeof(out[turn]), "%s/%s", run.directory, name);
    return out[turn];
}

static void put_units(int fd, uint64_t at, const char *units)
{
    static char block[UNIT];

    for (; *units; units++, at++) {
        memset(block, *units, sizeof(block));
        cr_assert_eq(pwrite(fd, block, UNIT, (off_t)(at * UNIT)), UNIT);
    }
}

/* Reads the letters of a file. "?": the bytes of a unit aren't all one
 * letter. */
static void get_units(int fd, char ret[LONGEST])
{
    static char block[UNIT];
    ssize_t n;
    size_t len = 0;

    while (len + 1 < LONGEST &&
           (n = pread(fd, block, UNIT, (off_t)(len * UNIT))) > 0)
        ret[len++] = n == UNIT && memcmp(block, block + 1, UNIT - 1) == 0
                         ? block[0]
                         : '?';
    ret[len] = '\0';
}

/* Reads the letters of the file NAME. "-": there is none. */
static void get_file(const char *name, char ret[LONGEST])
{
    FD_CLEANUP int fd = open(disk_path(&run.c[0].peer, path_of(name)),
                             O_RDONLY | O_CLOEXEC | O_NOFOLLOW);

    strcpy(ret, "-");
    if (fd >= 0)
        get_units(fd, ret);
}

static void make_file(const char *name, const char *units)
{
    const char *path = path_of(name);

    disk_put(&run.c[0].peer, path, "", 0);
    FD_CLEANUP int fd =
        open(disk_path(&run.c[0].peer, path), O_WRONLY | O_CLOEXEC);
    cr_assert_geq(fd, 0);
    put_units(fd, 0, units);
}

/* Reads the partial of f that belongs to the client's user. */
static void get_partial(const struct client *c, char ret[LONGEST])
{
    get_file(disk_partial_name(&c->peer, "f"), ret);
}

/* Commands */

static bool is_cut(enum verb v)
{
    return v == STOR_CUT || v == REST_CUT || v == APPE_CUT;
}

static void send_first(struct client *c)
{
    struct peer *p = &c->peer;
    const char *f = path_of("f");
    const enum verb v = c->op->verb;
    const bool appends = v == APPE || v == APPE_CUT;
    const bool rests = v == REST || v == REST_CUT;

    switch (v) {
    case STOR:
    case STOR_CUT:
    case REST:
    case REST_CUT:
    case APPE:
    case APPE_CUT:
        REQUEST(&p->session, file_write, .path = slice_from(f),
                .mode = appends ? WRITE_APPEND : WRITE_STORE,
                .offset = rests ? (c->sized > 0 ? c->sized : 1) * UNIT : 0,
                .conflict = CONFLICT_OVERWRITE);
        break;
    case DELE:
        REQUEST(&p->session, file_delete, .path = slice_from(f));
        break;
    case ONTO:
        REQUEST(&p->session, rename, .from = slice_from(path_of("g")),
                .to = slice_from(f));
        break;
    case AWAY:
        REQUEST(&p->session, rename, .from = slice_from(f),
                .to = slice_from(path_of("h")));
        break;
    case RETR:
        REQUEST(&p->session, file_read, .path = slice_from(f));
        break;
    default:
        REQUEST(&p->session, facts, .path = slice_from(f),
                .purpose = v == SIZE ? FACTS_FOR_SIZE : FACTS_FOR_ANY);
    }
}

/* Sends all bytes of the upload, once the head is copied. */
static void begin_bytes(struct client *c, uint64_t to_copy)
{
    c->part = to_copy > 0 ? COPIES : BEGUN;
    if (c->part == BEGUN)
        put_units(c->fd, c->op->first, c->op->sent);
}

static void send_next(struct client *c)
{
    struct peer *p = &c->peer;
    bool cut = c->failure != 0;

    if (c->part == BEGIN)
        send_first(c);
    else if (c->part == COPIES && !cut)
        REQUEST(&p->session, file_copy);
    else
        c->ends = true;
    if (c->ends && (cut || is_cut(c->op->verb)))
        REQUEST(&p->session, file_abort);
    else if (c->ends)
        REQUEST(&p->session, file_commit,
                .length = (c->op->first + strlen(c->op->sent)) * UNIT);
    c->waits = true;
}

static int user_of(const struct client *c)
{
    return run.two_users ? (int)(c - run.c) : 0;
}

static void end_op(struct client *c, int outcome)
{
    enum verb v = c->op->verb;

    /* The name has got another file, or none: SIZE's answer is no longer
     * valid. */
    if (outcome == OUTCOME_OK && !is_cut(v) && v < SIZE) {
        c->sized = 0;
        run.reported[user_of(c)] = false;
    }
    c->op->outcome = outcome;
    c->op->ended = ++run.tick;
    if (c->fd >= 0)
        close(c->fd);
    c->fd = -1;
    c->op = NULL;
}

/* Takes the answer `file_writable`. From now on SIZE's answer is no longer
 * valid. */
static void writable(struct client *c, struct msg_file_writable *w)
{
    struct op *op = c->op;

    c->fd = fd_take(&w->file);
    op->first = w->first / UNIT;
    op->copies = w->to_copy > 0;
    if (op->first > 0 && !op->copies && c->sized > 0)
        snprintf(op->head, sizeof(op->head), "%.*s", (int)op->first,
                 c->partial);
    else if (op->first > 0 && !op->copies)
        get_partial(c, op->head), op->head[op->first] = '\0';
    c->sized = 0;
    op->tail = (op->verb == APPE || op->verb == APPE_CUT) && op->first == 0 &&
               run.reported[user_of(c)];
    begin_bytes(c, w->to_copy);
}

/* Takes the answer of SIZE, and notes whether it is the length of the partial.
 * If SIZE has waited, it can leave its record on the partial, and answer with
 * the file that has appeared meanwhile. */
static void sized(struct client *c, const struct msg_facts_are *facts)
{
    const char *path =
        disk_path(&c->peer, path_of(disk_partial_name(&c->peer, "f")));
    struct stat st;

    c->op->size = facts->size / UNIT;
    c->sized = 0;
    c->knows_file = getxattr(path, "user.sallyport.reported", NULL, 0) >= 0;
    run.was_sized |= c->knows_file;
    if (stat(path, &st) < 0 || st.st_ino != facts->inode)
        return;
    c->knows_file = false;
    c->sized = c->op->size;
    get_partial(c, c->partial);
    c->op->of_partial = run.reported[user_of(c)] = true;
}

static void take(struct client *c)
{
    enum verb v = c->op->verb;

    if (heard.kind == MSG_refused) {
        int outcome = (int)heard.refused.outcome;
        if (v == SIZE)
            c->sized = 0;
        if (v > APPE_CUT || c->part == BEGIN || c->ends) {
            end_op(c, outcome);
        } else {
            c->failure = outcome;
            c->part = BEGUN;
        }
        return;
    }
    if (heard.kind == MSG_file_writable) {
        writable(c, &heard.file_writable);
        return;
    }
    if (heard.kind == MSG_file_copied) {
        begin_bytes(c, heard.file_copied.left);
        return;
    }
    if (heard.kind == MSG_file_readable) {
        FD_CLEANUP int fd = fd_take(&heard.file_readable.file);
        get_units(fd, c->op->seen);
    }
    if (heard.kind == MSG_facts_are && v == SIZE)
        sized(c, &heard.facts_are);
    end_op(c, c->failure);
}

/* Begins the next command. Returns false if the program is over. */
static bool begin_op(struct client *c)
{
    static const char letters[] = "abcdefgh";
    struct op *op = &run.op[run.ops];

    if (c->at == c->count)
        return false;
    *op = (struct op){ .verb = c->program[c->at++],
                       .client = (int)(c - run.c),
                       .knows_file = c->knows_file,
                       .began = ++run.tick };
    memset(op->sent, letters[run.ops], is_cut(op->verb) ? 3 : 2);
    run.ops++;
    run.cut |= is_cut(op->verb);
    c->knows_file &= op->verb > SIZE;
    c->op = op;
    c->part = BEGIN;
    c->ends = false;
    c->failure = OUTCOME_OK;
    return true;
}

enum ran { RAN, RAN_BLOCKED, RAN_OVER };

/* Runs the client's process to its next stop or answer. */
static enum ran step(struct client *c)
{
    size_t len = strlen(run.trace);
    enum stepped at;

    if (!c->op && !begin_op(c))
        return RAN_OVER;
    if (!c->waits)
        send_next(c);
    at = steps_next(c->steps, &c->peer);
    if (len + 2 < sizeof(run.trace))
        sprintf(run.trace + len, "%c",
                (at == STEPPED_BLOCKED ? 'x' : 'a') + (c == run.c ? 0 : 1));
    if (at != STEPPED_ANSWERED)
        return at == STEPPED_BLOCKED ? RAN_BLOCKED : RAN;
    cr_assert_neq(cast_hear(&c->peer.session), MSG_NONE);
    c->waits = false;
    take(c);
    return RAN;
}

/* The orders */

struct world {
    char f[LONGEST], g[LONGEST], h[LONGEST];
    char extra[EXTRAS][LONGEST];
    size_t extras;
};

static bool is_there(const char *file)
{
    return file[0] != '-';
}

static void add_extra(struct world *w, const char *file)
{
    cr_assert_lt(w->extras, EXTRAS);
    strcpy(w->extra[w->extras++], file);
}

/* Gives the name TO to FILE, as on_conflict says. Returns false if the server
 * would have refused this. */
static bool give(struct world *w, char to[LONGEST], const char *file)
{
    if (is_there(to) && run.conflict == CONFLICT_REJECT)
        return false;
    if (is_there(to) && run.conflict == CONFLICT_RENAME) {
        add_extra(w, file);
        return true;
    }
    strcpy(to, file);
    return true;
}

/* Makes the bytes that the upload publishes at its place in the order. Returns
 * false if it can't succeed there. */
static bool content(const struct world *w, const struct op *op,
                    char ret[2 * LONGEST])
{
    if (op->copies && (!is_there(w->f) || strlen(w->f) < op->first ||
                       (op->verb == APPE && strlen(w->f) != op->first)))
        return false;
    if (!op->copies && op->verb == APPE && is_there(w->f) &&
        !(op->first > 0 && run.conflict == CONFLICT_RENAME))
        return false;
    snprintf(ret, 2 * LONGEST, "%.*s%s", (int)op->first,
             op->copies ? w->f : op->head, op->sent);
    return strlen(ret) < LONGEST;
}

static bool move(struct world *w, char from[LONGEST], char to[LONGEST])
{
    char file[LONGEST];

    strcpy(file, from);
    if (!is_there(from) || !give(w, to, file))
        return false;
    strcpy(from, "-");
    return true;
}

static bool succeeds(struct world *w, const struct op *op)
{
    char file[2 * LONGEST];

    switch (op->verb) {
    case STOR:
    case REST:
    case APPE:
        return content(w, op, file) && give(w, w->f, file);
    case STOR_CUT:
    case REST_CUT:
    case APPE_CUT:
        return true;
    case DELE: /* also deletes a partial */
        if (!is_there(w->f))
            return run.cut;
        strcpy(w->f, "-");
        return true;
    case ONTO:
        return move(w, w->g, w->f);
    case AWAY:
        return move(w, w->f, w->h);
    case SIZE:
        return op->of_partial ? !is_there(w->f)
                              : is_there(w->f) && strlen(w->f) == op->size;
    case RETR:
        return strcmp(w->f, op->seen) == 0;
    default:
        return is_there(w->f);
    }
}

static bool overlaps(const struct op *op)
{
    for (size_t i = 0; i < run.ops; i++)
        if (run.op[i].client != op->client && run.op[i].ended > op->began &&
            run.op[i].began < op->ended)
            return true;
    return false;
}

static bool is_refused(const struct world *w, const struct op *op)
{
    switch (op->outcome) {
    case OUTCOME_NOT_FOUND:
        return !is_there(op->verb == ONTO ? w->g : w->f);
    case OUTCOME_NAME_TAKEN:
        return is_there(op->verb == AWAY ? w->h : w->f);
    case OUTCOME_SEND_WHOLE:
        return is_there(w->f) && run.conflict == CONFLICT_RENAME;
    case OUTCOME_BAD_OFFSET:
        return op->verb == REST || op->verb == REST_CUT;
    case OUTCOME_BUSY:
    case OUTCOME_CHANGED:
    case OUTCOME_NAME_LOST:
        return overlaps(op);
    case OUTCOME_SIZE_FIRST:
        return run.was_sized && !(op->knows_file && is_there(w->f));
    default:
        return false;
    }
}

static int compare(const void *a, const void *b)
{
    return strcmp(a, b);
}

static bool is_end(struct world w, const struct world *end)
{
    bool same = strcmp(w.f, end->f) == 0 && strcmp(w.g, end->g) == 0 &&
                strcmp(w.h, end->h) == 0 && w.extras == end->extras;

    qsort(w.extra, w.extras, LONGEST, compare);
    for (size_t i = 0; i < w.extras && same; i++)
        same = strcmp(w.extra[i], end->extra[i]) == 0;
    return same;
}

/* Is there an order of the commands that aren't in DONE, from W to END? */
static bool has_order(const struct world *w, unsigned done,
                      const struct world *end)
{
    if (done == (1u << run.ops) - 1)
        return is_end(*w, end);
    for (size_t i = 0; i < run.ops; i++) {
        const struct op *op = &run.op[i];
        struct world next = *w;
        bool first = !(done & 1u << i);

        for (size_t j = 0; first && j < run.ops; j++)
            first = done & 1u << j || run.op[j].ended > op->began || i == j;
        if (first &&
            (op->outcome == OUTCOME_OK ? succeeds(&next, op)
                                       : is_refused(&next, op)) &&
            has_order(&next, done | 1u << i, end))
            return true;
    }
    return false;
}

/* Reads the files, and empties the directory. Keeps the directory itself, since
 * SIZE's answers belong to its inode. */
static void look(struct world *ret)
{
    DIR *d = opendir(disk_path(&run.c[0].peer, run.directory));
    struct dirent *e;
    char file[LONGEST];

    *ret = (struct world){ .f = "-", .g = "-", .h = "-" };
    cr_assert_not_null(d);
    while ((e = readdir(d))) {
        const char *name = e->d_name;

        if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
            continue;
        get_file(name, file);
        if (strlen(name) == 1)
            strcpy(name[0] == 'f'   ? ret->f
                   : name[0] == 'g' ? ret->g
                                    : ret->h,
                   file);
        else if (!partial_is_name(name))
            add_extra(ret, file);
        cr_assert_eq(unlinkat(dirfd(d), name, 0), 0);
    }
    closedir(d);
    qsort(ret->extra, ret->extras, LONGEST, compare);
}

static void report(const struct world *begin, const struct world *end,
                   const char *what)
{
    char text[2048] = "";

    for (size_t i = 0; i < run.ops; i++) {
        const struct op *op = &run.op[i];
        size_t len = strlen(text);

        snprintf(text + len, sizeof(text) - len,
                 "\n  %u-%u client %d: %s: outcome %d, first %llu%s, head "
                 "\"%s\", sent \"%s\", seen \"%s\", size %llu%s",
                 op->began, op->ended, op->client, verbs[op->verb], op->outcome,
                 (unsigned long long)op->first,
                 op->copies ? " of the file" : "", op->head, op->sent, op->seen,
                 (unsigned long long)op->size,
                 op->of_partial ? " of the partial" : "");
    }
    cr_expect(false,
              "%s: on_conflict %d, steps %s%s\n  f \"%s\", g \"%s\" became f "
              "\"%s\", g \"%s\", h \"%s\", %zu more, the first \"%s\"",
              what, (int)run.conflict, run.trace, text, begin->f, begin->g,
              end->f, end->g, end->h, end->extras,
              end->extras > 0 ? end->extra[0] : "");
}

static bool check(const struct world *begin)
{
    const char *wrong = NULL;
    struct world end;

    look(&end);
    for (size_t i = 0; i < run.ops; i++)
        if (run.op[i].tail && run.op[i].verb == APPE &&
            run.op[i].outcome == OUTCOME_OK)
            wrong = "the rest of a file became the file";
    if (!wrong && !has_order(begin, 0, &end))
        wrong = "no order of the commands gives this";
    if (wrong)
        report(begin, &end, wrong);
    return !wrong;
}

/* Programs and schedules */

static void start(enum conflict conflict, bool two_users)
{
    struct peer *a = &run.c[0].peer, *b = &run.c[1].peer;

    run = (struct run){ .conflict = conflict, .two_users = two_users };
    peer_init(a);
    alarm(600);
    a->start.rules.on_conflict = conflict;
    run.c[0].steps = steps_for_next();
    peer_run(a);
    *b = *a;
    if (two_users)
        b->start.name = "bert";
    run.c[1].steps = steps_for_next();
    peer_run(b);
    run.c[0].fd = run.c[1].fd = -1;
}

static void end(void)
{
    for (int i = 0; i < 2; i++)
        steps_free(run.c[i].steps);
    peer_leave(&run.c[1].peer);
    peer_stop(&run.c[0].peer);
    for (int i = 0; i < 2; i++)
        steps_end(run.c[i].steps);
}

enum before { NOTHING, A_FILE, A_PARTIAL, A_REPORTED, BEFORES };

static void furnish(enum before before, struct world *ret)
{
    static const enum verb cut[] = { STOR_CUT, SIZE };

    snprintf(run.directory, sizeof(run.directory), "/d%u", run.number++);
    disk_directory(&run.c[0].peer, run.directory);
    run.ops = run.tick = 0;
    run.reported[0] = run.reported[1] = run.cut = run.was_sized = false;
    run.trace[0] = '\0';
    *ret = (struct world){ .f = "-", .g = "yyy", .h = "-" };
    make_file("g", "yyy");
    if (before == A_FILE) {
        make_file("f", "xx");
        strcpy(ret->f, "xx");
    }
    for (int i = 0; i < 2; i++) {
        run.c[i].at = run.c[i].count = 0;
        run.c[i].sized = 0;
        run.c[i].knows_file = false;
        steps_free(run.c[i].steps);
    }
    if (before < A_PARTIAL)
        return;
    run.c[0].program = cut;
    run.c[0].count = before == A_PARTIAL ? 1 : 2;
    while (step(&run.c[0]) != RAN_OVER)
        continue;
}

struct plan {
    enum before before;
    const enum verb *program[2];
    size_t count[2];
};

/* Plays the plan; the session TURN begins. SWITCHES: a bit for each step after
 * which the other session goes on. Returns the number of steps; *right: some
 * order fits. */
static unsigned play(const struct plan *plan, int turn, uint64_t switches,
                     bool *right)
{
    struct world begin;
    bool over[2] = { false, false };
    unsigned steps = 0;

    furnish(plan->before, &begin);
    for (int i = 0; i < 2; i++) {
        run.c[i].program = plan->program[i];
        run.c[i].at = 0;
        run.c[i].count = plan->count[i];
        steps_hold(run.c[i].steps);
    }
    while (!over[0] || !over[1]) {
        enum ran ran = step(&run.c[turn]);

        over[turn] = ran == RAN_OVER;
        if (ran == RAN && steps < 64 && !(switches >> steps++ & 1))
            continue;
        if (!over[!turn])
            turn = !turn;
    }
    *right = check(&begin);
    return steps;
}

/* Plays the plan with one change between the sessions, after each step in turn;
 * each session begins once. Returns the number of plays. */
static unsigned play_all(const struct plan *plan)
{
    unsigned runs = 0;
    bool right = true;

    for (int first = 0; right && first < 2; first++) {
        unsigned steps = 1;

        for (unsigned at = 0; right && at < steps && at < 64;
             at += nth_stride(), runs++)
            steps = play(plan, first, UINT64_C(1) << at, &right);
    }
    return runs;
}

/* Plays the plan with two changes between the sessions, after each pair of
 * steps; each session begins once. */
static void play_all_twice(const struct plan *plan)
{
    bool right = true;

    for (int first = 0; right && first < 2; first++) {
        unsigned steps = 2;

        for (unsigned at = 0; right && at < steps && at < 64; at++)
            for (unsigned next = at + 1; right && next < steps;
                 next += nth_stride())
                steps = play(plan, first,
                             UINT64_C(1) << at | UINT64_C(1) << next, &right);
    }
}

/* Plays all pairs of commands; in the short form only those with APPE. */
static void all_pairs(enum before before)
{
    int most = is_long() ? VERBS * VERBS : 2 * VERBS;

    for (int i = 0; i < most; i++) {
        enum verb a = is_long() || i < VERBS ? (enum verb)(i % VERBS) : APPE;
        enum verb b = is_long()   ? (enum verb)(i / VERBS)
                      : i < VERBS ? APPE
                                  : (enum verb)(i % VERBS);

        play_all(&(struct plan){ before, { &a, &b }, { 1, 1 } });
    }
}

static void all_conflicts(enum before before)
{
    for (int c = 0; c < (is_long() ? CONFLICT_COUNT : 1); c++) {
        start((enum conflict)c, false);
        all_pairs(before);
        end();
    }
}

Test(orders, of_a_new_file)
{
    all_conflicts(NOTHING);
}

Test(orders, of_a_file)
{
    all_conflicts(A_FILE);
}

Test(orders, of_a_partial)
{
    all_conflicts(A_PARTIAL);
}

Test(orders, of_a_partial_that_was_reported)
{
    all_conflicts(A_REPORTED);
}

/* The rest of an upload is cut, and is sent again. */
Test(orders, of_a_rest_that_comes_again)
{
    static const enum verb again[] = { APPE_CUT, APPE };

    start(CONFLICT_OVERWRITE, false);
    for (int i = 0; i < VERBS; i++) {
        enum verb other = (enum verb)i;

        play_all(&(struct plan){ A_REPORTED, { again, &other }, { 2, 1 } });
    }
    end();
}

/* One session sends SIZE and then the rest; another one appends meanwhile. */
Test(orders, of_a_rest_and_another_append, WITH_SANITIZERS)
{
    static const enum verb rest[] = { STOR_CUT, SIZE, APPE };
    static const enum verb other[] = { AWAY, APPE };

    for (int c = 0; c < CONFLICT_COUNT; c++) {
        start((enum conflict)c, false);
        play_all_twice(&(struct plan){ NOTHING, { rest, other }, { 3, 2 } });
        end();
    }
}

/* SIZE waits for an upload, which becomes the file; before SIZE goes on, the
 * next upload of this name is cut. Then one of the two sessions appends. */
Test(orders, of_a_size_beside_a_file_and_a_cut)
{
    static const enum verb uploads[] = { APPE, STOR_CUT, APPE };
    static const enum verb sized[] = { SIZE, APPE };
    /* Switches: SIZE begins during the first upload, goes on after the second
     * one, and then leaves the rest to the first session. */
    static const uint64_t switches[] = { 1, 1 | 1 << 4 };

    for (int c = 0; c < CONFLICT_COUNT; c++) {
        start((enum conflict)c, false);
        for (size_t i = 0; i < 2; i++) {
            bool right;

            play(&(struct plan){ NOTHING,
                                 { uploads, sized },
                                 { i == 0 ? 2 : 3, i == 0 ? 2 : 1 } },
                 0, switches[i], &right);
        }
        end();
    }
}

static uint64_t next_random(void)
{
    static uint64_t x = 88172645463325252u;

    x ^= x << 13;
    x ^= x >> 7;
    return x ^= x << 17;
}

static bool play_random(void)
{
    enum verb programs[2][3];
    struct plan plan = { .before = (enum before)(next_random() % BEFORES) };
    bool right;

    for (int i = 0; i < 2; i++) {
        plan.count[i] = 1 + next_random() % 3;
        plan.program[i] = programs[i];
        for (int n = 0; n < 3; n++)
            programs[i][n] = (enum verb)(next_random() % VERBS);
    }
    play(&plan, (int)(next_random() % 2), next_random() & next_random(),
         &right);
    return right;
}

Test(orders, of_random_programs)
{
    unsigned plays = is_long() ? 2000 : IS_SANITIZED ? 10 : 30;
    bool right = true;

    for (int i = 0; right && i < 2 * CONFLICT_COUNT; i++) {
        start((enum conflict)(i / 2), i % 2);
        for (unsigned n = 0; right && n < plays; n++)
            right = play_random();
        end();
    }
}
