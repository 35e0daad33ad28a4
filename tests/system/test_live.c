/* sallyportctl beside a server at work: what it shows of sessions, and who may
 * ask. */
#include <criterion/criterion.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ctl.h"
#include "generation.h"
#include "support/run.h"
#include "support/server_log.h"
#include "support/session.h"
#include "support/wait.h"
#include "terminal.h"

#define BLOCK (256u << 10)

static const struct server_plan plan = { 0 };

/* Asks until the server has received the block. */
struct wanted {
    const struct server *server;
    const char *text;
};

static bool who_shows(void *of)
{
    const struct wanted *w = of;
    char program[SERVER_PATH_MAX], config[SERVER_PATH_MAX];
    struct run_result r;
    bool shows;

    snprintf(program, sizeof(program), "%s", server_program("sallyportctl"));
    snprintf(config, sizeof(config), "%s",
             server_path(w->server, "sallyport.conf"));
    run(&r, "", program, "--config", config, "who", NULL);
    shows = r.status == 0 && strstr(r.text, w->text);
    run_release(&r);
    return shows;
}

/* The events may still be on their way to log, which counts them. */
static bool status_counts(void *server)
{
    char program[SERVER_PATH_MAX], config[SERVER_PATH_MAX];
    struct run_result r;
    bool counts;

    snprintf(program, sizeof(program), "%s", server_program("sallyportctl"));
    snprintf(config, sizeof(config), "%s",
             server_path(server, "sallyport.conf"));
    run(&r, "", program, "--config", config, "status", NULL);
    counts = strstr(r.text, "\nended:     1 complete, 0 failed, 512 KiB "
                            "received, 0 bytes sent, 1 failed login since ");
    run_release(&r);
    return counts;
}

/* An upload that has come to a stop, in the generation that leads and in an
 * older one. */
Test(live, who_shows_a_transfer, .timeout = 60)
{
    static char block[BLOCK];
    struct wanted w = { .text = "STOR /big, 256 KiB of 512 KiB, " };
    struct server server;
    struct session s;
    struct data d;

    server_start(&server, &plan);
    w.server = &server;
    session_enter(&s, &server, "anna");
    session_do(&s, "200 {*}", "CLNT a client");
    ctl(&server, 0, "who", "    idle; a client; TLSv1.");
    session_do(&s, "200 {*}", "ALLO %u", 2 * BLOCK);
    data_open(&s, &d, "STOR big");
    data_write(&d, block, BLOCK);
    cr_expect(wait_until(who_shows, &w, 20000));
    ctl(&server, 0, "who --json", "\"of\": 524288");
    ctl(&server, 0, "status", "\ntransfers: 1\n");
    generation_reload(&server, GENERATION_SIGNAL);
    cr_expect(wait_until(who_shows, &w, 20000));
    ctl(&server, 0, "status", "), 1 older with sessions\n");
    data_write(&d, block, BLOCK);
    data_close(&d);
    session_expect(&s, "226 {*}");
    session_close(&s);
    session_init(&s);
    session_connect(&s, server.port);
    session_start_tls(&s);
    cr_expect_eq(session_try_login(&s, "anna", "wrong"), 530);
    session_close(&s);
    cr_expect(wait_until(status_counts, &server, 20000));
    server_stop(&server);
}

/* The words after MARK in the output of COMMAND, whose $0 is the server's
 * certificate. */
static void openssl_says(const struct server *server, const char *command,
                         const char *mark, char out[128])
{
    struct run_result r;
    const char *at;

    run(&r, "", "/bin/sh", "-c", command,
        server_path(server, "certificate.pem"), NULL);
    at = strstr(r.text, mark);
    cr_assert(at, "%s: %s", command, r.text);
    snprintf(out, 128, "%.*s", (int)strcspn(at + strlen(mark), "\n"),
             at + strlen(mark));
    run_release(&r);
}

/* What a client shows at its first connection can be compared with it. */
Test(live, status_has_the_fingerprint_and_the_pin, .timeout = 60)
{
    struct server server;
    char print[128], pin[128], text[160];

    server_start(&server, &plan);
    openssl_says(&server, "openssl x509 -in $0 -noout -fingerprint -sha256",
                 "ingerprint=", print);
    openssl_says(&server,
                 "printf :; openssl x509 -in $0 -noout -pubkey | openssl pkey "
                 "-pubin -outform DER | openssl dgst -sha256 -binary | base64",
                 ":", pin);
    snprintf(text, sizeof(text), "    SHA-256 %s\n", print);
    ctl(&server, 0, "status", text);
    snprintf(text, sizeof(text), "    pin sha256//%s\n", pin);
    ctl(&server, 0, "status", text);
    snprintf(text, sizeof(text), "\"pin\": \"sha256//%s\"", pin);
    ctl(&server, 0, "status --json", text);
    server_stop(&server);
}

