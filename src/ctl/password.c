/* Reads lines and passwords, from the terminal or from standard input. A
 * password is never an argument, which all users of the machine could read.
 * Wipes all copies of a password, except the returned secret. */
#include "ctl.h"

#include <errno.h>
#include <stdarg.h>
#include <unistd.h>

#include "sallyport/base/fd.h"
#include "sallyport/base/prompt.h"

#define PATIENCE_MS    300000
#define PASSWORD_MADE  24
#define PASSWORD_TRIES 3

/* Asks for a line, for at most five minutes. Returns what prompt_ask() returns.
 */
static int ask_line(int tty, const char *prompt, bool echo, char *out,
                    size_t size)
{
    const struct prompt q = { .text = prompt, .echo = echo, .ms = PATIENCE_MS };

    return prompt_ask(tty, &q, out, size);
}

int terminal_confirm(const char *format, ...)
{
    FD_CLEANUP int tty = isatty(STDIN_FILENO) ? prompt_open() : -1;
    char question[USER_HOME_MAX + 160], answer[8];
    va_list args;
    int len;

    if (tty < 0)
        return -1;
    va_start(args, format);
    vsnprintf(question, sizeof(question), format, args);
    va_end(args);
    len = ask_line(tty, question, true, answer, sizeof(answer));
    if (len < 0)
        return len == -ENAMETOOLONG ? 0 : -1;
    return !strcmp(answer, "y") || !strcmp(answer, "yes");
}

#define NOT_GIVEN "was not given; nothing has changed"

/* Reads byte by byte, since bytes after the line belong to another program.
 * Removes the byte order mark and the '\r' that files of Windows have. */
void password_line(char *out, size_t size)
{
    struct slice text = { out, 0 };

    while (text.len < size) {
        const ssize_t n = read(STDIN_FILENO, &out[text.len], 1);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            fail(EX_IOERR, "standard input can't be read");
        if (n == 0 || out[text.len] == '\n')
            break;
        text.len++;
    }
    if (text.len == size)
        fail(EX_DATAERR, "the line of standard input is too long");
    if (slice_starts(text, SLICE("\xef\xbb\xbf")))
        text = (struct slice){ out + 3, text.len - 3 };
    if (text.len > 0 && text.ptr[text.len - 1] == '\r')
        text.len--;
    if (slice_has(text, '\0'))
        fail(EX_DATAERR, "the line of standard input has a zero byte");
    memmove(out, text.ptr, text.len);
    out[text.len] = '\0';
}

/* Makes a password. Drops bytes above the last multiple of the number of
 * letters, so that each letter is equally probable. */
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

static noreturn void refuse_line(int error)
{
    if (error == EINTR)
        fail(EX_TEMPFAIL, "the password " NOT_GIVEN);
    if (error == ETIMEDOUT)
        fail(EX_TEMPFAIL, "the password didn't come in time; try again");
    if (error == ENAMETOOLONG)
        fail(EX_DATAERR, "the password %s", password_fault_text(PASSWORD_LONG));
    fail(EX_IOERR,
         "the password can't be read from the terminal; give it as one line of "
         "standard input");
}

/* Asks for a line without echo, or fails. */
static void read_line(struct secret *s, int tty, const char *prompt)
{
    int len = ask_line(tty, prompt, false, s->bytes, sizeof(s->bytes));

    if (len < 0)
        refuse_line(-len);
    s->len = (size_t)len;
}

/* Asks twice for a password. If MAKES, an empty line asks for a random
 * password, and leaves *s empty. Returns NULL, or the reason why the password
 * isn't accepted. */
static const char *read_twice(struct secret *s, int tty, const char *prompt,
                              bool makes)
{
    SECRET_CLEANUP struct secret again = { .len = 0 };
    enum password_fault fault;

    read_line(s, tty, prompt);
    if (s->len == 0)
        return makes ? NULL : "is empty";
    fault = hash_password_fault((struct slice){ s->bytes, s->len });
    if (fault != PASSWORD_OK)
        return password_fault_text(fault);
    read_line(&again, tty, "The same again: ");
    return s->len == again.len && memcmp(s->bytes, again.bytes, s->len) == 0
               ? NULL
               : "was typed differently the second time";
}

/* Asks for a password, and again if it is unsuitable or was typed differently
 * the second time. */
static void read_terminal(struct secret *s)
{
    /* A random password is printed only on a terminal, never into a file that
     * somebody keeps. */
    const bool makes = isatty(STDOUT_FILENO);
    FD_CLEANUP int tty = prompt_open();
    const char *why = "";
    char prompt[96];

    if (tty < 0)
        refuse_line(-tty);
    snprintf(prompt, sizeof(prompt), "New password of %s%s: ", ctl.args.word[2],
             makes ? " (Enter: make one)" : "");
    for (int left = PASSWORD_TRIES; left > 0; left--) {
        why = read_twice(s, tty, prompt, makes);
        if (!why)
            return;
        if (left > 1)
            dprintf(tty, "the password %s\n", why);
    }
    fail(EX_DATAERR, "the password %s", why);
}

void password_hash(struct secret *s, char out[HASH_MAX])
{
    enum password_fault fault;

    s->len = 0;
    if (!ctl.args.print_password && isatty(STDIN_FILENO)) {
        read_terminal(s);
    } else if (!ctl.args.print_password) {
        password_line(s->bytes, sizeof(s->bytes));
        s->len = strlen(s->bytes);
        if (s->len == 0)
            fail(EX_TEMPFAIL,
                 "the password " NOT_GIVEN "; write it as one line to standard "
                 "input, or use --print-password");
        fault = hash_password_fault((struct slice){ s->bytes, s->len });
        if (fault != PASSWORD_OK)
            fail(EX_DATAERR, "the password %s", password_fault_text(fault));
    }
    if (s->len == 0) {
        ctl.args.print_password = "";
        password_make(s);
    }
    if (hash_make(s, ctl.settings.hash_cost, out))
        fail(EX_OSERR, "crypt(3) made no hash");
}

void secret_uncounted(int code)
{
    (void)code;
    if (!edit_stands)
        stderr_print("the secret above isn't valid: nothing was changed");
}

/* With --json, and for an invitation, prints the password on standard error:
 * standard output has nothing but JSON, or the letter. The letter doesn't have
 * the password: a person who gets only one of the two can't log in. */
void password_show(const struct secret *s)
{
    if (!ctl.args.print_password)
        return;
    const bool aside = ctl.args.json || ctl.invites;
    const bool shown =
        aside ? dprintf(STDERR_FILENO,
                        "sallyportctl: the password of %s%s: %s\n", ctl.rest[0],
                        ctl.invites ? " (not in the letter; send it separately)"
                                    : "",
                        s->bytes) > 0
              : printf("password: %s\n", s->bytes) > 0 && fflush(stdout) == 0;
    if (!shown)
        fail(EX_IOERR, "standard %s: %s; nothing has changed",
             aside ? "error" : "output", strerror(errno));
    at_fail = secret_uncounted;
}
