/* Splits a line into words. Pure. */
#include "split.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>

/* Reads one word at *at and moves *at past it. OUT or PATTERN gets it, without
 * its quotes. OUT may be *at. */
static int split_word(const char **at, char *out, struct url_pattern *pattern)
{
    const char *in = *at;
    char quote = '\0';

    for (; *in && (quote || !strchr(" \t\n", *in)); in++) {
        bool literal = quote != '\0';

        if (quote && *in == quote) {
            quote = '\0';
            continue;
        }
        if (!quote && (*in == '\'' || *in == '"')) {
            quote = *in;
            continue;
        }
        if (*in == '\\' && quote != '\'' && in[1]) {
            in++;
            literal = true;
        }
        if (out)
            *out++ = *in;
        if (pattern)
            url_pattern_add(pattern, *in, literal);
    }
    *at = *in ? in + 1 : in;
    if (out)
        *out = '\0';
    return quote ? -EINVAL : 0;
}

void split_pattern(const char *typed, struct url_pattern *ret)
{
    *ret = (struct url_pattern){ 0 };
    split_word(&typed, NULL, ret);
}

int split_line(char *line, char **word, int max)
{
    int n = 0;

    for (const char *at = line;;) {
        at += strspn(at, " \t\n");
        if (!*at)
            return n;
        if (n == max)
            return -E2BIG;
        word[n] = line + (at - line);
        int r = split_word(&at, word[n++], NULL);
        if (r < 0)
            return r;
    }
}
