/* The client on a real terminal (tmux): a session with completion, bars that
 * follow the terminal's width, Ctrl-C, questions, and who is trusted. */
#include <criterion/criterion.h>
#include <criterion/hooks.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "desk.h"
#include "sallyport/base/buf.h"
#include "support/files.h"
#include "support/wait.h"

#define FILE_BYTES (12 * 1024 * 1024)

static const struct server_user users[] = { { .name = "anna" } };

ReportHook(PRE_ALL)(struct criterion_test_set *set)
{
    const struct server_plan plan = {
        .ports = "auto 8",
        .users = users,
        .user_count = 1,
    };

    (void)set;
    server_share(&plan);
}

ReportHook(POST_ALL)(struct criterion_global_stats *stats)
{
    (void)stats;
    server_unshare();
}

struct terminal {
    struct desk desk;
    char socket[SERVER_PATH_MAX + 16];
    const char *wanted; /* a text that is to appear; NULL: to go */
    const char *unwanted;
    char last[16384];
};

static void tmux(struct terminal *t, struct run_result *r, char *const words[])
{
    char *arguments[24] = { "/usr/bin/tmux", "-S", t->socket };
    size_t n = 3;

    for (; *words; words++)
        arguments[n++] = *words;
    run_arguments(r, NULL, arguments);
}

static void tmux_do(struct terminal *t, char *const words[])
{
    struct run_result r;

    tmux(t, &r, words);
    cr_assert_eq(r.status, 0, "tmux %s: %s", words[0], r.text);
    run_release(&r);
}

#define TMUX(t, ...) tmux_do(t, (char *const[]){ __VA_ARGS__, NULL })

static bool shows(void *of)
{
    struct terminal *t = of;
    struct run_result r;

    tmux(t, &r, (char *const[]){ "capture-pane", "-p", NULL });
    snprintf(t->last, sizeof(t->last), "%s", r.text);
    run_release(&r);
    return (!t->wanted || strstr(t->last, t->wanted)) &&
           (!t->unwanted || !strstr(t->last, t->unwanted));
}

static void expect(struct terminal *t, const char *wanted, const char *unwanted)
{
    t->wanted = wanted;
    t->unwanted = unwanted;
    cr_assert(wait_until(shows, t, WAIT_MS), "no \"%s\" in:\n%s",
              wanted ? wanted : "(gone)", t->last);
}

static void type(struct terminal *t, const char *line)
{
    TMUX(t, "send-keys", "-l", (char *)line);
    TMUX(t, "send-keys", "Enter");
}

/* A terminal of 100 columns that runs COMMAND. */
static void terminal_open(struct terminal *t, const char *command)
{
    snprintf(t->socket, sizeof(t->socket), "%s/tmux", t->desk.dir);
    TMUX(t, "-f", "/dev/null", "new-session", "-d", "-x", "100", "-y", "24",
         (char *)command);
}

static void terminal_begin(struct terminal *t)
{
    char *noise = malloc(FILE_BYTES);
    char command[4096];

    desk_begin(&t->desk, "anna");
    files_noise(noise, FILE_BYTES, 1);
    files_write("large file", noise, FILE_BYTES, 0644);
    free(noise);
    snprintf(command, sizeof(command),
             "%s --cacert %s --password-file %s --limit-rate 2M %s/",
             server_program("sallyport"), t->desk.ca, t->desk.password,
             t->desk.url);
    terminal_open(t, command);
    expect(t, "127.0.0.1:/>", NULL);
}

static void terminal_end(struct terminal *t)
{
    struct run_result r;

    tmux(t, &r, (char *const[]){ "kill-server", NULL });
    run_release(&r);
    desk_end(&t->desk);
}

