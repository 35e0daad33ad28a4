/* The descriptions of the settings, which the build writes by describe.c. */
#include <errno.h>

#include "conf.h"

#define PAGE "first\n.\\\" settings\nlast\n"

/* The example without the '#' before each key is a configuration with all
 * defaults. */
Test(describe, the_example_is_the_default)
{
    struct buf example, live;
    struct slice rest, line;

    buf_init(&example, 65536);
    buf_init(&live, 65536);
    cr_assert_eq(describe_example(&example), 0);
    rest = buf_slice(&example);
    while (slice_cut(&rest, '\n', &line)) {
        cr_expect_leq(line.len, 80);
        cr_expect(line.len == 0 || line.ptr[0] == '#');
        if (line.len > 1 && line.ptr[0] == '#' && line.ptr[1] != ' ')
            line = (struct slice){ line.ptr + 1, line.len - 1 };
        buf_add_slice(&live, line);
        buf_add_text(&live, "\n");
    }
    cr_assert_eq(conf_parse(&s, buf_slice(&live), "example", NULL, &c), 0, "%s",
                 c.text);
    for (size_t i = 0; i < setting_count; i++) {
        cr_expect_eq(s.said[i].line == 0, setting_table[i].keyed != NULL);
        cr_expect_str_eq(s.said[i].value, setting_table[i].value);
    }
    buf_release(&example);
    buf_release(&live);
}

/* Fills TEXT with the page, which ends with a 0. */
static void make_manual(struct buf *text)
{
    buf_init(text, 262144);
    cr_assert_eq(describe_manual(text, PAGE), 0);
    cr_assert_eq(buf_add(text, "", 1), 0);
}

Test(describe, the_manual_has_each_setting_between_its_other_parts)
{
    struct buf text, head;
    const char *from, *found;

    make_manual(&text);
    cr_expect_eq(strncmp(text.data, "first\n.It Cm ", 13), 0);
    cr_expect_str_eq(text.data + strlen(text.data) - 7, ".\nlast\n");
    from = text.data;
    for (size_t i = 0; i < setting_count; i++) {
        const struct setting *row = &setting_table[i];

        buf_init(&head, 256);
        cr_assert_eq(buf_add_format(&head, ".It Cm %s%s\n", row->key,
                                    row->keyed ? row->keyed : ""),
                     0);
        cr_assert_eq(buf_add(&head, "", 1), 0);
        found = strstr(from, head.data);
        cr_assert(found, "%s, in the order of the table", row->key);
        from = found + head.len - 1;
        buf_release(&head);
    }
    buf_release(&text);
}

Test(describe, the_manual_has_bounds_defaults_and_the_signs_of_roff)
{
    static const char *const parts[] = {
        "; 5 to 8.\n",         "; 0600 to 0664.\n",
        "; 100ms to 3600s.\n", "\nValue: yes or no.\nDefault: ",
        "\nDefault: empty.\n", "HAProxy with send\\-proxy\\-v2",
    };
    struct buf text;

    make_manual(&text);
    for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
        cr_expect(strstr(text.data, parts[i]), "%s", parts[i]);
    /* A line that begins with a '.' or ''' is a request to roff. */
    for (char *line = strchr(text.data, '\n'); line;
         line = strchr(line + 1, '\n'))
        cr_expect((line[1] != '.' || strncmp(line + 1, ".It ", 4) == 0) &&
                      line[1] != '\'',
                  "%.40s", line + 1);
    buf_release(&text);
}

Test(describe, a_page_without_the_line_or_too_small_a_buffer_fails)
{
    struct buf text;

    buf_init(&text, 1000);
    cr_expect_eq(describe_manual(&text, "first\nlast\n"), -EINVAL);
    cr_expect_eq(describe_manual(&text, "a .\\\" settings\n"), -EINVAL);
    cr_expect_eq(describe_manual(&text, PAGE), -ENOBUFS);
    buf_clear(&text);
    cr_expect_eq(describe_example(&text), -ENOBUFS);
    buf_release(&text);
}
