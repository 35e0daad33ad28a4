/* Questions on a terminal: what counts as the answer, and what ends one. */
#include <pthread.h>
#include <pty.h>
#include <termios.h>

#include "sallyport/base/prompt.h"
#include "support/test.h"

#define PROMPT "Well? "

/* Types KEYS once the prompt is there; or, if SIGNAL isn't 0, sends that. */
struct typist {
    int master, slave;
    const char *keys;
    int signal;
    bool unseen; /* the terminal didn't echo then */
};

static bool echoes(int tty)
{
    struct termios state;

    cr_assert_eq(tcgetattr(tty, &state), 0);
    return state.c_lflag & ECHO;
}

static void *type(void *given)
{
    struct typist *at = given;
    char seen[256] = "";
    size_t len = 0;

    while (!strstr(seen, PROMPT)) {
        ssize_t n = read(at->master, seen + len, sizeof(seen) - 1 - len);

        cr_assert_gt(n, 0);
        len += (size_t)n;
        seen[len] = '\0';
    }
    at->unseen = !echoes(at->slave);
    if (at->signal)
        kill(getpid(), at->signal);
    else
        cr_assert_eq(write(at->master, at->keys, strlen(at->keys)),
                     (ssize_t)strlen(at->keys));
    return NULL;
}

static struct prompt q = { .text = PROMPT, .ms = UINT64_MAX };
static struct typist t;
static char out[8];

static void open_desk(void)
{
    cr_assert_eq(openpty(&t.master, &t.slave, NULL, NULL, NULL), 0);
}

TestSuite(prompt, .init = open_desk, .timeout = 60);

static int ask(void)
{
    pthread_t thread;
    int r;

    cr_assert_eq(pthread_create(&thread, NULL, type, &t), 0);
    r = prompt_ask(t.slave, &q, out, sizeof(out));
    pthread_join(thread, NULL);
    cr_expect(echoes(t.slave));
    if (r != -ETIMEDOUT && !q.stop) /* then the typist may be late */
        cr_expect_eq(t.unseen, !q.echo);
    return r;
}

Test(prompt, answers)
{
    static const struct {
        const char *keys;
        int result;
        const char *answer;
    } rows[] = {
        { "yes\n", 3, "yes" },         { "\n", 0, "" },
        { "1234567\n", 7, "1234567" }, { "12345678\n", -ENAMETOOLONG, NULL },
        { "\x04", -ENODATA, NULL },
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        q.echo = i % 2;
        t.keys = rows[i].keys;
        cr_expect_eq(ask(), rows[i].result, "%zu", i);
        cr_expect(!rows[i].answer || !strcmp(out, rows[i].answer), "%s", out);
    }
}

/* The rest of a line that was too long, or was typed before, is no answer. */
Test(prompt, what_was_typed_before)
{
    struct pollfd early;

    cr_assert_eq(write(t.master, "early\n", 6), 6);
    early = (struct pollfd){ .fd = t.slave, .events = POLLIN };
    cr_assert_eq(poll(&early, 1, 10000), 1);
    t.keys = "123456789\nno\n";
    cr_expect_eq(ask(), -ENAMETOOLONG);
    t.keys = "yes\n";
    cr_expect_eq(ask(), 3);
    cr_expect_str_eq(out, "yes");
}

Test(prompt, nobody_answers)
{
    q.ms = 50;
    t.keys = "y";
    cr_expect_eq(ask(), -ETIMEDOUT);
}

Test(prompt, somebody_stops_it)
{
    static volatile sig_atomic_t stop = 1;

    q.stop = &stop;
    t.keys = "";
    cr_expect_eq(ask(), -EINTR);
}

static int watched;
static volatile sig_atomic_t interrupts, echoed;

static void on_interrupt(int number)
{
    struct termios state;

    (void)number;
    interrupts = interrupts + 1;
    echoed = tcgetattr(watched, &state) == 0 && (state.c_lflag & ECHO);
}

/* Whichever thread gets the signal, the program hears of it when the terminal
 * echoes again. */
Test(prompt, a_signal)
{
    t.signal = SIGINT;
    watched = t.slave;
    signal(SIGINT, on_interrupt);
    cr_expect_eq(ask(), -EINTR);
    cr_expect_eq(interrupts, 1);
    cr_expect(echoed);
    raise(SIGINT);
    cr_expect_eq(interrupts, 2);
}

Test(prompt, an_ignored_signal)
{
    q.ms = 600;
    t.signal = SIGHUP;
    signal(SIGHUP, SIG_IGN);
    cr_expect_eq(ask(), -ETIMEDOUT);
}

Test(prompt, no_terminal)
{
    int ends[2];

    cr_assert_eq(pipe(ends), 0);
    cr_expect_eq(prompt_ask(ends[0], &q, out, sizeof(out)), -ENOTTY);
}
