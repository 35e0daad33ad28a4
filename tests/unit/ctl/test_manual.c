/* Compares sallyportctl(8) and the completion of bash with the tables of
 * commands and options. SALLYPORT_REGENERATE=1 writes the completion again: run
 * the program once in this way after a new row. */
#include <stdio.h>
#include <stdlib.h>

#include "ctl/ctl.h"
#include "sallyport/base/buf.h"
#include "support/run.h"
#include "world.h"

#define COMPLETION "etc/completion/sallyportctl.bash"

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
    for (size_t i = 0; i < ctl_option_count; i++) {
        const struct ctl_option *row = &ctl_options[i];

        snprintf(line, sizeof(line),
                 row->value ? "\n.TP\n.BI --%s \" %s\"\n" : "\n.TP\n.B --%s\n",
                 row->name, row->value);
        cr_expect_not_null(strstr(page.data, line), "%s", line);
    }
    for (const char *c = page.data; (c = strstr(c, "\n.TP\n.B")); c++)
        found += strncmp(c, "\n.TP\n.B --", 10) == 0 ||
                 strncmp(c, "\n.TP\n.BI --", 11) == 0;
    cr_expect_eq(found, ctl_option_count);
    buf_release(&page);
}

/* A command's usage names just the options that it takes. */
Test(commands, syntax_and_options_agree)
{
    char word[64];

    for (size_t i = 0; i < ctl_command_count; i++)
        for (size_t n = 0; n < ctl_option_count; n++) {
            const struct ctl_command *row = &ctl_commands[i];
            const struct ctl_option *option = &ctl_options[n];
            const char *at;
            bool named = false;

            snprintf(word, sizeof(word), "--%s", option->name);
            for (at = row->syntax; (at = strstr(at, word)); at++)
                named |= strchr(" ]", at[strlen(word)]) != NULL;
            cr_expect_eq(named, (row->options & option->bit) != 0, "%s %s: %s",
                         row->group, row->name, word);
        }
}

/* The completion. */

static void add_options(struct buf *into, uint64_t of)
{
    buf_add_text(into, "options='--config --help");
    for (size_t i = 0; i < ctl_option_count; i++)
        if (ctl_options[i].bit & of)
            buf_add_format(into, " --%s", ctl_options[i].name);
    buf_add_text(into, "'");
}

/* The first words of all commands, or the second ones of GROUP. */
static void add_words(struct buf *into, const char *group)
{
    const char *last = "", *between = "commands='";

    for (size_t i = 0; i < ctl_command_count; i++) {
        const struct ctl_command *row = &ctl_commands[i];
        const char *word = group ? row->name : row->group;

        if ((group && strcmp(row->group, group)) || !word ||
            !strcmp(word, last))
            continue;
        buf_add_format(into, "%s%s", between, word);
        between = " ";
        last = word;
    }
    buf_add_text(into, "' ;;\n");
}

static void add_groups(struct buf *into)
{
    const char *last = "";

    buf_add_text(into, "    case ${#given[@]}:${given[0]} in\n    1:*) ");
    add_words(into, NULL);
    for (size_t i = 0; i < ctl_command_count; i++) {
        const struct ctl_command *row = &ctl_commands[i];

        if (!row->name || strcmp(row->group, last) == 0)
            continue;
        last = row->group;
        buf_add_format(into, "    2:%s) ", last);
        add_words(into, last);
    }
    buf_add_text(into, "    esac\n");
}

/* What the first word after the command is. */
static const char *first_of(const struct ctl_command *row)
{
    if (row->takes == TAKES_FILE)
        return "file";
    if (row->takes == TAKES_NOTHING || row->takes == TAKES_ID ||
        (row->name && !strcmp(row->name, "add")))
        return "";
    if (row->takes == TAKES_NETWORK)
        return "network";
    if (row->takes == TAKES_ACCOUNT || row->takes == TAKES_ACCOUNT_AND_SIZE)
        return "account";
    return !strcmp(row->group, "share") || !strcmp(row->group, "team")
               ? row->group
               : "user";
}

/* What the further words are. */
static const char *more_of(const struct ctl_command *row)
{
    if (row->takes != TAKES_NAME_AND_MORE && row->takes != TAKES_NAME_AND_ANY)
        return "";
    return strcmp(row->group, "share") ? "user" : "member";
}

