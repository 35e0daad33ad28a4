/* Runs a session: reads lines from a terminal by libedit, with history and
 * completion, or from a script on standard input. */
#include <editline/readline.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

#include "commands/commands.h"
#include "run.h"

/* Words of a line. */

/* Reads one word at *at, and moves *at past the word. OUT and PATTERN get the
 * word without its quotes; each of them can be NULL. OUT can be *at. Returns 0,
 * or -EINVAL if a quote isn't closed. */
static int split_word(const char **at, char *out, struct url_pattern *pattern)
{
    const char *in = *at;
    char quote = '\0';

    for (; *in && (quote || !strchr(" \t\n", *in)); in++) {
        bool literal = quote != '\0';

        if (quote && *in == quote) {
            quote = '\0';
            continue;
        }
        if (!quote && (*in == '\'' || *in == '"')) {
            quote = *in;
            continue;
        }
        if (*in == '\\' && quote != '\'' && in[1]) {
            in++;
            literal = true;
        }
        if (out)
            *out++ = *in;
        if (pattern)
            url_pattern_add(pattern, *in, literal);
    }
    *at = *in ? in + 1 : in;
    if (out)
        *out = '\0';
    return quote ? -EINVAL : 0;
}

void split_pattern(const char *typed, bool whole, struct url_pattern *ret)
{
    *ret = (struct url_pattern){ .whole = whole };
    split_word(&typed, NULL, ret);
}

int split_line(char *line, char **word, int max)
{
    int n = 0;

    for (const char *at = line;;) {
        at += strspn(at, " \t\n");
        if (!*at)
            return n;
        if (n == max)
            return -E2BIG;
        word[n] = line + (at - line);
        int r = split_word(&at, word[n++], NULL);
        if (r < 0)
            return r;
    }
}

/* Is word I remote? The row's "remote" has a letter for each word; the last
 * letter repeats. */
static bool shell_is_remote(const struct client_command *row, int i)
{
    const char *kinds = row->kinds.remote;
    size_t letters = kinds ? strlen(kinds) : 0;

    return letters > 0 &&
           kinds[(size_t)i < letters ? (size_t)i : letters - 1] == 'r';
}

/* Completes words: the first word is a command, the others are remote or local
 * names, as the command's row says. libedit's hooks take no argument, so the
 * state is static. */

static struct {
    struct client *client;
    struct listing all; /* listing of the directory that was completed last */
    char directory[URL_PATH_MAX];
    char prefix[URL_PATH_MAX]; /* the typed word up to its last "/" */
    char last[URL_PATH_MAX];   /* the typed word after its last "/", without
                                * backslashes */
    char quote;                /* the quote that opens the word, or 0 */
    size_t next;
} complete;

static char *complete_command(const char *text, int state)
{
    if (state == 0)
        complete.next = 0;
    while (complete.next < commands_count) {
        const struct client_command *row = &commands[complete.next++];

        if (row->modes & IN_SHELL &&
            strncmp(row->name, text, strlen(text)) == 0)
            return strdup(row->name);
    }
    return NULL;
}

/* Removes the backslashes of TEXT, which is the typed word after its opening
 * quote, or a part of it. */
static void complete_plain(const char *text, size_t len, char out[URL_PATH_MAX])
{
    const char quote[] = { complete.quote, '\0' }, *at = out;

    snprintf(out, URL_PATH_MAX, "%s%.*s", quote, (int)len, text);
    split_word(&at, out, NULL);
}

/* Quotes NAME so that it is one word on the line. */
static void complete_typed(const char *name, char out[2 * URL_PATH_MAX])
{
    const char *special = complete.quote == '\'' ? ""
                          : complete.quote       ? "\\\""
                                                 : " \t\\'\"*?[";
    size_t n = 0;

    for (; *name && n + 2 < 2 * (size_t)URL_PATH_MAX; name++) {
        if (strchr(special, *name))
            out[n++] = '\\';
        out[n++] = *name;
    }
    out[n] = '\0';
}

/* Lists the directory of TEXT, once for each completion. */
static void complete_list(const char *text)
{
    size_t head = (size_t)(url_base(text) - text);
    char directory[URL_PATH_MAX];
    struct failure why;

    link_interrupted = 0; /* Ctrl-C in the last completion may have set it */
    snprintf(complete.prefix, sizeof(complete.prefix), "%.*s", (int)head, text);
    complete_plain(text, head, directory);
    complete_plain(text + head, strlen(text + head), complete.last);
    listing_release(&complete.all);
    rl_deprep_terminal(); /* so that Ctrl-C interrupts the listing */
    if (url_join(complete.client->cwd, directory, complete.directory) == 0)
        remote_list(&complete.client->link, complete.directory, &complete.all,
                    &why);
    rl_prep_terminal(1);
    complete.next = 0;
}

