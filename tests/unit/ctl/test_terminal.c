/* Passwords that are typed at a terminal, twice and without echo. The terminal
 * is as before, whatever ends the program. */
#include <pty.h>
#include <termios.h>

#include "ctl/ctl.h"
#include "played.h"
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

/* Starts the command VERB of GROUP for anna. OPTION may be NULL. */
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

static bool echoes(struct typist *t)
{
    struct termios state;

    cr_assert_eq(tcgetattr(t->master, &state), 0);
    return state.c_lflag & ECHO;
}

static void await(struct typist *t, const char *text)
{
    char *at;

    while (!(at = strstr(t->seen + t->from, text)))
        cr_assert(see(t), "it ended without %s:\n%s", text, t->seen);
    cr_expect(!strstr(text, "password of") || !echoes(t));
    t->from = (size_t)(at - t->seen) + strlen(text);
}

static void type(struct typist *t, const char *text)
{
    cr_assert_eq(write(t->master, text, strlen(text)), (ssize_t)strlen(text));
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

#define AGAIN "The same again: "

/* The test waits for each part in the output. It types a part that begins with
 * '>', and terminates the program at "!". The terminal must not show UNSEEN. */
static const struct {
    const char *verb;
    const char *part[13];
    int code;
    const char *unseen;
} talks[] = {
    { "add", { PROMPT, ">\x03" }, 128 + SIGINT, "\a" },
    { "add", { PROMPT, ">\x1c" }, 128 + SIGQUIT, "\a" },
    { "add", { PROMPT, "!" }, 128 + SIGTERM, "\a" },
    { "add",
      { PROMPT, ">\x04", "can't be read from the terminal" },
      EX_IOERR,
      "\a" },
    { "add",
      { PROMPT, ">1234567\n", PROMPT, ">1234567\n", PROMPT, ">1234567\n",
        "too short" },
      EX_DATAERR,
      "12345" },
    { "add",
      { PROMPT, ">correct horse\n", AGAIN, ">correct house\n",
        "was typed differently the second time", PROMPT, ">1234567\n",
        "too short", PROMPT, ">correct house\n", AGAIN, ">correct house\n" },
      0,
      "correct" },
    { "passwd",
      { PROMPT, ">\n", "password: ", "user anna: password set" },
      0,
      "\a" },
};

Test(terminal, passwords)
{
    struct typist t;

    for (size_t i = 0; i < sizeof(talks) / sizeof(talks[0]); i++) {
        start(&t, talks[i].verb, NULL);
        for (const char *const *part = talks[i].part; *part; part++)
            if (**part == '>')
                type(&t, *part + 1);
            else if (**part == '!')
                cr_assert_eq(kill(t.pid, SIGTERM), 0);
            else
                await(&t, *part);
        cr_expect_eq(finish(&t), talks[i].code, "%zu: %s", i, t.seen);
        cr_expect_null(strstr(t.seen, talks[i].unseen), "%zu: %s", i, t.seen);
        cr_expect_eq(files_exists(world.users), talks[i].code == 0, "%zu", i);
    }
}

/* Only a yes removes the share, or the user with the home. */
Test(terminal, answers)
{
    static const struct {
        const char *group, *option, *question, *typed, *row;
        int code;
    } rows[] = {
        { "share", NULL, "which 1 user has? ", "n\n", "@share:", EXIT_FAILURE },
        { "share", NULL, "which 1 user has? ", "\x04",
          "@share:", EXIT_FAILURE },
        { "share", NULL, "which 1 user has? ", "y\n", "@share:", 0 },
        { "user", "--purge", "and all in it? ", "\n", "anna:", EXIT_FAILURE },
        { "user", "--purge", "and all in it? ", "yet\n",
          "anna:", EXIT_FAILURE },
        { "user", "--purge", "and all in it? ", "yesterday we said no\n",
          "anna:", EXIT_FAILURE },
        { "user", "--purge", "and all in it? ", "y\n", "anna:", 0 },
    };
    struct typist t;

    expect_run(0, "correct horse\n", "user add anna");
    expect_run(0, "", "share add anna anna:full");
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        start_in(&t, rows[i].group, "del", rows[i].option);
        await(&t, rows[i].question);
        await(&t, "[y/N] ");
        cr_expect(echoes(&t));
        type(&t, rows[i].typed);
        cr_expect_eq(finish(&t), rows[i].code, "%zu: %s", i, t.seen);
        cr_expect_eq(strstr(file_text(world.users), rows[i].row) != NULL,
                     rows[i].code != 0, "%zu", i);
        cr_expect_eq(files_exists(in(world.homes, "anna")), i < 6, "%zu", i);
    }
}

/* "inspect read" doesn't write to a terminal, since nobody has looked at the
 * bytes yet. */
Test(terminal, inspect_read_is_refused)
{
    struct typist t;

    start_in(&t, "inspect", "read", NULL);
    await(&t, "the upload can contain control characters");
    cr_expect_eq(finish(&t), EX_USAGE);
}
