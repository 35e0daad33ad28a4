/* Hashes: made, verified, and the same work for an unknown user. */
#include <sys/resource.h>

#include "sallyport/hash/hash.h"
#include "sallyport/userparse/userparse.h"
#include "support/long.h"
#include "support/test.h"

/* "correct horse", by crypt(3) of libxcrypt 4.4. */
static const char *const known[] = {
    "$y$j75$k2XAnEHBqQ1Ct2aMXFKNa/$E9XAySfP6N2THWdzNKesSVmhpcmhNusa8y5TMfT668.",
    "$y$j9T$k2XAnEHBqQ1Ct2aMXFKNa/$Ry7oZ9ThqkDutyuKduodO92iRCkOPEVA3D3cGUEN1J1",
    "$2b$07$KBCwKxOzLha2MUDgW0PjXeBjVpY0m5FsqgYchZRI1EAYe.TDo2Mxm",
    "$7$BU..../....k2XAnEHBqQ1Ct2aMXFKNa/"
    "$Q5pezBy5hqudsV.XXg2wEgSGmFoMyt44hmjNjKRIhF/",
    "$6$k2XAnEHBqQ1Ct2aM$"
    "KDBGOLClapqzK43U1GDLsBvQ8UyKzV4Gil5wjmo4po8DDQYfilvtBtdIBewkrDZsDiH9kMMRkq"
    "9YqOGSFdm16/",
    "$5$k2XAnEHBqQ1Ct2aM$GC1EfsiCksyq0SBhjt/RQhnnwK5wFNHaj/WQGO7Nu..",
    "$6$rounds=20000$k2XAnEHBqQ1Ct2aM$"
    "Xwh4GLO0MTTxr6d6Xta6gVdMhpZ4M5M3ctLbTj6ewDZ7wJ/"
    "Noai5QRxtBSTjN3vMQEjx6ioeSHhihg8RdW/md0"
};
#define KNOWNS (sizeof(known) / sizeof(known[0]))

#define COST 5 /* the default of hash_cost */

static struct secret password(const char *text)
{
    struct secret s;

    cr_assert_eq(secret_set(&s, slice_from(text)), 0);
    return s;
}

Test(hash, known_hashes_of_each_kind)
{
    struct secret right = password("correct horse");
    struct secret wrong = password("correct horsf");
    struct secret empty = password("");

    for (size_t i = 0; i < KNOWNS; i++) {
        cr_expect_eq(hash_verify(&right, known[i]), HASH_RIGHT, "%s", known[i]);
        cr_expect_eq(hash_verify(&wrong, known[i]), HASH_WRONG, "%s", known[i]);
        cr_expect_eq(hash_verify(&empty, known[i]), HASH_WRONG, "%s", known[i]);
    }
}

Test(hash, new_ones_are_yescrypt_and_salted)
{
    struct secret right = password("correct horse");
    char first[HASH_MAX], second[HASH_MAX];

    cr_assert_eq(hash_make(&right, COST, first), 0);
    cr_assert_eq(hash_make(&right, COST, second), 0);
    cr_expect_eq(strncmp(first, "$y$", 3), 0, "%s", first);
    cr_expect_str_neq(first, second);
    cr_expect_eq(hash_verify(&right, first), HASH_RIGHT);
    cr_expect_eq(hash_verify(&right, second), HASH_RIGHT);
}

Test(hash, passwords_up_to_their_bound)
{
    char text[HASH_PASSWORD_MAX + 2], made[HASH_MAX];
    struct secret s;

    memset(text, 'x', sizeof(text));
    text[HASH_PASSWORD_MAX] = '\0';
    s = password(text);
    cr_expect_eq(hash_make(&s, COST, made), 0);
    cr_expect_eq(hash_verify(&s, made), HASH_RIGHT);
    text[HASH_PASSWORD_MAX] = 'x';
    text[HASH_PASSWORD_MAX + 1] = '\0';
    s = password(text);
    cr_expect_neq(hash_make(&s, COST, made), 0);
    cr_expect_eq(hash_verify(&s, known[0]), HASH_WRONG);
    cr_expect_eq(hash_verify_nobody(&s, known[0]), HASH_WRONG);
}

