/* Plays files of cases: commands, and their expected output. */
#include "cases.h"

#include <ctype.h>

#include "sallyport/base/buf.h"

#include "ctl/ctl.h"
#include "plain.h"
#include "played.h"
#include "support/fail.h"
#include "support/files.h"
#include "support/pattern.h"
#include "support/run.h"
#include "world.h"

#define TEXT_MAX      (1 << 20)
#define LINES_MAX     4096
#define CASE_LINE_MAX 32768

#define AS_CTL "UNIT_CTL_IS_SALLYPORTCTL"

/* This program itself is the sallyportctl of the cases: it has the code under
 * test, and hashes that take little work. */
__attribute__((constructor)) static void become_ctl(int argc, char **argv)
{
    if (!getenv(AS_CTL))
        return;
    played_files(getenv("FILES"));
    ctl_run(argc, argv);
}

struct lines {
    char *line[LINES_MAX];
    size_t count;
};

struct play {
    const char *path;
    struct lines text;
    size_t at;    /* the line that is played */
    bool skips;   /* it skips the rest of the case */
    bool repeats; /* it plays the lines that begin each case */
    bool rewrites;
    struct buf new; /* the rewritten file */
};

/* Cuts TEXT at the ends of its lines. */
static void split(char *text, struct lines *into)
{
    char *line;

    into->count = 0;
    while ((line = strsep(&text, "\n")) && (text || *line)) {
        FAIL_IF(into->count == LINES_MAX, "too many lines");
        into->line[into->count++] = line;
    }
}

static void replace_all(const char *text, const char *from, const char *to,
                        char out[CASE_LINE_MAX])
{
    const size_t skip = strlen(from);
    size_t len = 0;

    while (*text) {
        const bool found = strncmp(text, from, skip) == 0;
        const char *part = found ? to : text;
        const size_t n = found ? strlen(to) : 1;

        FAIL_IF(len + n >= CASE_LINE_MAX, "a line is too long");
        memcpy(out + len, part, n);
        len += n;
        text += found ? skip : 1;
    }
    out[len] = '\0';
}

static void fill(const char *text, char out[CASE_LINE_MAX])
{
    replace_all(text, "{dir}", scratch, out);
}

static void keep(struct play *p, const char *line)
{
    char text[CASE_LINE_MAX];

    if (p->repeats)
        return;
    replace_all(line, scratch, "{dir}", text);
    FAIL_IF(buf_add_format(&p->new, "%s\n", text), "too much output");
}

/* Returns the text after WORD, or NULL if LINE doesn't begin with WORD. */
static const char *after(const char *line, const char *word)
{
    const size_t n = strlen(word);

    if (strncmp(line, word, n) != 0)
        return NULL;
    if (line[n] == ' ')
        return line + n + 1;
    return line[n] ? NULL : line + n;
}

static const char *next_line(const struct play *p)
{
    return p->at < p->text.count ? p->text.line[p->at] : "";
}

/* Adds the text of the "<" lines that follow to GIVEN, as a string. */
static void take_given(struct play *p, struct buf *given)
{
    const char *line;

    for (; (line = after(next_line(p), "<")); p->at++) {
        char text[CASE_LINE_MAX];

        fill(line, text);
        buf_add_format(given, "%s\n", text);
    }
    FAIL_IF(buf_add(given, "", 1), "too much input");
}

/* Adds each line of the output, with PREFIX before it. */
static void add_output(struct buf *got, const char *prefix, const char *text,
                       size_t len)
{
    bool begins = true;

    for (size_t i = 0; i < len; i++) {
        const unsigned char c = (unsigned char)text[i];
        const bool at_end = i + 1 == len || text[i + 1] == '\n';

        if (begins)
            buf_add_format(got, c == '\n' ? "%s" : "%s ", prefix);
        begins = c == '\n';
        if ((iscntrl(c) && c != '\n') || (c == ' ' && at_end))
            buf_add_format(got, "<0x%02x>", c);
        else
            buf_add(got, &c, 1);
    }
    if (!begins)
        buf_add_text(got, "{no end of line}\n");
}

/* Runs the line in a shell. Returns its exit status. */
static int run_shell(const char *line, const char *input, struct buf *out,
                     struct buf *err)
{
    static const char begin[] =
        "exec 2>\"$ERRORS\"\n"
        "alias sallyportctl='\"$CTL\" --config \"$PWD/conf\"'\n"
        "flat() { paste -sd '\\0' | tr -s ' '; }\n"
        "import() { f=$1; shift; awk -f \"$IMPORT/$f\" -- \"$@\"; "
        "}\n";
    const char *errors = getenv("ERRORS");
    char script[CASE_LINE_MAX + sizeof(begin)];
    struct run_result r;

    snprintf(script, sizeof(script), "%s%s", begin, line);
    run(&r, input, "/bin/sh", "-c", script, NULL);
    files_read(errors, err);
    unlink(errors);
    buf_add(out, r.text, r.len);
    run_release(&r);
    return r.status;
}

