/* Tests how gate sends ticket keys. A session gets both keys when its user has
 * logged in, and each new key later. It always has the key before, so it can
 * open older tickets. */
#include "bench.h"

#define NAME (2 * TICKET_NAME_BYTES + 1)

struct names {
    char now[NAME], before[NAME];
};

static struct names hear(const struct fake *f)
{
    struct names n;
    char line[256];

    fake_says(f, line, sizeof(line));
    cr_assert_eq(sscanf(line, "keys %32s %32s", n.now, n.before), 2, "%s",
                 line);
    return n;
}

/* Receives the keys that follow FROM, and returns them. The key before is the
 * present one of FROM. */
static struct names follow(const struct fake *f, struct names from)
{
    struct names next = hear(f);

    cr_assert_str_eq(next.before, from.now);
    cr_assert_str_neq(next.now, from.now);
    cr_assert_str_neq(next.now, from.before);
    return next;
}

static void look(const struct fake *f)
{
    char line[256];

    fake_do(f, "look");
    fake_says(f, line, sizeof(line));
    cr_assert_eq(strncmp(line, "ignored", 7), 0, "%s", line);
}

static struct names log_in(struct bench *b, const struct fake *f)
{
    fake_do(f, "keys");
    look(f); /* now the session has handled "keys" */
    bench_log_in(b, f->serial);
    return hear(f);
}

GateTest(tickets, all_sessions_hear_of_new_keys,
         .settings = "ticket_lifetime = 1s\n")
{
    struct names first, late;
    struct fake early, other;
    int clients[2];

    early = bench_enter(b, "127.0.0.1", &clients[0]);
    first = log_in(b, &early);
    cr_assert_str_neq(first.now, first.before);
    first = follow(&early, first);
    first = follow(&early, first);
    other = bench_enter(b, "127.0.0.2", &clients[1]);
    late = log_in(b, &other);
    while (strcmp(first.now, late.now) != 0)
        first = follow(&early, first);
    cr_assert_str_eq(late.before, first.before, "a login brings both");
    late = follow(&other, late);
    first = follow(&early, first);
    cr_assert_str_eq(late.now, first.now);
    close(clients[0]);
    bench_gone(b, &early);
    close(clients[1]);
    bench_gone(b, &other);
}

/* A session gets no key before its login, not even when the keys change. */
GateTest(tickets, none_before_login, .settings = "ticket_lifetime = 1s\n")
{
    struct fake known, unknown;
    struct names n;
    int clients[2];

    unknown = bench_enter(b, "127.0.0.2", &clients[1]);
    fake_do(&unknown, "keys");
    known = bench_enter(b, "127.0.0.1", &clients[0]);
    n = log_in(b, &known);
    follow(&known, n);
    look(&unknown);
    log_in(b, &unknown);
    close(clients[0]);
    bench_gone(b, &known);
    close(clients[1]);
    bench_gone(b, &unknown);
}

/* A second MSG_logged_in causes no second message with keys. */
GateTest(tickets, keys_last_for_hours, .settings = "")
{
    struct fake f;
    int client;

    f = bench_enter(b, "127.0.0.1", &client);
    log_in(b, &f);
    bench_log_in(b, f.serial);
    look(&f);
    close(client);
    bench_gone(b, &f);
}

/* A gate that an attacker controlled has written when the newest key was made.
 * The next gate makes a new key at once, and then in time. */
Test(tickets, a_lie_about_their_age)
{
    static const uint64_t lies[] = { 5001, UINT64_C(1) << 63, UINT64_MAX };

    for (size_t i = 0; i < sizeof(lies) / sizeof(lies[0]); i++) {
        struct ticket_memory t = { .turned = lies[i] };

        cr_expect_eq(tickets_renew(&t, 1000, 5000), 1000);
        cr_expect_eq(t.turned, 5000);
        cr_expect_eq(tickets_turn(&t), 2);
        cr_expect_eq(tickets_renew(&t, 1000, 5400), 600);
        cr_expect_eq(tickets_turn(&t), 2);
    }
}
