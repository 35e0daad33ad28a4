/* Reads a configuration: inih splits and trims lines that were looked at first,
 * since it would silently cut a long line in two, join an indented one to its
 * neighbour, and doesn't say which line it is at.
 * Runs in master, its children and sallyportctl; must never open a file. */
#include <errno.h>
#include <ini.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>

#include "sallyport/base/die.h"

#include "kinds.h"

#define PLACE_MAX (SETTINGS_PATH_MAX + 32)
#define KEY_MAX   512 /* more than a line of inih's */
/* Stands for a ':' in the key of a keyed row, since inih would end the key
 * there. Not in any line: has_control() refuses it. */
#define COLON '\x1f'

struct parser {
    struct settings *settings;
    const char *name; /* of the file */
    struct slice rest;
    size_t line;
    bool failed;
    struct complaint *complaint;
    settings_tell *tell; /* NULL: the first mistake is the end */
    size_t mistakes;     /* that were told */
};

/* After a complaint: is the next line read? */
static bool goes_on(struct parser *p)
{
    if (!p->tell) {
        p->failed = true;
        return false;
    }
    p->tell(p->complaint->text);
    p->complaint->text[0] = '\0';
    p->mistakes++;
    return true;
}

static int fail(struct parser *p, const char *what)
{
    return complain(p->complaint, "%s:%zu: %s", p->name, p->line, what);
}

static bool has_control(struct slice line)
{
    for (size_t i = 0; i < line.len; i++) {
        unsigned char c = (unsigned char)line.ptr[i];

        if ((c < 0x20 && c != '\t') || c == 0x7f)
            return true;
    }
    return false;
}

static bool is_keyed(struct slice key)
{
    const struct setting *row = setting_find(slice_trim(key));

    return row && row->keyed;
}

/* A line that isn't blank or comment: what inih would misread. */
static int check_line(struct parser *p, struct slice line, size_t room)
{
    struct slice key = line;
    const char *equals = memchr(line.ptr, '=', line.len);

    if (has_control(line))
        return fail(p, "a control byte");
    if (line.ptr[0] == '[')
        return fail(p, "there are no sections; remove this line");
    if (line.ptr[0] == ' ' || line.ptr[0] == '\t')
        return fail(p, "begins with a blank; lines can't be continued, begin "
                       "with the key");
    if (!equals)
        return fail(p, "no '='; expected: key = value");
    key.len = (size_t)(equals - line.ptr);
    if ((slice_has(key, ':') && !is_keyed(key)) || slice_has(key, ';'))
        return fail(p, "':' or ';' before the '='; expected: key = value");
    if (line.len > room)
        return complain(p->complaint,
                        "%s:%zu: too long; a line holds at most %zu bytes",
                        p->name, p->line, room);
    return 0;
}

static bool is_idle(struct slice line)
{
    struct slice text = slice_trim(line);

    return text.len == 0 || text.ptr[0] == '#' || text.ptr[0] == ';';
}

static struct slice without_bom(struct slice text)
{
    if (slice_starts(text, SLICE("\xef\xbb\xbf"))) {
        text.ptr += 3;
        text.len -= 3;
    }
    return text;
}

/* Only in the key: that of any other row has none. */
static void swap_colons(char *key, char from, char to)
{
    for (; *key != '\0' && *key != '='; key++)
        if (*key == from)
            *key = to;
}

/* inih's reader: one line a call, with its end, like fgets(3). */
static char *next_line(char *out, int size, void *stream)
{
    struct parser *p = stream;
    struct slice line;

    if (p->failed || size < 3 || !slice_cut(&p->rest, '\n', &line))
        return NULL;
    p->line++;
    if (line.len > 0 && line.ptr[line.len - 1] == '\r')
        line.len--;
    if (is_idle(line))
        return memcpy(out, "\n", 2);
    if (check_line(p, line, (size_t)size - 2))
        return goes_on(p) ? memcpy(out, "\n", 2) : NULL;
    memcpy(out, line.ptr, line.len);
    memcpy(out + line.len, "\n", 2);
    swap_colons(out, ':', COLON);
    return out;
}