static char *complete_remote(const char *text, int state)
{
    if (state == 0)
        complete_list(text);
    while (complete.next < complete.all.count) {
        const struct listing_entry *e = &complete.all.entry[complete.next++];
        char name[4 * URL_PATH_MAX], typed[2 * URL_PATH_MAX], safe[SHOW_MAX];

        if (strncmp(e->name, complete.last, strlen(complete.last)) != 0 ||
            strcmp(show_text(e->name, safe, sizeof(safe)), e->name) != 0)
            continue;
        complete_typed(e->name, typed);
        /* A word that begins with a dash is an option. */
        bool dash = !complete.prefix[0] && typed[0] == '-';
        snprintf(name, sizeof(name), "%s%s%s%s", dash ? "./" : "",
                 complete.prefix, typed,
                 e->kind == LISTED_DIRECTORY ? "/" : "");
        rl_completion_append_character = e->kind == LISTED_DIRECTORY ? '\0'
                                         : complete.quote ? complete.quote
                                                          : ' ';
        return strdup(name);
    }
    return NULL;
}

#define LINE_MAX_BYTES 8192

/* Completes the word that begins at START. If the word has an opening quote,
 * START is after the quote. */
static char **complete_word(const char *text, int start, int end)
{
    char line[LINE_MAX_BYTES], *before[SHELL_WORDS];

    (void)end;
    complete.quote = '\0';
    if (start > 0 && strchr("'\"", rl_line_buffer[start - 1]))
        complete.quote = rl_line_buffer[start - 1];
    snprintf(line, sizeof(line), "%.*s", start - (complete.quote != '\0'),
             rl_line_buffer);
    int n = split_line(line, before, SHELL_WORDS), word = n - 1;
    if (n == 0)
        return rl_completion_matches(text, complete_command);
    for (int i = 1; i < n; i++)
        word -= before[i][0] == '-' && before[i][1]; /* an option */
    const struct client_command *row =
        n > 0 ? commands_find(before[0], IN_SHELL) : NULL;
    if (!row || !complete.client->open || !shell_is_remote(row, word))
        return NULL; /* libedit completes local names */
    rl_attempted_completion_over = 1;
    return rl_completion_matches(text, complete_remote);
}

/* The session. */

/* Makes the words W of the N words TEXT. CUT is the line that contains TEXT,
 * TYPED the same line as the user typed it. Returns 0, or -1 if a remote name
 * is too long, or empty: url_join() takes an empty name for the current
 * directory. */
static int shell_words(struct client *c, const struct client_command *row,
                       char **text, int n, const char *cut, const char *typed,
                       struct word *w)
{
    for (int i = 0; i < n; i++) {
        w[i] = (struct word){ .text = text[i] };
        split_pattern(typed + (text[i] - cut), row->run == cmd_put,
                      &w[i].pattern);
        if (!shell_is_remote(row, i))
            continue;
        size_t len = strlen(text[i]);
        if (len == 0 || url_join(c->cwd, text[i], w[i].path) < 0)
            return -1;
        w[i].remote = true;
        w[i].directory = text[i][len - 1] == '/';
    }
    return 0;
}

/* Runs a command. Options on a line count for that line alone; settings of a
 * server's profile count until the next "open". */
static int shell_command(struct client *c, int n, char **text, const char *cut,
                         const char *typed)
{
    static struct word words[SHELL_WORDS];
    const struct client_command *row = commands_find(text[0], IN_SHELL);
    struct options kept = c->options;
    struct complaint bad = { "" };
    int code;

    if (!row || !row->run) /* a quoted "!" */
        return command_unknown(text[0], IN_SHELL);
    if (!(row->modes & OPENS))
        n = 1 + options_parse(&c->options, row->name, n - 1, text + 1, &bad);
    client_show(&c->options, row, text + 1, n - 1);
    memset(c->link.refused, 0, sizeof(c->link.refused)); /* may be outdated */
    if (n < 1)
        code = client_refuse(text[0], EX_USAGE, "%s", bad.text);
    else if (c->options.help)
        code = help_print(row, IN_SHELL);
    else if (client_misfit(&c->options, row->name, row->name) != 0)
        code = EX_USAGE;
    else if (n - 1 < row->words.least ||
             (row->words.most >= 0 && n - 1 > row->words.most))
        code =
            client_refuse("", EX_USAGE, "usage: %s%s%s", row->name,
                          row->syntax.shell[0] ? " " : "", row->syntax.shell);
    else if (!(row->modes & LOCAL) && !c->open)
        code = client_refuse(text[0], EX_USAGE,
                             "no server is open; try: open "
                             "ftps://USER@HOST");
    else if (shell_words(c, row, text + 1, n - 1, cut, typed, words) < 0)
        code = client_refuse(text[0], EX_USAGE, "a name is empty or too long");
    else
        code = row->run(c, words, n - 1);
    if (!(row->modes & OPENS))
        c->options = kept;
    return code;
}

/* Runs the local COMMAND or, if it is empty, a shell. Ctrl-C ends that program,
 * not this session. Returns the exit code of the program; EX_OSERR: it couldn't
 * be started, or a signal ended it. */
