/* Placeholders that the client's side fills in, and escapes. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/fail.h"
#include "support/server.h"
#include "transcript_text.h"

struct out {
    char *at, *end;
};

static void add(struct out *o, const char *text, size_t len)
{
    FAIL_IF(len >= (size_t)(o->end - o->at), "a line of a transcript is too "
                                             "long");
    memcpy(o->at, text, len);
    o->at += len;
    *o->at = '\0';
}

/* Expands "{8200*a}". */
static size_t repeated(const char *line, struct out *o)
{
    unsigned times = 0;
    int head = 0, tail = 0;

    if (sscanf(line, "{%u*%n%*[^}]}%n", &times, &head, &tail) != 1 || !tail)
        return 0;
    while (times-- > 0)
        add(o, line + head, (size_t)(tail - head - 1));
    return (size_t)tail;
}

static size_t fill_one(const char *line, const char *user, struct out *o)
{
    static const char user_word[] = "{user}", password_word[] = "{password}";

    if (strncmp(line, user_word, sizeof(user_word) - 1) == 0) {
        add(o, user, strlen(user));
        return sizeof(user_word) - 1;
    }
    if (strncmp(line, password_word, sizeof(password_word) - 1) == 0) {
        add(o, SERVER_PASSWORD, strlen(SERVER_PASSWORD));
        return sizeof(password_word) - 1;
    }
    return repeated(line, o);
}

void transcript_fill(const char *line, const char *user,
                     char out[TRANSCRIPT_LINE_MAX])
{
    struct out o = { out, out + TRANSCRIPT_LINE_MAX };

    *out = '\0';
    while (*line) {
        size_t taken = *line == '{' ? fill_one(line, user, &o) : 0;

        if (taken == 0) {
            add(&o, line, 1);
            taken = 1;
        }
        line += taken;
    }
}

static size_t escape(const char *text, char *byte)
{
    static const char names[] = "rnt\\", bytes[] = "\r\n\t\\";
    const char *name = *text ? strchr(names, *text) : NULL;
    unsigned value;

    if (name) {
        *byte = bytes[name - names];
        return 1;
    }
    FAIL_IF(*text != 'x' || sscanf(text + 1, "%2x", &value) != 1,
            "unknown escape: \\%s", text);
    *byte = (char)value;
    return 3;
}

size_t transcript_unescape(const char *text, char out[TRANSCRIPT_LINE_MAX])
{
    size_t n = 0;

    while (*text && n < TRANSCRIPT_LINE_MAX) {
        if (*text == '\\')
            text += 1 + escape(text + 1, &out[n++]);
        else
            out[n++] = *text++;
    }
    return n;
}
