/* Shared by the tests of the users file as a whole. */
#ifndef TESTS_UNIT_USERPARSE_PARSE_H
#define TESTS_UNIT_USERPARSE_PARSE_H

#include "sallyport/base/fd.h"
#include "sallyport/userparse/userparse.h"
#include "support/test.h"

/* The result of the last reading. The next one releases the table. */
static struct users u;
static struct complaint c;

static inline int read_slice(struct slice text)
{
    FD_CLEANUP int fd = fd_sealed("users", text);

    cr_assert_geq(fd, 0);
    users_release(&u);
    c.text[0] = '\0';
    return users_read(&u, fd, "users", &c);
}

static inline void read_well(const char *text)
{
    cr_assert_eq(read_slice(slice_from(text)), 0, "%s", c.text);
}

struct mistake {
    const char *text, *complaint; /* the second is how the complaint begins */
};

static inline void expect_mistakes(const struct mistake *table, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        const char *expected = table[i].complaint;

        cr_expect_eq(read_slice(slice_from(table[i].text)), -EINVAL,
                     "accepted: %s", table[i].text);
        cr_expect_eq(strncmp(c.text, expected, strlen(expected)), 0,
                     "%s\n said %s", table[i].text, c.text);
        cr_expect(!u.row && !u.share && !u.team && !u.text);
    }
}
#define EXPECT_MISTAKES(table)                                                 \
    expect_mistakes(table, sizeof(table) / sizeof((table)[0]))

/* The reports of the last survey, one per line. */
static char told[4096];

static inline void tell(const char *mistake)
{
    size_t len = strlen(told);

    snprintf(told + len, sizeof(told) - len, "%s\n", mistake);
}

/* Returns the number of mistakes. */
static inline int survey(struct slice text)
{
    FD_CLEANUP int fd = fd_sealed("users", text);
    int r;

    users_release(&u);
    c.text[0] = told[0] = '\0';
    r = users_survey(&u, fd, "users", tell, &c);
    cr_expect_str_eq(c.text, "");
    return r;
}

#endif
