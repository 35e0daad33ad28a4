/* Passwords typed at a terminal: without echo, twice, and the terminal is as
 * before whatever ends the program. */
#include <pty.h>
#include <termios.h>

#include "ctl/ctl.h"
#include "fake_server.h"
#include "world.h"

#define PROMPT "New password of anna (Enter: make one): "

TestSuite(terminal, .init = world_make, .fini = scratch_remove, .timeout = 60);

#define DEADLINE_MS 20000

struct typist {
    int master;
    pid_t pid;
    char seen[4096]; /* everything on the terminal */
    size_t len, from;
};

static void start_words(struct typist *t, int argc, char **argv)
{
    *t = (struct typist){ .len = 0 };
    fflush(NULL);
    t->pid = forkpty(&t->master, NULL, NULL, NULL);
    cr_assert_geq(t->pid, 0);
    if (t->pid == 0)
        ctl_run(argc, argv);
}

/* The user or share is anna; OPTION may be NULL. */
static void start_in(struct typist *t, const char *group, const char *verb,
                     const char *option)
{
    char text[3][32], *argv[] = { (char[]){ "sallyportctl" },
                                  text[2],
                                  text[0],
                                  (char[]){ "anna" },
                                  (char[]){ "--config" },
                                  world.conf,
                                  option ? text[1] : NULL,
                                  NULL };

    snprintf(text[2], sizeof(text[2]), "%s", group);
    snprintf(text[0], sizeof(text[0]), "%s", verb);
    snprintf(text[1], sizeof(text[1]), "%s", option ? option : "");
    start_words(t, option ? 7 : 6, argv);
}

static void start(struct typist *t, const char *verb, const char *option)
{
    start_in(t, "user", verb, option);
}

/* Reads more of the output. Returns false at its end. */
static bool see(struct typist *t)
{
    struct pollfd p = { .fd = t->master, .events = POLLIN };
    ssize_t n;

    cr_assert_eq(poll(&p, 1, DEADLINE_MS), 1, "it shows nothing more than %s",
                 t->seen);
    n = read(t->master, t->seen + t->len, sizeof(t->seen) - 1 - t->len);
    if (n <= 0)
        return false;
    t->len += (size_t)n;
    t->seen[t->len] = '\0';
    return true;
}

static void await(struct typist *t, const char *text)
{
    char *at;

    while (!(at = strstr(t->seen + t->from, text)))
        cr_assert(see(t), "it ended without %s:\n%s", text, t->seen);
    t->from = (size_t)(at - t->seen) + strlen(text);
}

static void type(struct typist *t, const char *text)
{
    cr_assert_eq(write(t->master, text, strlen(text)), (ssize_t)strlen(text));
}

static bool echoes(struct typist *t)
{
    struct termios state;

    cr_assert_eq(tcgetattr(t->master, &state), 0);
    return state.c_lflag & ECHO;
}

