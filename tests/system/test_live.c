/* "sallyportctl top" on a terminal, beside a server at work. */
#include <criterion/criterion.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include "ctl.h"
#include "support/session.h"
#include "support/wait.h"
#include "terminal.h"

#define BLOCK (256u << 10)

static const struct server_plan plan = { 0 };

static bool has_ended(void *pid)
{
    return kill(*(pid_t *)pid, 0) < 0;
}

/* Another "top", whose terminal closes. */
static void expect_end_with_terminal(struct terminal *t, const char *program,
                                     const char *config)
{
    char command[4096], text[32] = "";
    pid_t pid;
    FILE *f;

    snprintf(command, sizeof(command), "echo $$ >pid; exec %s --config %s top",
             program, config);
    TMUX(t, "new-window", command);
    terminal_expect(t, "(now by rate)", NULL);
    f = fopen("pid", "r");
    cr_assert(f && fgets(text, sizeof(text), f));
    fclose(f);
    pid = (pid_t)atoi(text);
    cr_assert_gt(pid, 1);
    TMUX(t, "kill-window");
    cr_expect(wait_until(has_ended, &pid, 20000), "it goes on without one");
}

/* The name has a character that would turn the text around. */
Test(live, top, .timeout = 120)
{
    static struct terminal t;
    static char block[BLOCK];
    char program[SERVER_PATH_MAX], command[4096];
    struct server server;
    struct session s;
    struct data d;

    server_start(&server, &plan);
    ctl(&server, 64, "top", "top needs a terminal");
    session_enter(&s, &server, "anna");
    session_do(&s, "200 {*}", "ALLO %u", 2 * BLOCK);
    data_open(&s, &d, "STOR a\xe2\x80\x8bgif");
    data_write(&d, block, BLOCK);
    desk_begin_alone(&t.desk);
    snprintf(program, sizeof(program), "%s", server_program("sallyportctl"));
    snprintf(command, sizeof(command),
             "trap : INT; export LC_ALL=C.UTF-8; stty -g >before; "
             "top() { %s --config %s top; }; TERM=odd top; TERM=dumb top; top; "
             "echo a $?; "
             "top; echo b $?; stty -g | cmp - before && echo same; cat",
             program, server_path(&server, "sallyport.conf"));
    terminal_open(&t, command);
    terminal_expect(&t, "256 KiB   512 KiB", NULL);
    terminal_expect(&t, "STOR", NULL);
    terminal_expect(&t, " /a?gif\n", NULL);
    TMUX(&t, "resize-window", "-x", "1", "-y", "1");
    terminal_expect(&t, NULL, "STOR");
    TMUX(&t, "resize-window", "-x", "120", "-y", "30");
    terminal_expect(&t, " /a?gif\n", NULL);
    TMUX(&t, "send-keys", "s");
    terminal_expect(&t, "(now by user)", NULL);
    TMUX(&t, "send-keys", "k");
    terminal_expect(&t, "End the session of anna, 127.0.0.1", NULL);
    TMUX(&t, "send-keys", "y");
    terminal_expect(&t, "sessions: 0 of", "/a?gif");
    TMUX(&t, "send-keys", "C-c");
    terminal_expect(&t, "(now by rate)", NULL); /* the second one */
    expect_end_with_terminal(&t, program,
                             server_path(&server, "sallyport.conf"));
    data_cut(&d, true);
    session_drop(&s);
    server_stop(&server);
    terminal_expect(&t, "no server answers", "sessions:");
    TMUX(&t, "send-keys", "q");
    terminal_expect(&t, "TERM=odd is unknown", NULL);
    terminal_expect(&t, "TERM=dumb is unknown", NULL);
    terminal_expect(&t, "\na 130\nb 0\nsame\n", NULL);
    terminal_end(&t);
}
