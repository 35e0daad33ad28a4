/* Compares all descriptions of the settings with their table: the example file
 * and the manual page. SALLYPORT_REGENERATE=1 writes both again: run the
 * program once in this way after a new row. */
#include <stdio.h>
#include <stdlib.h>

#include "conf.h"
#include "support/server.h"

#define MARK_BEGIN ".\\\" settings: begin, from src/conf/table.c\n"
#define MARK_END   ".\\\" settings: end\n"

static void read_text(const char *path, struct buf *into)
{
    FILE *f;
    int c;

    buf_init(into, 1 << 20);
    f = fopen(server_source(path), "r");
    if (!f && getenv("SALLYPORT_REGENERATE"))
        return;
    cr_assert_not_null(f, "%s", path);
    while ((c = getc(f)) != EOF)
        buf_add(into, &(char){ (char)c }, 1);
    fclose(f);
}

static void hold(const char *path, struct slice expected)
{
    struct buf found;

    if (getenv("SALLYPORT_REGENERATE")) {
        FILE *f = fopen(server_source(path), "w");

        cr_assert_not_null(f, "%s", path);
        fwrite(expected.ptr, 1, expected.len, f);
        fclose(f);
    }
    read_text(path, &found);
    cr_expect(slice_equal(buf_slice(&found), expected),
              "%s differs from src/conf/table.c; run unit_conf with "
              "SALLYPORT_REGENERATE=1 and look at the difference",
              path);
    buf_release(&found);
}

#define EXAMPLE_WIDTH 76

static const char example_head[] =
    "# Sallyport's configuration, /etc/sallyport/sallyport.conf; see\n"
    "# sallyport.conf(5). Each line is one \"key = value\". The values below "
    "are\n"
    "# the defaults. \"sallyportd --check\" reports mistakes. A ';' after a "
    "blank\n"
    "# begins a comment, so a value can't contain \" ;\".\n";

/* Writes TEXT as comment lines of at most EXAMPLE_WIDTH. */
static int add_comment(struct buf *into, struct slice text)
{
    size_t column = 0;
    struct slice word;

    while (slice_cut(&text, ' ', &word)) {
        bool fits = column && column + 1 + word.len <= EXAMPLE_WIDTH;
        int r = buf_add_format(into, "%s%.*s",
                               fits     ? " "
                               : column ? "\n# "
                                        : "# ",
                               (int)word.len, word.ptr);

        if (r)
            return r;
        column = (fits ? column + 1 : 2) + word.len;
    }
    return buf_add_text(into, "\n");
}

/* A blank after the '#' marks lines that must be completed, not only
 * uncommented. */
static int add_example_of(const struct setting *row, struct buf *into)
{
    if (row->keyed)
        return buf_add_format(into, "# %s%s = ...\n", row->key, row->keyed);
    return buf_add_format(into, "#%s =%s%s\n", row->key,
                          row->value[0] ? " " : "", row->value);
}

static int add_example(struct buf *into)
{
    int r = buf_add_text(into, example_head);

    for (size_t i = 0; r == 0 && i < setting_count; i++) {
        const struct setting *row = &setting_table[i];

        r = buf_add_text(into, "\n");
        if (r == 0)
            r = add_comment(into, slice_from(row->help));
        if (r == 0)
            r = add_example_of(row, into);
    }
    return r;
}

Test(docs, the_example_file)
{
    struct buf text;

    buf_init(&text, 65536);
    cr_assert_eq(add_example(&text), 0);
    hold("etc/sallyport.conf", buf_slice(&text));
    buf_release(&text);
}

/* The example without the '#' before each key is a configuration with all
 * defaults. */
Test(docs, the_example_is_the_default)
{
    static struct settings s;
    struct complaint c = { .text = "" };
    struct buf example, live;
    struct slice rest, line;

    buf_init(&example, 65536);
    buf_init(&live, 65536);
    cr_assert_eq(add_example(&example), 0);
    rest = buf_slice(&example);
    while (slice_cut(&rest, '\n', &line)) {
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

static void add_bound(struct buf *into, const struct setting *row, uint64_t n)
{
    unsigned long long value = n;

    if (row->type == SETTING_MODE)
        buf_add_format(into, "0%llo", value);
    else if (row->type != SETTING_DURATION)
        buf_add_format(into, "%llu", value);
    else if (value % 1000 == 0)
        buf_add_format(into, "%llus", value / 1000);
    else
        buf_add_format(into, "%llums", value);
}

static void add_range(struct buf *into, const struct setting *row)
{
    if (row->type != SETTING_NUMBER && row->type != SETTING_DURATION &&
        row->type != SETTING_MODE)
        return;
    buf_add_text(into, "; ");
    add_bound(into, row, row->min);
    buf_add_text(into, " to ");
    add_bound(into, row, row->max);
}

/* In roff a '-' of a key or value is a plain minus, and a '.' or ''' must not
 * begin a line. */
static void add_roff(struct buf *into, const char *text)
{
    for (; *text; text++) {
        if (*text == '-')
            buf_add_text(into, "\\-");
        else if (*text == '\\')
            buf_add_text(into, "\\e");
        else
            buf_add(into, text, 1);
    }
}

static void add_manual(struct buf *into)
{
    buf_add_text(into, MARK_BEGIN);
    for (size_t i = 0; i < setting_count; i++) {
        const struct setting *row = &setting_table[i];

        buf_add_text(into, ".TP\n.B ");
        add_roff(into, row->key);
        add_roff(into, row->keyed ? row->keyed : "");
        buf_add_text(into, "\n");
        add_roff(into, row->help);
        buf_add_text(into, "\nValue: ");
        add_roff(into, setting_kinds[row->type].syntax);
        add_range(into, row);
        buf_add_text(into, ".\nDefault: ");
        add_roff(into, row->value[0] ? row->value : "empty");
        buf_add_text(into, ".\n");
    }
    buf_add_text(into, MARK_END);
}

Test(docs, the_manual_page)
{
    static const char path[] = "docs/man/sallyport.conf.5";
    struct buf page, text;
    const char *begin, *end;

    read_text(path, &page);
    cr_assert_eq(buf_add(&page, "", 1), 0);
    begin = strstr(page.data, MARK_BEGIN);
    end = strstr(page.data, MARK_END);
    cr_assert(begin && end && begin < end, "%s: the marks", path);
    buf_init(&text, 65536);
    buf_add(&text, page.data, (size_t)(begin - page.data));
    add_manual(&text);
    buf_add_text(&text, end + strlen(MARK_END));
    hold(path, buf_slice(&text));
    buf_release(&page);
    buf_release(&text);
}
