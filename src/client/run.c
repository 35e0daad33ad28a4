/* Runs the client sallyport: one command from the command line, or a session.
 * It talks to servers only over TLS. */
#include <locale.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sysexits.h>
#include <unistd.h>

#include "client.h"
#include "sallyport/base/complain.h"
#include "sallyport/base/fd.h"

/* Opens servers by URL, or by the name of a profile. */

static void client_leave(struct client *c)
{
    if (c->open) {
        link_close(&c->link);
        site_close(&c->site);
    }
    c->open = false;
}

/* Opens the server of URL; first closes the server that is open. Returns an
 * exit code. */
static int client_open(struct client *c, const struct url *url)
{
    struct failure why;

    client_leave(c);
    atomic_store(&temporary_off, false);
    if (site_open(&c->site, &c->options, url, &c->link, &why) < 0) {
        link_close(&c->link);
        site_close(&c->site);
        return client_error(url->host, &why);
    }
    snprintf(c->cwd, sizeof(c->cwd), "%s", "");
    c->open = true;
    return 0;
}

/* Is WORD of the form "PROFILE:PATH"? Then NAME gets the part before the
 * colon. */
static bool open_profile_name(const char *word, char *name, size_t size)
{
    const char *colon = strchr(word, ':');
    int len =
        snprintf(name, size, "%.*s", colon ? (int)(colon - word) : 0, word);

    return colon && len > 0 && (size_t)len < size && !strchr(name, '/');
}

/* Reads WORD as "PROFILE:PATH". RET gets the URL of the profile, with PATH
 * joined to the path of that URL. Returns 0; 1: WORD names no profile; -1 with
 * the reason. */
static int open_profile(struct options *o, struct profile *p, const char *word,
                        struct url *ret, struct failure *why)
{
    struct options kept = *o;
    struct complaint bad = { "" };
    char name[PROFILE_NAME_MAX], joined[URL_PATH_MAX];

    if (!open_profile_name(word, name, sizeof(name)))
        return 1;
    if (!p->name[0]) {
        int r = profile_load(p, name, o, why);
        if (r != 0) {
            /* Undo what profile_load() has read: perhaps WORD is a local file
             * with a colon in its name, and another word names a profile. */
            *o = kept;
            buf_clear(&p->text);
            return r;
        }
    }
    if (strcmp(p->name, name) != 0)
        return 1;
    const char *path = strchr(word, ':') + 1;
    if (!p->url)
        return fail(why, EX_CONFIG, "profile %s has no url", p->name);
    if (url_parse(p->url, ret, &bad) < 0)
        return fail(why, EX_CONFIG, "profile %s: %s", p->name, bad.text);
    if (url_join(ret->path, path, joined) < 0)
        return fail(why, EX_USAGE, "%s: the name is too long", path);
    memcpy(ret->path, joined, sizeof(joined));
    ret->pattern.ended |= path[0] != '\0';
    for (const char *at = path; *at; at++)
        url_pattern_add(&ret->pattern, *at, false);
    ret->directory = !joined[0] || !path[0] || path[strlen(path) - 1] == '/';
    return 0;
}

/* Reads WORD as a URL or as "PROFILE:PATH". P and O get the settings of a
 * profile, unless P has them already. Returns 0; 1: WORD is neither; -1 with
 * the reason. */
static int open_target(struct options *o, struct profile *p, const char *word,
                       struct url *ret, struct failure *why)
{
    size_t letters = strspn(word, "abcdefghijklmnopqrstuvwxyz+");
    bool is_url = letters > 0 && strncmp(word + letters, "://", 3) == 0;
    struct complaint bad = { "" };

    int r = !is_url ? open_profile(o, p, word, ret, why)
            : url_parse(word, ret, &bad) < 0
                ? fail(why, EX_USAGE, "%s", bad.text)
                : 0;
    /* A key without its certificate would be ignored: the server would get no
     * certificate. */
    return r == 0 && o->key && !o->cert
               ? fail(why, EX_USAGE,
                      "--key needs --cert FILE, the certificate of this key")
               : r;
}

/* Opens the server of URL for a session that begins in the directory of URL.
 * Returns an exit code. */
static int open_session(struct client *c, const struct url *url)
{
    int code = client_open(c, url);

    if (code == 0)
        code = passwd_demanded(c);
    memcpy(c->cwd, url->path, sizeof(c->cwd));
    return code;
}

/* Opens another server. Closes the current server only after the URL and the
 * options of the next server were read. */
int cmd_open(struct client *c, struct word *w, int n)
{
    struct options options = c->given;
    struct profile next;
    struct failure why;
    struct url url;

    (void)n;
    profile_init(&next);
    int r = open_target(&options, &next, w[0].text, &url, &why);
    if (r == 1)
        r = strchr(w[0].text, ':')
                ? fail(&why, EX_USAGE, "there is no such profile")
                : fail(&why, EX_USAGE,
                       "write ftps://USER@HOST, or a profile's name with a "
                       "colon");
    if (r < 0) {
        buf_release(&next.text);
        return client_error(w[0].text, &why);
    }
    client_leave(c);
    buf_release(&c->profile.text);
    c->profile = next;
    c->options = options;
    int code = open_session(c, &url);
    if (code == 0)
        shell_greet(c);
    return code;
}

/* The command line. */

static void run_on_interrupt(int number)
{
    (void)number;
    /* The second Ctrl-C ends the program at once, in case no code reacts to the
     * first. */
    if (link_interrupted)
        _exit(128 + SIGINT);
    link_interrupted = 1;
}

int client_error(const char *what, const struct failure *why)
{
    progress_error(what, why);
    return why->code ? why->code : EX_SOFTWARE;
}

int client_refuse(const char *what, int code, const char *format, ...)
{
    char text[FAILURE_TEXT];
    struct failure why;
    va_list args;

    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    fail(&why, code, "%s", text);
    return client_error(what, &why);
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
                           const struct word *w, int n, bool listed,
                           struct failure *why)
{
    for (int i = 0; i < n; i++) {
        char kind = row->kinds.urls[(i > 0 || listed) && i == n - 1];

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
    return run_check_words(row, w, n, c->options.files_from != NULL, why);
}

void client_show(const struct options *o, const struct client_command *row,
                 char **text, int n)
{
    progress_start(
        o->json                              ? PROGRESS_JSON
        : o->quiet                           ? PROGRESS_QUIET
        : isatty(STDERR_FILENO) && !o->debug ? PROGRESS_BARS
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
    if ((fflush(stdout) == EOF || ferror(stdout)) && code == 0) {
        stderr_print("standard output can't be written");
        code = EX_IOERR;
    }
    return link_interrupted ? 128 + SIGINT : code;
}
