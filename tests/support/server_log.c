/* Reads and checks a server's log. */
#include "server_log.h"
#include "fail.h"
#include "files.h"
#include "test.h"
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

unsigned server_log_count(const struct server *s, server_log_match *match,
                          void *of)
{
    struct slice rest, line;
    unsigned count = 0;
    struct buf log;

    server_log(s, &log);
    rest = slice_from(log.data);
    while (slice_cut(&rest, '\n', &line))
        count += match(line, of);
    buf_release(&log);
    return count;
}

struct search {
    const struct server *server;
    server_log_match *match;
    void *of;
    unsigned enough, found;
    off_t seen; /* size of the log at the last look */
};

static bool has_enough(void *argument)
{
    struct search *search = argument;

    if (server_log_grows(search->server, &search->seen))
        search->found =
            server_log_count(search->server, search->match, search->of);
    return search->found >= search->enough;
}

bool server_log_await(const struct server *s, unsigned enough,
                      server_log_match *match, void *of)
{
    struct search search = { s, match, of, enough, 0, 0 };

    return wait_until(has_enough, &search, WAIT_MS);
}

static bool has_all(struct slice line, void *of)
{
    for (const char *const *word = of; *word; word++)
        if (!memmem(line.ptr, line.len, *word, strlen(*word)))
            return false;
    return true;
}

/* Adds the words of LIST to WORDS, which has the first word already. */
static void take_words(const char *words[WORDS_MAX + 1], va_list list)
{
    size_t n = 0;

    while (words[n] && n < WORDS_MAX)
        words[++n] = va_arg(list, const char *);
    FAIL_IF(words[n], "too many words");
}

void server_log_expect(const struct server *s, unsigned count, const char *word,
                       ...)
{
    const char *words[WORDS_MAX + 1] = { word };
    unsigned found;
    va_list list;

    va_start(list, word);
    take_words(words, list);
    va_end(list);
    server_log_await(s, count, has_all, words);
    found = server_log_count(s, has_all, words);
    FAIL_IF(found != count, "%u lines with \"%s\"…, and not %u", found, word,
            count);
}

void server_log_wait(const struct server *s, const char *word, ...)
{
    const char *words[WORDS_MAX + 1] = { word };
    va_list list;

    va_start(list, word);
    take_words(words, list);
    va_end(list);
    if (!server_log_await(s, 1, has_all, words)) {
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
