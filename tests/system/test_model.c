/* Random commands and transfers, played against a server and its model: 2,000
 * sequences in the short run, 25,000 in the long. If a sequence differs from
 * the model, it is shortened as far as possible and printed. Its number repeats
 * it: SALLYPORT_SEED=NUMBER system_model. */
#include "model/player.h"
#include "sallyport/base/clock.h"
#include "sallyport/base/random.h"
#include "sallyport/ftp/command.h"
#include "support/fail.h"
#include "support/run.h"
#include "support/served.h"
#include "support/test.h"

/* Sequences of commands; _SLOW: with sanitizers. */
#define SHORT      2000u
#define SHORT_SLOW 600u
#define LONG       25000u
#define LONG_SLOW  5000u
#define PLAYERS    2 /* at the same time, each a user */
#define SHRINK_MS  60000

static const struct server_user users[PLAYERS] = { { .name = "anna" },
                                                   { .name = "bert" } };

SERVER_SHARED(.users = users, .user_count = PLAYERS,
              .settings =
                  "login_tries = 3\nmax_file_size = 1000000\nfsync = no\n");

/* An address that no earlier case had: passive ports that those left unused
 * don't matter to it. */
static void choose_address(char out[64])
{
    static unsigned number;

    number++;
    snprintf(out, 64, "127.%u.%u.%u", 1 + number / 62500 % 200,
             number / 250 % 250, 1 + number % 250);
}

static _Noreturn void be_player(const struct server *server,
                                const struct plan *plan, const char *user,
                                const char *from, int out)
{
    static struct player p;

    fail_in_child();
    dup2(out, STDERR_FILENO);
    p.server = server;
    snprintf(p.from, sizeof(p.from), "%s", from);
    model_init(&p.model, user);
    play(&p, plan);
    _exit(0);
}

/* Plays in a process of its own, which ends at the first unexpected reply. */
static void start(struct running *r, const struct server *server,
                  const struct plan *plan, const char *user)
{
    char from[64];

    choose_address(from);
    disk_clear(server_home(server, user));
    *r = (struct running){ .path = "a player", .out = memfd_create("out", 0) };
    cr_assert(r->out >= 0);
    r->pid = fork();
    cr_assert(r->pid >= 0);
    if (r->pid == 0)
        be_player(server, plan, user, from, r->out);
}

static bool fails(const struct server *server, const struct plan *plan,
                  const char *user, struct run_result *result)
{
    struct running r;

    start(&r, server, plan, user);
    run_finish(&r, result);
    return result->status != 0;
}

/* Tries without N steps from there on, and keeps that if it fails all the
 * same. */
static bool try_without(const struct server *server, struct plan *plan,
                        const char *user, size_t from, size_t count,
                        struct run_result *last)
{
    static struct plan shorter;
    struct run_result result;

    shorter = *plan;
    plan_drop(&shorter, from,
              from + count < plan->count ? from + count : plan->count);
    if (!fails(server, &shorter, user, &result)) {
        run_release(&result);
        return false;
    }
    run_release(last);
    *last = result;
    *plan = shorter;
    return true;
}

/* Removes halves, quarters, single steps, from the end. */
static void shrink(const struct server *server, struct plan *plan,
                   const char *user, struct run_result *last)
{
    uint64_t end = clock_ms() + SHRINK_MS;

    for (size_t count = plan->count / 2; count > 0; count /= 2)
        for (size_t at = plan->count; at > 0 && clock_ms() < end;) {
            at = at > count ? at - count : 0;
            if (at < plan->count)
                try_without(server, plan, user, at, count, last);
        }
}

static void explain(const struct server *server, struct plan *plan,
                    const char *user, struct run_result *last)
{
    struct buf text;

    shrink(server, plan, user, last);
    buf_init(&text, 1 << 20);
    for (size_t i = 0; i < plan->count; i++) {
        buf_add_format(&text, "\n%4zu  ", i);
        step_show(&plan->step[i], &text);
    }
    buf_add(&text, "", 1);
    cr_assert_fail("not as the model has it; SALLYPORT_SEED=%llu plays all of "
                   "it again. In short:%s\n%s(status %d)",
                   (unsigned long long)plan->seed, text.data, last->text,
                   last->status);
}

static void check(const struct server *server, struct plan *plan,
                  struct running *r, const char *user)
{
    struct run_result result;

    run_finish(r, &result);
    if (result.status != 0)
        explain(server, plan, user, &result);
    run_release(&result);
    plan_release(plan);
}

static uint64_t next_seed(void)
{
    const char *given = getenv("SALLYPORT_SEED");
    uint64_t seed;

    if (given)
        return strtoull(given, NULL, 10);
    random_bytes(&seed, sizeof(seed));
    return seed;
}

static size_t how_many(void)
{
    if (server_is_sanitized())
        return server_is_long() ? LONG_SLOW : SHORT_SLOW;
    return server_is_long() ? LONG : SHORT;
}

Test(model, knows_every_command)
{
    for (size_t i = 0; i < command_count; i++)
        cr_expect_not_null(rule_find(slice_from(command_table[i].name)), "%s",
                           command_table[i].name);
}

SharedTest(model, sequences, 7000)
{
    size_t cases = how_many() / SEQUENCES_A_CASE;
    static struct plan plans[PLAYERS];
    struct running playing[PLAYERS];

    if (getenv("SALLYPORT_SEED"))
        cases = 1;
    for (size_t i = 0; i < cases + PLAYERS; i++) {
        size_t k = i % PLAYERS;

        if (i >= PLAYERS && i - PLAYERS < cases)
            check(server, &plans[k], &playing[k], users[k].name);
        if (i < cases) {
            plan_make(&plans[k], next_seed(), users[k].name);
            start(&playing[k], server, &plans[k], users[k].name);
        }
    }
}
