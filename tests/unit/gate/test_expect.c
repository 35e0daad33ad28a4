/* The pairs of client hosts and ports, with a clock of the test. */
#include <criterion/criterion.h>

#include "gate/expect.h"

/* The table only compares these pointers. */
#define PORT(n)  ((struct port *)&ports[n])
#define CHILD(n) ((struct child *)&children[n])

static char ports[8], children[8];
static struct pair_list at_port[8];

static struct address host(unsigned n)
{
    return (struct address){
        .family = 4, .bytes = { 10, 0, (uint8_t)(n >> 8), (uint8_t)n }
    };
}

static struct pair *add(struct expect *e, unsigned h, unsigned port,
                        uint64_t now)
{
    struct address a = host(h);

    return expect_add(e, &a, PORT(port), &at_port[port], CHILD(0), now);
}

static bool is_taken(const struct expect *e, unsigned h, unsigned port)
{
    struct address a = host(h);

    return expect_find(e, &a, PORT(port)) != NULL;
}

static void count(struct port *port, void *owner)
{
    unsigned *n = owner;

    (void)port;
    (*n)++;
}

Test(expect, one_port_many_hosts)
{
    struct expect e;

    cr_assert_eq(expect_init(&e, 8, 1000), 0);
    cr_assert(add(&e, 1, 0, 0));
    cr_assert(add(&e, 2, 0, 0));
    cr_assert(is_taken(&e, 1, 0));
    cr_assert(is_taken(&e, 2, 0));
    cr_assert_not(is_taken(&e, 3, 0));
    cr_assert_not(is_taken(&e, 1, 1));
    expect_release(&e);
}

Test(expect, used_is_free_at_once)
{
    struct expect e;

    cr_assert_eq(expect_init(&e, 8, 1000), 0);
    expect_used(&e, add(&e, 1, 0, 0), 0);
    cr_assert_not(is_taken(&e, 1, 0));
    cr_assert_eq(expect_next(&e), 0);
    cr_assert(LIST_EMPTY(&at_port[0]));
    expect_release(&e);
}

Test(expect, unused_rests_a_minute)
{
    struct expect e;
    struct pair *p;

    cr_assert_eq(expect_init(&e, 8, 1000), 0);
    p = add(&e, 1, 0, 500);
    cr_assert_eq(expect_next(&e), 1500);
    cr_assert_null(expect_due(&e, 1499));
    cr_assert_eq(expect_due(&e, 1500), p);
    expect_rest(&e, p, 1500);
    cr_assert(LIST_EMPTY(&at_port[0]));
    cr_assert_null(p->child);
    cr_assert_null(expect_due(&e, 1500 + EXPECT_REST_MS - 1));
    cr_assert(is_taken(&e, 1, 0));
    cr_assert_eq(expect_next(&e), 1500 + EXPECT_REST_MS);
    cr_assert_null(expect_due(&e, 1500 + EXPECT_REST_MS));
    cr_assert_not(is_taken(&e, 1, 0));
    expect_release(&e);
}

Test(expect, next_is_the_nearer_end)
{
    struct expect e;

    cr_assert_eq(expect_init(&e, 8, 100), 0);
    expect_rest(&e, add(&e, 1, 0, 0), 0);
    cr_assert_eq(expect_next(&e), EXPECT_REST_MS);
    add(&e, 1, 1, 50);
    cr_assert_eq(expect_next(&e), 150);
    expect_release(&e);
}

Test(expect, ports_of_one_host)
{
    struct expect e;
    struct address a = host(1);
    unsigned n = 0;

    cr_assert_eq(expect_init(&e, 8, 1000), 0);
    add(&e, 1, 0, 0);
    expect_rest(&e, add(&e, 1, 1, 0), 0);
    add(&e, 2, 2, 0);
    expect_each_port(&e, &a, count, &n);
    cr_assert_eq(n, 2);
    expect_release(&e);
}

/* A full table: the pair that has rested longest makes room, and expected ones
 * never do. */
Test(expect, full_table)
{
    struct expect e;

    cr_assert_eq(expect_init(&e, 3, 1000), 0);
    expect_rest(&e, add(&e, 1, 0, 0), 10);
    expect_rest(&e, add(&e, 2, 0, 0), 20);
    add(&e, 3, 0, 30);
    cr_assert(add(&e, 4, 0, 40));
    cr_assert_not(is_taken(&e, 1, 0));
    cr_assert(is_taken(&e, 2, 0));
    cr_assert(add(&e, 5, 0, 50));
    cr_assert_not(is_taken(&e, 2, 0));
    cr_assert_null(add(&e, 6, 0, 60));
    cr_assert(is_taken(&e, 3, 0));
    expect_release(&e);
}

/* Only its session finds a resting pair, which is then expected as if it were
 * new. */
