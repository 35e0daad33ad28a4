/* A session: it reads lines from a terminal with libedit, with history and
 * completion, or from a script on standard input. */
#include <editline/readline.h>
#include <errno.h>
#include <limits.h>
#include <locale.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

#include "client.h"
#include "complete.h"
#include "private.h"
#include "show.h"
#include "split.h"

#define LINE_MAX_BYTES 8192
#define SHELL_WORDS    256

/* Is word I remote? The row's "remote" has a letter for each word; the last one
 * repeats. */
static bool shell_is_remote(const struct command *row, int i)
{
    size_t letters = strlen(row->remote);

    if (letters == 0)
        return false;
    return row->remote[(size_t)i < letters ? (size_t)i : letters - 1] == 'r';
}

/* A line that was cut into words, and a copy of it as it was typed. */
struct shell_input {
    const char *cut;
    char *typed;
};

static int shell_words(struct client *c, const struct command *row, char **text,
                       int n, const struct shell_input *in, struct word *w)
{
    for (int i = 0; i < n; i++) {
        w[i] = (struct word){ .text = text[i] };
        if (!shell_is_remote(row, i))
            continue;
        if (url_join(c->cwd, text[i], w[i].path) < 0)
            return -1;
        size_t len = strlen(text[i]);
        split_pattern(in->typed + (text[i] - in->cut), &w[i].pattern);
        w[i].remote = true;
        w[i].directory = len == 0 || text[i][len - 1] == '/';
    }
    return 0;
}

static int shell_refuse(int code, const char *what, const char *text)
{
    struct failure why;

    fail(&why, code, "%s", text);
    return client_error(what, &why);
}

/* Options on a line count for that line alone. Those of "open" count until the
 * next "open"; settings of the last server's profile don't count then. */
static int shell_command(struct client *c, int n, char **text,
                         const struct shell_input *in)
{
    static struct word words[SHELL_WORDS];
    const struct command *row = command_find(text[0], IN_SHELL);
    struct options kept = c->options;
    struct complaint bad = { "" };
    int code;

    if (!row)
        return command_unknown(text[0], IN_SHELL);
    c->reopened = false;
    if (row->modes & OPENS)
        c->options = c->given;
    options_age(&c->options);
    n = 1 + options_parse(&c->options, n - 1, text + 1, &bad);
    client_show(&c->options, row, text + 1, n - 1);
    if (n < 1)
        code = shell_refuse(EX_USAGE, text[0], bad.text);
    else if (c->options.help)
        code = (help_print(row, IN_SHELL), 0);
    else if (client_misfit(&c->options, row->name, row->name) != 0)
        code = EX_USAGE;
    else if (n - 1 < row->least || (row->most >= 0 && n - 1 > row->most))
        code = shell_refuse(EX_USAGE, "usage", row->shell_syntax);
    else if (!(row->modes & LOCAL) && !c->open)
        code = shell_refuse(EX_USAGE, text[0],
                            "no server is open; try: open "
                            "ftps://USER@HOST");
    else if (shell_words(c, row, text + 1, n - 1, in, words) < 0)
        code = shell_refuse(EX_USAGE, text[0], "the name is too long");
    else
        code = row->run(c, words, n - 1);
    if (!c->reopened)
        c->options = kept;
    return code;
}

/* Ctrl-C ends the local command, not this session. */
int shell_local(const char *command)
{
    struct sigaction ignore = { .sa_handler = SIG_IGN }, kept;
    const char *shell = getenv("SHELL");
    bool some = command[strspn(command, " \t\n")];
    int status = 0;

    fflush(NULL);
    sigaction(SIGINT, &ignore, &kept);
    pid_t pid = fork();
    if (pid == 0) {
        signal(SIGINT, SIG_DFL);
        signal(SIGPIPE, SIG_DFL);
        shell = shell ? shell : "/bin/sh";
        execl(shell, shell, some ? "-c" : NULL, command, (char *)NULL);
        _exit(127);
    }
    while (pid > 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR)
        ;
    sigaction(SIGINT, &kept, NULL);
    return pid > 0 && WIFEXITED(status) ? WEXITSTATUS(status) : EX_OSERR;
}

static int shell_line(struct client *c, char *line)
{
    char *text[SHELL_WORDS + 1];

    while (*line == ' ' || *line == '\t')
        line++;
    if (*line == '#')
        return 0;
    link_interrupted = 0;
    client_show(&c->options, NULL, NULL, 0);
    if (*line == '!')
        return shell_local(line + 1);
    struct shell_input in = { line, strdup(line) };
    if (!in.typed)
        return shell_refuse(EX_OSERR, "", "out of memory");
    int code = 0, n = split_line(line, text, SHELL_WORDS);
    if (n < 0)
        code = shell_refuse(EX_USAGE, "",
                            n == -EINVAL ? "a quote isn't closed"
                                         : "too many words");
    if (n > 0) {
        text[n] = NULL;
        code = shell_command(c, n, text, &in);
    }
    free(in.typed);
    return code;
}

/* A script ends at its first failure; an interactive session continues. */
static int shell_script(struct client *c)
{
    char line[LINE_MAX_BYTES];
    int code = 0;

    while (code == 0 && !c->leave && !link_interrupted &&
           fgets(line, sizeof(line), stdin)) {
        if (!strchr(line, '\n') && !feof(stdin))
            return shell_refuse(EX_DATAERR, "", "the line is too long");
        code = shell_line(c, line);
    }
    return code;
}

static const char *shell_prompt(const struct client *c, char *out, size_t size)
{
    char safe[URL_PATH_MAX];

    if (c->open)
        snprintf(out, size, "%s:/%s> ", c->site.url.host,
                 show_text(c->cwd, safe, sizeof(safe)));
    else
        snprintf(out, size, "sallyport> ");
    return out;
}

/* libedit drops each character that the locale doesn't know, and the rest may
 * be another file's name. Names are UTF-8, whatever the locale is. */
static void shell_know_letters(void)
{
    setlocale(LC_CTYPE, "");
    if (MB_CUR_MAX == 1)
        setlocale(LC_CTYPE, "C.UTF-8");
}

static void shell_terminal(struct client *c)
{
    char history[PATH_MAX], prompt[URL_PATH_MAX + URL_PART_MAX + 8];
    bool kept = private_place("XDG_STATE_HOME", ".local/state", "history",
                              history) == 0;

    shell_know_letters();
    using_history();
    stifle_history(1000);
    if (kept)
        read_history(history);
    complete_begin(c);
    while (!c->leave) {
        link_interrupted = 0;
        char *line = readline(shell_prompt(c, prompt, sizeof(prompt)));

        if (!line) {
            putchar('\n');
            if (!link_interrupted)
                break;
            continue; /* Ctrl-C discards the typed line */
        }
        if (line[0]) {
            add_history(line);
            shell_line(c, line);
        }
        free(line);
        progress_hide();
    }
    if (kept) {
        mode_t mask = umask(077);
        private_directories(history);
        write_history(history);
        umask(mask);
    }
}

int shell_run(struct client *c)
{
    c->interactive = true;
    if (!isatty(STDIN_FILENO))
        return shell_script(c);
    shell_terminal(c);
    return 0;
}
