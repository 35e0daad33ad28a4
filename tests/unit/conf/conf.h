/* Shared by the tests of conf. */
#ifndef TEST_CONF_H
#define TEST_CONF_H

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "sallyport/conf/conf.h"

#include "conf/kinds.h"

/* The result of the last parse. */
static struct settings s;
static struct complaint c;

/* Parses TEXT as the file "conf". */
static inline int parse(const char *text)
{
    c.text[0] = '\0';
    return conf_parse(&s, slice_from(text), "conf", NULL, &c);
}

static inline void parse_well(const char *text)
{
    cr_assert_eq(parse(text), 0, "%s: %s", text, c.text);
}

/* Parses "key = value" into its field alone. */
static inline int assign(const char *text)
{
    struct slice key, value = slice_from(text);
    struct assignment a = { .settings = &s,
                            .place = "conf:1",
                            .complaint = &c };

    c.text[0] = '\0';
    conf_default(&s);
    slice_cut(&value, '=', &key);
    a.row = table_find(slice_trim(key));
    cr_assert_not_null(a.row, "%s", text);
    a.value = slice_trim(value);
    a.field = (char *)&s + a.row->offset;
    return a.row->kind->set(&a);
}

struct mistake {
    const char *text,
        *complaint; /* the second is a part of the expected complaint */
};

static inline void expect_mistakes(const struct mistake *table, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        memset(&s, 0x5a, sizeof(s));
        cr_expect(parse(table[i].text) == -22, "accepted: %s", table[i].text);
        cr_expect(strstr(c.text, table[i].complaint) != NULL,
                  "%s\n  said:     %s\n  expected: %s", table[i].text, c.text,
                  table[i].complaint);
        cr_expect(s.listen_count == (size_t)0x5a5a5a5a5a5a5a5a,
                  "touched on failure: %s", table[i].text);
    }
}
#define EXPECT_MISTAKES(table)                                                 \
    expect_mistakes(table, sizeof(table) / sizeof(table[0]))

#endif
