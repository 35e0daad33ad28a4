/* Names and titles of processes, and the signals that all of them ignore. */
#include "sallyport/base/process.h"

#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#define NAME(process, name) (name),
static const char *const process_names[PROCESS_COUNT] = { PROCESSES(NAME) };

const char *process_name(enum process p)
{
    return (unsigned)p < PROCESS_COUNT ? process_names[p] : "?";
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

/* Copies the environment to the heap, so that the title can also use the
 * environment's place, which follows argv: ps reads beyond the end of argv if
 * the last byte of argv isn't NUL. */
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

void process_comm(enum process p)
{
    prctl(PR_SET_NAME, process_name(p));
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
           strnlen(text, title.room - 1)); /* keep the last NUL */
}
