/* Describes the settings by their table: writes the example of the
 * configuration, and the section of sallyport.conf(5). The build calls this
 * code in the program of main.c; no program of the server has this code. */
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

/* Writes a blank after the '#' if the administrator must complete the line, not
 * only remove the '#'. */
void describe_example(FILE *out)
{
    fputs(example_head, out);
    for (size_t i = 0; i < setting_count; i++) {
        const struct setting *row = &setting_table[i];
        struct slice help = slice_from(row->help), word;
        size_t column = 0;

        fputs("\n", out);
        while (slice_cut(&help, ' ', &word)) {
            bool fits = column && column + 1 + word.len <= EXAMPLE_WIDTH;

            fprintf(out, "%s%.*s",
                    fits     ? " "
                    : column ? "\n# "
                             : "# ",
                    (int)word.len, word.ptr);
            column = (fits ? column + 1 : 2) + word.len;
        }
        if (row->keyed)
            fprintf(out, "\n# %s%s = ...\n", row->key, row->keyed);
        else
            fprintf(out, "\n#%s =%s%s\n", row->key, row->value[0] ? " " : "",
                    row->value);
    }
}

static void add_bound(FILE *out, const struct setting_kind *kind, uint64_t n)
{
    unsigned long long value = n;

    if (kind == &kind_mode)
        fprintf(out, "0%llo", value);
    else if (kind != &kind_duration)
        fprintf(out, "%llu", value);
    else if (value % 1000 == 0)
        fprintf(out, "%llus", value / 1000);
    else
        fprintf(out, "%llums", value);
}

/* Adds BEFORE unchanged, and TEXT for roff: writes a '\' before each '-', which
 * would otherwise not be a plain minus, and begins each sentence on a new line.
 */
static void add_roff(FILE *out, const char *before, const char *text)
{
    char last = '\0';

    fputs(before, out);
    for (; *text; last = *text++) {
        if (*text == '-')
            fputs("\\-", out);
        else if (*text == '\\')
            fputs("\\e", out);
        else if (*text == ' ' && last == '.' && isupper((unsigned char)text[1]))
            fputs("\n", out);
        else
            fputc(*text, out);
    }
}

int describe_manual(FILE *out, const char *page)
{
    const char *mark = strstr(page, "\n" MARK);

    if (!mark)
        return -EINVAL;
    fwrite(page, 1, (size_t)(mark + 1 - page), out);
    for (size_t i = 0; i < setting_count; i++) {
        const struct setting *row = &setting_table[i];

        add_roff(out, ".It Cm ", row->key);
        add_roff(out, "", row->keyed ? row->keyed : "");
        add_roff(out, "\n", row->help);
        add_roff(out, "\nValue: ", row->kind->syntax);
        if (row->kind == &kind_number || row->kind == &kind_duration ||
            row->kind == &kind_mode) {
            fputs("; ", out);
            add_bound(out, row->kind, row->min);
            fputs(" to ", out);
            add_bound(out, row->kind, row->max);
        }
        add_roff(out, ".\nDefault: ", row->value[0] ? row->value : "empty");
        fputs(".\n", out);
    }
    fputs(mark + strlen("\n" MARK), out);
    return 0;
}
