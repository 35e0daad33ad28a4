/* Writes settings: the effective ones as a file, and the example of etc/.
 * Runs in sallyportd --check and in the test that holds etc/ to the table. */
#include <errno.h>

#include "kinds.h"

#define EXAMPLE_WIDTH 76

static const char example_head[] =
    "# Sallyport's configuration, /etc/sallyport/sallyport.conf; see\n"
    "# sallyport.conf(5). Each line is one \"key = value\". The values below "
    "are\n"
    "# the defaults. \"sallyportd --check\" reports mistakes. A ';' after a "
    "blank\n"
    "# begins a comment, so a value can't contain \" ;\".\n";

/* Writes the key before each line of the value. */
static int add_keyed(const struct settings *s, const struct setting *row,
                     struct buf *into)
{
    struct slice rest, line;
    struct buf lines;
    int r;

    buf_init(&lines, SETTINGS_TEXT_MAX);
    r = kinds_show(row, s, &lines);
    rest = buf_slice(&lines);
    while (r == 0 && slice_cut(&rest, '\n', &line))
        if (line.len > 0)
            r = buf_add_format(into, "%s%.*s\n", row->key, (int)line.len,
                               line.ptr);
    buf_release(&lines);
    return r;
}

static int add_plain(const struct settings *s, const struct setting *row,
                     struct buf *into)
{
    int r = buf_add_format(into, "%s = ", row->key);

    if (r == 0)
        r = kinds_show(row, s, into);
    return r == 0 ? buf_add_text(into, "\n") : r;
}

int conf_dump(const struct settings *s, struct buf *into)
{
    for (size_t i = 0; i < setting_count; i++) {
        const struct setting *row = &setting_table[i];
        int r = row->keyed ? add_keyed(s, row, into) : add_plain(s, row, into);

        if (r)
            return r;
    }
    return 0;
}

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

int conf_example(struct buf *into)
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
