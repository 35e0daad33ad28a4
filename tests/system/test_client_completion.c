/* Completes the command line in bash and zsh, on a real terminal. */
#include "desk.h"
#include "support/files.h"
#include "support/test.h"
#include "terminal.h"

#define USERS_FILE                                                             \
    "@share:docs:80000:/docs:\n@team:legal:\nanna:!:70000:70000::/a::\n"

/* The text before Tab, and the text after Tab. */
static const struct {
    const char *typed, *completed;
} rows[] = {
    { "sallyport doc", "sallyport doctor" },
    { "sallyport ls --lim", "sallyport ls --limit-rate" },
    { "sallyport put --conflict sk", "sallyport put --conflict skip" },
    { "sallyport help doc", "sallyport help doctor" },
    { "sallyport put a-fi", "sallyport put a-file" },
    { "sallyportctl sh", "sallyportctl share" },
    { "sallyportctl user show anna --j", "sallyportctl user show anna --json" },
    { "sallyportctl user import a-fi", "sallyportctl user import a-file" },
    { "sallyportctl --config conf share grant docs team:leg",
      "sallyportctl --config conf share grant docs team:legal" },
    { "sallyportctl --config conf kick an",
      "sallyportctl --config conf kick anna" },
};

/* SETUP loads the completion from the directory $from. */
static void complete(const char *shell, const char *setup)
{
    static struct terminal t;
    struct desk desk;
    char line[2 * SERVER_PATH_MAX];

    desk_begin_alone(&desk);
    files_write("a-file", "", 0, 0644);
    snprintf(line, sizeof(line), "users = %s/users\n", desk.dir);
    files_write("conf", line, strlen(line), 0644);
    files_write("users", USERS_FILE, strlen(USERS_FILE), 0644);
    terminal_open(&t, desk.dir, shell);
    snprintf(line, sizeof(line), "from=%s", in_source("etc/completion"));
    terminal_type(&t, line);
    snprintf(line, sizeof(line), "PATH=%s:$PATH", server_build("sbin"));
    terminal_type(&t, line);
    terminal_type(&t, setup);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        terminal_type(&t, "clear; echo rea''dy");
        terminal_see(&t, (struct terminal_sight){ .wanted = "ready\n",
                                                  .unwanted = "sallyport" });
        TMUX(&t, "send-keys", "-l", (char *)rows[i].typed);
        TMUX(&t, "send-keys", "Tab");
        terminal_see(&t,
                     (struct terminal_sight){ .wanted = rows[i].completed });
        TMUX(&t, "send-keys", "C-u");
    }
    terminal_close(&t);
    desk_end(&desk);
}

Test(completion, bash, .timeout = 120)
{
    complete("/bin/bash --norc --noprofile",
             "for file in $from/*.bash; do . $file; done");
}

Test(completion, zsh, .timeout = 120)
{
    complete("/bin/zsh -f", "fpath=($from $fpath);"
                            " autoload -U compinit; compinit -u -D");
}
