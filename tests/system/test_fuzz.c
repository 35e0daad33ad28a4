/* Random clients play whole sessions of bytes, ends of connections and pauses,
 * two at a time on the same files, against a real server with sanitizers. The
 * server must answer, end each session, store only whole uploads, leak no
 * descriptor, and rest when no client asks for anything.
 *
 * The short run plays a few fixed programs and some new ones. With
 * SALLYPORT_LONG=1 the test plays new programs for 20 minutes, or for
 * SALLYPORT_FUZZ_SECONDS. It shortens and prints a program that finds a fault;
 * SALLYPORT_SEED=NUMBER system_fuzz plays the program with this number
 * again. */
#include "fuzz/client.h"
#include "sallyport/base/clock.h"
#include "sequence.h"
#include "support/long.h"
#include "support/processes.h"
#include "support/test.h"
#include "support/wait.h"

#define PLAYERS  8 /* at the same time; each is a user */
#define FIXED    16
#define SHORT_MS 8000
#define LONG_S   1200
#define SERVICES 4

static const struct server_user users[PLAYERS] = {
    { .name = "anna" }, { .name = "bert" }, { .name = "carl" },
    { .name = "dora" }, { .name = "emil" }, { .name = "fred" },
    { .name = "gila" }, { .name = "hans" },
};

/* A crash must end its process, or its report would be lost. */
ReportHook(PRE_ALL)(struct criterion_test_set *set)
{
    (void)set;
    setenv("ASAN_OPTIONS", "abort_on_error=1:detect_leaks=1", 0);
    server_share(PLAN(.users = users, .user_count = PLAYERS, .troubles = true,
                      .settings = "login_tries = 3\nfsync = no\n"
                                  "stall_timeout = 2s\nconnect_timeout = 2s\n"
                                  "startups = 200\nmax_fruitless = 1000\n"));
}

static struct counts *counts;

static void play_ops(const struct sequence *s, const char *from)
{
    static struct actor p;

    p.server = s->server;
    p.user = s->user;
    p.program = s->steps;
    p.counts = counts;
    snprintf(p.from, sizeof(p.from), "%s", from);
    play_program(&p);
}

static void drop_ops(void *program, size_t from, size_t to)
{
    program_drop(program, from, to);
}

static void show_op(const void *program, size_t step, struct buf *into)
{
    op_show(&((const struct program *)program)->op[step], into);
}

static const struct sequence_kind kind = { sizeof(struct program),
                                           offsetof(struct program, count),
                                           play_ops, drop_ops, show_op };

/* Searches the new lines of the log for faults. Returns their number. */
static unsigned check_log(const struct server *s)
{
    static const char *const never[] = {
        "ERROR: AddressSanitizer", "ERROR: LeakSanitizer", "runtime error:",
        " syscall process=",       " peer-error process=", " child process="
    };
    static off_t seen;
    char *text = NULL, *bad, *line, *rest;
    FILE *f = fopen(server_path(s, "log"), "re");
    size_t size = 0;
    unsigned found = 0;

    cr_assert_not_null(f);
    fseeko(f, seen, SEEK_SET);
    while (getline(&text, &size, f) > 0) {
        rest = text;
        line = strsep(&rest, "\n");
        bad = strstr(line, "\"crash: signal ");
        found += bad && strncmp(bad, "\"crash: signal 9", 16) != 0;
        for (size_t i = 0; i < sizeof(never) / sizeof(*never); i++)
            found += strstr(line, never[i]) != NULL;
        if (found)
            fprintf(stderr, "in the log: %s\n", line);
    }
    seen = ftello(f);
    fclose(f);
    free(text);
    return found;
}

struct service {
    struct process_row row;
    size_t files; /* open descriptors */
};

static void look_at_services(const struct server *s,
                             struct service of[SERVICES])
{
    static const char *const names[SERVICES] = { "sallyport: master",
                                                 "sallyport: gate",
                                                 "sallyport: keys",
                                                 "sallyport: log" };
    static struct processes all;

