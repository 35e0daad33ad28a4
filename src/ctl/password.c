/* Reads lines and passwords, from the terminal or from standard input. A
 * password is never an argument, which all users of the machine could read. All
 * copies are wiped, except the returned secret. */
#include "ctl.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "sallyport/base/fd.h"
#include "sallyport/base/prompt.h"
#include "sallyport/hash/hash.h"

#define PATIENCE_MS    300000
#define PASSWORD_MADE  24
#define PASSWORD_TRIES 3

/* Asks for a line, for at most five minutes. Returns as prompt_ask(). */
static int ask_line(int tty, const char *prompt, bool echo, char *out,
                    size_t size)
{
    const struct prompt q = { .text = prompt, .echo = echo, .ms = PATIENCE_MS };

    return prompt_ask(tty, &q, out, size);
}

int terminal_confirm(const char *question)
{
    FD_CLEANUP int tty = isatty(STDIN_FILENO) ? prompt_open() : -1;
    char answer[8];
    int len = tty < 0 ? -ENOTTY
                      : ask_line(tty, question, true, answer, sizeof(answer));

    if (len < 0)
        return len == -ENAMETOOLONG ? 0 : -1;
    return !strcmp(answer, "y") || !strcmp(answer, "yes");
}

struct typed_line {
    char bytes[HASH_PASSWORD_MAX + 2]; /* one more shows a longer one */
};

static void typed_line_wipe(struct typed_line *l)
{
    explicit_bzero(l->bytes, sizeof(l->bytes));
}
#define LINE_CLEANUP __attribute__((cleanup(typed_line_wipe)))

#define NOT_GIVEN "was not given; nothing has changed"

static int password_refuse(struct complaint *c, int code, const char *why)
{
    complain(c, "the password %s", why);
    return code;
}

/* A PASS command can't carry CR or LF. */
static int keep_password(struct secret *s, struct slice text,
                         struct complaint *c)
{
    enum password_fault fault = hash_password_fault(text);

    if (fault != PASSWORD_OK)
        return password_refuse(c, EX_DATAERR, password_fault_text(fault));
    secret_set(s, text);
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
    LINE_CLEANUP struct typed_line line;
    ssize_t len = password_read_line(line.bytes, sizeof(line.bytes));

    if (len < 0)
        return password_refuse(c, EX_IOERR,
                               "can't be read from standard input");
    if (len == 0)
        return password_refuse(c, EX_TEMPFAIL,
                               NOT_GIVEN "; write it as one line to standard "
                                         "input, or use --print-password");
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

/* Bytes above the last multiple of the number of letters are dropped, so that
 * each letter is equally probable. */
static void password_make(struct secret *s)
{
    static const char letters[] = "23456789abcdefghjkmnpqrstuvwxyz"
                                  "ABCDEFGHJKLMNPQRSTUVWXYZ";
    const unsigned count = sizeof(letters) - 1;

    s->len = 0;
    while (s->len < PASSWORD_MADE) {
        unsigned char byte;

        random_bytes(&byte, 1);
        if (byte < 256 / count * count)
            s->bytes[s->len++] = letters[byte % count];
    }
    s->bytes[s->len] = '\0';
}

static int refuse_line(int error, struct complaint *c)
{
    if (error == EINTR)
        return password_refuse(c, EX_TEMPFAIL, NOT_GIVEN);
    if (error == ETIMEDOUT)
        return password_refuse(c, EX_TEMPFAIL,
                               "didn't come in time; try again");
    if (error == ENAMETOOLONG)
        return password_refuse(c, EX_DATAERR,
                               password_fault_text(PASSWORD_LONG));
    return password_refuse(c, EX_IOERR,
                           "can't be read from the terminal; give it as "
                           "one line of standard input");
}

/* Without a length the person wants a random one. */
static int read_twice(struct secret *s, int tty, const char *prompt,
                      struct complaint *c)
{
    LINE_CLEANUP struct typed_line first, again;
    int len = ask_line(tty, prompt, false, first.bytes, sizeof(first.bytes));
    int len_again, code;

    if (len < 0)
        return refuse_line(-len, c);
    s->len = 0;
    if (len == 0)
        return 0;
    code = keep_password(s, (struct slice){ first.bytes, (size_t)len }, c);
    if (code)
        return code;
    len_again = ask_line(tty, "The same again: ", false, again.bytes,
                         sizeof(again.bytes));
    if (len_again < 0)
        return refuse_line(-len_again, c);
    if (len != len_again || memcmp(first.bytes, again.bytes, (size_t)len) != 0)
        return password_refuse(c, EX_DATAERR, "was not the same twice");
    return 0;
}

/* A password that isn't suitable, or not the same twice, is asked for again. */
static int read_terminal(struct secret *s, const char *user,
                         struct complaint *c)
{
    /* The made one is printed: never into a file that somebody keeps. */
    const bool makes = isatty(STDOUT_FILENO);
    FD_CLEANUP int tty = prompt_open();
    int code = EX_DATAERR;
    char prompt[96];

    if (tty < 0)
        return refuse_line(-tty, c);
    snprintf(prompt, sizeof(prompt), "New password of %s%s: ", user,
             makes ? " (Enter: make one)" : "");
    for (int left = PASSWORD_TRIES; code == EX_DATAERR && left > 0; left--) {
        if (c->text[0])
            dprintf(tty, "%s\n", c->text);
        c->text[0] = '\0';
        code = read_twice(s, tty, prompt, c);
        if (code == 0 && s->len == 0 && !makes)
            code = password_refuse(c, EX_DATAERR, "is empty");
    }
    return code;
}

int password_take(struct context *x, struct secret *s, const char *user)
{
    int code = 0;

    s->len = 0;
    if (!x->args.print_password && !isatty(STDIN_FILENO))
        return read_stdin(s, &x->complaint);
    if (!x->args.print_password)
        code = read_terminal(s, user, &x->complaint);
    if (code == 0 && s->len == 0) {
        x->args.print_password = "";
        password_make(s);
    }
    return code;
}

void password_show(const struct context *x, const struct secret *s)
{
    if (x->args.print_password)
        printf("password: %s\n", s->bytes);
}