static void write_tables(struct buf *into)
{
    buf_add_text(into, "_sallyportctl_tables() {\n");
    add_groups(into);
    buf_add_text(into, "    case \"${given[0]} ${given[1]}\" in\n");
    for (size_t i = 0; i < ctl_command_count; i++) {
        const struct ctl_command *row = &ctl_commands[i];

        buf_add_format(into, "    \"%s \"%s) first=%s more=%s ", row->group,
                       row->name ? row->name : "*", first_of(row),
                       more_of(row));
        add_options(into, row->options);
        buf_add_text(into, " ;;\n");
    }
    buf_add_text(into, "    esac\n    case $previous in\n");
    for (size_t i = 0; i < ctl_option_count; i++)
        if (ctl_options[i].value)
            buf_add_format(into, "    --%s) value='%s' ;;\n",
                           ctl_options[i].name, ctl_options[i].value);
    buf_add_text(into, "    esac\n}\n");
}

#define BEGIN "# tables: begin\n"
#define END   "# tables: end\n"

Test(manual, completion)
{
    struct buf found, expected;
    const char *begin, *end;

    read_source(COMPLETION, &found);
    begin = strstr(found.data, BEGIN);
    end = strstr(found.data, END);
    cr_assert(begin && end);
    buf_init(&expected, 1 << 20);
    buf_add(&expected, found.data, (size_t)(begin - found.data));
    buf_add_text(&expected, BEGIN);
    write_tables(&expected);
    buf_add_text(&expected, end);
    if (getenv("SALLYPORT_REGENERATE"))
        file_write(source_of(COMPLETION),
                   (buf_add(&expected, "", 1), expected.data));
    else
        cr_expect(strncmp(found.data, expected.data, expected.len) == 0,
                  COMPLETION " differs from src/ctl; run unit_ctl with "
                             "SALLYPORT_REGENERATE=1 and look at the "
                             "difference");
    buf_release(&expected);
    buf_release(&found);
}

/* The completion of the last word. */
static void completes(const char *words, const char *expected)
{
    static char script[] =
        ". $0 && COMP_WORDS=(sallyportctl --config $1 $2) && COMP_CWORD=$(("
        "${#COMP_WORDS[@]} - 1)) && _sallyportctl x \"${COMP_WORDS[-1]}\" "
        "\"${COMP_WORDS[-2]}\"; echo ${COMPREPLY[@]}";
    char file[256], line[256];
    char *arguments[] = { (char[]){ "/bin/bash" },
                          (char[]){ "-c" },
                          script,
                          file,
                          world.conf,
                          line,
                          NULL };
    struct run_result r;

    snprintf(file, sizeof(file), "%s", source_of(COMPLETION));
    snprintf(line, sizeof(line), "%s", words);
    run_arguments(&r, NULL, arguments);
    cr_expect_str_eq(r.text, expected, "%s", words);
    run_release(&r);
}

Test(manual, what_bash_completes, .init = world_make, .fini = scratch_remove)
{
    file_write(world.users, "@share:contracts:80000:/c:\n"
                            "@share:offers:80001:/o:\n"
                            "@team:legal:\n# anne:\n"
                            "anna:!:70000:70000::/a::\n"
                            "bert:!:70001:70001::/b::\n");
    completes("us", "user\n");
    completes("share gr", "grant\n");
    completes("user show an", "anna\n");
    completes("user add an", "\n");
    completes("user show anna --j", "--json\n");
    completes("user list --p", "\n");
    completes("share grant con", "contracts\n");
    completes("share grant contracts anna te", "team:legal\n");
    completes("share grant contracts team : le", "legal\n");
    completes("team join legal b", "bert\n");
    completes("user add carla --share o", "offers\n");
    completes("user add carla --team l", "legal\n");
    completes("user add carla --role a", "\n");
    completes("kick be", "bert\n");
    completes("user import /etc/hostna", "/etc/hostname\n");
}

/* bash expands the words that it chooses from, and sed takes options after the
 * script. The configuration may be that of another user. */
Test(manual, what_bash_does_not_run, .init = world_make, .fini = scratch_remove)
{
    char text[512];

    snprintf(text, sizeof(text), "@share:$(touch${IFS}%s):80000:/c:\n",
             in(scratch, "run"));
    file_write(world.users, text);
    completes("share grant c", "\n");
    cr_expect_not(files_exists(in(scratch, "run")));
    snprintf(text, sizeof(text), "users = --expression=1e touch %s\n",
             in(scratch, "run"));
    file_write(world.conf, text);
    completes("share grant c", "\n");
    cr_expect_not(files_exists(in(scratch, "run")));
}