static int finish(struct typist *t)
{
    int status;

    while (see(t))
        ;
    cr_assert_eq(waitpid(t->pid, &status, 0), t->pid);
    cr_expect(echoes(t), "the terminal is as before");
    close(t->master);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

Test(terminal, a_password_twice_and_unseen)
{
    struct typist t;

    start(&t, "add", NULL);
    await(&t, PROMPT);
    cr_expect_not(echoes(&t));
    type(&t, "correct horse\n");
    await(&t, "The same again: ");
    cr_expect_not(echoes(&t));
    type(&t, "correct horse\n");
    await(&t, "user anna: uid 70000");
    cr_expect_eq(finish(&t), 0, "%s", t.seen);
    cr_expect_null(strstr(t.seen, "horse"), "%s", t.seen);
}

Test(terminal, not_the_same)
{
    struct typist t;

    start(&t, "add", NULL);
    await(&t, PROMPT);
    type(&t, "correct horse\n");
    await(&t, "The same again: ");
    type(&t, "correct house\n");
    await(&t, "was typed differently the second time");
    await(&t, PROMPT);
    type(&t, "1234567\n");
    await(&t, "too short");
    await(&t, PROMPT);
    type(&t, "correct house\n");
    await(&t, "The same again: ");
    type(&t, "correct house\n");
    cr_expect_eq(finish(&t), 0, "%s", t.seen);
    cr_expect_null(strstr(t.seen, "hous"), "%s", t.seen);
}

Test(terminal, three_tries)
{
    struct typist t;

    start(&t, "add", NULL);
    for (int i = 0; i < 3; i++) {
        await(&t, PROMPT);
        type(&t, "1234567\n");
    }
    await(&t, "too short");
    cr_expect_eq(finish(&t), EX_DATAERR);
    cr_expect_not(files_exists(world.users));
}

Test(terminal, makes_a_password)
{
    struct typist t;

    start(&t, "add", NULL);
    await(&t, PROMPT);
    type(&t, "\n");
    await(&t, "password: ");
    await(&t, "user anna: uid 70000");
    cr_expect_eq(finish(&t), 0, "%s", t.seen);
}

static void end_by(int number, const char *key)
{
    struct typist t;

    start(&t, "add", NULL);
    await(&t, PROMPT);
    cr_expect_not(echoes(&t));
    if (key)
        type(&t, key);
    else
        cr_assert_eq(kill(t.pid, number), 0);
    cr_expect_eq(finish(&t), 128 + number, "%s", t.seen);
    cr_expect_not(files_exists(world.users));
}

Test(terminal, interrupted)
{
    end_by(SIGINT, "\x03");
}

Test(terminal, quit)
{
    end_by(SIGQUIT, "\x1c");
}

Test(terminal, terminated)
{
    end_by(SIGTERM, NULL);
}

Test(terminal, the_end_of_input)
{
    struct typist t;

    start(&t, "add", NULL);
    await(&t, PROMPT);
    type(&t, "\x04");
    await(&t, "can't be read from the terminal");
    cr_expect_eq(finish(&t), EX_IOERR);
}

static void add_anna(void)
{
    expect_run(0, "correct horse\n", "user add anna");
}

static void answer(const char *text, int code, bool there)
{
    struct typist t;

    add_anna();
    start(&t, "del", "--purge");
    await(&t, "and all in it? [y/N] ");
    cr_expect(echoes(&t));
    type(&t, text);
    cr_expect_eq(finish(&t), code, "%s", t.seen);
    cr_expect_eq(files_exists(in(world.homes, "anna")), there);
    cr_expect_eq(strstr(file_text(world.users), "anna") != NULL, there);
}

Test(terminal, purge_yes)
{
    answer("y\n", 0, false);
}

Test(terminal, purge_no)
{
    answer("\n", EXIT_FAILURE, true);
}

Test(terminal, purge_something_else)
{
    answer("yesterday we said no\n", EXIT_FAILURE, true);
}

/* Only a yes takes the share from its users. */
static void answer_of_share(const char *text, int code, bool there)
{
    struct typist t;

    add_anna();
    expect_run(0, "", "share add anna anna:full");
    start_in(&t, "share", "del", NULL);
    await(&t, "from 1 user? [y/N] ");
    type(&t, text);
    cr_expect_eq(finish(&t), code, "%s", t.seen);
    cr_expect_eq(strstr(file_text(world.users), "@share:anna") != NULL, there);
}

Test(terminal, share_yes)
{
    answer_of_share("y\n", 0, false);
}

Test(terminal, share_no)
{
    answer_of_share("n\n", EXIT_FAILURE, true);
}

Test(terminal, share_end_of_input)
{
    answer_of_share("\x04", EXIT_FAILURE, true);
}

/* Nobody has looked at the bytes yet. */
Test(terminal, inspect_read_is_refused)
{
    struct typist t;

    start_in(&t, "inspect", "read", NULL);
    await(&t, "these bytes may control a terminal");
    cr_expect_eq(finish(&t), EX_USAGE);
}

static void has_one(struct channel *c)
{
    struct message m;

    fake_welcome(c);
    while (fake_hears(c, &m))
        if (m.kind == MSG_who) {
            FAKE_SAYS(c, &m, who_is, .serial = 0xabc, .user = SLICE("bert"));
            FAKE_SAYS(c, &m, who_is, .serial = 0xdef, .user = SLICE("carl"));
            FAKE_SAYS(c, &m, who_end);
        } else {
            fake_row(c, &m, "+doing", "serial", "0000000000000def", "command",
                     "STOR", "path", "/x", "#bytes", "10", "#ms", "1", NULL);
            FAKE_SAYS(c, &m, end);
        }
}

/* It clears the screen each time, until Ctrl-C. */
Test(terminal, who_again_and_again)
{
    char *argv[] = {
        (char[]){ "sallyportctl" }, (char[]){ "who" }, (char[]){ "--watch" },
        (char[]){ "--config" },     world.conf,        NULL
    };
    struct typist t;

    fake_begin(has_one);
    start_words(&t, 5, argv);
    for (int i = 0; i < 2; i++) {
        await(&t, "\x1b[H\x1b[2JSERIAL");
        await(&t, "0000000000000def carl");
        await(&t, "STOR /x, 10 bytes");
        await(&t, "0000000000000abc bert");
    }
    type(&t, "\x03");
    cr_expect_eq(finish(&t), 128 + SIGINT, "%s", t.seen);
    fake_end();
}
