/* The descriptions of the settings, which the build writes by describe.c. */
#include <errno.h>

#include "conf.h"

#define PAGE "first\n.\\\" settings\nlast\n"

/* The example without the '#' before each key is a configuration with all
 * defaults. */
Test(describe, the_example_is_the_default)
{
    struct slice rest, line;
    struct buf live;
    char *example;
    size_t size;
    FILE *out = open_memstream(&example, &size);

    buf_init(&live, 65536);
    describe_example(out);
    fclose(out);
    rest = (struct slice){ example, size };
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
    free(example);
    buf_release(&live);
}

static char *make_manual(void)
{
    char *text;
    size_t size;
    FILE *out = open_memstream(&text, &size);

    cr_assert_eq(describe_manual(out, PAGE), 0);
    fclose(out);
    return text;
}

Test(describe, the_manual_has_each_setting_between_its_other_parts)
{
    char *text = make_manual(), head[256];
    const char *from = text, *found;

    cr_expect_eq(strncmp(text, "first\n.It Cm ", 13), 0);
    cr_expect_str_eq(text + strlen(text) - 7, ".\nlast\n");
    for (size_t i = 0; i < setting_count; i++) {
        const struct setting *row = &setting_table[i];

        snprintf(head, sizeof(head), ".It Cm %s%s\n", row->key,
                 row->keyed ? row->keyed : "");
        found = strstr(from, head);
        cr_assert(found, "%s, in the order of the table", row->key);
        from = found + strlen(head);
    }
    free(text);
}

Test(describe, the_manual_has_bounds_defaults_and_the_signs_of_roff)
{
    static const char *const parts[] = {
        "; 5 to 8.\n",         "; 0600 to 0664.\n",
        "; 100ms to 3600s.\n", "\nValue: yes or no.\nDefault: ",
        "\nDefault: empty.\n", "HAProxy with send\\-proxy\\-v2",
    };
    char *text = make_manual();

    for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
        cr_expect(strstr(text, parts[i]), "%s", parts[i]);
    /* A line that begins with a '.' or ''' is a request to roff. */
    for (char *line = strchr(text, '\n'); line; line = strchr(line + 1, '\n'))
        cr_expect((line[1] != '.' || strncmp(line + 1, ".It ", 4) == 0) &&
                      line[1] != '\'',
                  "%.40s", line + 1);
    free(text);
}

Test(describe, a_page_without_the_line_fails)
{
    cr_expect_eq(describe_manual(stderr, "first\nlast\n"), -EINVAL);
    cr_expect_eq(describe_manual(stderr, "a .\\\" settings\n"), -EINVAL);
}
