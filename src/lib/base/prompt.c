/* Asks on the terminal. A signal that would end the program is delivered after
 * the terminal echoes again. */
#include "sallyport/base/prompt.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "sallyport/base/clock.h"
#include "sallyport/base/fd.h"

#define LOOK_NS 250000000

static const int endings[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT };
#define ENDINGS (sizeof(endings) / sizeof(endings[0]))

static volatile sig_atomic_t caught;

static void on_ending(int number)
{
    caught = number;
}

/* Waits for the next byte. Ctrl-Z waits until the terminal is restored. Another
 * thread can get the signal, so looks at `caught` every LOOK_NS. */
static int prompt_byte(int tty, const struct prompt *q, const sigset_t *mask,
                       uint64_t begin, char *ret)
{
    const struct timespec wait = { .tv_nsec = LOOK_NS };
    struct pollfd p = { .fd = tty, .events = POLLIN };
    sigset_t waiting = *mask;
    ssize_t n;
    int r;

    sigaddset(&waiting, SIGTSTP);
    do {
        if (caught || (q->stop && *q->stop))
            return -EINTR;
        if (clock_ms() - begin >= q->ms)
            return -ETIMEDOUT;
        r = ppoll(&p, 1, &wait, &waiting);
    } while (r == 0 || (r < 0 && errno == EINTR));
    n = r < 0 ? -1 : read(tty, ret, 1);
    return n < 0 ? -errno : n == 0 ? -ENODATA : 0;
}

/* Reads the whole line, so that the rest of a long line doesn't answer the next
 * question. */
static int prompt_line(int tty, const struct prompt *q, const sigset_t *mask,
                       char *out, size_t size)
{
    const uint64_t begin = clock_ms();
    size_t len = 0;

    for (;;) {
        char c = 0;
        int r = prompt_byte(tty, q, mask, begin, &c);

        if (r < 0)
            return r;
        if (c == '\n')
            break;
        if (len + 1 < size)
            out[len] = c;
        len++;
    }
    if (len >= size)
        return -ENAMETOOLONG;
    out[len] = '\0';
    return (int)len;
}

int prompt_open(void)
{
    int fd = open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY);

    return fd < 0 ? -errno : fd;
}

int prompt_ask(int tty, const struct prompt *q, char *out, size_t size)
{
    struct sigaction action = { .sa_handler = on_ending }, before[ENDINGS];
    struct termios old, quiet;
    sigset_t block, mask;
    int r;

    if (tcgetattr(tty, &old))
        return -errno;
    quiet = old;
    if (!q->echo)
        quiet.c_lflag &= ~(tcflag_t)(ECHO | ECHOE | ECHOK | ECHONL);
    /* Block signals except within ppoll(2), so that no signal is missed. */
    caught = 0;
    sigemptyset(&block);
    sigaddset(&block, SIGTSTP);
    for (size_t i = 0; i < ENDINGS; i++)
        sigaddset(&block, endings[i]);
    pthread_sigmask(SIG_BLOCK, &block, &mask);
    for (size_t i = 0; i < ENDINGS; i++) {
        sigaction(endings[i], &action, &before[i]);
        if (before[i].sa_handler == SIG_IGN) /* such as under nohup */
            sigaction(endings[i], &before[i], NULL);
    }
    /* TCSAFLUSH discards text that was typed before the echo was off: it isn't
     * a part of the password. */
    r = tcsetattr(tty, TCSAFLUSH, &quiet) ? -errno : 0;
    if (r == 0)
        r = fd_write_all(tty, q->text, strlen(q->text));
    if (r == 0)
        r = prompt_line(tty, q, &mask, out, size);
    tcsetattr(tty, q->echo ? TCSADRAIN : TCSAFLUSH, &old);
    if (!q->echo)
        (void)fd_write_all(tty, "\n", 1);
    for (size_t i = 0; i < ENDINGS; i++)
        sigaction(endings[i], &before[i], NULL);
    if (caught)
        raise(caught);
    pthread_sigmask(SIG_SETMASK, &mask, NULL);
    return r;
}
