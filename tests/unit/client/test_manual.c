/* Tests that sallyport(1), the completions and the commands' help agree with
 * the client's tables. */
#include "client/run/run.h"
#include "support/files.h"
#include "support/test.h"

/* Writes TEXT in roff's form: every "-" is "\-". */
static const char *roff(const char *text, char *out, size_t size)
{
    size_t len = 0;

    for (; *text && len + 3 < size; text++) {
        if (*text == '-')
            out[len++] = '\\';
        out[len++] = *text;
    }
    out[len] = '\0';
    return out;
}

static const char *source_text(const char *path)
{
    static char text[65536];
    FILE *f = fopen(path, "r");

    cr_assert_not_null(f, "%s", path);
    text[fread(text, 1, sizeof(text) - 1, f)] = '\0';
    fclose(f);
    return text;
}

Test(manual, names_every_option)
{
    char name[64], line[96];

    for (size_t i = 0; i < option_count; i++) {
        snprintf(line, sizeof(line), "Fl \\-%s",
                 roff(option_rows[i].name, name, sizeof(name)));
        cr_expect_not_null(
            strstr(source_text(in_source("docs/man/sallyport.1")), line), "%s",
            line);
    }
}

Test(manual, names_every_command)
{
    char syntax[256], line[320];

    for (size_t i = 0; i < commands_count; i++) {
        const struct client_command *row = &commands[i];
        bool shot = row->modes & ONE_SHOT;
        const char *words = shot ? row->syntax.line : row->syntax.shell;

        snprintf(line, sizeof(line), "\n.It Cm %s%s%s%s\n",
                 row->name[0] == '!' ? "\\&" : "", row->name,
                 words[0] ? " Ar " : "", roff(words, syntax, sizeof(syntax)));
        cr_expect_not_null(
            strstr(source_text(in_source("docs/man/sallyport.1")), line), "%s",
            line);
    }
}

Test(completion, knows_every_option_and_command)
{
    const char *const paths[] = {
        in_source("etc/completion/sallyport.bash"),
        in_source("etc/completion/_sallyport"),
    };
    char word[64];

    for (size_t i = 0; i < 2; i++) {
        const char *text = source_text(paths[i]);

        for (size_t k = 0; k < option_count; k++) {
            snprintf(word, sizeof(word), "--%s", option_rows[k].name);
            cr_expect_not_null(strstr(text, word), "%s: %s", paths[i], word);
        }
        for (size_t k = 0; k < commands_count; k++)
            if (commands[k].modes & ONE_SHOT)
                cr_expect_not_null(strstr(text, commands[k].name), "%s: %s",
                                   paths[i], commands[k].name);
    }
}

/* An example for the command line begins with the program's name, and an
 * example for a session with the command. */
static void expect_example(const struct client_command *row,
                           const char *example, unsigned mode)
{
    const char *first = mode == ONE_SHOT ? "sallyport " : row->name;

    cr_assert_eq(example != NULL, (row->modes & mode) != 0, "%s", row->name);
    if (example)
        cr_expect_eq(strncmp(example, first, strlen(first)), 0, "%s", example);
}

Test(commands, have_help_and_an_example)
{
    for (size_t i = 0; i < commands_count; i++) {
        cr_expect(commands[i].run || commands[i].name[0] == '!');
        cr_expect_gt(strlen(commands[i].help), 5, "%s", commands[i].name);
        expect_example(&commands[i], commands[i].example.line, ONE_SHOT);
        expect_example(&commands[i], commands[i].example.shell, IN_SHELL);
        cr_expect_eq(commands[i].help[strlen(commands[i].help) - 1] == '.',
                     false, "%s", commands[i].name);
    }
}
