/* Completion of the command line in bash and zsh, on a real terminal. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/files.h"
#include "terminal.h"

/* The text before Tab, and the text after it. */
static const struct {
    const char *typed, *completed;
} rows[] = {
    { "sallyport doc", "sallyport doctor" },
    { "sallyport ls --lim", "sallyport ls --limit-rate" },
    { "sallyport put --conflict sk", "sallyport put --conflict skip" },
    { "sallyport help doc", "sallyport help doctor" },
    { "sallyport put a-fi", "sallyport put a-file" },
};

/* BEFORE and AFTER enclose the directory of the completion. */
static void complete(const char *shell, const char *before, const char *after)
{
    static struct terminal t;
    char line[2 * SERVER_PATH_MAX];

    desk_begin_alone(&t.desk);
    files_write("a-file", "", 0, 0644);
    terminal_open(&t, shell);
    snprintf(line, sizeof(line), "%s%s%s", before,
             server_source("etc/completion"), after);
    terminal_type(&t, line);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        terminal_type(&t, "clear; echo rea''dy");
        terminal_expect(&t, "ready\n", "sallyport");
        TMUX(&t, "send-keys", "-l", (char *)rows[i].typed);
        TMUX(&t, "send-keys", "Tab");
        terminal_expect(&t, rows[i].completed, NULL);
        TMUX(&t, "send-keys", "C-u");
    }
    terminal_end(&t);
}

Test(completion, bash, .timeout = 120)
{
    complete("/bin/bash --norc --noprofile", ". ", "/sallyport.bash");
}

Test(completion, zsh, .timeout = 120)
{
    complete("/bin/zsh -f", "fpath=(",
             " $fpath); autoload -U compinit; compinit -u -D");
}
