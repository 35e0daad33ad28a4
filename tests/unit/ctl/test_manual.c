/* Compares sallyportctl(8) with the tables of commands and options. */
#include "ctl/ctl.h"
#include "sallyport/base/buf.h"
#include "support/files.h"
#include "world.h"

static void read_source(const char *path, struct buf *into)
{
    FILE *f = fopen(in_source(path), "r");
    char bytes[4096];
    size_t n;

    buf_init(into, 1 << 20);
    while (f && (n = fread(bytes, 1, sizeof(bytes), f)) > 0)
        buf_add(into, bytes, n);
    if (f)
        fclose(f);
    buf_add(into, "", 1);
}

/* Adds the text to INTO without blanks, brackets, bars, dashes, and macros of
 * mdoc(7). So a heading of the page becomes the same as the syntax of its
 * row. */
static void squeeze(const char *text, size_t len, struct buf *into)
{
    static const char *const macros[] = { "Cm", "Ar", "Fl", "Op",
                                          "Oo", "Oc", "Ns", "No" };
    struct slice rest = { text, len }, word;

    while (slice_cut(&rest, ' ', &word)) {
        if (slice_among(word, macros, sizeof(macros) / sizeof(macros[0])) >= 0)
            continue;
        for (size_t i = 0; i < word.len; i++)
            if (!strchr("[]|-\\&", word.ptr[i]))
                buf_add(into, word.ptr + i, 1);
    }
}

static bool is_same(const char *head, const char *syntax)
{
    struct buf left, right;
    bool same;

    buf_init(&left, 8192);
    buf_init(&right, 8192);
    squeeze(head, strcspn(head, "\n"), &left);
    squeeze(syntax, strlen(syntax), &right);
    same = slice_equal(buf_slice(&left), buf_slice(&right));
    buf_release(&left);
    buf_release(&right);
    return same;
}

#define HEAD "\n.It Cm "

/* The headings of "user add" and "user change" end with "options": the page
 * lists their options below. */
Test(manual, names_every_command_with_its_syntax)
{
    char begin[64];
    struct buf page;
    size_t found = 0;

    read_source("docs/man/sallyportctl.8", &page);
    const char *commands = strstr(page.data, "\n.Sh COMMANDS\n");
    cr_assert(commands);
    for (size_t i = 0; i < ctl_command_count; i++) {
        const struct ctl_command *row = &ctl_commands[i];

        snprintf(begin, sizeof(begin), HEAD "%s%s%s", row->group,
                 row->name ? " " : "", row->name ? row->name : "");
        const char *head = strstr(commands, begin);
        cr_expect(head, "%s", begin);
        if (head)
            head += strlen(begin);
        cr_expect(head && (is_same(head, row->syntax) ||
                           is_same(head, "NAME options")),
                  "%s %s", begin, row->syntax);
    }
    for (const char *c = commands; (c = strstr(c, HEAD)); c++)
        found++;
    cr_expect_eq(found, ctl_command_count);
    buf_release(&page);
}

/* The page lists each option, with its value. */
Test(manual, names_every_option_with_its_value)
{
    char line[128];
    struct buf page;
    size_t found = 0;

    read_source("docs/man/sallyportctl.8", &page);
    for (size_t i = 0; i < OPTIONS; i++) {
        const struct ctl_option *row = &ctl_options[i];
        const char *at = page.data;
        bool has = false;

        snprintf(line, sizeof(line), "\n.It Fl -%s", row->name);
        while (!has && (at = strstr(at, line))) {
            at += strlen(line);
            has = is_same(at, row->value ? row->value : "");
        }
        cr_expect(has, "%s %s", line, row->value ? row->value : "");
    }
    for (const char *c = page.data; (c = strstr(c, "\n.It Fl ")); c++)
        found++;
    cr_expect_geq(found, OPTIONS);
    buf_release(&page);
}

/* Each option in a syntax is in the table. Each option of the table belongs to
 * a command, or to all. */
Test(commands, each_option_of_a_syntax)
{
    bool taken[OPTIONS] = { [OPTION_version] = true, [OPTION_all] = true };

    for (size_t i = 0; i < ctl_command_count; i++) {
        const struct ctl_command *row = &ctl_commands[i];

        for (const char *at = row->syntax; (at = strstr(at, "--")); at += 2) {
            const struct slice name = { at + 2, strcspn(at + 2, " ]") };

            cr_expect_not_null(arguments_option(name), "%s %s: %s", row->group,
                               row->name, at);
        }
        for (size_t n = 0; n < OPTIONS; n++)
            taken[n] |= ctl_takes(row, (enum option_place)n);
    }
    for (size_t n = 0; n < OPTIONS; n++)
        cr_expect(taken[n], "--%s", ctl_options[n].name);
}
