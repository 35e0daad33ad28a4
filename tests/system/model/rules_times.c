/* Rules of times and modes: MDTM, MFMT, SITE CHMOD. */
#include "rules.h"
#include "support/test.h"

enum form { NO_TIME, NO_SUCH_TIME, A_TIME };

/* Parses 14 digits, perhaps with a fraction. A time before 1970, or one that
 * the calendar doesn't have, is NO_SUCH_TIME. */
static enum form parse_time(struct slice text, long *ret)
{
    static const char form[] = "%4d%2d%2d%2d%2d%2d";
    struct tm tm = { 0 }, back;
    char digits[16] = "";
    struct slice whole, rest = text;
    time_t t;

    slice_cut(&rest, '.', &whole);
    if (whole.len != 14 || (rest.ptr && rest.len == 0))
        return NO_TIME;
    for (size_t i = 0; i < text.len; i++)
        if (!strchr("0123456789", text.ptr[i]) && i != whole.len)
            return NO_TIME;
    memcpy(digits, whole.ptr, 14);
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

static enum form time_and_path(struct slice argument, long *when,
                               struct slice *path)
{
    *path = argument;
    struct slice word = model_word(path);

    return path->len == 0 ? NO_TIME : parse_time(word, when);
}

static void set_time(struct model *m, enum form form, long when,
                     struct slice path, struct expected *e)
{
    char full[TREE_PATH_MAX + 1];
    struct node *n;

    if (form != A_TIME) {
        expect(e, 501);
    } else if (!model_path(m->cwd, path, full)) {
        expect(e, 553);
    } else if (!(n = model_find(m, path, full))) {
        expect(e, 550);
    } else {
        expect(e, 213);
        n->modified = when;
    }
}

void rule_mfmt(struct model *m, const struct call *c, struct expected *e)
{
    struct slice path;
    long when = 0;
    enum form form = time_and_path(c->argument, &when, &path);

    set_time(m, form, when, path, e);
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

void rule_mdtm(struct model *m, const struct call *c, struct expected *e)
{
    say_time(model_find(m, c->argument, c->path), e);
}

enum mode { NO_MODE, NO_SUCH_MODE, A_MODE };

/* Parses one to four octal digits. A mode above 0777, or with which the owner
 * couldn't read the file, is NO_SUCH_MODE. */
static enum mode parse_mode(struct slice text, unsigned *ret)
{
    unsigned bits = 0;

    if (text.len == 0 || text.len > 4)
        return NO_MODE;
    for (size_t i = 0; i < text.len; i++) {
        if (!strchr("01234567", text.ptr[i]))
            return NO_MODE;
        bits = 8 * bits + (unsigned)(text.ptr[i] - '0');
    }
    *ret = bits >> 6;
    return bits < 0400 || bits > 0777 ? NO_SUCH_MODE : A_MODE;
}

/* Sets the mode. The owner keeps the rights that retention and the next login
 * need. */
static void site_chmod(struct model *m, struct slice argument,
                       struct expected *e)
{
    struct slice rest = argument;
    unsigned bits = 0;
    enum mode mode = parse_mode(model_word(&rest), &bits);
    char full[TREE_PATH_MAX + 1];
    struct node *n = NULL;

    if (mode == NO_SUCH_MODE)
        expect(e, 504);
    else if (mode == NO_MODE || rest.len == 0)
        expect(e, 501);
    else if (!model_path(m->cwd, rest, full))
        expect(e, 553);
    else if (!(n = model_find(m, rest, full)) || full[1] == '\0')
        expect(e, 550);
    else
        expect(e, 200);
    if (e->code[0] == 200)
        n->mode = bits |
                  (n->folder ? TREE_READ | TREE_WRITE | TREE_ENTER : TREE_READ);
}

static void site_quota(struct model *m, struct slice path, struct expected *e)
{
    char full[TREE_PATH_MAX + 1];
    const struct node *n;

    if (path.len > 0 && !model_path(m->cwd, path, full)) {
        expect(e, 553);
        return;
    }
    n = tree_find(&m->tree, path.len > 0 ? full : m->cwd);
    expect(e, n && n->folder ? 200 : 550);
}

void rule_site(struct model *m, const struct call *c, struct expected *e)
{
    struct slice rest = c->argument, word = model_word(&rest);

    expect(e, 500);
    if (slice_equal_nocase(word, slice_from("HELP")))
        expect(e, rest.len == 0 ? 214 : 501);
    else if (slice_equal_nocase(word, slice_from("QUOTA")))
        site_quota(m, rest, e);
    else if (slice_equal_nocase(word, slice_from("PSWD")))
        expect(e, 501); /* make_site() sends too few or too many words */
    else if (slice_equal_nocase(word, slice_from("CHMOD")))
        site_chmod(m, rest, e);
}
