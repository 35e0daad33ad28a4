/* Sends keys to tmux, and reads its screen. */
#include "terminal.h"

#include "support/fail.h"
#include "support/run.h"
#include "support/test.h"
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
    FAIL_IF(r.status != 0, "tmux %s: %s", words[0], r.text);
    run_release(&r);
}

void terminal_open(struct terminal *t, const char *dir, const char *command)
{
    static unsigned number;

    terminal_close(t);
    snprintf(t->socket, sizeof(t->socket), "%s/tmux-%u", dir, ++number);
    setenv("SCREEN", t->socket, 1);
    TMUX(t, "-f", "/dev/null", "new-session", "-d", "-x", "100", "-y", "24",
         (char *)command);
}

/* Ignores a failure: tmux has ended if the terminal's program has. */
void terminal_close(struct terminal *t)
{
    struct run_result r;

    if (!*t->socket)
        return;
    terminal_run(t, &r, (char *const[]){ "kill-server", NULL });
    run_release(&r);
    *t->socket = '\0';
}

void terminal_type(struct terminal *t, const char *line)
{
    TMUX(t, "send-keys", "-l", (char *)line);
    TMUX(t, "send-keys", "Enter");
}

struct look {
    struct terminal *terminal;
    struct terminal_sight sight;
};

static size_t count(const char *text, const char *what)
{
    size_t n = 0;

    for (; (text = strstr(text, what)); text++)
        n++;
    return n;
}

static bool is_seen(void *of)
{
    const struct terminal_sight *want = &((struct look *)of)->sight;
    struct terminal *t = ((struct look *)of)->terminal;
    size_t times, len;
    struct run_result r;

    terminal_run(t, &r, (char *const[]){ "capture-pane", "-p", NULL });
    snprintf(t->last, sizeof(t->last), "%s", r.text);
    run_release(&r);
    len = strlen(t->last);
    while (len > 0 && t->last[len - 1] == '\n')
        len--;
    if (want->prompt && (len == 0 || t->last[len - 1] != '>'))
        return false;
    if (want->unwanted && strstr(t->last, want->unwanted))
        return false;
    if (!want->wanted)
        return true;
    times = count(t->last, want->wanted);
    return want->times > 0 || want->none ? times == want->times : times > 0;
}

void terminal_see(struct terminal *t, struct terminal_sight sight)
{
    struct look look = { t, sight };

    if (wait_until(is_seen, &look, WAIT_MS))
        return;
    FAIL("no \"%s\" without \"%s\" in:\n%s", sight.wanted ? sight.wanted : "",
         sight.unwanted ? sight.unwanted : "", t->last);
}
