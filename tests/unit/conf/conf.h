/* Shared by the tests of conf. */
#ifndef TEST_CONF_H
#define TEST_CONF_H

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "sallyport/conf/conf.h"

#include "conf/kinds.h"

/* Parses TEXT as the file "conf". *c gets the complaint. */
static inline int parse(struct settings *s, const char *text,
                        struct complaint *c)
{
    c->text[0] = '\0';
    return conf_parse(s, slice_from(text), "conf", NULL, c);
}

/* Parses "key = value" into its field alone. */
static inline int assign(struct settings *s, const char *text,
                         struct complaint *c)
{
    struct slice key, value = slice_from(text);
    struct assignment a = { .settings = s, .place = "conf:1", .complaint = c };

    c->text[0] = '\0';
    conf_default(s);
    slice_cut(&value, '=', &key);
    a.row = table_find(slice_trim(key));
    cr_assert_not_null(a.row, "%s", text);
    a.value = slice_trim(value);
    a.field = (char *)s + a.row->offset;
    return setting_kinds[a.row->type].set(&a);
}

struct mistake {
    const char *text,
        *complaint; /* the second is a part of the expected complaint */
};

static inline void expect_mistakes(const struct mistake *table, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        struct settings s;
        struct complaint c;
        int r;

        memset(&s, 0x5a, sizeof(s));
        r = parse(&s, table[i].text, &c);
        cr_expect(r == -22, "accepted: %s", table[i].text);
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