/* The time of a SHA hash grows with the password, so a slow one takes no long
 * password: a stranger chooses it. */
Test(hash, long_passwords_of_slow_hashes, WITH_SANITIZERS)
{
    static const struct {
        size_t length;
        const char *hash;
        enum hash_answer answer;
    } rows[] = {
        { 65,
          "$6$rounds=656000$salt$"
          "I15PVLShk1GEhD/w3RaMEqDwHFY49v.BvOy10J/"
          "0KBwMnpjf5A75WiTd2XcZHBD5jjF4zgE1.AR5EVz58BhK5.",
          HASH_RIGHT },
        { 64,
          "$6$rounds=656001$salt$"
          "mEEJOgCnnv6JT/nvMyTL8Ff1hUL/pm77Gn/"
          "ecQr6gg0kz84FoOVrXLYVb0NYRvAvnt5dQ2.uUZXJuv39Nx.bV0",
          HASH_RIGHT },
        { 65,
          "$6$rounds=656001$salt$"
          "7h1ouXyl9h4KIEd83RmSDaPbl7q0Mr0RK1zS/"
          "mHT7fppjmuQQ9RCzq.qirkAEqFmCczxOoI2uarb8S/w/Fvap/",
          HASH_WRONG },
        { 65,
          "$5$rounds=656001$salt$"
          "rMpFD/OEwM5luc9euLtk1qVBRYSw0gA7BrY3aVKPhIC",
          HASH_WRONG },
    };
    char text[HASH_PASSWORD_MAX + 1] = "";
    struct secret s;

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        memset(text, 'x', rows[i].length);
        text[rows[i].length] = '\0';
        s = password(text);
        cr_expect_eq(hash_verify(&s, rows[i].hash), rows[i].answer, "row %zu",
                     i);
    }
}

Test(hash, what_is_no_hash)
{
    static const char *const table[] = { "",
                                         "!",
                                         "*",
                                         "*0",
                                         "*1",
                                         "x",
                                         "$",
                                         "$y$",
                                         "$y$j9T$",
                                         "$9$x$y",
                                         "$y$j9T$F5Jx5fExrKuPp53xLKQ..1$" };
    struct secret right = password("correct horse");
    struct secret empty = password("");

    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        cr_expect_neq(hash_verify(&right, table[i]), HASH_RIGHT, "%s",
                      table[i]);
        cr_expect_neq(hash_verify(&empty, table[i]), HASH_RIGHT, "%s",
                      table[i]);
    }
}

Test(hash, a_locked_hash_never_verifies)
{
    struct secret right = password("correct horse");
    char locked[HASH_MAX];

    locked[0] = '!';
    strcpy(locked + 1, known[0]);
    cr_expect_neq(hash_verify(&right, locked), HASH_RIGHT);
}

/* yescrypt takes its memory by mmap(2), which RLIMIT_AS limits. SHA-512 takes
 * none. Nothing is reported under the limit, since that takes memory too. */
Test(hash, no_memory_is_not_wrong)
{
    struct secret right = password("correct horse");
    enum hash_answer before = hash_verify(&right, known[1]),
                     nobody = hash_verify_nobody(&right, NULL), small, large,
                     like, unlike;
    struct rlimit usual, none;

    cr_assert_eq(before, HASH_RIGHT);
    cr_assert_eq(nobody, HASH_WRONG);
    cr_assert_eq(getrlimit(RLIMIT_AS, &usual), 0);
    none = (struct rlimit){ 0, usual.rlim_max };
    setrlimit(RLIMIT_AS, &none);
    small = hash_verify(&right, known[4]);
    large = hash_verify(&right, known[1]);
    like = hash_verify_nobody(&right, known[1]);
    unlike = hash_verify_nobody(&right, NULL);
    setrlimit(RLIMIT_AS, &usual);
    cr_expect_eq(small, HASH_RIGHT);
    cr_expect_eq(large, HASH_FAILED);
    cr_expect_eq(like, HASH_FAILED);
    cr_expect_eq(unlike, HASH_FAILED);
    cr_expect_eq(hash_verify(&right, known[1]), HASH_RIGHT);
}