    processes_of(s->pid, &all);
    for (size_t i = 0; i < SERVICES; i++) {
        const struct process_row *row = processes_find(&all, names[i]);

        cr_assert_not_null(row, "no %s", names[i]);
        of[i] = (struct service){ *row, process_descriptors(row->pid) };
    }
}

struct comparison {
    const struct server *server;
    struct service before[SERVICES], now[SERVICES];
};

static bool has_no_more_files(void *argument)
{
    struct comparison *c = argument;

    look_at_services(c->server, c->now);
    for (size_t i = 0; i < SERVICES; i++)
        if (c->now[i].files > c->before[i].files)
            return false;
    return true;
}

static void compare_services(struct comparison *c)
{
    bool equal = wait_until(has_no_more_files, c, WAIT_MS);

    for (size_t i = 0; i < SERVICES; i++) {
        cr_expect_eq(c->now[i].row.pid, c->before[i].row.pid,
                     "%s was restarted", c->before[i].row.title);
        cr_expect(equal || c->now[i].files <= c->before[i].files,
                  "%s has %zu descriptors, and had %zu", c->now[i].row.title,
                  c->now[i].files, c->before[i].files);
    }
}

static uint64_t time_to_play(void)
{
    const char *given = getenv("SALLYPORT_FUZZ_SECONDS");

    if (getenv("SALLYPORT_SEED"))
        return 0;
    if (given)
        return strtoull(given, NULL, 10) * 1000;
    return is_long() ? LONG_S * 1000ull : SHORT_MS;
}

static void print_counts(unsigned faults)
{
    fprintf(stderr,
            "%lu programs, %lu sessions, %lu logins, %lu commands, %lu "
            "replies, %lu uploads, %lu files compared, %lu kills: %u faults\n",
            counts->programs, counts->sessions, counts->logins,
            counts->commands, counts->replies, counts->stored, counts->files,
            counts->kills, faults);
}

static void begin(const struct sequence *s, struct running *r)
{
    program_make(s->steps, sequence_seed(FIXED), s->user);
    sequence_start(s, r);
}

/* Ends a program, and prints its faults; the run goes on. Returns the number of
 * faults. */
static unsigned finish(const struct sequence *s, struct running *r)
{
    struct program *program = s->steps;
    struct run_result result;
    unsigned faults;

    run_finish(r, &result);
    if (getenv("SALLYPORT_SEED"))
        fprintf(stderr, "%s", result.text);
    faults = result.status != 0;
    if (faults)
        sequence_explain(s, program->seed, &result);
    run_release(&result);
    if (check_log(s->server) > 0) {
        fprintf(stderr, "at the end of SALLYPORT_SEED=%llu, or meanwhile\n",
                (unsigned long long)program->seed);
        faults++;
    }
    program_release(program);
    return faults;
}

Test(fuzz, sessions, .timeout = 7000)
{
    static struct program programs[PLAYERS];
    struct running playing[PLAYERS];
    struct sequence played[PLAYERS];
    struct comparison services = { 0 };
    uint64_t until = clock_ms() + time_to_play();
    struct server server;
    unsigned faults = 0;
    bool over = false;

    counts = mmap(NULL, sizeof(*counts), PROT_READ | PROT_WRITE,
                  MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    cr_assert_neq(counts, MAP_FAILED);
    server_shared(&server);
    services.server = &server;
    look_at_services(&server, services.before);
    for (unsigned i = 0; i < PLAYERS; i++) {
        played[i] =
            (struct sequence){ &kind, &server, users[i].name, &programs[i] };
        begin(&played[i], &playing[i]);
    }
    while (!over) {
        over = clock_ms() >= until;
        for (unsigned i = 0; i < PLAYERS; i++) {
            faults += finish(&played[i], &playing[i]);
            if (!over)
                begin(&played[i], &playing[i]);
        }
    }
    compare_services(&services);
    print_counts(faults);
    cr_assert_eq(faults, 0);
    if (!getenv("SALLYPORT_SEED")) /* a single program can have no login */
        cr_assert_gt(counts->logins * 2, counts->sessions);
}
