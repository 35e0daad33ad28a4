/* Error messages about input, lines on standard error, and the end of a process
 * that can't continue. */
#include "sallyport/base/complain.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "sallyport/base/harmless.h"

void complaint_list(char *text, size_t size, const char *format, va_list args)
{
    static const char run[] = "run: ", rest[] = "...";
    const int len = vsnprintf(text, size, format, args);
    char *end = text + size - sizeof(rest), *at;

    if (len < 0 || (size_t)len < size)
        return;
    at = strstr(text, run);
    at = at && at + strlen(run) < end ? at + strlen(run) : end;
    memcpy(at, rest, sizeof(rest));
}

void complaint_write(char *text, size_t size, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    complaint_list(text, size, format, args);
    va_end(args);
}

int complain(struct complaint *c, const char *format, ...)
{
    va_list args;

    if (c->text[0])
        return -EINVAL;
    va_start(args, format);
    complaint_list(c->text, sizeof(c->text), format, args);
    va_end(args);
    return -EINVAL;
}

#define LINE_ROOM PIPE_BUF

static const char *stderr_name = "sallyport";

static bool stderr_waiting;
static unsigned stderr_lost; /* lines, which the next one counts */

void stderr_title(const char *t)
{
    stderr_name = t;
    stderr_lost = 0; /* the parent counts its own */
}

void stderr_wait(bool waits)
{
    stderr_waiting = waits;
}

/* Prints a line. A message can contain a part of a file or a name, so the line
 * is made harmless for a terminal or a log. Doesn't wait unless stderr_wait()
 * permits it: a full pipe must not stop master. A line has at most PIPE_BUF
 * bytes, so POLLOUT means that the line fits. Each line is one write(2), so
 * that lines of several processes don't mix. Doesn't use stdio: a fork would
 * copy its buffers. */
__attribute__((format(printf, 1, 0))) static void print_list(const char *format,
                                                             va_list args)
{
    char line[LINE_ROOM];
    struct pollfd err = { .fd = STDERR_FILENO, .events = POLLOUT };
    int head =
        snprintf(line, sizeof(line),
                 stderr_lost ? "%s: (%u line%s lost) " : "%s: ", stderr_name,
                 stderr_lost, stderr_lost == 1 ? " was" : "s were");
    size_t len = head > 0 && head < LINE_ROOM ? (size_t)head : 0;
    ssize_t written = -1;

    complaint_list(line + len, sizeof(line) - len - 1, format, args);
    len += strlen(line + len);
    harmless_make(line, len);
    line[len++] = '\n';
    if (poll(&err, 1, stderr_waiting ? -1 : 0) == 1 && err.revents & POLLOUT)
        written = write(STDERR_FILENO, line, len);
    stderr_lost = written < 0 ? stderr_lost + 1 : 0;
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
