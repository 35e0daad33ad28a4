/* Splits a line into words. Pure. */
#include "split.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>

/* Cuts one word at *at, in place, and moves *at past it. */
static int split_word(char **at)
{
    char *in = *at, *out = *at;
    char quote = '\0';

    for (; *in && (quote || !strchr(" \t\n", *in)); in++) {
        if (quote && *in == quote)
            quote = '\0';
        else if (!quote && (*in == '\'' || *in == '"'))
            quote = *in;
        else if (*in == '\\' && quote != '\'' && in[1])
            *out++ = *++in;
        else
            *out++ = *in;
    }
    *at = *in ? in + 1 : in;
    *out = '\0';
    return quote ? -EINVAL : 0;
}

int split_line(char *line, char **word, int max)
{
    int n = 0;

    for (char *at = line;;) {
        at += strspn(at, " \t\n");
        if (!*at)
            return n;
        if (n == max)
            return -E2BIG;
        word[n++] = at;
        int r = split_word(&at);
        if (r < 0)
            return r;
    }
}
