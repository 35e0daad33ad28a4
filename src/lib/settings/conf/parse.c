/* Reads a configuration from an open file: each line is empty, a comment, or
 * "key = value". Runs in reader, and as the administrator in sallyportctl. */
#include "kinds.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>

#include "sallyport/base/complain.h"
#include "sallyport/base/fd.h"

#define PLACE_MAX (SETTINGS_PATH_MAX + 32)

struct parser {
    struct settings *settings;
    const char *name; /* name of the file, for complaints */
    size_t line;
    bool partly;                /* conf_load() was called with a report */
    conf_report *report;        /* or NULL */
    struct complaint complaint; /* about this line */
};

int conf_mistake(const char *text, conf_report *report, struct complaint *c)
{
    if (report)
        report(text);
    return complain(c, "%s", text);
}

static int refuse_line(struct parser *p, const char *what)
{
    return complain(&p->complaint, "%s:%zu: %s", p->name, p->line, what);
}

/* Checks a line. The key, untrimmed, is the text before the first '='. */
static int check_line(struct parser *p, struct slice line)
{
    struct slice rest = line, key;
    const struct setting *row;

    for (size_t i = 0; i < line.len; i++)
        if (line.ptr[i] != '\t' &&
            slice_has_control((struct slice){ line.ptr + i, 1 }))
            return refuse_line(p, "a control byte");
    if (line.ptr[0] == '[')
        return refuse_line(p, "there are no sections; remove this line");
    if (line.ptr[0] == ' ' || line.ptr[0] == '\t')
        return refuse_line(p, "begins with a blank; lines can't be continued, "
                              "begin with the key");
    slice_cut(&rest, '=', &key);
    if (!rest.ptr)
        return refuse_line(p, "no '='; expected: key = value");
    row = table_find(slice_trim(key));
    /* Some keys contain an IPv6 network: "address.2001:db8::/32". */
    if (slice_has(key, ';') || (slice_has(key, ':') && !(row && row->keyed)))
        return refuse_line(p,
                           "':' or ';' before the '='; expected: key = value");
    if (line.len > SETTINGS_LINE_MAX)
        return complain(&p->complaint,
                        "%s:%zu: too long; a line holds at most %u bytes",
                        p->name, p->line, SETTINGS_LINE_MAX);
    return 0;
}

static int assign_value(struct parser *p, const struct setting *row,
                        struct slice keyed, struct slice value)
{
    char place[PLACE_MAX];
    struct assignment a = { .row = row,
                            .keyed = keyed,
                            .line = p->line,
                            .value = value,
                            .settings = p->settings,
                            .field = (char *)p->settings + row->offset,
                            .place = place,
                            .complaint = &p->complaint };

    snprintf(place, sizeof(place), "%s:%zu", p->name, p->line);
    return row->kind->set(&a);
}

static int assign_key(struct parser *p, struct slice key, struct slice value)
{
    const struct setting *row = table_find(key);
    struct setting_said *said;
    const char *instead = table_retired(&key, value);

    if (!row || instead) {
        if (!instead) {
            const char *nearest = table_nearest(key);
            int len = key.len > SETTINGS_SHOWN_MAX ? SETTINGS_SHOWN_MAX
                                                   : (int)key.len;

            if (len == 0)
                return refuse_line(
                    p, "no key before the '='; expected: key = value");
            if (!nearest)
                return complain(&p->complaint, "%s:%zu: unknown key \"%.*s\"",
                                p->name, p->line, len, key.ptr);
            return complain(
                &p->complaint,
                "%s:%zu: unknown key \"%.*s\"; did you mean \"%s\"?", p->name,
                p->line, len, key.ptr, nearest);
        }
        complain(&p->complaint,
                 "%s:%zu: there is no setting %.*s any more; %sremove this "
                 "line",
                 p->name, p->line, (int)key.len, key.ptr, instead);
        if (!p->report)
            return -EINVAL;
        /* The line misses nothing, so --check goes on to the users file. */
        conf_mistake(p->complaint.text, p->report, &p->settings->retired);
        p->complaint.text[0] = '\0';
        return 0;
    }
    if (row->keyed) {
        size_t prefix = strlen(row->key);

        return assign_value(
            p, row, (struct slice){ key.ptr + prefix, key.len - prefix },
            value);
    }
    said = &p->settings->said[row - setting_table];
    if (said->line != 0)
        return complain(&p->complaint,
                        "%s:%zu: %s is in line %zu already; keep one", p->name,
                        p->line, row->key, said->line);
    said->line = p->line;
    snprintf(said->value, sizeof(said->value), "%.*s", (int)value.len,
             value.ptr);
    return assign_value(p, row, SLICE(""), value);
}

