/* Reading a server's log. */
#include <stdarg.h>
#include <string.h>
#include <sys/stat.h>

#include "fail.h"
#include "files.h"
#include "server_log.h"
#include "wait.h"

#define WORDS_MAX 8

void server_log(const struct server *s, struct buf *into)
{
    buf_init(into, 1U << 30); /* 100,000 sequences of commands fill 100 MB */
    files_read(server_path(s, "log"), into);
    FAIL_IF(buf_add(into, "", 1), "the log is too long");
}

bool server_log_grows(const struct server *s, off_t *seen)
{
    struct stat st;
    off_t before = *seen;

    *seen = stat(server_path(s, "log"), &st) == 0 ? st.st_size : 0;
    return *seen != before;
}

bool server_log_has(const struct server *s, const char *text)
{
    struct buf log;
    bool has;

    server_log(s, &log);
    has = strstr(log.data, text) != NULL;
    buf_release(&log);
    return has;
}

struct search {
    const struct server *server;
    unsigned enough; /* number of lines to wait for */
    unsigned found;
    off_t seen; /* of the log */
    const char *words[WORDS_MAX + 1];
};

static bool line_has_all(char *line, const char *const *words)
{
    for (; *words; words++)
        if (!strstr(line, *words))
            return false;
    return true;
}

static unsigned count_lines(const struct search *search)
{
    unsigned count = 0;
    char *line, *rest;
    struct buf log;

    server_log(search->server, &log);
    rest = log.data;
    while ((line = strsep(&rest, "\n")) != NULL)
        count += line_has_all(line, search->words);
    buf_release(&log);
    return count;
}

static void take_words(struct search *search, va_list list)
{
    size_t n = 0;

    while (search->words[n] && n < WORDS_MAX)
        search->words[++n] = va_arg(list, const char *);
    FAIL_IF(search->words[n], "too many words");
}

static bool has_enough(void *argument)
{
    struct search *search = argument;

    if (server_log_grows(search->server, &search->seen))
        search->found = count_lines(search);
    return search->found >= search->enough;
}

void server_log_expect(const struct server *s, unsigned count, const char *word,
                       ...)
{
    struct search search = { s, count, 0, 0, { word } };
    unsigned found;
    va_list list;

    va_start(list, word);
    take_words(&search, list);
    va_end(list);
    wait_until(has_enough, &search, WAIT_MS);
    found = count_lines(&search);
    FAIL_IF(found != count, "%u lines with \"%s\"…, and not %u", found, word,
            count);
}

void server_log_wait(const struct server *s, const char *word, ...)
{
    struct search search = { s, 1, 0, 0, { word } };
    va_list list;

    va_start(list, word);
    take_words(&search, list);
    va_end(list);
    if (!wait_until(has_enough, &search, WAIT_MS)) {
        struct buf log;

        server_log(s, &log);
        FAIL("no line with \"%s\"… in the log:\n%s", word, log.data);
    }
}

void server_log_check(const struct server *s)
{
    static const char *const never[] = {
        "ERROR: AddressSanitizer", "ERROR: LeakSanitizer",
        "runtime error:", "stack smashing detected"
    };
    static const char *const troubles[] = {
        " syscall process=", " peer-error process=", " child process=",
        "reason=\"crash"
    };
    struct buf log;

    server_log(s, &log);
    for (size_t i = 0; i < sizeof(never) / sizeof(*never); i++)
        FAIL_IF(strstr(log.data, never[i]), "in the server's log:\n%s",
                strstr(log.data, never[i]));
    for (size_t i = 0; i < sizeof(troubles) / sizeof(*troubles); i++)
        FAIL_IF(!s->troubles && strstr(log.data, troubles[i]),
                "in the server's log:\n%s", strstr(log.data, troubles[i]));
    buf_release(&log);
}
