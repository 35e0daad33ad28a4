/* Names of processes, what ps shows of them, and what none of them heeds. */
#include "sallyport/base/process.h"

#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const char *const names[PROCESS_COUNT] = {
    [PROCESS_MASTER] = "master",   [PROCESS_GATE] = "gate",
    [PROCESS_SESSION] = "session", [PROCESS_AUTH] = "auth",
    [PROCESS_KEYS] = "keys",       [PROCESS_FILES] = "files",
    [PROCESS_LOG] = "log",         [PROCESS_NAMES] = "names",
    [PROCESS_CTL] = "ctl",
};

const char *process_name(enum process p)
{
    return (unsigned)p < PROCESS_COUNT ? names[p] : "?";
}

void process_ignore_signals(void)
{
    static const int ignored[] = { SIGPIPE, SIGHUP, SIGINT, SIGTERM };

    for (size_t i = 0; i < sizeof(ignored) / sizeof(ignored[0]); i++)
        signal(ignored[i], SIG_IGN);
}

static struct {
    char *start;
    size_t room;
} title;

/* argv's strings and the environment's lie behind each other, and ps shows what
 * stands there: beyond argv's own end as long as the byte before that end is
 * not NUL. So the environment moves to the heap and its place is used too. */
void process_title_init(int argc, char **argv)
{
    char *end = argv[0];

    for (int i = 0; i < argc && argv[i] == end; i++)
        end = argv[i] + strlen(argv[i]) + 1;
    for (size_t i = 0; environ[i]; i++) {
        char *copy;

        if (environ[i] != end)
            break;
        copy = strdup(environ[i]);
        if (!copy)
            break;
        end = environ[i] + strlen(environ[i]) + 1;
        environ[i] = copy;
    }
    title.start = argv[0];
    title.room = (size_t)(end - argv[0]);
}

void process_title(const char *format, ...)
{
    char text[128];
    va_list args;

    if (!title.start || title.room < 2)
        return;
    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    for (char *c = text; *c; c++)
        if ((unsigned char)*c < 0x20 || *c == 0x7f)
            *c = '?';
    memset(title.start, 0, title.room);
    memcpy(title.start, text,
           strnlen(text, title.room - 1)); /* the last NUL stays */
}