#define TAIL "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa" /* of 43 bytes */

/* A users file may hold them: they look like hashes. */
Test(hash, what_crypt_never_computes)
{
    static const char *const table[] = { "$y$j9T$k$" TAIL,
                                         "$6$rounds=1$salt$" TAIL TAIL };
    struct secret any = password("correct horse");

    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        cr_expect_eq(hash_verify(&any, table[i]), HASH_FAILED, "%s", table[i]);
        cr_expect_eq(hash_verify_nobody(&any, table[i]), HASH_FAILED, "%s",
                     table[i]);
    }
}

Test(hash, nobody_is_never_right)
{
    struct secret right = password("correct horse");

    cr_expect_eq(hash_verify_nobody(&right, NULL), HASH_WRONG);
    cr_expect_eq(hash_verify_nobody(&right, "*"), HASH_WRONG);
    for (size_t i = 0; i < KNOWNS; i++)
        cr_expect_eq(hash_verify_nobody(&right, known[i]), HASH_WRONG);
}

static uint64_t cpu_us(void)
{
    struct rusage r;

    getrusage(RUSAGE_SELF, &r);
    return (uint64_t)(r.ru_utime.tv_sec + r.ru_stime.tv_sec) * 1000000 +
           (uint64_t)(r.ru_utime.tv_usec + r.ru_stime.tv_usec);
}

typedef enum hash_answer verify_fn(const struct secret *, const char *);

static uint64_t cost(verify_fn *verify, const char *hash)
{
    struct secret right = password("correct horse");
    uint64_t start = cpu_us();

    verify(&right, hash);
    return cpu_us() - start;
}

static bool is_near(uint64_t a, uint64_t b)
{
    return a != UINT64_MAX && a < 2 * b + 500 && b < 2 * a + 500;
}

/* Compares the lowest of several costs of SOMEBODY and NOBODY, which take
 * turns: other processes can only add, for a while to each cost. */
static void expect_near(const char *somebody, const char *nobody,
                        const char *what)
{
    uint64_t a = UINT64_MAX, b = UINT64_MAX;

    for (int i = 0; i < 12 && !is_near(a, b); i++) {
        const uint64_t now_a = cost(hash_verify, somebody);
        const uint64_t now_b = cost(hash_verify_nobody, nobody);

        a = now_a < a ? now_a : a;
        b = now_b < b ? now_b : b;
    }
    cr_expect(is_near(a, b), "%s: %llu and %llu us", what,
              (unsigned long long)a, (unsigned long long)b);
}

/* CPU time, not wall-clock time. A wrong branch differs by far more than a
 * factor of two: no work at all, or yescrypt's where SHA-256's is needed. */
Test(hash, nobody_costs_what_somebody_costs, WITHOUT_SANITIZERS)
{
    for (size_t i = 0; i < KNOWNS; i++)
        expect_near(known[i], known[i], known[i]);
}

Test(hash, nobody_without_a_likeness_costs_a_new_hash)
{
    struct secret right = password("correct horse");
    char made[HASH_MAX];

    cr_assert_eq(hash_make(&right, COST, made), 0);
    expect_near(made, NULL, "NULL");
    expect_near(made, "*", "*");
}

Test(hash, a_locked_likeness_costs_its_hash)
{
    char locked[HASH_MAX];

    locked[0] = '!';
    strcpy(locked + 1, known[0]);
    expect_near(known[0], locked, "locked");
}

