/* Tests of the command line of sallyportd. */
#include "master/start/start.h"
#include "support/test.h"

static const struct {
    const char *argument[4];
    int status;
    struct start_options ret;
} rows[] = {
    { { NULL }, 0, { .config = SETTINGS_FILE } },
    { { "--check" }, 0, { .config = SETTINGS_FILE, .check = true } },
    { { "--config", "x" }, 0, { .config = "x" } },
    { { "--config=x", "--foreground" },
      0,
      { .config = "x", .foreground = true } },
    { { "--version" }, 0, { .config = SETTINGS_FILE, .version = true } },
    { { "--help" }, 0, { .config = SETTINGS_FILE, .help = true } },
    { { "--config" }, EX_USAGE, { 0 } },
    { { "--check=yes" }, EX_USAGE, { 0 } },
    { { "--daemon" }, EX_USAGE, { 0 } },
    { { "-c" }, EX_USAGE, { 0 } },
    { { "start" }, EX_USAGE, { 0 } },
    { { "--check", "now" }, EX_USAGE, { 0 } },
};

Test(options, rows)
{
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char *argv[6] = { (char[]){ "sallyportd" } };
        struct start_options o;
        int argc = 1;

        for (; rows[i].argument[argc - 1]; argc++)
            argv[argc] = strdup(rows[i].argument[argc - 1]);
        cr_assert_eq(options_parse(&o, argc, argv), rows[i].status, "row %zu",
                     i);
        if (rows[i].status == 0) {
            cr_assert_str_eq(o.config, rows[i].ret.config);
            cr_assert_eq(o.check, rows[i].ret.check);
            cr_assert_eq(o.foreground, rows[i].ret.foreground);
            cr_assert_eq(o.version, rows[i].ret.version);
            cr_assert_eq(o.help, rows[i].ret.help);
        }
        while (argc > 1)
            free(argv[--argc]);
    }
}

/* The help names each option and its form. */
Test(options, help)
{
    static const char *const words[] = { "--config FILE", "--check",
                                         "--foreground",  "--version",
                                         "--help",        "Examples:" };
    char *text;
    size_t size;
    FILE *out = open_memstream(&text, &size);

    options_help(out);
    fclose(out);
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
        cr_assert(strstr(text, words[i]), "%s", words[i]);
    free(text);
}
