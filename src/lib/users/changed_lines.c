/* The lines in which two texts of the users file differ. It only compares
 * bytes. Runs in a fork of master, and in sallyportctl. */
#include <string.h>

#include "sallyport/users/change.h"

#define CHUNK 65536

static size_t common_start(struct slice a, struct slice b)
{
    const size_t most = a.len < b.len ? a.len : b.len;
    size_t n = 0;

    while (most - n >= CHUNK && memcmp(a.ptr + n, b.ptr + n, CHUNK) == 0)
        n += CHUNK;
    while (n < most && a.ptr[n] == b.ptr[n])
        n++;
    return n;
}

/* The number of equal bytes at both ends; not more than MOST. */
static size_t common_end(struct slice a, struct slice b, size_t most)
{
    const char *x = a.ptr + a.len, *y = b.ptr + b.len;
    size_t n = 0;

    while (most - n >= CHUNK &&
           memcmp(x - n - CHUNK, y - n - CHUNK, CHUNK) == 0)
        n += CHUNK;
    while (n < most && x[-1 - (ptrdiff_t)n] == y[-1 - (ptrdiff_t)n])
        n++;
    return n;
}

/* A byte order mark is a matter of the first line. */
bool users_lines_ok(struct slice text)
{
    return text.len <= USERS_LINES_MAX &&
           (text.len == 0 || text.ptr[text.len - 1] == '\n') &&
           !slice_starts(text, SLICE("@")) &&
           !slice_starts(text, SLICE("\xef\xbb\xbf")) &&
           !memmem(text.ptr, text.len, "\n@", 2);
}

static bool begins_line(struct slice text, size_t at)
{
    return at == 0 || text.ptr[at - 1] == '\n';
}

enum users_lines_result users_lines_find(struct users_lines *l,
                                         struct slice before, struct slice now)
{
    const size_t least = before.len < now.len ? before.len : now.len,
                 start = common_start(before, now);
    const char *mark;
    size_t same;

    if (start == before.len && start == now.len)
        return USERS_LINES_SAME;
    if (least == 0 || now.len > USERS_FILE_MAX)
        return USERS_LINES_WHOLE;
    mark = memrchr(before.ptr, '\n', start);
    l->at = mark ? (size_t)(mark - before.ptr) + 1 : 0;
    same = common_end(before, now, least - l->at);
    l->before = before.len - same;
    if (!begins_line(before, l->before) || !begins_line(now, now.len - same)) {
        mark = memchr(before.ptr + l->before, '\n', same);
        l->before = mark ? (size_t)(mark - before.ptr) + 1 : before.len;
    }
    l->now = now.len - (before.len - l->before);
    return users_lines_ok(
               (struct slice){ before.ptr + l->at, l->before - l->at }) &&
                   users_lines_ok(
                       (struct slice){ now.ptr + l->at, l->now - l->at })
               ? USERS_LINES_FOUND
               : USERS_LINES_WHOLE;
}
