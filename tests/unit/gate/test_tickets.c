/* The keys of tickets: a session has those of its fork, and hears of each
 * exchange; what one key sealed, the next one's time still opens. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "bench.h"

#define NAME (2 * TICKET_NAME_BYTES + 1)

struct names {
    char now[NAME], before[NAME];
};

/* True for those of the fork. */
static bool hear(const struct fake *f, struct names *n)
{
    char line[256], word[8];

    fake_says(f, line, sizeof(line));
    cr_assert_eq(sscanf(line, "%7s %32s %32s", word, n->now, n->before), 3,
                 "%s", line);
    return strcmp(word, "fork") == 0;
}

/* The newest that it has: an exchange may have come in between. */
static struct names ask(const struct fake *f)
{
    struct names fork, later, heard = { "", "" };

    fake_do(f, "keys");
    while (!hear(f, &later))
        heard = later;
    fork = later;
    return heard.now[0] ? heard : fork;
}

/* Each exchange follows upon the one before: FROM is what was known. */
static struct names follow(const struct fake *f, struct names from)
{
    struct names next;

    cr_assert(!hear(f, &next));
    cr_assert_str_eq(next.before, from.now);
    cr_assert_str_neq(next.now, from.now);
    cr_assert_str_neq(next.now, from.before);
    return next;
}

Test(tickets, all_sessions_hear_of_new_keys, .timeout = 60)
{
    const struct bench_plan plan = { .settings = "ticket_lifetime = 1s\n" };
    struct names first, late;
    struct fake early, other;
    struct bench b;
    int clients[2];

    bench_start(&b, &plan);
    early = bench_enter(&b, "127.0.0.1", &clients[0]);
    first = ask(&early);
    cr_assert_str_neq(first.now, first.before);
    first = follow(&early, first);
    first = follow(&early, first);
    other = bench_enter(&b, "127.0.0.2", &clients[1]);
    late = ask(&other);
    while (strcmp(first.now, late.now) != 0)
        first = follow(&early, first);
    cr_assert_str_eq(late.before, first.before, "a fork has both");
    late = follow(&other, late);
    first = follow(&early, first);
    cr_assert_str_eq(late.now, first.now);
    close(clients[0]);
    bench_gone(&b, &early);
    close(clients[1]);
    bench_gone(&b, &other);
    bench_stop(&b, 0);
}

Test(tickets, keys_last_for_hours, .timeout = 60)
{
    const struct bench_plan plan = { .settings = "" };
    struct bench b;
    struct fake f;
    char line[256];
    int client;

    bench_start(&b, &plan);
    f = bench_enter(&b, "127.0.0.1", &client);
    ask(&f);
    fake_do(&f, "look");
    fake_says(&f, line, sizeof(line));
    cr_assert_eq(strncmp(line, "keepalive", 9), 0, "%s", line);
    close(client);
    bench_gone(&b, &f);
    bench_stop(&b, 0);
}