static int shell_local(const char *command)
{
    const char *shell = getenv("SHELL");
    bool some = command[strspn(command, " \t\n")];
    const char *const argv[] = { shell ? shell : "/bin/sh", some ? "-c" : NULL,
                                 command, NULL };
    struct sigaction ignore = { .sa_handler = SIG_IGN }, kept;
    int status = 0;

    fflush(NULL);
    sigaction(SIGINT, &ignore, &kept);
    pid_t pid = fork();
    if (pid == 0) {
        signal(SIGINT, SIG_DFL);
        signal(SIGPIPE, SIG_DFL);
        if (!isatty(STDIN_FILENO)) /* it has the script's next lines */
            dup2(open("/dev/null", O_RDONLY), STDIN_FILENO);
        execvp(argv[0], (char *const *)argv);
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
    atomic_store(&link_over, NULL);
    client_show(&c->options, NULL, NULL, 0);
    if (*line == '!')
        return shell_local(line + 1);
    int code = 0;
    char *cut = strdup(line);
    if (!cut)
        return client_refuse("", EX_OSERR, "out of memory");
    int n = split_line(cut, text, SHELL_WORDS);
    if (n < 0)
        code = client_refuse("", EX_USAGE,
                             n == -EINVAL ? "a quote isn't closed"
                                          : "too many words");
    if (n > 0) {
        text[n] = NULL;
        code = shell_command(c, n, text, cut, line);
    }
    free(cut); /* the options of this line pointed into the copy */
    return code;
}

/* A script ends at its first failure; an interactive session continues. */
static int shell_script(struct client *c)
{
    char line[LINE_MAX_BYTES];
    bool first = true;
    int code = 0, ch = 0;

    while (code == 0 && !c->leave && !link_interrupted && ch != EOF) {
        size_t len = 0;

        while ((ch = getc(stdin)) != EOF && ch != '\n' && len < sizeof(line))
            line[len++] = (char)ch;
        if (ferror(stdin))
            break;
        if (len == sizeof(line) || memchr(line, '\0', len))
            return client_refuse("", EX_DATAERR,
                                 "the line is too long, or has a NUL byte");
        len -= len > 0 && line[len - 1] == '\r';
        line[len] = '\0';
        code =
            shell_line(c, line + (first ? text_mark(line, strlen(line)) : 0));
        first = false;
    }
    return code == 0 && ferror(stdin)
               ? client_refuse("", EX_IOERR, "standard input can't be read")
               : code;
}

static bool shell_dropped;

static int shell_drop(int count, int key)
{
    (void)count;
    (void)key;
    shell_dropped = true;
    rl_done = 1;
    return 0;
}

static int shell_stop(int count, int key)
{
    (void)count;
    (void)key;
    return raise(SIGTSTP);
}

/* Makes Ctrl-C and Ctrl-Z keys, see shell_run(). libedit calls it for each
 * line, since each readline() resets the terminal's modes. */
static int shell_without_signals(void)
{
    return rl_parse_and_bind("setty -d -isig");
}

/* May the history keep the line? A line that isn't a command can be a password
 * that was typed too late. A line with a password in a URL is refused, and the
 * history doesn't keep it either. */
static bool shell_may_keep(const char *line)
{
    char name[32];

    line += strspn(line, " \t");
    snprintf(name, sizeof(name), "%.*s", (int)strcspn(line, " \t"), line);
    if (!strchr("!#", line[0]) && !commands_find(name, IN_SHELL))
        return false;
    for (const char *at = line; (at = strstr(at, "://")); at++) {
        const char *server = at + strlen("://"), *end = strrchr(server, '@');

        if (end && memchr(server, ':', (size_t)(end - server)))
            return false;
    }
    return true;
}

int shell_run(struct client *c)
{
    char history[PATH_MAX], prompt[URL_PATH_MAX + URL_PART_MAX + 8];
    char safe[URL_PATH_MAX];
    bool kept = private_place("XDG_STATE_HOME", ".local/state", "history",
                              history) == 0;

    c->interactive = true;
    if (!isatty(STDIN_FILENO))
        return shell_script(c);
    open_greet(c);
    using_history();
    stifle_history(1000);
    if (kept)
        read_history(history);
    complete.client = c;
    rl_readline_name = "sallyport";
    rl_attempted_completion_function = complete_word;
    /* At the prompt Ctrl-C is a key. As a signal it could come while libedit
     * isn't reading. Then the line would stay, and later keys would be added to
     * it. */
    rl_pre_input_hook = shell_without_signals;
    rl_add_defun("sallyport-drop", shell_drop, '\003');
    rl_add_defun("sallyport-stop", shell_stop, '\032');
    while (!c->leave) {
        link_interrupted = 0;
        shell_dropped = false;
        if (c->open)
            snprintf(prompt, sizeof(prompt), "%s:/%s> ", c->site.url.host,
                     show_text(c->cwd, safe, sizeof(safe)));
        else
            snprintf(prompt, sizeof(prompt), "sallyport> ");
        char *line = readline(prompt);

        if (!line) {
            putchar('\n');
            if (!shell_dropped && !link_interrupted)
                break;
            continue;
        }
        if (line[0]) {
            if (shell_may_keep(line))
                add_history(line);
            shell_line(c, line);
        }
        free(line);
        progress_hold(false);
    }
    if (kept) {
        mode_t mask = umask(077);
        private_directories(history);
        write_history(history);
        umask(mask);
    }
    return 0;
}
