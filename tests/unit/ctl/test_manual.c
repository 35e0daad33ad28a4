/* Compares sallyportctl(8) with the tables of commands and options. */
#include <stdio.h>
#include <stdlib.h>

#include "ctl/ctl.h"
#include "sallyport/base/buf.h"
#include "world.h"

/* Readable for each user, unlike the path of the build. */
static const char *source_of(const char *path)
{
    const char *source = getenv("SALLYPORT_SOURCE");
    static char all[512];

    snprintf(all, sizeof(all), "%s/%s", source ? source : SOURCE_DIR, path);
    return all;
}

static void read_source(const char *path, struct buf *into)
{
    FILE *f = fopen(source_of(path), "r");
    char bytes[4096];
    size_t n;

    buf_init(into, 1 << 20);
    while (f && (n = fread(bytes, 1, sizeof(bytes), f)) > 0)
        buf_add(into, bytes, n);
    if (f)
        fclose(f);
    buf_add(into, "", 1);
}

/* The manual as a terminal shows it, nearly: without fonts, and with "-" for
 * "\-". */
static void read_manual(struct buf *into)
{
    struct buf page;

    read_source("docs/man/sallyportctl.8", &page);
    buf_init(into, 1 << 20);
    for (const char *c = page.data; *c; c++) {
        if (strncmp(c, "\\f", 2) == 0)
            c += 2;
        else if (strncmp(c, "\\-", 2) != 0)
            buf_add(into, c, 1);
        else
            buf_add(into, ++c, 1);
    }
    buf_add(into, "", 1);
    buf_release(&page);
}

Test(manual, names_every_command_with_its_syntax)
{
    char line[2048];
    struct buf page;
    size_t found = 0;

    read_manual(&page);
    for (size_t i = 0; i < ctl_command_count; i++) {
        const struct ctl_command *row = &ctl_commands[i];

        snprintf(line, sizeof(line), "\n.TP\nsallyportctl %s%s%s%s%s\n",
                 row->group, row->name ? " " : "", row->name ? row->name : "",
                 row->syntax[0] ? " " : "", row->syntax);
        cr_expect_not_null(strstr(page.data, line), "%s", line);
    }
    for (const char *c = page.data; (c = strstr(c, "\n.TP\nsallyportctl "));
         c++)
        found++;
    cr_expect_eq(found, ctl_command_count);
    buf_release(&page);
}

Test(manual, names_every_option_with_its_value)
{
    char line[128];
    struct buf page;
    size_t found = 0;

    read_manual(&page);
    for (size_t i = 0; i < OPTIONS; i++) {
        const struct ctl_option *row = &ctl_options[i];

        snprintf(line, sizeof(line),
                 row->value ? "\n.TP\n.BI --%s \" %s\"\n" : "\n.TP\n.B --%s\n",
                 row->name, row->value);
        cr_expect_not_null(strstr(page.data, line), "%s", line);
    }
    for (const char *c = page.data; (c = strstr(c, "\n.TP\n.B")); c++)
        found += strncmp(c, "\n.TP\n.B --", 10) == 0 ||
                 strncmp(c, "\n.TP\n.BI --", 11) == 0;
    cr_expect_eq(found, OPTIONS);
    buf_release(&page);
}

/* A word of a syntax is no option, or a known one; and each option has a
 * command, or belongs to all. */
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
