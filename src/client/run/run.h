/* The table of commands, the command line and the session. */
#ifndef CLIENT_RUN_H
#define CLIENT_RUN_H

#include "client.h"

#define SHELL_WORDS 256 /* limit of the words in a line of a session */

enum command_mode {
    ONE_SHOT = 1, /* on the command line: sallyport NAME ... URL */
    IN_SHELL = 2,
    LOCAL = 4, /* opens no connection by itself */
    OPENS = 8, /* takes no options, and replaces the session's options */
};

struct client_command {
    const char *name, *other[2]; /* OTHER: further names, or NULL */
    unsigned modes;
    struct {
        int least, most;
    } words; /* number of words after the name; MOST < 0: no limit */
    struct {
        /* Says which words are remote in the shell: a letter for each word, "r"
         * for remote, "l" for local. The last letter is also for all further
         * words. */
        const char *remote;
        /* Says which words are URLs on the command line: "r" for a URL, "l" for
         * a local name, "." for either. The first letter is for all words but
         * the last, the second letter for the last word. A single word has the
         * first letter. "": no word names a server. */
        const char *urls;
    } kinds;
    command_run *run; /* NULL for "!" */
    struct {
        const char *line, *shell;
    } syntax; /* on the command line; in a session */
    const char *help;
    struct {
        const char *line, *shell; /* on the command line; in a session */
    } example;
};
extern const struct client_command commands[];
extern const size_t commands_count;

const struct client_command *commands_find(const char *name, unsigned mode);
/* Prints that there is no command NAME, and the name of a similar command.
 * Returns an exit code. */
int command_unknown(const char *name, unsigned mode);
command_run cmd_help;

/* Chooses by the options how progress and failures are shown. ROW is the
 * command that will run with the N words TEXT, or NULL. */
void client_show(const struct options *o, const struct client_command *row,
                 char **text, int n);
/* Checks that COMMAND takes all options of this line. If not, prints the first
 * option that COMMAND doesn't take, and calls the command WHO. Returns 0 or
 * EX_USAGE. */
int client_misfit(const struct options *o, const char *command,
                  const char *who);
/* Runs a session: commands from a terminal, or the lines of standard input.
 * Returns an exit code. */
int shell_run(struct client *c);
/* Prints the help for one command (NULL: all commands) in MODE. Returns 0. */
int help_print(const struct client_command *row, unsigned mode);

/* Cuts LINE of the shell, in place, into at most MAX words. Blanks separate
 * words, '...' and "..." enclose them, and \ outside '...' makes the next byte
 * literal. Returns the number of words; -EINVAL: a quote isn't closed; -E2BIG:
 * there are too many words. */
int split_line(char *line, char **word, int max);
/* Reads the word at TYPED, in a line that isn't cut yet, as a path. WHOLE: each
 * of its components can be a pattern, not only the last one. Quoted characters,
 * and characters after \, stand for themselves, not for a pattern. */
void split_pattern(const char *typed, bool whole, struct url_pattern *ret);

#endif
