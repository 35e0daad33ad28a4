/* Questions on a terminal: what counts as the answer, and what ends one. */
#include <pthread.h>
#include <pty.h>
#include <termios.h>

#include "sallyport/base/prompt.h"
#include "support/test.h"

TestSuite(prompt, .timeout = 60);

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
    struct typist *t = given;
    char seen[256] = "";
    size_t len = 0;

    while (!strstr(seen, PROMPT)) {
        ssize_t n = read(t->master, seen + len, sizeof(seen) - 1 - len);

        cr_assert_gt(n, 0);
        len += (size_t)n;
        seen[len] = '\0';
    }
    t->unseen = !echoes(t->slave);
    if (t->signal)
        kill(getpid(), t->signal);
    else
        cr_assert_eq(write(t->master, t->keys, strlen(t->keys)),
                     (ssize_t)strlen(t->keys));
    return NULL;
}

static void open_desk(struct typist *t)
{
    cr_assert_eq(openpty(&t->master, &t->slave, NULL, NULL, NULL), 0);
}

static int ask(struct typist *t, const struct prompt *q, char *out, size_t size)
{
    pthread_t thread;
    int r;

    cr_assert_eq(pthread_create(&thread, NULL, type, t), 0);
    r = prompt_ask(t->slave, q, out, size);
    pthread_join(thread, NULL);
    cr_expect(echoes(t->slave));
    if (r != -ETIMEDOUT && !q->stop) /* then the typist may be late */
        cr_expect_eq(t->unseen, !q->echo);
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
    struct prompt q = { .text = PROMPT, .ms = UINT64_MAX };
    struct typist t = { 0 };
    char out[8];

    open_desk(&t);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        q.echo = i % 2;
        t.keys = rows[i].keys;
        cr_expect_eq(ask(&t, &q, out, sizeof(out)), rows[i].result, "%zu", i);
        cr_expect(!rows[i].answer || !strcmp(out, rows[i].answer), "%s", out);
    }
}

/* The rest of a line that was too long, or was typed before, is no answer. */
Test(prompt, what_was_typed_before)
{
    struct prompt q = { .text = PROMPT, .ms = UINT64_MAX };
    struct typist t = { 0 };
    struct pollfd early;
    char out[8];

    open_desk(&t);
    cr_assert_eq(write(t.master, "early\n", 6), 6);
    early = (struct pollfd){ .fd = t.slave, .events = POLLIN };
    cr_assert_eq(poll(&early, 1, 10000), 1);
    t.keys = "123456789\nno\n";
    cr_expect_eq(ask(&t, &q, out, sizeof(out)), -ENAMETOOLONG);
    t.keys = "yes\n";
    cr_expect_eq(ask(&t, &q, out, sizeof(out)), 3);
    cr_expect_str_eq(out, "yes");
}

Test(prompt, nobody_answers)
{
    struct prompt q = { .text = PROMPT, .ms = 50 };
    struct typist t = { .keys = "y" };
    char out[8];

    open_desk(&t);
    cr_expect_eq(ask(&t, &q, out, sizeof(out)), -ETIMEDOUT);
}

Test(prompt, somebody_stops_it)
{
    static volatile sig_atomic_t stop = 1;
    struct prompt q = { .text = PROMPT, .ms = UINT64_MAX, .stop = &stop };
    struct typist t = { .keys = "" };
    char out[8];

    open_desk(&t);
    cr_expect_eq(ask(&t, &q, out, sizeof(out)), -EINTR);
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
    struct prompt q = { .text = PROMPT, .ms = UINT64_MAX };
    struct typist t = { .signal = SIGINT };
    char out[8];

    open_desk(&t);
    watched = t.slave;
    signal(SIGINT, on_interrupt);
    cr_expect_eq(ask(&t, &q, out, sizeof(out)), -EINTR);
    cr_expect_eq(interrupts, 1);
    cr_expect(echoed);
    raise(SIGINT);
    cr_expect_eq(interrupts, 2);
}

Test(prompt, an_ignored_signal)
{
    struct prompt q = { .text = PROMPT, .ms = 600 };
    struct typist t = { .signal = SIGHUP };
    char out[8];

    open_desk(&t);
    signal(SIGHUP, SIG_IGN);
    cr_expect_eq(ask(&t, &q, out, sizeof(out)), -ETIMEDOUT);
}

Test(prompt, no_terminal)
{
    struct prompt q = { .text = PROMPT, .ms = UINT64_MAX };
    char out[8];
    int ends[2];

    cr_assert_eq(pipe(ends), 0);
    cr_expect_eq(prompt_ask(ends[0], &q, out, sizeof(out)), -ENOTTY);
}