Test(terminal, a_session, .timeout = 120)
{
    static struct terminal t;

    terminal_begin(&t);
    type(&t, "mkdir some");
    type(&t, "cd some");
    expect(&t, "127.0.0.1:/some>", NULL);
    type(&t, "put \"large file\"");
    expect(&t, "] ", NULL); /* the bar */
    expect(&t, "MiB/s", NULL);
    TMUX(&t, "resize-window", "-x", "60", "-y", "24");
    expect(&t, "=>", NULL);
    TMUX(&t, "send-keys", "C-c"); /* ends the transfer, not the session */
    expect(&t, "interrupted", "=>");
    type(&t, "put -q --limit-rate 1G \"large file\" large");
    type(&t, "ls");
    expect(&t, "12582912", NULL);
    type(&t, "cd");
    TMUX(&t, "send-keys", "-l", "ls so"); /* completed to some/ */
    TMUX(&t, "send-keys", "Tab");
    expect(&t, "ls some/", NULL);
    TMUX(&t, "send-keys", "Enter");
    type(&t, "get some/large \"large file\"");
    expect(&t, "is here already", NULL);
    type(&t, "s");
    expect(&t, "skipped", NULL);
    TMUX(&t, "send-keys", "Up"); /* history */
    expect(&t, "> get some/large", NULL);
    TMUX(&t, "send-keys", "C-c"); /* drops the line, not the session */
    type(&t, "pwd");
    expect(&t, "> pwd\n/\n", NULL);
    TMUX(&t, "send-keys", "-l", "half");
    expect(&t, "> half", NULL);
    TMUX(&t, "send-keys", "C-c");
    TMUX(&t, "send-keys", "C-c");
    type(&t, "lcd .");
    expect(&t, "> lcd .\n", NULL);
    type(&t, "bye");
    terminal_end(&t);
}

/* In a shell, so that what is printed stays: the exit status comes last. */
static void trust_begin(struct terminal *t)
{
    desk_begin(&t->desk, "anna");
    terminal_open(t, "/bin/sh");
}

static void list_with_trust(struct terminal *t)
{
    char line[2048];

    TMUX(t, "send-keys", "-R", "C-l");
    TMUX(t, "clear-history");
    snprintf(line, sizeof(line),
             "clear; %s ls --trust-new --password-file password %s/; "
             "echo status $?",
             server_program("sallyport"), t->desk.url);
    type(t, line);
}

/* A refusal sends nothing and remembers nothing; "yes" is asked for once. */
Test(terminal, trust, .timeout = 120)
{
    static const char hosts[] = ".local/share/sallyport/known_hosts";
    static struct terminal t;
    struct buf known;

    trust_begin(&t);
    list_with_trust(&t);
    expect(&t, "Trust this server from now on (yes/no)?", NULL);
    expect(&t, "fingerprint", NULL);
    type(&t, "no");
    expect(&t, "nothing was sent", NULL);
    expect(&t, "status 77", NULL);
    cr_expect_not(files_exists(hosts));
    list_with_trust(&t);
    expect(&t, "(yes/no)?", NULL);
    type(&t, "yes");
    expect(&t, "status 0", NULL);
    cr_assert(files_exists(hosts));
    list_with_trust(&t);
    expect(&t, "status 0", "(yes/no)?");
    /* Another key than the one that was trusted. */
    buf_init(&known, 4096);
    cr_assert(files_read(hosts, &known));
    char *key = memmem(known.data, known.len, "sha256//", 8);
    cr_assert_not_null(key);
    key[10] = key[10] == 'A' ? 'B' : 'A';
    files_write(hosts, known.data, known.len, 0600);
    buf_release(&known);
    list_with_trust(&t);
    expect(&t, "is not the one that is trusted", NULL);
    expect(&t, "status 77", "(yes/no)?");
    terminal_end(&t);
}

/* A shell in which the last line says how the client ended. */
static void shell_begin(struct terminal *t, const char *words)
{
    char line[2048];

    desk_begin(&t->desk, "anna");
    unsetenv("SALLYPORT_PASSWORD");
    unsetenv("DBUS_SESSION_BUS_ADDRESS");
    terminal_open(t, "/bin/sh");
    snprintf(line, sizeof(line), "clear; %s --cacert %s %s %s/; echo status $?",
             server_program("sallyport"), t->desk.ca, words, t->desk.url);
    type(t, line);
}

