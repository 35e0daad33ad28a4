/* Rules of what is said of files: size, time, mode, listings over the control
 * connection, checksums. */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "rules.h"

static struct node *folder_at(struct model *m, const char *path)
{
    struct node *n = tree_find(&m->tree, path);

    return n && n->folder ? n : NULL;
}

static void say_size(struct expected *e, size_t size)
{
    expect(e, 213);
    snprintf(e->says, sizeof(e->says), "213 %zu", size);
}

/* A partial tells where to go on, and that it did is remembered. */
void rule_size(struct model *m, const struct call *c, struct expected *e)
{
    const struct node *n = tree_find(&m->tree, c->path);
    const struct node *folder = tree_parent(&m->tree, c->path);
    const struct leftover *l = left_find(&m->tree, c->path);
    size_t tells =
        l && !n && folder && folder->mode & TREE_ENTER ? left_tells(l) : 0;

    expect(e, 550);
    if (n && !n->folder)
        say_size(e, n->len);
    else if (tells > 0)
        say_size(e, tells);
    if (folder)
        told_put(m, c->path, tells, tells > 0 ? l->version : 0);
}

void rule_mlst(struct model *m, const struct call *c, struct expected *e)
{
    expect(e, tree_find(&m->tree, c->path) ? 250 : 550);
    if (e->code[0] == 250)
        snprintf(e->says, sizeof(e->says), " %s\n", c->path);
}

void rule_stat(struct model *m, const struct call *c, struct expected *e)
{
    if (c->argument.len == 0)
        expect(e, 211);
    else
        expect(e, tree_find(&m->tree, c->path) ? 213 : 550);
}

void rule_avbl(struct model *m, const struct call *c, struct expected *e)
{
    expect(e, folder_at(m, c->path) ? 213 : 550);
}

enum form { NO_TIME, NO_SUCH_TIME, A_TIME };

/* LEN digits, and behind 14 a fraction is allowed; only what a calendar has. */
static enum form parse_time(struct slice text, size_t len, long *ret)
{
    static const char form[] = "%4d%2d%2d%2d%2d%2d";
    struct tm tm = { 0 }, back;
    char digits[16] = "";
    struct slice whole, rest = text;
    time_t t;

    slice_cut(&rest, '.', &whole);
    if (whole.len != len || (rest.ptr && (len != 14 || rest.len == 0)))
        return NO_TIME;
    for (size_t i = 0; i < text.len; i++)
        if (!strchr("0123456789", text.ptr[i]) && i != whole.len)
            return NO_TIME;
    memcpy(digits, whole.ptr, len);
    sscanf(digits, form, &tm.tm_year, &tm.tm_mon, &tm.tm_mday, &tm.tm_hour,
           &tm.tm_min, &tm.tm_sec);
    tm.tm_year -= 1900;
    tm.tm_mon -= 1;
    back = tm;
    t = timegm(&back);
    *ret = t;
    return tm.tm_year >= 70 && back.tm_mon == tm.tm_mon &&
                   back.tm_mday == tm.tm_mday && back.tm_hour == tm.tm_hour &&
                   back.tm_min == tm.tm_min && back.tm_sec == tm.tm_sec
               ? A_TIME
               : NO_SUCH_TIME;
}

static enum form time_and_path(struct slice argument, size_t len, long *when,
                               struct slice *path)
{
    *path = argument;
    struct slice word = model_word(path);

    return path->len == 0 ? NO_TIME : parse_time(word, len, when);
}

static bool last_word(struct slice *rest, struct slice *word)
{
    size_t at = rest->len;

    while (at > 0 && rest->ptr[at - 1] != ' ')
        at--;
    *word = (struct slice){ rest->ptr + at, rest->len - at };
    rest->len = at > 0 ? at - 1 : 0;
    return at > 0;
}

/* "path atime mtime ctime UTC" */
static enum form path_and_times(struct slice argument, long *when,
                                struct slice *path)
{
    enum form form = A_TIME, one;
    struct slice word;
    long unused;

    *path = argument;
    if (!last_word(path, &word) || !slice_equal_nocase(word, slice_from("UTC")))
        return NO_TIME;
    for (int i = 0; i < 3; i++) {
        if (!last_word(path, &word))
            return NO_TIME;
        one = parse_time(word, 14, i == 1 ? when : &unused);
        if (form == A_TIME)
            form = one;
    }
    return path->len == 0 ? NO_TIME : form;
}

