/* Runs the client sallyport: one command from the command line, or a session.
 * It talks to servers only over TLS. */
#include <locale.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sysexits.h>
#include <unistd.h>

#include "commands/commands.h"
#include "run.h"
#include "sallyport/base/complain.h"
#include "sallyport/base/fd.h"

static void run_on_interrupt(int number)
{
    (void)number;
    /* The second Ctrl-C ends the program at once, in case no code reacts to the
     * first. */
    if (link_interrupted)
        _exit(128 + SIGINT);
    link_interrupted = 1;
}

int client_misfit(const struct options *o, const char *command, const char *who)
{
    const struct option_row *row = options_misfit(o, command);

    return row ? client_refuse("", EX_USAGE, "--%s: %s has no such option",
                               row->name, who)
               : 0;
}

/* Checks that the command has URLs where it needs them, and only there, so that
 * no word means something else than the user thinks. Returns 0, or -1 with the
 * reason. */
static int run_check_words(const struct client_command *row,
                           const struct word *w, int n, struct failure *why)
{
    for (int i = 0; i < n; i++) {
        char kind = row->kinds.urls[i > 0 && i == n - 1];

        if (kind == '.' || w[i].remote == (kind == 'r'))
            continue;
        return fail(why, EX_USAGE, "%s: %s; usage: sallyport %s %s", w[i].text,
                    w[i].remote ? "a URL, where a local name belongs"
                                : "not a URL, and no PROFILE:PATH",
                    row->name, row->syntax.line);
    }
    return 0;
}

/* Makes local and remote words W of the N words TEXT; *url gets the server.
 * Returns 0, or -1 with the reason. */
static int run_words(struct client *c, const struct client_command *row,
                     char **text, int n, struct word *w, struct url *url,
                     struct failure *why)
{
    char name[PROFILE_NAME_MAX];

    for (int i = 0; i < n; i++) {
        struct url one;
        int r = open_target(&c->options, &c->profile, text[i], &one, why);

        w[i] = (struct word){ .text = text[i] };
        if (r < 0)
            return -1;
        if (r == 1)
            continue;
        if (url->host[0] &&
            (strcmp(url->host, one.host) != 0 || url->port != one.port ||
             url->implicit != one.implicit ||
             (one.user[0] && strcmp(url->user, one.user) != 0)))
            return fail(why, EX_USAGE, "%s: another server; use one at a time",
                        text[i]);
        if (!url->host[0])
            *url = one;
        w[i].remote = true;
        w[i].url = url;
        w[i].directory = one.directory;
        memcpy(w[i].path, one.path, sizeof(one.path));
        w[i].pattern = one.pattern;
    }
    if (!row->kinds.urls[0])
        return 0;
    /* A profile that doesn't exist looks like a local file with a colon. */
    for (int i = n; !url->host[0] && i-- > 0;)
        if (open_profile_name(text[i], name, sizeof(name)))
            return fail(why, EX_USAGE,
                        "no server is named, and %s is no profile; write "
                        "ftps://USER@HOST/PATH",
                        text[i]);
    if (!url->host[0])
        return fail(why, EX_USAGE,
                    "no server is named; write ftps://USER@HOST/PATH");
    return run_check_words(row, w, n, why);
}

void client_show(const struct options *o, const struct client_command *row,
                 char **text, int n)
{
    progress_start(
        o->json                              ? PROGRESS_JSON
        : o->quiet                           ? PROGRESS_QUIET
        : isatty(STDERR_FILENO) && !o->debug ? PROGRESS_TERMINAL
                                             : PROGRESS_LINES,
        row && (row->run == cmd_cat || (row->run == cmd_get && n > 1 &&
                                        strcmp(text[n - 1], "-") == 0)));
}

static int run_command(struct client *c, const struct client_command *row,
                       char **text, int n)
{
    static struct word words[WORDS_MAX];
    struct url url = { 0 };
    struct failure why;

    client_show(&c->options, row, text, n);
    if (c->options.help)
        return help_print(row, ONE_SHOT);
    if (client_misfit(&c->options, row->name, row->name) != 0)
        return EX_USAGE;
    if (n > WORDS_MAX)
        return client_refuse(row->name, EX_USAGE,
                             "too many names; name the directory that "
                             "they are in, with -r");
    if (n < row->words.least || (row->words.most >= 0 && n > row->words.most))
        return client_refuse("", EX_USAGE, "usage: sallyport %s %s", row->name,
                             row->syntax.line);
    if (run_words(c, row, text, n, words, &url, &why) < 0)
        return client_error(row->name, &why);
    client_show(&c->options, row, text, n); /* a profile has perhaps changed the
                                             * options */
    int code = row->modes & LOCAL ? 0 : client_open(c, &url);
    if (code == 0 && c->open && row->run != cmd_passwd)
        code = passwd_demanded(c);
    return code ? code : row->run(c, words, n);
}

