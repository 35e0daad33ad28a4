/* Plays random commands and transfers against a server and its model: 400
 * sequences in the short run, 25,000 in the long run. If a sequence differs
 * from the model, the test shortens it as far as possible and prints it.
 * SALLYPORT_SEED=NUMBER system_model plays the sequence with this number
 * again. */
#include "model/player.h"
#include "sallyport/ftp/command.h"
#include "sequence.h"
#include "support/long.h"
#include "support/served.h"
#include "support/test.h"

/* Sequences of commands; _SLOW: with sanitizers. */
#define SHORT      400u
#define SHORT_SLOW 600u
#define LONG       25000u
#define LONG_SLOW  5000u
#define PLAYERS    2 /* at the same time; each is a user */

static const struct server_user users[PLAYERS] = { { .name = "anna" },
                                                   { .name = "bert" } };

SERVER_SHARED(.users = users, .user_count = PLAYERS,
              .settings =
                  "login_tries = 3\nmax_file_size = 1000000\nfsync = no\n");

static void play_plan(const struct sequence *s, const char *from)
{
    static struct player p;

    p.server = s->server;
    snprintf(p.from, sizeof(p.from), "%s", from);
    model_init(&p.model, s->user);
    play(&p, s->steps);
}

static void drop_steps(void *plan, size_t from, size_t to)
{
    plan_drop(plan, from, to);
}

static void show_step(const void *plan, size_t step, struct buf *into)
{
    step_show(&((const struct plan *)plan)->step[step], into);
}

static const struct sequence_kind kind = { sizeof(struct plan),
                                           offsetof(struct plan, count),
                                           play_plan, drop_steps, show_step };

static void check(const struct sequence *s, struct running *r)
{
    struct plan *plan = s->steps;
    struct run_result result;

    run_finish(r, &result);
    if (result.status != 0) {
        sequence_explain(s, plan->seed, &result);
        cr_assert_fail("not as the model has it: see above");
    }
    run_release(&result);
    plan_release(plan);
}

static size_t how_many(void)
{
    if (server_is_sanitized())
        return is_long() ? LONG_SLOW : SHORT_SLOW;
    return is_long() ? LONG : SHORT;
}

Test(model, knows_every_command)
{
    for (size_t i = 0; i < command_count; i++)
        cr_expect_not_null(rule_find(slice_from(command_table[i].name)),
                           "%s: no row in tests/system/model/table.c",
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
        const struct sequence s = { &kind, server, users[k].name, &plans[k] };

        if (i >= PLAYERS && i - PLAYERS < cases)
            check(&s, &playing[k]);
        if (i < cases) {
            plan_make(&plans[k], sequence_seed(0), s.user);
            sequence_start(&s, &playing[k]);
        }
    }
}
