/* The table of commands, the help that comes from it, and the way from the
 * command line to one of them. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>

#include "sallyport/base/die.h"

#include "ctl.h"

#define DEFAULT_CONFIG "/etc/sallyport/sallyport.conf"
#define ALWAYS         (OPTION_CONFIG | OPTION_HELP)

const struct ctl_command ctl_commands[] = {
    { .group = "user",
      .name = "add",
      .takes_name = true,
      .options = OPTION_HOME | OPTION_COMMENT | OPTION_ROLE | OPTION_UID,
      .run = user_add,
      .syntax = "NAME [--home DIR] [--comment TEXT] [--role ROLE] [--uid N]",
      .help = "Add a user, with a home of its own",
      .example = "sallyportctl user add anna --comment 'Anna, accounts'" },
    { .group = "user",
      .name = "passwd",
      .takes_name = true,
      .run = user_passwd,
      .syntax = "NAME",
      .help = "Set a user's password",
      .example = "sallyportctl user passwd anna < password-file" },
    { .group = "user",
      .name = "del",
      .takes_name = true,
      .options = OPTION_PURGE | OPTION_YES,
      .run = user_del,
      .syntax = "NAME [--purge [--yes]]",
      .help = "Remove a user; with --purge the home and all in it",
      .example = "sallyportctl user del anna --purge" },
    { .group = "user",
      .name = "list",
      .options = OPTION_JSON,
      .run = user_list,
      .syntax = "[--json]",
      .help = "List all users",
      .example = "sallyportctl user list --json" },
    { .group = "user",
      .name = "show",
      .takes_name = true,
      .options = OPTION_JSON,
      .run = user_show,
      .syntax = "NAME [--json]",
      .help = "Show one user",
      .example = "sallyportctl user show anna" },
    { .group = "user",
      .name = "lock",
      .takes_name = true,
      .run = user_lock,
      .syntax = "NAME",
      .help = "Refuse further logins, keeping the password",
      .example = "sallyportctl user lock anna" },
    { .group = "user",
      .name = "unlock",
      .takes_name = true,
      .run = user_unlock,
      .syntax = "NAME",
      .help = "Allow logins again",
      .example = "sallyportctl user unlock anna" },
};
const size_t ctl_command_count = sizeof(ctl_commands) / sizeof(ctl_commands[0]);

static const char help_tail[] =
    "\nOptions:\n"
    "  --config FILE   the configuration (default " DEFAULT_CONFIG ")\n"
    "  --home DIR      the user's home (default: NAME in the folder "
    "\"homes\")\n"
    "  --comment TEXT  who it is\n"
    "  --role ROLE     full (default), read, collect, or letters of lrwodnm\n"
    "  --uid N         the user's uid (default: the next never used)\n"
    "  --purge         remove the home too; asks, unless --yes\n"
    "  --json          write JSON\n"
    "  --help          this help, or that of one command\n"
    "  --version       the version\n"
    "\nA password is asked for twice on the terminal, or is one line of\n"
    "standard input: at least 8 bytes. See sallyportctl(8).\n";

int ctl_fail(struct context *x, int code, const char *format, ...)
{
    char text[COMPLAINT_MAX];
    va_list args;

    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    complain(&x->complaint, "%s", text);
    return code;
}

int ctl_exit_of(int error)
{
    switch (error) {
    case EACCES:
    case EPERM:
    case EROFS:
        return EX_NOPERM;
    case EEXIST:
    case ENOENT:
    case ENOTDIR:
    case ELOOP:
        return EX_CANTCREAT;
    default:
        return EX_IOERR;
    }
}

int ctl_find(struct context *x, const struct users *u, const struct user **ret)
{
    const char *name = x->args.word[2];

    *ret = users_find(u, slice_from(name));
    if (*ret)
        return 0;
    return ctl_fail(x, EX_NOUSER,
                    "there is no user %s; run: sallyportctl user list", name);
}

static void print_row(const struct ctl_command *row)
{
    printf("  sallyportctl %s %s %s\n      %s.\n", row->group, row->name,
           row->syntax, row->help);
}

static void print_help(void)
{
    puts("Usage:");
    for (size_t i = 0; i < ctl_command_count; i++)
        print_row(&ctl_commands[i]);
    puts("\nExamples:");
    for (size_t i = 0; i < ctl_command_count; i++)
        printf("  %s\n", ctl_commands[i].example);
    fputs(help_tail, stdout);
}

static void print_command_help(const struct ctl_command *row)
{
    puts("Usage:");
    print_row(row);
    printf("\nExample:\n  %s\n%s", row->example, help_tail);
}

static const struct ctl_command *find_command(const struct arguments *a)
{
    for (size_t i = 0; a->words >= 2 && i < ctl_command_count; i++)
        if (!strcmp(ctl_commands[i].group, a->word[0]) &&
            !strcmp(ctl_commands[i].name, a->word[1]))
            return &ctl_commands[i];
    return NULL;
}

static int check_usage(struct context *x, const struct ctl_command *row)
{
    size_t words = row->takes_name ? 3 : 2;
    const char *beyond = arguments_beyond(&x->args, row->options | ALWAYS);

    if (beyond)
        return ctl_fail(x, EX_USAGE,
                        "%s %s: --%s is not for this command; usage: "
                        "sallyportctl %s %s %s",
                        row->group, row->name, beyond, row->group, row->name,
                        row->syntax);
    if (x->args.words != words)
        return ctl_fail(x, EX_USAGE, "usage: sallyportctl %s %s %s", row->group,
                        row->name, row->syntax);
    if (row->takes_name && !user_name_ok(slice_from(x->args.word[2])))
        return ctl_fail(x, EX_DATAERR,
                        "bad name; use 1 to 32 of a-z 0-9 . _ -, not beginning "
                        "with . or -");
    return 0;
}

static int load_settings(struct context *x)
{
    const char *path = x->args.config ? x->args.config : DEFAULT_CONFIG;
    struct buf text;
    int r;

    buf_init(&text, SETTINGS_TEXT_MAX);
    r = settings_load(&x->settings, path, &text, &x->complaint);
    buf_release(&text);
    return r ? EX_CONFIG : 0;
}

static int run_command(struct context *x)
{
    const struct ctl_command *row = find_command(&x->args);
    int code;

    if (x->args.help && row)
        return print_command_help(row), 0;
    if (!row)
        return ctl_fail(x, EX_USAGE,
                        "no such command; run: sallyportctl "
                        "--help");
    code = check_usage(x, row);
    if (code == 0)
        code = load_settings(x);
    return code ? code : row->run(x);
}

static int run(struct context *x, int argc, char **argv)
{
    int code = arguments_parse(&x->args, argc, argv, &x->complaint);

    if (code)
        return code;
    if (x->args.version)
        return puts("sallyportctl " SALLYPORT_VERSION), 0;
    if (x->args.help && x->args.words < 2)
        return print_help(), 0;
    return run_command(x);
}

int ctl_run(int argc, char **argv)
{
    struct context x = { .complaint.text = "" };
    int code;

    die_title("sallyportctl");
    code = run(&x, argc, argv);
    if (code)
        say("%s", x.complaint.text);
    if (fflush(stdout) == EOF && code == 0) {
        say("standard output: %s", strerror(errno));
        code = EX_IOERR;
    }
    return code;
}