/* Runs a session: with the server of the URL or profile in TEXT or, if there
 * are no words, without a server. Returns an exit code. */
static int run_session(struct client *c, char **text, int n)
{
    struct failure why;
    struct url url;
    int code = 0;

    if (n == 0 && !isatty(STDIN_FILENO) && ungetc(getc(stdin), stdin) == EOF) {
        fputs("usage: sallyport COMMAND [OPTION...] FILE... URL\n"
              "       sallyport [OPTION...] "
              "ftps://USER@HOST[:PORT][/DIRECTORY]\n"
              "For commands, options and examples run: sallyport --help\n",
              stderr);
        return EX_USAGE;
    }
    if (n > 1 || (n == 1 && !strpbrk(text[0], "/:")))
        return command_unknown(text[0], ONE_SHOT);
    if (client_misfit(&c->options, "open", "a session") != 0)
        return EX_USAGE;
    options_fix_files(&c->options);
    c->given = c->options;
    if (n == 1) {
        int r = open_target(&c->options, &c->profile, text[0], &url, &why);
        if (r == 1)
            r = fail(&why, EX_USAGE,
                     "%s: neither a command nor a URL; run: sallyport --help",
                     text[0]);
        if (r < 0)
            return client_error("", &why);
        client_show(&c->options, NULL, NULL, 0);
        code = open_session(c, &url);
    }
    return code ? code : shell_run(c);
}

static int run_parsed(struct client *c, char **text, int n)
{
    const struct client_command *row =
        n > 0 ? commands_find(text[0], ONE_SHOT) : NULL;

    if (c->options.version) {
        puts("sallyport " SALLYPORT_VERSION);
        return 0;
    }
    if (c->options.help && !row)
        return help_print(NULL, ONE_SHOT);
    return row ? run_command(c, row, text + 1, n - 1) : run_session(c, text, n);
}

int client_main(int argc, char **argv)
{
    static struct client c;
    struct sigaction interrupt = { .sa_handler = run_on_interrupt }, before;
    struct complaint bad = { "" };

    /* A core dump would contain the password. Programs that the client starts
     * can leave core dumps, since execve() permits them again. */
    prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
    fd_fill_standard();
    stderr_title("sallyport");
    password_begin();
    /* Leave SIGINT ignored if a shell has started this program in the
     * background. */
    sigaction(SIGINT, NULL, &before);
    if (before.sa_handler != SIG_IGN)
        sigaction(SIGINT, &interrupt, NULL);
    /* Names are UTF-8 in every locale. If the locale doesn't know a character,
     * libedit drops it, and libcurl can't resolve the name of a host that
     * contains it. */
    if (!setlocale(LC_CTYPE, "C.UTF-8"))
        setlocale(LC_CTYPE, "");
    signal(SIGPIPE, SIG_IGN);
    curl_global_init(CURL_GLOBAL_DEFAULT);
    profile_init(&c.profile);
    options_default(&c.options);
    int n = options_parse(&c.options, NULL, argc - 1, argv + 1, &bad);
    c.given = c.options;
    /* The parser stops at a wrong option: look for --json after it, too. */
    for (char **at = argv + 1; n < 0 && *at; at++)
        c.options.json |= strcmp(*at, "--json") == 0;
    client_show(&c.options, NULL, NULL, 0);
    int code = n < 0 ? client_refuse("", EX_USAGE, "%s", bad.text)
                     : run_parsed(&c, argv + 1, n);
    client_leave(&c);
    progress_hold(false);
    buf_release(&c.profile.text);
    curl_global_cleanup();
    /* some disks say only at the end that they have no room */
    if ((fflush(stdout) == EOF || ferror(stdout) || close(STDOUT_FILENO) < 0) &&
        code == 0) {
        stderr_print("standard output can't be written");
        code = EX_IOERR;
    }
    return link_interrupted ? 128 + SIGINT : code;
}
