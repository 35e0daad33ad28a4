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

static const char run[] = "run: ", left_out[] = "...";

/* The configuration that commands name; "": the default one. */
static char configuration[PATH_MAX];

void complaint_configuration(const char *path)
{
    snprintf(configuration, sizeof(configuration), "%s", path);
}

/* A text that grows up to END. */
struct growing {
    char *at, *end;
    bool full; /* or a word would be printed with a '?' */
};

static void grow(struct growing *g, const char *text, size_t len)
{
    const size_t room = g->full ? 0 : (size_t)(g->end - g->at);
    const size_t n = len < room ? len : room;

    memcpy(g->at, text, n);
    g->at += n;
    g->full |= n < len;
}

/* Adds a word as a shell reads it. */
static void grow_word(struct growing *g, const char *word)
{
    static const char plain[] = "abcdefghijklmnopqrstuvwxyz"
                                "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789/._@:+,-";
    const struct slice s = slice_from(word);
    const size_t quotes = s.len == 0 || word[strspn(word, plain)];

    grow(g, "'", quotes);
    for (size_t i = 0, n = 1; i < s.len && n > 0; i += n) {
        n = harmless_length(s, i);
        g->full |= n == 0;
        if (word[i] == '\'')
            grow(g, "'\\'", 3);
        grow(g, word + i, n);
    }
    grow(g, "'", quotes);
}

/* Writes the value of the conversion at FORMAT, takes its arguments, and
 * returns the rest of the format. */
static const char *take_value(const char *format, va_list *args, char *value,
                              size_t size)
{
    const size_t len = strcspn(format + 1, "%cdosuxX") + 2;
    char one[16];
    va_list copy;

    _Static_assert(sizeof(long) == sizeof(long long), "both are one case here");
    snprintf(one, sizeof(one), "%.*s", (int)len, format);
    va_copy(copy, *args);
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral" /* of a checked format */
    vsnprintf(value, size, one, copy);
#pragma GCC diagnostic pop
    va_end(copy);
    if (strchr(one, '*'))
        (void)va_arg(*args, int);
    if (one[len - 1] == 's')
        (void)va_arg(*args, const char *);
    else if (strpbrk(one, "jlz"))
        (void)va_arg(*args, long);
    else if (one[len - 1] != '%')
        (void)va_arg(*args, int);
    return format + len;
}

/* Adds FORMAT, which has a command from COMMAND on. Leaves the command out if
 * it doesn't fit. */
static void grow_command(struct growing *g, const char *format,
                         const char *command, va_list *args)
{
    static const char program[] = "sallyportctl ";
    char value[COMPLAINT_MAX], *begin = g->at;

    while (*format) {
        const bool in = format >= command;

        if (format == command)
            begin = g->at;
        if (*format == '%') {
            const bool is_word = in && strncmp(format, "%-s", 3) != 0;

            format = take_value(format, args, value, sizeof(value));
            g->full |= in && strlen(value) + 1 == sizeof(value);
            if (is_word)
                grow_word(g, value);
            else
                grow(g, value, strlen(value));
        } else if (in && configuration[0] &&
                   strncmp(format, program, strlen(program)) == 0) {
            grow(g, "sallyportctl --config ", strlen("sallyportctl --config "));
            grow_word(g, configuration);
            format += strlen(program) - 1;
        } else {
            grow(g, format++, 1);
        }
    }
    if (g->full)
        g->at = begin;
}

void complaint_list(char *text, size_t size, const char *format, va_list args)
{
    const char *command = strstr(format, run);
    char *end = text + size - sizeof(left_out), *at;
    struct growing g = { .at = text, .end = text + size - 1 };
    va_list own;

    if (command) {
        va_copy(own, args);
        grow_command(&g, format, command + strlen(run), &own);
        va_end(own);
        at = g.full && g.at > end ? end : g.at;
        snprintf(at, sizeof(left_out), "%s", g.full ? left_out : "");
        return;
    }
    const int len = vsnprintf(text, size, format, args);
    if (len < 0 || (size_t)len < size)
        return;
    at = strstr(text, run);
    at = at && at + strlen(run) < end ? at + strlen(run) : end;
    memcpy(at, left_out, sizeof(left_out));
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
