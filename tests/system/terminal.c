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

/* Is the wanted text there, and is the last line a prompt? */
static bool terminal_is_ready(void *of)
{
    struct terminal *t = of;
    bool shows = terminal_shows(t);
    size_t len = strlen(t->last);

    while (len > 0 && t->last[len - 1] == '\n')
        len--;
    return shows && len > 0 && t->last[len - 1] == '>';
}

void terminal_wait_prompt(struct terminal *t, const char *after)
{
    t->wanted = after;
    t->unwanted = NULL;
    cr_assert(wait_until(terminal_is_ready, t, WAIT_MS),
              "no prompt after \"%s\" in:\n%s", after ? after : "", t->last);
}

void terminal_command(struct terminal *t, const char *line)
{
    char shown[256];

    snprintf(shown, sizeof(shown), "> %s\n", line);
    terminal_wait_prompt(t, NULL);
    terminal_type(t, line);
    terminal_wait_prompt(t, shown);
}

void terminal_complete(struct terminal *t, const char *text,
                       const char *completed)
{
    terminal_wait_prompt(t, NULL);
    TMUX(t, "send-keys", "-l", (char *)text);
    TMUX(t, "send-keys", "Tab");
    terminal_expect(t, completed, NULL);
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