/* It is typed unseen. */
Test(terminal, password, .timeout = 120)
{
    static const struct {
        const char *password, *status;
    } rows[] = { { SERVER_PASSWORD, "status 0" }, { "wrong", "status 77" } };
    static struct terminal t;

    for (size_t i = 0; i < 2; i++) {
        shell_begin(&t, "ls");
        expect(&t, "Password of anna at 127.0.0.1:", NULL);
        type(&t, rows[i].password);
        expect(&t, rows[i].status, rows[i].password);
        terminal_end(&t);
    }
}

/* How many lines of the screen are bars? */
static size_t bars(const char *screen)
{
    size_t n = 0;

    for (; (screen = strstr(screen, " % ")); screen++)
        n++;
    return n;
}

static bool shows_three_bars(void *of)
{
    struct terminal *t = of;

    t->wanted = "MiB/s";
    t->unwanted = NULL;
    return shows(t) && bars(t->last) == 3;
}

/* One bar for each transfer, each on a line of its own, in a narrower terminal
 * too. */
Test(terminal, several_bars, .timeout = 120)
{
    static struct terminal t;
    char *noise = malloc(FILE_BYTES), words[2048];

    desk_begin(&t.desk, "anna");
    files_noise(noise, FILE_BYTES, 1);
    for (size_t i = 0; i < 3; i++) {
        char name[8];

        snprintf(name, sizeof(name), "f%zu", i);
        files_write(name, noise, FILE_BYTES, 0644);
    }
    free(noise);
    terminal_open(&t, "/bin/sh");
    snprintf(words, sizeof(words),
             "clear; %s put -P3 --limit-rate 6M --cacert %s --password-file "
             "password f0 f1 f2 %s/; echo status $?",
             server_program("sallyport"), t.desk.ca, t.desk.url);
    type(&t, words);
    cr_expect(wait_until(shows_three_bars, &t, WAIT_MS), "%s", t.last);
    TMUX(&t, "resize-window", "-x", "60", "-y", "24");
    cr_expect(wait_until(shows_three_bars, &t, WAIT_MS), "%s", t.last);
    expect(&t, "f0  12.0 MiB", NULL);
    expect(&t, "status 0", NULL);
    cr_expect_eq(bars(t.last), 0, "%s", t.last);
    terminal_end(&t);
}

static bool is_gone(void *of)
{
    return !files_exists(of);
}

/* A name with a blank is completed to one word, in quotes too. And --quiet in a
 * line is for that line. */
Test(terminal, completion_of_a_blank, .timeout = 120)
{
    static struct terminal t;
    char there[SERVER_PATH_MAX];

    terminal_begin(&t);
    snprintf(there, sizeof(there), "%s",
             server_home_file(&t.desk.server, "anna", "large file"));
    type(&t, "put -q --limit-rate 1G \"large file\"");
    type(&t, "mkdir \"a directory\"");
    TMUX(&t, "send-keys", "-l", "ls lar");
    TMUX(&t, "send-keys", "Tab");
    TMUX(&t, "send-keys", "Enter");
    expect(&t, "12582912", "checksum right");
    TMUX(&t, "send-keys", "-l", "cd a");
    TMUX(&t, "send-keys", "Tab");
    TMUX(&t, "send-keys", "Enter");
    expect(&t, "127.0.0.1:/a directory>", NULL);
    TMUX(&t, "send-keys", "-l", "rm \"../lar");
    TMUX(&t, "send-keys", "Tab");
    TMUX(&t, "send-keys", "Enter");
    cr_expect(wait_until(is_gone, there, WAIT_MS));
    type(&t, "bye");
    terminal_end(&t);
}
