/* The command line of sallyportd. Runs in master, before anything else. */
#include "start.h"

#include <getopt.h>
#include <stddef.h>
#include <sysexits.h>

int options_parse(struct start_options *o, int argc, char **argv)
{
    const struct option table[] = {
        { "config", required_argument, NULL, 'c' },
        { "check", no_argument, &o->check, 1 },
        { "foreground", no_argument, &o->foreground, 1 },
        { "version", no_argument, &o->version, 1 },
        { "help", no_argument, &o->help, 1 },
        { NULL, 0, NULL, 0 },
    };
    int found;

    *o = (struct start_options){ .config = SETTINGS_FILE };
    optind = 0; /* makes glibc's getopt_long() begin again, if this is a second
                 * call */
    while ((found = getopt_long(argc, argv, "", table, NULL)) == 0 ||
           found == 'c')
        if (found == 'c')
            o->config = optarg;
    if (found == -1 && optind == argc)
        return 0;
    if (found == -1) /* no more options; getopt_long() itself prints other
                      * mistakes */
        fprintf(stderr, "%s: '%s' is not an option\n", argv[0], argv[optind]);
    fprintf(stderr, "Try '%s --help'.\n", argv[0]);
    return EX_USAGE;
}

void options_help(FILE *out)
{
    fputs("Usage: sallyportd [OPTION]...\n"
          "The Sallyport server: FTP over TLS, and nothing else.\n\n"
          "  --config FILE   read this configuration instead "
          "of " SETTINGS_FILE "\n"
          "  --check         report mistakes in settings, users, homes and "
          "keys, and exit\n"
          "  --foreground    no effect: the server always stays in the "
          "foreground\n"
          "  --version       print the version and exit\n"
          "  --help          print this help and exit\n"
          "\nExamples:\n"
          "  sallyportd --check\n"
          "  sallyportd --config ./sallyport.conf --foreground\n"
          "  systemctl start sallyport\n"
          "\nSIGTERM stops the server; SIGHUP loads configuration, users and "
          "certificates again.\nExit status: sysexits(3).\n",
          out);
}