/* Is the line AT a line of output? */
static bool is_output(const struct play *p, size_t at)
{
    const char *line = at < p->text.count ? p->text.line[at] : "";

    return after(line, ">") || after(line, "2>") || after(line, "?");
}

/* If the output has a request, adds what the played processes were asked. A
 * drain asks again and again what is left: that is one line. */
static void add_asked(const struct play *p, struct buf *got)
{
    struct slice rest, line, last = { NULL, 0 };
    struct buf asked;

    buf_init(&asked, TEXT_MAX);
    for (size_t at = p->at; is_output(p, at); at++)
        if (*p->text.line[at] == '?')
            files_read(getenv("ASKED"), &asked);
    unlink(getenv("ASKED"));
    rest = buf_slice(&asked);
    while (rest.len > 0 && slice_cut(&rest, '\n', &line)) {
        if (!slice_equal(line, SLICE("drain")) || !slice_equal(line, last))
            add_output(got, "?", line.ptr, line.len + 1);
        last = line;
    }
    buf_release(&asked);
}

/* Runs the line. Adds its output to GOT, and returns its exit status. */
static int run_line(const char *line, const char *input, struct buf *got)
{
    char filled[CASE_LINE_MAX];
    struct buf out, err;
    int status;

    fill(line, filled);
    buf_init(&out, TEXT_MAX);
    buf_init(&err, TEXT_MAX);
    if (!plain_run(filled, input, &out, &err, &status))
        status = run_shell(filled, input, &out, &err);
    add_output(got, ">", out.data, out.len);
    add_output(got, "2>", err.data, err.len);
    buf_release(&out);
    buf_release(&err);
    return status;
}

/* Plays the command in line FIRST with the input below it. SHOULD gets the
 * lines that the file should have. */
static void play_lines(struct play *p, size_t first, struct buf *should)
{
    const char *const line = p->text.line[first];
    const char *const command = line + strcspn(line, " ") + 1;
    struct buf given, output;
    int status;

    buf_init(&given, TEXT_MAX);
    buf_init(&output, 4 * TEXT_MAX);
    take_given(p, &given);
    status = run_line(command, given.data, &output);
    add_asked(p, &output);
    buf_add(should, line, 1);
    if (status != 0)
        buf_add_format(should, "%d", status);
    buf_add_format(should, " %s\n", command);
    for (size_t i = first + 1; i < p->at; i++)
        buf_add_format(should, "%s\n", p->text.line[i]);
    if (*line == '$' || status != 0)
        buf_add(should, output.data, output.len);
    FAIL_IF(buf_add(should, "", 1), "too much output");
    buf_release(&given);
    buf_release(&output);
}

static bool fits(const char *expected, const char *got)
{
    char filled[CASE_LINE_MAX];

    fill(expected, filled);
    return strcmp(expected, got) == 0 || strcmp(filled, got) == 0 ||
           pattern_matches(slice_from(filled), slice_from(got), NULL);
}

/* Counts the lines that fit at the beginning (*FIRST) and at the end (*LAST);
 * the lines between differ. Returns true if no lines differ. */
static bool compare(const struct lines *e, const struct lines *g, size_t *first,
                    size_t *last)
{
    const size_t least = e->count < g->count ? e->count : g->count;

    *first = *last = 0;
    while (*first < least && fits(e->line[*first], g->line[*first]))
        ++*first;
    while (*first + *last < least &&
           fits(e->line[e->count - *last - 1], g->line[g->count - *last - 1]))
        ++*last;
    return e->count == g->count && *first + *last == e->count;
}

/* Keeps the expected lines that fit, since they may be patterns, and the output
 * between them. */
static void keep_output(struct play *p, const struct lines *e,
                        const struct lines *g, size_t first, size_t last)
{
    for (size_t i = 0; i < first; i++)
        keep(p, e->line[i]);
    for (size_t i = first; i < g->count - last; i++)
        keep(p, g->line[i]);
    for (size_t i = e->count - last; i < e->count; i++)
        keep(p, e->line[i]);
}

static void show_difference(const struct play *p, size_t at,
                            const struct lines *e, const struct lines *g,
                            size_t first, size_t last)
{
    char text[CASE_LINE_MAX];
    struct buf b;

    buf_init(&b, 4 * TEXT_MAX);
    for (size_t i = 0; i < first; i++)
        buf_add_format(&b, "  %s\n", e->line[i]);
    for (size_t i = first; i < e->count - last; i++)
        buf_add_format(&b, "- %s\n", e->line[i]);
    for (size_t i = first; i < g->count - last; i++) {
        replace_all(g->line[i], scratch, "{dir}", text);
        buf_add_format(&b, "+ %s\n", text);
    }
    for (size_t i = e->count - last; i < e->count; i++)
        buf_add_format(&b, "  %s\n", e->line[i]);
    buf_add(&b, "", 1);
    cr_expect_fail("%s:%zu:\n%s", p->path, at + 1, b.data);
    buf_release(&b);
}

