/* The command line of sallyportd: one row per option, from which getopt_long's
 * table and the help text are made. Runs in master, before anything else. */
#include "options.h"

#include <getopt.h>
#include <stddef.h>
#include <sysexits.h>

struct option_row {
    const char *name;
    const char *argument; /* NULL: the option takes none */
    size_t offset; /* in struct options: of a const char * with an argument, of
                      a bool without */
    const char *help;
};

static const struct option_row rows[] = {
    { "config", "FILE", offsetof(struct options, config),
      "read this configuration instead of " SETTINGS_FILE },
    { "check", NULL, offsetof(struct options, check),
      "report mistakes in settings, users, homes and keys, and exit" },
    { "foreground", NULL, offsetof(struct options, foreground),
      "no effect: the server always stays in the foreground" },
    { "version", NULL, offsetof(struct options, version),
      "print the version and exit" },
    { "help", NULL, offsetof(struct options, help),
      "print this help and exit" },
};

#define ROWS (sizeof(rows) / sizeof(rows[0]))

static void options_take(struct options *o, const struct option_row *row,
                         char *value)
{
    void *at = (char *)o + row->offset;

    if (row->argument)
        *(const char **)at = value;
    else
        *(bool *)at = true;
}

int options_parse(struct options *o, int argc, char **argv)
{
    struct option table[ROWS + 1] = { 0 };
    int found, i;

    for (size_t r = 0; r < ROWS; r++) {
        table[r].name = rows[r].name;
        table[r].has_arg = rows[r].argument ? required_argument : no_argument;
    }
    *o = (struct options){ .config = SETTINGS_FILE };
    optind = 0; /* glibc: starts again, for a second call */
    while ((found = getopt_long(argc, argv, "", table, &i)) == 0)
        options_take(o, &rows[i], optarg);
    if (found == -1 && optind == argc)
        return 0;
    if (found ==
        -1) /* -1: the end; otherwise getopt_long has printed the mistake */
        fprintf(stderr, "%s: '%s' is not an option\n", argv[0], argv[optind]);
    fprintf(stderr, "Try '%s --help'.\n", argv[0]);
    return EX_USAGE;
}

void options_help(FILE *out)
{
    fputs("Usage: sallyportd [OPTION]...\n"
          "The Sallyport server: FTP over TLS, and nothing else.\n\n",
          out);
    for (size_t r = 0; r < ROWS; r++) {
        char left[32];

        snprintf(left, sizeof(left), "--%s%s%s", rows[r].name,
                 rows[r].argument ? " " : "",
                 rows[r].argument ? rows[r].argument : "");
        fprintf(out, "  %-16s%s\n", left, rows[r].help);
    }
    fputs("\nExamples:\n"
          "  sallyportd --check\n"
          "  sallyportd --config ./sallyport.conf --foreground\n"
          "  systemctl start sallyport\n"
          "\nSIGTERM stops it; SIGHUP loads configuration, users and "
          "certificates again.\nExit status: sysexits(3).\n",
          out);
}