/* Parameters that only an administrator can have chosen stay. */
Test(hash, weaker_ones, WITH_SANITIZERS)
{
    static const struct {
        const char *hash;
        uint64_t cost;
        bool weaker;
    } table[] = {
        { "$6$rounds=1000000$salt$x", 5, true },
        { "$2b$15$x", 5, false },
        { "$2b$12$x", 5, true },
        { "$7$CU..../....x", 5, false },
        { "$y$j9T$salt$x", 5, false },
        { "$y$j9T$salt$x", 6, true },
        { "$y$j9T$salt$x", 8, true },
        { "$y$jAT$salt$x", 6, false },
        { "$y$jAT$salt$x", 5, false },
        { "$y$j8T$salt$x", 5, true },
        { "$y$j95$salt$x", 5, true },
        { "$y$jD5$salt$x", 5, false },
        { "$y$j9T/$salt$x", 8, false },
        { "$y$k9T$salt$x", 8, false },
        { "$y$j", 8, false },
        { "$y$j9", 8, false },
        { "$y$j9T", 8, false },
        { "", 5, true },
    };
    struct secret right = password("correct horse");
    char made[HASH_MAX];

    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
        cr_expect_eq(hash_is_weaker(table[i].hash, table[i].cost),
                     table[i].weaker, "%s %d", table[i].hash,
                     (int)table[i].cost);
    for (uint64_t cost = 5; cost <= 8; cost++) {
        cr_assert_eq(hash_make(&right, cost, made), 0);
        cr_expect_eq(hash_verify(&right, made), HASH_RIGHT);
        cr_expect_not(hash_is_weaker(made, cost), "%s", made);
        cr_expect_eq(hash_is_weaker(made, 6), cost < 6, "%s", made);
    }
    cr_assert_eq(hash_make(&right, 5, made), 0);
    cr_expect_eq(strncmp(made, "$y$j9T$", 7), 0, "%s", made);
}

Test(hash, what_can_be_a_new_password)
{
    char longest[HASH_PASSWORD_MAX + 1];

    memset(longest, 'x', sizeof(longest));
    cr_expect_eq(hash_password_fault(SLICE("1234567")), PASSWORD_SHORT);
    cr_expect_eq(hash_password_fault(SLICE("12345678")), PASSWORD_OK);
    cr_expect_eq(hash_password_fault(SLICE("1234567\n")), PASSWORD_BYTES);
    cr_expect_eq(hash_password_fault(SLICE("1234567\r")), PASSWORD_BYTES);
    cr_expect_eq(hash_password_fault((struct slice){ "1234567\0", 8 }),
                 PASSWORD_BYTES);
    cr_expect_eq(
        hash_password_fault((struct slice){ longest, HASH_PASSWORD_MAX }),
        PASSWORD_OK);
    cr_expect_eq(
        hash_password_fault((struct slice){ longest, HASH_PASSWORD_MAX + 1 }),
        PASSWORD_LONG);
}

/* crypt(3) must compute each hash that the users file can have, or no refused
 * login of this user would count. The test changes each byte of cheap hashes,
 * and gives the salts each length. */
#define T43 "abcdefghijklmnopqrstuvwxyzABCDEFGHIJ./01234"

static void expect_computed(const char *hash)
{
    struct secret wrong = password("correct horsf");

    if (user_hash_ok(hash))
        cr_expect_eq(hash_verify(&wrong, hash), HASH_WRONG, "%s", hash);
}

Test(hash, what_the_users_file_can_have, .timeout = 120)
{
    static const char *const starts[] = {
        "$y$j75$k2XA",   "$y$j75..$k2XA",
        "$y$j75/.$k2XA", "$7$5/..../....k2XA",
        "$5$k2XA",       "$5$rounds=1000$k2XA", /* each third: all lengths */
    };
    char hash[256];

    for (size_t i = 0; i < sizeof(starts) / sizeof(starts[0]); i++) {
        for (size_t at = 3; at < strlen(starts[i]); at++)
            for (const char *b = is_long() ? "./019DEaz@-~$" : "/9D~$"; *b;
                 b++) {
                snprintf(hash, sizeof(hash), "%s$" T43, starts[i]);
                hash[at] = *b;
                expect_computed(hash);
            }
        for (int len = 0; len < 90 && i % 3 == 0; len++)
            for (const char *b = "1z"; *b; b++) {
                snprintf(hash, sizeof(hash), "%.*s%.*s%c$" T43,
                         (int)strlen(starts[i]) - 4, starts[i], len,
                         T43 T43 T43, *b);
                expect_computed(hash);
            }
    }
}