static int unknown_key(struct parser *p, const char *key)
{
    const char *nearest = setting_nearest(slice_from(key));

    if (key[0] == '\0')
        return fail(p, "no key before the '='; expected: key = value");
    if (!nearest)
        return complain(p->complaint, "%s:%zu: unknown key \"%s\"", p->name,
                        p->line, key);
    return complain(p->complaint,
                    "%s:%zu: unknown key \"%s\"; did you mean \"%s\"?", p->name,
                    p->line, key, nearest);
}

static int assign(struct parser *p, const struct setting *row,
                  struct slice keyed, const char *value)
{
    char place[PLACE_MAX];
    struct assignment a = { .row = row,
                            .keyed = keyed,
                            .line = p->line,
                            .value = slice_from(value),
                            .field = (char *)p->settings + row->offset,
                            .place = place,
                            .complaint = p->complaint };

    snprintf(place, sizeof(place), "%s:%zu", p->name, p->line);
    return setting_kinds[row->type].set(&a);
}

static int take(struct parser *p, const char *key, const char *value)
{
    const struct setting *row = setting_find(slice_from(key));
    size_t *line;

    if (!row)
        return unknown_key(p, key);
    if (row->keyed)
        return assign(p, row, slice_from(key + strlen(row->key)), value);
    line = &p->settings->line[row - setting_table];
    if (*line != 0)
        return complain(p->complaint,
                        "%s:%zu: %s stands in line %zu already; keep one",
                        p->name, p->line, key, *line);
    *line = p->line;
    return assign(p, row, SLICE(""), value);
}

/* inih's handler: 1 goes on. */
static int on_pair(void *user, const char *section, const char *key,
                   const char *value)
{
    struct parser *p = user;
    char name[KEY_MAX];

    (void)section; /* check_line() lets none through */
    snprintf(name, sizeof(name), "%s", key);
    swap_colons(name, COLON, ':');
    return !p->failed && (take(p, name, value) == 0 || goes_on(p));
}

void settings_default(struct settings *s)
{
    struct complaint complaint = { .text = "" };
    struct parser p = { .settings = s,
                        .name = "default",
                        .complaint = &complaint };

    memset(s, 0, sizeof(*s));
    snprintf(s->file, sizeof(s->file), "%s", p.name);
    for (size_t i = 0; i < setting_count; i++)
        if (!setting_table[i].keyed &&
            assign(&p, &setting_table[i], SLICE(""), setting_table[i].value))
            die(EX_SOFTWARE, "%s", complaint.text);
}

/* Line by line, into what the parser names. */
static int read_lines(struct parser *p, struct slice text)
{
    int r;

    p->rest = without_bom(text);
    settings_default(p->settings);
    snprintf(p->settings->file, sizeof(p->settings->file), "%s", p->name);
    r = ini_parse_stream(next_line, p, on_pair, p);
    if (r < 0)
        return complain(p->complaint, "%s: out of memory", p->name);
    if (r > 0 && !p->failed) {
        p->line = (size_t)r;
        fail(p, "expected: key = value");
        goes_on(p);
    }
    return p->failed ? -EINVAL : 0;
}

int settings_parse(struct settings *s, struct slice text, const char *name,
                   struct complaint *c)
{
    struct settings read;
    struct parser p = { .settings = &read, .name = name, .complaint = c };

    if (read_lines(&p, text) || settings_check(&read, c))
        return -EINVAL;
    *s = read;
    return 0;
}

int settings_survey_text(struct slice text, const char *name,
                         settings_tell *tell, struct complaint *c)
{
    struct settings read;
    struct parser p = {
        .settings = &read, .name = name, .complaint = c, .tell = tell
    };

    if (read_lines(&p, text))
        return -EINVAL;
    /* Lines that couldn't be read leave defaults, which would be blamed. */
    return (int)(p.mistakes > 0 ? p.mistakes : settings_check_all(&read, tell));
}
