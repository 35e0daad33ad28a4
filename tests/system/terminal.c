/* Sends keys to tmux, and reads its screen. */
#include "terminal.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "support/wait.h"

static void terminal_run(struct terminal *t, struct run_result *r,
                         char *const words[])
{
    char *arguments[24] = { "/usr/bin/tmux", "-u", "-S", t->socket };
    size_t n = 4;

    for (; *words; words++)
        arguments[n++] = *words;
    run_arguments(r, NULL, arguments);
}

void terminal_do(struct terminal *t, char *const words[])
{
    struct run_result r;

    terminal_run(t, &r, words);
    cr_assert_eq(r.status, 0, "tmux %s: %s", words[0], r.text);
    run_release(&r);
}

bool terminal_shows(void *of)
{
    struct terminal *t = of;
    struct run_result r;

    terminal_run(t, &r, (char *const[]){ "capture-pane", "-p", NULL });
    snprintf(t->last, sizeof(t->last), "%s", r.text);
    run_release(&r);
    return (!t->wanted || strstr(t->last, t->wanted)) &&
           (!t->unwanted || !strstr(t->last, t->unwanted));
}

void terminal_expect(struct terminal *t, const char *wanted,
                     const char *unwanted)
{
    t->wanted = wanted;
    t->unwanted = unwanted;
    cr_assert(wait_until(terminal_shows, t, WAIT_MS), "no \"%s\" in:\n%s",
              wanted ? wanted : "(gone)", t->last);
}

void terminal_type(struct terminal *t, const char *line)
{
    TMUX(t, "send-keys", "-l", (char *)line);
    TMUX(t, "send-keys", "Enter");
}

/* Opens a terminal of 100 columns that runs COMMAND. */
void terminal_open(struct terminal *t, const char *command)
{
    snprintf(t->socket, sizeof(t->socket), "%s/tmux", t->desk.dir);
    TMUX(t, "-f", "/dev/null", "new-session", "-d", "-x", "100", "-y", "24",
         (char *)command);
}

void terminal_end(struct terminal *t)
{
    struct run_result r;

    terminal_run(t, &r, (char *const[]){ "kill-server", NULL });
    run_release(&r);
    desk_end(&t->desk);
}