static void set_time(struct model *m, enum form form, long when,
                     struct slice path, short code, struct expected *e)
{
    char full[TREE_PATH_MAX + 1];
    struct node *n;

    if (form != A_TIME) {
        expect(e, 501);
    } else if (!model_path(m->cwd, path, full)) {
        expect(e, 553);
    } else if (!(n = tree_find(&m->tree, full))) {
        expect(e, 550);
    } else {
        expect(e, code);
        n->modified = when;
    }
}

void rule_mfmt(struct model *m, const struct call *c, struct expected *e)
{
    struct slice path;
    long when = 0;
    enum form form = time_and_path(c->argument, 14, &when, &path);

    set_time(m, form, when, path, 213, e);
}

/* Does the first part of the argument stay in the path? Not in "x/../b". */
static bool keeps_first(const struct model *m, struct slice argument,
                        const char *full)
{
    char head[TREE_PATH_MAX + 1];
    struct slice first;

    slice_cut(&argument, '/', &first);
    return first.len > 0 && model_path(m->cwd, first, head) &&
           (strcmp(full, head) == 0 || tree_beneath(full, head));
}

static void say_time(const struct node *n, struct expected *e)
{
    time_t t;

    expect(e, n && !n->folder ? 213 : 550);
    if (e->code[0] != 213 || n->modified == TREE_UNKNOWN)
        return;
    t = n->modified;
    strftime(e->says, sizeof(e->says), "213 %Y%m%d%H%M%S", gmtime(&t));
}

/* A file may be called "20200101000000 a"; only if none is, a time is meant. */
void rule_mdtm(struct model *m, const struct call *c, struct expected *e)
{
    char full[TREE_PATH_MAX + 1];
    struct slice path;
    long when = 0;
    enum form form = time_and_path(c->argument, 14, &when, &path);
    bool named = model_path(m->cwd, c->argument, full) &&
                 (form == NO_TIME || keeps_first(m, c->argument, full));

    if (named && (form == NO_TIME || tree_find(&m->tree, full)))
        say_time(tree_find(&m->tree, full), e);
    else if (form == NO_TIME)
        expect(e, 553);
    else
        set_time(m, form, when, path, 213, e);
}

static void site_utime(struct model *m, struct slice argument,
                       struct expected *e)
{
    struct slice path;
    long when = 0;
    enum form form = path_and_times(argument, &when, &path);

    if (form == NO_TIME)
        form = time_and_path(argument, 12, &when, &path);
    if (form == NO_TIME)
        form = time_and_path(argument, 14, &when, &path);
    set_time(m, form, when, path, 200, e);
}

/* Three or four octal digits; its owner must be able to read it. */
static void site_chmod(struct model *m, struct slice argument,
                       struct expected *e)
{
    struct slice rest = argument, mode = model_word(&rest);
    char full[TREE_PATH_MAX + 1];
    struct node *n = NULL;
    unsigned bits = 0;
    bool octal = mode.len > 0 && mode.len <= 4;

    for (size_t i = 0; octal && i < mode.len; i++) {
        octal = strchr("01234567", mode.ptr[i]) != NULL;
        bits = 8 * bits + (unsigned)(mode.ptr[i] - '0');
    }
    if (octal && (bits < 0400 || bits > 0777))
        expect(e, 504);
    else if (!octal || rest.len == 0)
        expect(e, 501);
    else if (!model_path(m->cwd, rest, full))
        expect(e, 553);
    else if (!(n = tree_find(&m->tree, full)) || full[1] == '\0')
        expect(e, 550);
    else
        expect(e, 200);
    if (e->code[0] == 200)
        n->mode = bits >> 6;
}

void rule_site(struct model *m, const struct call *c, struct expected *e)
{
    struct slice rest = c->argument, word = model_word(&rest);

    expect(e, 500);
    if (slice_equal_nocase(word, slice_from("HELP")))
        expect(e, rest.len == 0 ? 214 : 501);
    else if (slice_equal_nocase(word, slice_from("CHMOD")))
        site_chmod(m, rest, e);
    else if (slice_equal_nocase(word, slice_from("UTIME")))
        site_utime(m, rest, e);
}