static int parse_line(struct parser *p, struct slice line)
{
    struct slice text = slice_trim(line), key;

    if (text.len == 0 || text.ptr[0] == '#' || text.ptr[0] == ';')
        return 0;
    if (check_line(p, line))
        return -EINVAL;
    slice_cut(&line, '=', &key);
    for (size_t i = 1; i < line.len; i++) /* cut off the comment */
        if (line.ptr[i] == ';' &&
            (line.ptr[i - 1] == ' ' || line.ptr[i - 1] == '\t'))
            line.len = i;
    return assign_key(p, slice_trim(key), slice_trim(line));
}

void conf_default(struct settings *s)
{
    struct parser p = { .settings = s, .name = "default" };

    memset(s, 0, sizeof(*s));
    snprintf(s->file, sizeof(s->file), "%s", p.name);
    s->said_count = setting_count;
    for (size_t i = 0; i < setting_count; i++) {
        const struct setting *row = &setting_table[i];
        struct slice value = slice_from(row->value);

        slice_copy(slice_from(row->key), s->said[i].key, SETTINGS_KEY_MAX);
        slice_copy(value, s->said[i].value, SETTINGS_PATH_MAX);
        if (!row->keyed && assign_value(&p, row, SLICE(""), value))
            die(EX_SOFTWARE, "%s", p.complaint.text);
    }
}

/* Returns true if the line was perhaps meant to set `users`: a command that
 * ignored such a line would read the wrong users file. */
static bool is_vital(struct slice line)
{
    struct slice key;
    const char *nearest;

    slice_cut(&line, '=', &key);
    key = slice_trim(key);
    slice_cut(&key, ' ', &line);
    nearest = table_nearest(line);
    return slice_equal(line, SLICE("users")) ||
           (nearest && strcmp(nearest, "users") == 0);
}

/* Fills p->settings. Returns 0, or -EINVAL after the last mistake. */
static int parse_text(struct parser *p, struct slice text, conf_report *report,
                      struct complaint *c)
{
    const size_t mark = slice_starts(text, SLICE("\xef\xbb\xbf")) ? 3 : 0;
    struct slice rest = { text.ptr + mark, text.len - mark }, line;
    int r = 0;

    while (slice_cut(&rest, '\n', &line)) {
        p->line++;
        if (line.len > 0 && line.ptr[line.len - 1] == '\r')
            line.len--;
        if (parse_line(p, line) == 0)
            continue;
        if (!p->partly)
            r = conf_mistake(p->complaint.text, report, c);
        else if (is_vital(line))
            r = conf_mistake(p->complaint.text, NULL, c);
        else
            report(p->complaint.text);
        p->complaint.text[0] = '\0';
    }
    return r;
}

static int parse_all(struct settings *s, struct slice text, const char *name,
                     bool partly, conf_report *report, struct complaint *c)
{
    struct settings read;
    struct parser p = {
        .settings = &read, .name = name, .partly = partly, .report = report
    };

    conf_default(&read);
    snprintf(read.file, sizeof(read.file), "%s", name);
    /* After a mistake in a line, don't check combinations: the setting of that
     * line keeps its default, which isn't to blame. */
    if (parse_text(&p, text, report, c) ||
        (!partly && conf_check(&read, report, c)))
        return -EINVAL;
    *s = read;
    return 0;
}

int conf_parse(struct settings *s, struct slice text, const char *name,
               conf_report *report, struct complaint *c)
{
    return parse_all(s, text, name, false, report, c);
}

static int read_all(struct settings *s, int fd, const char *path, bool partly,
                    conf_report *report, struct complaint *c)
{
    struct buf text;
    int r;

    settings_commands(path);
    buf_init(&text, SETTINGS_TEXT_MAX);
    r = fd_read_file(fd, &text);
    if (r == -EFBIG) {
        r = complain(c, "%s: larger than %u bytes", path, SETTINGS_TEXT_MAX);
    } else if (r < 0) {
        complain(c, "%s: %s", path, strerror(-r));
        r = -EIO;
    }
    if (r == 0)
        r = parse_all(s, buf_slice(&text), path, partly, report, c);
    else
        conf_mistake(c->text, report, c);
    buf_release(&text);
    return r;
}

int conf_read(struct settings *s, int fd, const char *path, conf_report *report,
              struct complaint *c)
{
    return read_all(s, fd, path, false, report, c);
}

int conf_load(struct settings *s, const char *path, conf_report *report,
              struct complaint *c)
{
    int fd FD_CLEANUP = settings_open(path, c);

    return fd < 0 ? fd : read_all(s, fd, path, report != NULL, report, c);
}
