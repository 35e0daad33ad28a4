/* Uses the terminal for passwords and questions. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "link.h"
#include "sallyport/base/fd.h"

bool tty_there(void)
{
    return isatty(STDIN_FILENO) && isatty(STDERR_FILENO);
}

static int tty_read(int tty, char *out, size_t size)
{
    struct pollfd p = { .fd = tty, .events = POLLIN };
    size_t len = 0;

    for (;;) {
        char c;
        ssize_t n = link_poll(&p, 1, UINT64_MAX) ? read(tty, &c, 1) : 0;

        if (n < 0)
            return -errno;
        if (link_interrupted || (n == 0 && len == 0))
            return -EINTR;
        if (n == 0 || c == '\n')
            break;
        /* The rest of a long line mustn't answer the next question. */
        if (len + 1 < size)
            out[len] = c;
        len++;
    }
    if (len >= size)
        return -EINVAL;
    out[len] = '\0';
    return (int)len;
}

static int tty_ask(const char *prompt, bool echo, char *out, size_t size)
{
    FD_CLEANUP int tty = open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY);
    struct termios old, quiet;
    char safe[2 * SHOW_MAX];

    if (tty < 0 || tcgetattr(tty, &old) < 0)
        return -ENOTTY;
    quiet = old;
    if (!echo)
        quiet.c_lflag &= ~(tcflag_t)(ECHO | ECHOE | ECHOK | ECHONL);
    /* What was typed before the question is no answer to it. */
    tcsetattr(tty, TCSAFLUSH, &quiet);
    show_text(prompt, safe, sizeof(safe));
    int r = fd_write_all(tty, safe, strlen(safe));
    if (r == 0)
        r = tty_read(tty, out, size);
    tcsetattr(tty, echo ? TCSADRAIN : TCSAFLUSH, &old);
    if (!echo)
        fd_write_all(tty, "\n", 1);
    return r;
}

int tty_secret(const char *prompt, struct secret *ret)
{
    char line[SECRET_MAX + 1];
    int r = tty_ask(prompt, false, line, sizeof(line));

    if (r > 0)
        r = secret_set(ret, (struct slice){ line, (size_t)r });
    else if (r == 0)
        r = -EINVAL;
    explicit_bzero(line, sizeof(line));
    return r;
}

int tty_line(const char *prompt, char *out, size_t size)
{
    int r = tty_ask(prompt, true, out, size);

    return r < 0 ? r : 0;
}
