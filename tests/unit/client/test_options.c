
#include "client/options/options.h"
#include "support/test.h"

static int parse(struct options *o, const char *line, char **argv,
                 struct complaint *c)
{
    static char text[512];
    int argc = 0;

    snprintf(text, sizeof(text), "%s", line);
    for (char *w = text; *w;) {
        char *end = strchrnul(w, ' ');
        argv[argc++] = w;
        w = *end ? end + 1 : end;
        *end = '\0';
    }
    argv[argc] = NULL;
    options_default(o);
    c->text[0] = '\0';
    return options_parse(o, NULL, argc, argv, c);
}

/* Begins the next line. The options that were set then belong to an earlier
 * line. */
static void next_line(struct options *o)
{
    char *argv[] = { NULL };
    struct complaint c;

    options_parse(o, NULL, 0, argv, &c);
}

Test(options, words_and_options_in_any_order)
{
    struct complaint c;
    struct options o;
    char *argv[32];

    cr_assert_eq(parse(&o,
                       "put -rq a --parallel=4 b --limit-rate 2M -- -c "
                       "--conflict",
                       argv, &c),
                 5, "%s", c.text);
    cr_expect_str_eq(argv[0], "put");
    cr_expect_str_eq(argv[2], "b");
    cr_expect_str_eq(argv[3], "-c");
    cr_expect_str_eq(argv[4], "--conflict");
    cr_expect(o.recursive && o.quiet);
    cr_expect_eq(o.parallel, 4);
    cr_expect_eq(o.limit_rate, 2 << 20);
    cr_assert_eq(parse(&o, "get - -P3 x --conflict rename", argv, &c), 3);
    cr_expect_str_eq(argv[1], "-");
    cr_expect_eq(o.parallel, 3);
    cr_expect_eq(o.conflict, CHOICE_RENAME);
    cr_assert_eq(parse(&o, "--limit-rate 2m", argv, &c), 0, "%s", c.text);
    cr_expect_eq(o.limit_rate, 2 << 20);
    cr_assert_eq(parse(&o, "--limit-rate 3K", argv, &c), 0, "%s", c.text);
    cr_expect_eq(o.limit_rate, 3 << 10);
}

Test(options, mistakes)
{
    static const char *const rows[][2] = {
        { "--frob", "no such option; run: sallyport --help" },
        { "--conflct=skip", "did you mean --conflict?" },
        { "-x", "no such option" },
        { "rm -l", "no such option" },
        { "--pin", "needs a value" },
        { "-P", "needs a value" },
        { "--quiet=yes", "takes no value" },
        { "--parallel 0", "from 1 to 16" },
        { "--parallel 17", "from 1 to 16" },
        { "--parallel x", "from 1 to 16" },
        { "--conflict maybe", "ask, skip" },
        { "--limit-rate 1X", "bytes, such as 500k" },
        { "--limit-rate k", "bytes, such as 500k" },
        { "--limit-rate 99999999999999G", "number" },
        { "mv -R a b", "no such option" },
        { "sync --delete a b",
          "this option was removed; sync removes nothing" },
    };
    struct complaint c;
    struct options o;
    char *argv[32];

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        cr_expect_lt(parse(&o, rows[i][0], argv, &c), 0, "%s", rows[i][0]);
        cr_expect_not_null(strstr(c.text, rows[i][1]), "%s: %s", rows[i][0],
                           c.text);
    }
}

/* In `ls`, -h, -l and -R mean what they mean in ls(1). Alone, and in other
 * commands, -h is the help. */
Test(options, letters_of_ls)
{
    static const struct {
        const char *line;
        bool help, human, recursive;
    } rows[] = {
        { "ls -h -R", false, true, true },  { "ls -Rh x", false, true, true },
        { "ls -H -r", false, true, true },  { "ls --help", true, false, false },
        { "ls -lR x", false, false, true }, { "dir -lh", false, true, false },
        { "-h ls", true, false, false },    { "put -h", true, false, false },
        { "rm -R x", false, false, true },
    };
    struct complaint c;
    struct options o;
    char *argv[32];

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        cr_assert_geq(parse(&o, rows[i].line, argv, &c), 1, "%s", c.text);
        cr_expect_eq(o.help, rows[i].help, "%s", rows[i].line);
        cr_expect_eq(o.human, rows[i].human, "%s", rows[i].line);
        cr_expect_eq(o.recursive, rows[i].recursive, "%s", rows[i].line);
    }
}

