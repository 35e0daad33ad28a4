/* Prints help from the tables. */
#include <stdio.h>
#include <string.h>

#include "client.h"

static void help_row(const struct command *row, unsigned mode)
{
    bool shell = mode == IN_SHELL;
    const char *syntax = shell ? row->shell_syntax : row->syntax;

    printf("  %s%s%s%s%s%s\n      %s.\n", shell ? "" : "sallyport ", row->name,
           shell && row->other ? ", " : "",
           shell && row->other ? row->other : "", syntax[0] ? " " : "", syntax,
           row->help);
}

/* The options of the command come first. The options of all commands follow
 * only for the command line, not in a session. */
static void help_options(const struct command *row, unsigned mode)
{
    bool some = false;

    for (size_t i = 0; i < option_count; i++)
        some |= option_rows[i].commands &&
                option_is_for(&option_rows[i], row->name);
    if (some) {
        puts("\nOptions of this command:");
        options_print(row->name, true);
    }
    if (mode == ONE_SHOT) {
        puts("\nOptions of all commands:");
        options_print(row->name, false);
    }
    printf("\nExamples:\n");
    for (const char *at = row->example; at; at = strchr(at, '\n')) {
        at += *at == '\n';
        printf("  %.*s\n", (int)strcspn(at, "\n"), at);
    }
}

static void help_all(unsigned mode)
{
    if (mode == ONE_SHOT)
        puts("Usage:\n  sallyport [OPTION...] ftps://USER@HOST[:PORT][/DIR]\n"
             "      Begin a session.");
    for (size_t i = 0; i < command_count; i++)
        if (commands[i].modes & mode)
            help_row(&commands[i], mode);
}

void help_print(const struct command *row, unsigned mode)
{
    if (row && mode == ONE_SHOT)
        puts("Usage:");
    if (row)
        help_row(row, mode);
    else
        help_all(mode);
    if (row)
        help_options(row, mode);
    if (mode == IN_SHELL)
        return;
    if (!row) {
        puts("\nOptions:");
        options_print(NULL, false);
    }
    puts("\nA URL is ftps://USER@HOST[:PORT]/PATH or PROFILE:PATH. TLS begins "
         "with AUTH TLS;\non port 990, and with ftps+implicit://, it begins at "
         "the first byte. The profiles\nare in ~/.config/sallyport/config. The "
         "password comes from --password-file, the\nvariable "
         "SALLYPORT_PASSWORD, ~/.netrc, the keyring, or a question. See\n"
         "sallyport(1).");
    if (!row)
        puts("\nExamples:\n"
             "  sallyport put report.pdf ftps://anna@drop.example.org/in/\n"
             "  sallyport get -r ftps://anna@drop.example.org/photos\n"
             "  sallyport ftps://anna@drop.example.org");
}
