/* Error messages about input, lines on standard error, and the end of a process
 * that can't continue. */
#include "sallyport/base/complain.h"

#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "sallyport/base/harmless.h"

int complain(struct complaint *c, const char *format, ...)
{
    va_list args;

    if (c->text[0])
        return -EINVAL;
    va_start(args, format);
    vsnprintf(c->text, sizeof(c->text), format, args);
    va_end(args);
    return -EINVAL;
}

#define LINE_ROOM 1024

static const char *stderr_name = "sallyport";

void stderr_title(const char *t)
{
    stderr_name = t;
}

static bool stderr_waiting;

void stderr_wait(bool waits)
{
    stderr_waiting = waits;
}

/* Prints a line. A message can contain a part of a file or a name, so the line
 * is made harmless for a terminal or a log. Doesn't wait unless stderr_wait()
 * permits it: a full pipe must not stop master. A line is shorter than
 * PIPE_BUF, so POLLOUT means that the line fits. Each line is one write(2), so
 * that lines of several processes don't mix. Doesn't use stdio: a fork would
 * copy its buffers. */
__attribute__((format(printf, 1, 0))) static void print_list(const char *format,
                                                             va_list args)
{
    char line[LINE_ROOM];
    struct pollfd err = { .fd = STDERR_FILENO, .events = POLLOUT };
    int head = snprintf(line, sizeof(line), "%s: ", stderr_name);
    size_t len = head > 0 && head < LINE_ROOM ? (size_t)head : 0;
    int tail = vsnprintf(line + len, sizeof(line) - len - 1, format, args);
    ssize_t written = 0;

    if (tail > 0)
        len += (size_t)tail;
    if (len > sizeof(line) - 2)
        len = sizeof(line) - 2;
    harmless_make(line, len);
    line[len++] = '\n';
    if (poll(&err, 1, stderr_waiting ? -1 : 0) == 1 && err.revents & POLLOUT)
        written = write(STDERR_FILENO, line, len);
    (void)written; /* the failure can't be reported in another way */
    explicit_bzero(line, sizeof(line)); /* it can contain a new password */
}

void stderr_print(const char *format, ...)
{
    va_list args;

    va_start(args, format);
    print_list(format, args);
    va_end(args);
}

void die(int status, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    print_list(format, args);
    va_end(args);
    _exit(status);
}