Test(expect, again)
{
    struct expect e;
    struct address a = host(1), other = host(2);
    struct pair *p;

    cr_assert_eq(expect_init(&e, 8, 1000), 0);
    p = add(&e, 1, 0, 0);
    p->session = 7;
    cr_assert_null(expect_rests(&e, &a, 7).longest, "it is expected");
    p->tries = 2;
    expect_rest(&e, p, 10);
    cr_assert_null(expect_rests(&e, &a, 8).longest);
    cr_assert_null(expect_rests(&e, &other, 7).longest);
    cr_assert_eq(expect_rests(&e, &a, 7).longest, p);
    expect_again(&e, p, &at_port[0], CHILD(1), 20);
    cr_assert_null(expect_rests(&e, &a, 7).longest);
    cr_assert_eq(p->child, CHILD(1));
    cr_assert_eq(p->tries, 0);
    cr_assert_eq(LIST_FIRST(&at_port[0]), p);
    cr_assert_eq(expect_next(&e), 1020);
    expect_used(&e, p, 0);
    cr_assert_eq(expect_next(&e), 0);
    expect_release(&e);
}

static bool any(const struct port *port, const struct child *c)
{
    (void)port;
    (void)c;
    return true;
}

static struct pair *other(struct expect *e, unsigned h, uint64_t user,
                          uint64_t now)
{
    struct address a = host(h);

    return expect_other(e, &a, user, now, any, NULL);
}

static struct pair *add_of(struct expect *e, unsigned port, uint64_t user,
                           uint64_t now)
{
    struct pair *p = add(e, 1, port, now);

    p->user = user;
    return p;
}

/* A pair that another user has left can be had at once, the longest rest first;
 * never one of the user itself, nor one of another host. */
Test(expect, left_by_another_user)
{
    struct expect e;
    struct pair *p, *q;

    cr_assert_eq(expect_init(&e, 8, 1000), 0);
    p = add_of(&e, 0, 7, 0);
    q = add_of(&e, 1, 8, 0);
    expect_rest(&e, q, 10);
    expect_rest(&e, p, 20);
    cr_expect_eq(other(&e, 1, 9, 20), q);
    cr_expect_eq(other(&e, 1, 8, 20), p);
    cr_expect_eq(other(&e, 1, 7, 20), q);
    cr_expect_null(other(&e, 2, 9, 20));
    expect_release(&e);
}

/* An expected pair belongs to its session for a while, and comes after all
 * resting ones. */
Test(expect, held_by_another_user)
{
    struct expect e;
    struct pair *p, *q;

    cr_assert_eq(expect_init(&e, 8, 30000), 0);
    p = add_of(&e, 0, 7, 100);
    cr_expect_null(other(&e, 1, 9, 100 + EXPECT_HOLD_MS - 1));
    cr_expect_eq(other(&e, 1, 9, 100 + EXPECT_HOLD_MS), p);
    cr_expect_null(other(&e, 1, 7, 100 + EXPECT_HOLD_MS));
    q = add_of(&e, 1, 8, 200);
    expect_rest(&e, q, 300);
    cr_expect_eq(other(&e, 1, 9, 100 + EXPECT_HOLD_MS), q);
    p->given = true; /* its session is checking a connection */
    cr_expect_eq(other(&e, 1, 8, 100 + EXPECT_HOLD_MS), NULL);
    expect_release(&e);
}

/* A pair goes from user to user and remembers each for a minute, also if one of
 * them uses it. */
Test(expect, all_who_left_it)
{
    struct expect e;
    struct pair *p;

    cr_assert_eq(expect_init(&e, 8, 1000), 0);
    p = add_of(&e, 0, 1, 0);
    expect_rest(&e, p, 0);
    cr_assert_eq(other(&e, 1, 2, 10), p);
    expect_again(&e, p, &at_port[0], CHILD(1), 10);
    p->user = 2;
    cr_expect(expect_doubtful(p, 10));
    expect_rest(&e, p, 20);
    cr_expect_null(other(&e, 1, 1, 30));
    cr_expect_null(other(&e, 1, 2, 30));
    cr_assert_eq(other(&e, 1, 3, 30), p);
    expect_again(&e, p, &at_port[0], CHILD(2), 30);
    p->user = 3;
    expect_used(&e, p, 40);
    cr_expect(is_taken(&e, 1, 0)); /* otherwise user 1 could have it */
    cr_expect_null(other(&e, 1, 1, 50));
    cr_expect_eq(other(&e, 1, 3, 50), p); /* the user who used it may */
    cr_expect_eq(other(&e, 1, 1, EXPECT_REST_MS), p);
    cr_expect_null(expect_due(&e, 40 + EXPECT_REST_MS));
    cr_expect_not(is_taken(&e, 1, 0));
    expect_release(&e);
}

Test(expect, no_more_than_it_remembers)
{
    struct expect e;
    struct pair *p;

    cr_assert_eq(expect_init(&e, 8, 1000), 0);
    p = add_of(&e, 0, 1, 0);
    expect_rest(&e, p, 0);
    for (uint64_t user = 2; user < EXPECT_LEAVERS; user++) {
        cr_assert_eq(other(&e, 1, user, user), p, "%llu",
                     (unsigned long long)user);
        expect_again(&e, p, &at_port[0], CHILD(1), user);
        p->user = user;
        expect_rest(&e, p, user);
    }
    cr_expect_null(other(&e, 1, 100, 100));
    cr_expect_eq(other(&e, 1, 100, EXPECT_REST_MS),
                 p); /* the first user's minute is over */
    expect_release(&e);
}