static void play_command(struct play *p)
{
    static struct lines expected, lines;
    const size_t at = p->at++;
    struct buf should;
    size_t first, last;

    buf_init(&should, 5 * TEXT_MAX);
    play_lines(p, at, &should);
    split(should.data, &lines);
    while (is_output(p, p->at))
        p->at++;
    expected.count = p->at - at;
    memcpy(expected.line, &p->text.line[at],
           expected.count * sizeof(*expected.line));
    if (!compare(&expected, &lines, &first, &last) && !p->rewrites) {
        show_difference(p, at, &expected, &lines, first, last);
        p->skips = true;
    }
    keep_output(p, &expected, &lines, first, last);
    buf_release(&should);
}

static void play_file(struct play *p, const char *name)
{
    const size_t at = p->at++;
    struct buf given;

    buf_init(&given, TEXT_MAX);
    take_given(p, &given);
    file_write(name, given.data);
    for (size_t i = at; i < p->at; i++)
        keep(p, p->text.line[i]);
    buf_release(&given);
}

/* Plays the lines below SERVER or FILES. */
static void play_script(struct play *p, bool files)
{
    struct buf script;
    const char *line;

    buf_init(&script, TEXT_MAX);
    for (bool more = true; more;) {
        char text[CASE_LINE_MAX];

        keep(p, next_line(p));
        p->at++;
        line = next_line(p);
        more = after(line, "ON") || after(line, "ONCE") || after(line, "->");
        fill(more ? line : "", text);
        buf_add_format(&script, "%s\n", text);
    }
    buf_add(&script, "", 1);
    if (files)
        setenv("FILES", script.data, 1);
    else
        played_server(script.data);
    played_files(getenv("FILES"));
    buf_release(&script);
}

static void play_line(struct play *p)
{
    const char *line = next_line(p), *rest;

    if (!p->skips && (*line == '$' || *line == '%')) {
        play_command(p);
        return;
    }
    if (!p->skips && (rest = after(line, "FILE"))) {
        play_file(p, rest);
        return;
    }
    if (!p->skips && (after(line, "SERVER") || after(line, "FILES"))) {
        play_script(p, *line == 'F');
        return;
    }
    FAIL_IF(!p->skips && *line && !strchr("#=RU", *line),
            "%s:%zu: unknown line: %s", p->path, p->at + 1, line);
    if ((after(line, "ROOT") && geteuid() != 0) ||
        (after(line, "USER") && geteuid() == 0))
        p->skips = true;
    keep(p, line);
    p->at++;
}

/* Plays the lines up to the next case. Returns true if there is one. */
static bool play_part(struct play *p)
{
    while (p->at < p->text.count) {
        play_line(p);
        if (after(next_line(p), "="))
            return true;
    }
    return false;
}

/* Makes a world, and plays the first lines of the file in it. */
static void begin_case(struct play *p)
{
    const size_t at = p->at;
    char path[SCRATCH_SIZE + 16];

    world_make();
    snprintf(path, sizeof(path), "%s.errors", scratch);
    setenv("ERRORS", path, 1);
    snprintf(path, sizeof(path), "%s.asked", scratch);
    setenv("ASKED", path, 1);
    unsetenv("FILES");
    played_files(NULL);
    FAIL_IF(chdir(scratch), "chdir");
    p->skips = false;
    p->repeats = true;
    p->at = 0;
    if (at > 0 && !after(next_line(p), "="))
        play_part(p);
    p->repeats = false;
    p->at = at;
}

void cases_play(const char *path)
{
    struct play p = { .path = path, .rewrites = getenv("SALLYPORT_REWRITE") };
    char self[PATH_MAX];
    struct buf text;
    bool more;

    buf_init(&text, TEXT_MAX);
    buf_init(&p.new, TEXT_MAX);
    FAIL_IF(!files_read(path, &text) || buf_add(&text, "", 1), "%s", path);
    split(text.data, &p.text);
    FAIL_IF(!realpath("/proc/self/exe", self), "realpath");
    setenv("CTL", self, 1);
    setenv("SOURCE", in_source(""), 1);
    setenv("IMPORT", BUILD_DIR "/share/sallyport/import", 1);
    setenv(AS_CTL, "1", 1);
    setenv("LC_ALL", "C", 1);
    setenv("TZ", "UTC", 1);
    do {
        begin_case(&p);
        more = play_part(&p);
        played_end();
        FAIL_IF(chdir("/"), "chdir");
        scratch_remove();
    } while (more);
    if (p.rewrites)
        files_write(path, p.new.data, p.new.len, 0644);
    buf_release(&p.new);
    buf_release(&text);
}
