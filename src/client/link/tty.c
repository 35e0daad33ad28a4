/* Uses the terminal for passwords and questions. */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "link.h"
#include "sallyport/base/fd.h"
#include "sallyport/base/prompt.h"

bool tty_there(void)
{
    return isatty(STDIN_FILENO) && isatty(STDERR_FILENO);
}

static int tty_ask(const char *prompt, bool echo, char *out, size_t size)
{
    FD_CLEANUP int tty = prompt_open();
    char safe[2 * SHOW_MAX];
    struct prompt q = {
        .text = safe, .echo = echo, .ms = UINT64_MAX, .stop = &link_interrupted
    };
    int r;

    show_text(prompt, safe, sizeof(safe));
    r = tty < 0 ? -ENOTTY : prompt_ask(tty, &q, out, size);
    return r == -ENODATA ? -EINTR : r == -ENAMETOOLONG ? -EINVAL : r;
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