/* A command that doesn't support --dry-run must refuse it: otherwise it would
 * make the changes. */
Test(options, a_command_refuses_what_it_lacks)
{
    static const char *const rows[][3] = {
        { "cat -n a", "cat", "dry-run" },
        { "put -n a", "put", NULL },
        { "mv --dry-run a b", "mv", "dry-run" },
        { "ls --min-age 1", "ls", "min-age" },
        { "--by-hash", "open", NULL },
        { "-r", "open", NULL },
        { "rm -rn a", "rm", NULL },
        { "mkdir --parallel 4", "mkdir", "parallel" },
        { "sync --conflict skip a b", "sync", "conflict" },
        { "--parallel 4", "open", NULL },
        { "ls --retries 4", "ls", NULL },
        { "sync -r --by-hash a b --json", "sync", NULL },
    };
    struct complaint c;
    struct options o;
    char *argv[32];

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        cr_assert_geq(parse(&o, rows[i][0], argv, &c), 0, "%s", c.text);
        const struct option_row *misfit = options_misfit(&o, rows[i][1]);
        cr_expect_str_eq(misfit ? misfit->name : "",
                         rows[i][2] ? rows[i][2] : "", "%s", rows[i][0]);
        next_line(&o);
        cr_expect_null(options_misfit(&o, rows[i][1]), "%s", rows[i][0]);
    }
}

static int set(struct options *o, const char *key, const char *value)
{
    struct complaint c = { "" };

    return options_set(o, OPTION_FROM_PROFILE, key, value, &c);
}

Test(options, profile)
{
    struct options o;

    options_default(&o);
    cr_expect_eq(set(&o, "parallel", "8"), 0);
    cr_expect_eq(o.parallel, 8);
    cr_expect_eq(set(&o, "no-preserve", "yes"), 0);
    cr_expect(o.no_preserve);
    cr_expect_eq(set(&o, "no-preserve", "no"), 0);
    cr_expect_not(o.no_preserve);
    cr_expect_lt(set(&o, "no-preserve", "perhaps"), 0);
    cr_expect_lt(set(&o, "yes", "yes"), 0, "not for a profile");
    cr_expect_lt(set(&o, "password", "x"), 0);
}

/* The command line takes precedence over the profile, and the profile over
 * [default], in whatever order the client reads them. */
Test(options, the_nearest_source_counts)
{
    struct complaint c = { "" };
    struct options o;
    char *argv[32];

    parse(&o, "put --parallel 2 --quiet", argv, &c);
    cr_expect_eq(set(&o, "parallel", "8"), 0);
    cr_expect_eq(set(&o, "quiet", "no"), 0);
    cr_expect_eq(set(&o, "retries", "9"), 0);
    options_set(&o, OPTION_FROM_DEFAULT, "retries", "7", &c);
    options_set(&o, OPTION_FROM_DEFAULT, "user", "anna", &c);
    cr_expect_eq(o.parallel, 2);
    cr_expect(o.quiet);
    cr_expect_eq(o.retries, 9);
    cr_expect_str_eq(o.user, "anna");
}

/* Each option that names a file still names it after lcd. */
Test(options, files_of_another_directory)
{
    for (const struct option_row *row = option_rows;
         row < option_rows + option_count; row++) {
        static const char *const paths[] = { "a", "./b/c", "/d" };

        for (size_t i = 0; row->kind == OPTION_TEXT && i < 3; i++) {
            struct options o = { 0 };
            const char **value = (void *)((char *)&o + row->offset);
            char wanted[PATH_MAX + 16], here[PATH_MAX];
            bool file = row->value && strcmp(row->value, "FILE") == 0;

            cr_assert_not_null(getcwd(here, sizeof(here)));
            *value = paths[i];
            options_fix_files(&o);
            snprintf(wanted, sizeof(wanted), "%s%s%s",
                     file && i < 2 ? here : "", file && i < 2 ? "/" : "",
                     paths[i]);
            cr_expect_str_eq(*value, wanted, "%s", row->name);
            if (file && i < 2)
                free((char *)*value);
        }
    }
}

Test(options, letters_and_names_are_unique)
{
    cr_expect_leq(option_count, OPTIONS_MAX);
    for (size_t i = 0; i < option_count; i++)
        for (size_t j = 0; j < i; j++) {
            cr_expect_str_neq(option_rows[i].name, option_rows[j].name);
            cr_expect(!option_rows[i].letter ||
                      option_rows[i].letter != option_rows[j].letter);
        }
}
