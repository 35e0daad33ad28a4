/* Reads a password from the terminal or standard input; never from an argument,
 * which all users of the machine could read. All copies are wiped, except the
 * returned secret. */
#include "password.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "sallyport/base/fd.h"
#include "sallyport/hash/hash.h"

#include "terminal.h"

struct line {
    char bytes[HASH_PASSWORD_MAX + 2]; /* one more shows a longer one */
};

static void line_wipe(struct line *l)
{
    explicit_bzero(l->bytes, sizeof(l->bytes));
}
#define LINE_CLEANUP __attribute__((cleanup(line_wipe)))

static int password_refuse(struct complaint *c, int code, const char *why)
{
    complain(c, "the password %s", why);
    return code;
}

/* A PASS command can't carry CR or LF. */
static int keep_password(struct secret *s, struct slice text,
                         struct complaint *c)
{
    if (text.len < PASSWORD_MIN)
        return password_refuse(c, EX_DATAERR,
                               "is too short; use at least 8 bytes");
    if (slice_has(text, '\r') || slice_has(text, '\n'))
        return password_refuse(c, EX_DATAERR, "holds a line end");
    if (text.len > HASH_PASSWORD_MAX)
        return password_refuse(c, EX_DATAERR, "is longer than 511 bytes");
    if (secret_set(s, text))
        return password_refuse(c, EX_DATAERR, "holds a NUL byte");
    return 0;
}

/* Reads byte by byte, since bytes after the line belong to another program.
 * Returns the number of bytes without the line end, or -errno. */
static ssize_t password_read_line(char *out, size_t size)
{
    size_t len = 0;

    while (len < size) {
        ssize_t n = read(STDIN_FILENO, &out[len], 1);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -errno;
        if (n == 0 || out[len] == '\n')
            break;
        len++;
    }
    return (ssize_t)len;
}

static int read_stdin(struct secret *s, struct complaint *c)
{
    LINE_CLEANUP struct line line;
    ssize_t len = password_read_line(line.bytes, sizeof(line.bytes));

    if (len < 0)
        return password_refuse(c, EX_IOERR,
                               "can't be read from standard input");
    return keep_password(s, (struct slice){ line.bytes, (size_t)len }, c);
}

int password_line(char *out, size_t size, struct complaint *c)
{
    ssize_t len = password_read_line(out, size);

    if (len >= 0 && (size_t)len < size) {
        out[len] = '\0';
        return 0;
    }
    complain(c, len < 0 ? "standard input can't be read"
                        : "the line of standard input is too long");
    return len < 0 ? EX_IOERR : EX_DATAERR;
}

static int refuse_line(int error, struct complaint *c)
{
    if (error == EINTR)
        return password_refuse(c, EX_TEMPFAIL,
                               "was not given; nothing has changed");
    if (error == ETIMEDOUT)
        return password_refuse(c, EX_TEMPFAIL,
                               "didn't come in time; try again");
    if (error == ENAMETOOLONG)
        return password_refuse(c, EX_DATAERR, "is longer than 511 bytes");
    return password_refuse(c, EX_IOERR,
                           "can't be read from the terminal; give it as "
                           "one line of standard input");
}

static int read_twice(struct secret *s, int tty, const char *prompt,
                      struct complaint *c)
{
    LINE_CLEANUP struct line first, again;
    int len =
        terminal_line(tty, prompt, false, first.bytes, sizeof(first.bytes));
    int len_again, code;

    if (len < 0)
        return refuse_line(-len, c);
    code = keep_password(s, (struct slice){ first.bytes, (size_t)len }, c);
    if (code)
        return code;
    len_again = terminal_line(tty, "The same again: ", false, again.bytes,
                              sizeof(again.bytes));
    if (len_again < 0)
        return refuse_line(-len_again, c);
    if (len != len_again || memcmp(first.bytes, again.bytes, (size_t)len) != 0)
        return password_refuse(c, EX_DATAERR,
                               "was not the same twice; try again");
    return 0;
}

int password_read(struct secret *s, const char *user, struct complaint *c)
{
    char prompt[64];
    FD_CLEANUP int tty = -1;

    if (!isatty(STDIN_FILENO))
        return read_stdin(s, c);
    tty = terminal_open();
    if (tty < 0)
        return refuse_line(-tty, c);
    snprintf(prompt, sizeof(prompt), "New password of %s: ", user);
    return read_twice(s, tty, prompt, c);
}
