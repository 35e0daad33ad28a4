/* Fills in placeholders, and replaces escapes. */
#include "transcript_text.h"
#include "support/fail.h"
#include "support/files.h"
#include "support/server.h"
#include "support/test.h"

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

/* Expands "{8200*a}" at the beginning of LINE. Returns the number of bytes of
 * LINE that it has replaced, or 0. */
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

/* Expands "{file NAME}" to the text of a file in the server's directory,
 * without the last end of a line. Returns the same as repeated(). */
static size_t file_text(const char *line, const char *folder, struct out *o)
{
    char name[64], path[SERVER_PATH_MAX + 80];
    struct buf text;
    int tail = 0;

    if (sscanf(line, "{file %63[^}]}%n", name, &tail) != 1 || !tail)
        return 0;
    snprintf(path, sizeof(path), "%s/%s", folder, name);
    buf_init(&text, TRANSCRIPT_LINE_MAX);
    FAIL_IF(!files_read(path, &text), "there is no file %s", path);
    if (text.len > 0 && text.data[text.len - 1] == '\n')
        text.len--;
    add(o, text.data, text.len);
    buf_release(&text);
    return (size_t)tail;
}

static size_t fill_one(const char *line, const struct transcript_words *w,
                       struct out *o)
{
    const struct {
        const char *word, *text;
    } words[] = { { "{user}", w->user },
                  { "{password}", SERVER_PASSWORD },
                  { "{server}", w->folder },
                  { "{kept}", w->kept },
                  { "{each}", w->each ? w->each : "" } };
    size_t taken;

    for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++)
        if (strncmp(line, words[i].word, strlen(words[i].word)) == 0) {
            add(o, words[i].text, strlen(words[i].text));
            return strlen(words[i].word);
        }
    taken = repeated(line, o);
    return taken ? taken : file_text(line, w->folder, o);
}

void transcript_fill(const char *line, const struct transcript_words *words,
                     char out[TRANSCRIPT_LINE_MAX])
{
    struct out o = { out, out + TRANSCRIPT_LINE_MAX };

    *out = '\0';
    while (*line) {
        size_t taken = *line == '{' ? fill_one(line, words, &o) : 0;

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

char *transcript_cut(char *line)
{
    static const char arrow[] = " => ";
    char *at = strstr(line, arrow);

    if (!at)
        return NULL;
    *at = '\0';
    return at + strlen(arrow);
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