/* Runs sallyportctl as a user who is in GROUP, with one or two words. */
static void ctl_as_reader(const struct server *server, const char *group,
                          int status, const char *said, const char *word,
                          const char *more)
{
    char program[SERVER_PATH_MAX], config[SERVER_PATH_MAX];
    struct run_result r;

    snprintf(program, sizeof(program), "%s", server_program("sallyportctl"));
    snprintf(config, sizeof(config), "%s",
             server_path(server, "sallyport.conf"));
    cr_assert_eq(chmod(config, 0644), 0);
    run(&r, "", "/usr/bin/setpriv", "--reuid=69997", "--regid=69997",
        "--groups", group, program, "--config", config, word, more, NULL);
    cr_expect_eq(r.status, status, "%s: %d: %s", word, r.status, r.text);
    cr_expect(strstr(r.text, said), "%s: %s", word, r.text);
    run_release(&r);
}

/* Its members see everything and change nothing; a reload ends it, but not one
 * that fails. */
Test(live, control_group, .timeout = 60)
{
    struct server server;
    struct session s;
    char key[SERVER_PATH_MAX];

    if (geteuid() != 0)
        cr_skip_test("only root takes another uid");
    server_start(&server, &(struct server_plan){
                              .settings = "control_group = 69998\n" });
    session_enter(&s, &server, "anna");
    ctl_as_reader(&server, "69998", 0, "1 logged in", "status", NULL);
    ctl_as_reader(&server, "69998", 0, " anna ", "who", NULL);
    ctl_as_reader(&server, "69998", 0, "\nsallyport_users 1\n", "metrics",
                  NULL);
    ctl_as_reader(&server, "69998", 77, "change nothing; run it as root",
                  "kick", "anna");
    ctl_as_reader(&server, "69998", 77, "change nothing", "reload", NULL);
    ctl_as_reader(&server, "69999", 77, "Permission denied; run it as root",
                  "status", NULL);
    session_do(&s, "200 {*}", "NOOP");
    server_set(&server, "control_group", "69999");
    snprintf(key, sizeof(key), "%s", server_path(&server, "key.pem"));
    server_set(&server, "client_ca", key); /* it has no certificate */
    server_set(&server, "client_certificates", "request");
    generation_ask(&server, 65, "holds no certificate");
    ctl_as_reader(&server, "69998", 0, "1 logged in", "status", NULL);
    server_set(&server, "client_certificates", "off");
    server_set(&server, "client_ca", "");
    server_set(&server, "control_group", "");
    generation_reload(&server, GENERATION_CTL);
    ctl_as_reader(&server, "69998", 77, "Permission denied", "status", NULL);
    session_close(&s);
    server_stop(&server);
}

static void expect_refused(const struct server *server)
{
    struct session s;

    session_init(&s);
    session_connect(&s, server->port);
    cr_expect(session_is_refused(&s));
    session_drop(&s);
}

#define GOES "421 The server is shutting down; come back later."

/* A transfer of a session of an older generation finishes, sessions without one
 * end, in both generations, and nobody enters, also after a reload. */
Test(live, drain, .timeout = 120)
{
    static char block[BLOCK];
    struct server server;
    struct session s, idle, newer;
    struct data d;

    server_start(&server, &plan);
    session_enter(&s, &server, "anna");
    session_enter(&idle, &server, "anna");
    data_open(&s, &d, "STOR big");
    data_write(&d, block, BLOCK);
    generation_reload(&server, GENERATION_SIGNAL);
    session_enter(&newer, &server, "anna");
    ctl(&server, 75, "drain --timeout 1s", "and the server drains on");
    session_expect(&idle, GOES);
    session_expect(&newer, GOES);
    server_log_wait(&server, " end ", "reason=\"drained: no new sessions\"",
                    NULL);
    session_drop(&idle);
    session_drop(&newer);
    ctl(&server, 0, "status", "server:    draining, version");
    ctl(&server, 1, "check --warning 0,100", "the server drains");
    ctl(&server, 1, "doctor", "run: sallyportctl drain --off");
    expect_refused(&server);
    server_log_wait(&server, " refused ", "reason=drain", NULL);
    generation_reload(&server, GENERATION_SIGNAL);
    expect_refused(&server);
    data_write(&d, block, BLOCK);
    data_close(&d);
    session_expect(&s, "226 {*}");
    session_expect(&s, GOES);
    session_drop(&s);
    ctl(&server, 0, "drain", "drained: no session is left");
    ctl(&server, 0, "drain --off", "takes sessions again");
    session_enter(&s, &server, "anna");
    ctl(&server, 0, "status", "server:    running, version");
    session_close(&s);
    server_stop(&server);
}

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
