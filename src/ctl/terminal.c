/* A line from a terminal. Signals that would end the program are delivered
 * after the terminal echoes again. */
#include "terminal.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "sallyport/base/clock.h"
#include "sallyport/base/fd.h"

#define PATIENCE_MS 300000

static const int endings[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT };
#define ENDINGS (sizeof(endings) / sizeof(endings[0]))

static volatile sig_atomic_t caught;

static void on_ending(int number)
{
    caught = number;
}

/* Signals are blocked except within ppoll(2), so that none is missed. */
struct guard {
    sigset_t mask;
    struct sigaction old[ENDINGS];
};

static void guard_begin(struct guard *g)
{
    struct sigaction action = { .sa_handler = on_ending };
    sigset_t block;

    caught = 0;
    sigemptyset(&block);
    sigaddset(&block, SIGTSTP);
    for (size_t i = 0; i < ENDINGS; i++)
        sigaddset(&block, endings[i]);
    sigprocmask(SIG_BLOCK, &block, &g->mask);
    for (size_t i = 0; i < ENDINGS; i++)
        sigaction(endings[i], &action, &g->old[i]);
}

static void guard_end(struct guard *g)
{
    for (size_t i = 0; i < ENDINGS; i++)
        sigaction(endings[i], &g->old[i], NULL);
    if (caught)
        raise(caught);
    sigprocmask(SIG_SETMASK, &g->mask, NULL);
}

/* Reads one byte. Returns 1, 0 at the end, or -errno. Ctrl-Z waits until the
 * terminal is restored; the other signals end the wait. */
static int read_byte(int tty, const sigset_t *mask, uint64_t end, char *ret)
{
    uint64_t now = clock_ms();
    uint64_t left = now < end ? end - now : 0;
    struct timespec wait = { .tv_sec = (time_t)(left / 1000),
                             .tv_nsec = (long)(left % 1000) * 1000000 };
    struct pollfd p = { .fd = tty, .events = POLLIN };
    sigset_t waiting = *mask;
    ssize_t n;
    int r;

    sigaddset(&waiting, SIGTSTP);
    r = ppoll(&p, 1, &wait, &waiting);
    if (r <= 0)
        return r == 0 ? -ETIMEDOUT : -errno;
    n = read(tty, ret, 1);
    return n < 0 ? -errno : (int)n;
}

static int terminal_read_line(int tty, const sigset_t *mask, char *out,
                              size_t size)
{
    uint64_t end = clock_ms() + PATIENCE_MS;
    size_t len = 0;

    for (;;) {
        char c = 0;
        int r = read_byte(tty, mask, end, &c);

        if (r <= 0)
            return r ? r : -ENODATA;
        if (c == '\n')
            break;
        if (len + 1 == size)
            return -ENAMETOOLONG;
        out[len++] = c;
    }
    out[len] = '\0';
    return (int)len;
}

int terminal_open(void)
{
    int fd = open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY);

    return fd < 0 ? -errno : fd;
}

int terminal_line(int tty, const char *prompt, bool echo, char *out,
                  size_t size)
{
    struct termios old, quiet;
    struct guard g;
    int r;

    if (tcgetattr(tty, &old))
        return -errno;
    quiet = old;
    if (!echo)
        quiet.c_lflag &= ~(tcflag_t)(ECHO | ECHOE | ECHOK | ECHONL);
    guard_begin(&g);
    /* TCSAFLUSH: text that was typed before the echo went off isn't a part of
     * the password. */
    r = tcsetattr(tty, TCSAFLUSH, &quiet) ? -errno : 0;
    if (r == 0)
        r = fd_write_all(tty, prompt, strlen(prompt));
    if (r == 0)
        r = terminal_read_line(tty, &g.mask, out, size);
    tcsetattr(tty, TCSAFLUSH, &old);
    if (!echo)
        (void)fd_write_all(tty, "\n", 1);
    guard_end(&g);
    return r;
}

int terminal_confirm(const char *question)
{
    FD_CLEANUP int tty = isatty(STDIN_FILENO) ? terminal_open() : -1;
    char answer[8];
    int len = tty < 0
                  ? -ENOTTY
                  : terminal_line(tty, question, true, answer, sizeof(answer));

    if (len < 0)
        return len == -ENAMETOOLONG ? 0 : -1;
    return !strcmp(answer, "y") || !strcmp(answer, "yes");
}
