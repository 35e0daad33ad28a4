/* The descriptions of the settings, from their table: the example of the
 * configuration, and the section of sallyport.conf(5). The build writes both by
 * the program of main.c; no program of the server has this code. */
#include <ctype.h>
#include <errno.h>
#include <string.h>

#include "kinds.h"

#define EXAMPLE_WIDTH 76
#define MARK          ".\\\" settings\n"

static const char example_head[] =
    "# Sallyport's configuration, /etc/sallyport/sallyport.conf; see\n"
    "# sallyport.conf(5). Each line is one \"key = value\". The values below "
    "are\n"
    "# the defaults. \"sallyportd --check\" reports mistakes. A ';' after a "
    "blank\n"
    "# begins a comment, so a value can't contain \" ;\".\n";

/* Adds TEXT as comment lines of at most EXAMPLE_WIDTH. */
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

/* Adds the example of a row. A blank after the '#' marks lines that must be
 * completed, not only uncommented. */
static int add_example(struct buf *into, const struct setting *row)
{
    if (row->keyed)
        return buf_add_format(into, "# %s%s = ...\n", row->key, row->keyed);
    return buf_add_format(into, "#%s =%s%s\n", row->key,
                          row->value[0] ? " " : "", row->value);
}

int describe_example(struct buf *into)
{
    int r = buf_add_text(into, example_head);

    for (size_t i = 0; r == 0 && i < setting_count; i++) {
        const struct setting *row = &setting_table[i];

        r = buf_add_text(into, "\n");
        if (r == 0)
            r = add_comment(into, slice_from(row->help));
        if (r == 0)
            r = add_example(into, row);
    }
    return r;
}

static int add_bound(struct buf *into, const struct setting_kind *kind,
                     uint64_t n)
{
    unsigned long long value = n;

    if (kind == &kind_mode)
        return buf_add_format(into, "0%llo", value);
    if (kind != &kind_duration)
        return buf_add_format(into, "%llu", value);
    if (value % 1000 == 0)
        return buf_add_format(into, "%llus", value / 1000);
    return buf_add_format(into, "%llums", value);
}

static int add_range(struct buf *into, const struct setting *row)
{
    int r;

    if (row->kind != &kind_number && row->kind != &kind_duration &&
        row->kind != &kind_mode)
        return 0;
    r = buf_add_text(into, "; ");
    if (r == 0)
        r = add_bound(into, row->kind, row->min);
    if (r == 0)
        r = buf_add_text(into, " to ");
    if (r == 0)
        r = add_bound(into, row->kind, row->max);
    return r;
}

/* Adds TEXT for roff, where a '-' of a key or value is a plain minus only with
 * a '\' before it, and each sentence begins a line. */
static int add_roff(struct buf *into, const char *text)
{
    char before = '\0';
    int r = 0;

    for (; r == 0 && *text; before = *text++) {
        if (*text == '-')
            r = buf_add_text(into, "\\-");
        else if (*text == '\\')
            r = buf_add_text(into, "\\e");
        else if (*text == ' ' && before == '.' &&
                 isupper((unsigned char)text[1]))
            r = buf_add_text(into, "\n");
        else
            r = buf_add(into, text, 1);
    }
    return r;
}

/* Adds BEFORE unchanged, and TEXT. */
static int add_part(struct buf *into, const char *before, const char *text)
{
    int r = buf_add_text(into, before);

    return r ? r : add_roff(into, text);
}

static int add_paragraph(struct buf *into, const struct setting *row)
{
    int r = add_part(into, ".It Cm ", row->key);

    if (r == 0 && row->keyed)
        r = add_roff(into, row->keyed);
    if (r == 0)
        r = add_part(into, "\n", row->help);
    if (r == 0)
        r = add_part(into, "\nValue: ", row->kind->syntax);
    if (r == 0)
        r = add_range(into, row);
    if (r == 0)
        r = add_part(into,
                     ".\nDefault: ", row->value[0] ? row->value : "empty");
    return r ? r : buf_add_text(into, ".\n");
}

int describe_manual(struct buf *into, const char *page)
{
    const char *mark = strstr(page, "\n" MARK);
    int r;

    if (!mark)
        return -EINVAL;
    r = buf_add(into, page, (size_t)(mark + 1 - page));
    for (size_t i = 0; r == 0 && i < setting_count; i++)
        r = add_paragraph(into, &setting_table[i]);
    return r ? r : buf_add_text(into, mark + strlen("\n" MARK));
}
