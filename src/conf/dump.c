/* Writes settings: the effective ones as a file, and the example of etc/.
 * Runs in sallyportd --check and in the test that holds etc/ to the table. */
#include <errno.h>

#include "kinds.h"

#define EXAMPLE_WIDTH 76

static const char example_head[] =
    "# Sallyport's configuration, /etc/sallyport/sallyport.conf; see\n"
    "# sallyport.conf(5). One \"key = value\" a line; what stands here\n"
    "# commented out is the default. \"sallyportd --check\" tells mistakes.\n"
    "# A ';' behind a blank begins a comment, so a value can't hold \" ;\".\n";

static int add_value(const struct settings *s, const struct setting *row,
                     struct buf *into)
{
    const char *field = (const char *)s + row->offset;

    return setting_kinds[row->type].show(field, into);
}

int settings_dump(const struct settings *s, struct buf *into)
{
    for (size_t i = 0; i < setting_count; i++) {
        const struct setting *row = &setting_table[i];
        int r = buf_add_format(into, "%s = ", row->key);

        if (r == 0)
            r = add_value(s, row, into);
        if (r == 0)
            r = buf_add_text(into, "\n");
        if (r)
            return r;
    }
    return 0;
}

/* Words of TEXT in lines of at most EXAMPLE_WIDTH, each behind "#". */
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

int settings_example(struct buf *into)
{
    int r = buf_add_text(into, example_head);

    for (size_t i = 0; r == 0 && i < setting_count; i++) {
        const struct setting *row = &setting_table[i];

        r = buf_add_text(into, "\n");
        if (r == 0)
            r = add_comment(into, slice_from(row->help));
        if (r == 0)
            r = buf_add_format(into, "#%s =%s%s\n", row->key,
                               row->value[0] ? " " : "", row->value);
    }
    return r;
}
