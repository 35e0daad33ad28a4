/* Makes the checks that each command needs before its own rule. */
#include "model.h"

#include <ctype.h>

#include "support/fail.h"
#include "support/test.h"

#define LINE_LONGEST 8192
#define RESERVED     ".sallyport-"
#define URGENT       "\xff\xf4\xff\xf2"

void model_init(struct model *m, const char *user)
{
    *m = (struct model){ .user = user, .ended = true };
    tree_init(&m->tree);
}

static void forget_told(struct model *m)
{
    while (m->tolds > 0)
        free(m->told[--m->tolds].path);
}

void model_connect(struct model *m)
{
    m->stage = PLAIN;
    m->ended = m->begun = m->spoken = false;
    m->unknown = m->wrong = 0;
    m->name_is_right = m->only_epsv = false;
    m->has_pbsz = m->protected = false;
    m->port = m->sha512 = false;
    strcpy(m->cwd, "/");
    m->from[0] = '\0';
    m->rest = m->until = m->announced = 0;
    forget_told(m);
}

void model_log_in(struct model *m)
{
    model_connect(m);
    m->begun = m->spoken = m->has_pbsz = m->protected = m->image = true;
    m->stage = LOGGED_IN;
}

void expect(struct expected *e, short code)
{
    *e = (struct expected){ .code = { code } };
}

void expect_either(struct expected *e, short code, short other)
{
    *e = (struct expected){ .code = { code, other } };
}

static bool add_component(char *path, struct slice one)
{
    size_t len = strlen(path), slash = len > 1;

    if (one.len > 255 || len + slash + one.len > TREE_PATH_MAX)
        return false;
    if (slash)
        path[len++] = '/';
    memcpy(path + len, one.ptr, one.len);
    path[len + one.len] = '\0';
    return true;
}

static void drop_component(char *path)
{
    char *slash = strrchr(path, '/');

    slash[slash == path ? 1 : 0] = '\0';
}

bool model_path(const char *cwd, struct slice argument, char *ret)
{
    struct slice one;

    snprintf(ret, TREE_PATH_MAX + 1, "%s", argument.ptr[0] == '/' ? "/" : cwd);
    while (slice_cut(&argument, '/', &one))
        if (slice_equal(one, slice_from("..")))
            drop_component(ret);
        else if (one.len > 0 && !slice_equal(one, slice_from(".")) &&
                 !add_component(ret, one))
            return false;
    return true;
}

/* Follows the kernel: "a/" and "a/." exist only if a is a directory. */
bool model_is_folders(struct slice argument)
{
    struct slice one = slice_from("");

    while (slice_cut(&argument, '/', &one))
        continue;
    return one.len == 0 || slice_equal(one, slice_from(".")) ||
           slice_equal(one, slice_from(".."));
}

struct node *model_find(struct model *m, struct slice argument,
                        const char *path)
{
    struct node *n = tree_find(&m->tree, path);

    /* If there is no argument, PATH is the working directory, and a file can
     * have its name by now. */
    return n && !n->folder && argument.len > 0 && model_is_folders(argument)
               ? NULL
               : n;
}

static bool is_reserved(const char *name)
{
    return strncmp(name, RESERVED, strlen(RESERVED)) == 0;
}

bool model_is_bad_name(const char *path)
{
    const char *name = tree_name(path);

    for (const char *c = name; *c; c++)
        if ((unsigned char)*c < 0x20 || *c == 0x7f)
            return true;
    return is_reserved(name);
}

/* The contents of a directory that can't be entered are unknown. The server
 * doesn't look a reserved name up, so then the directory need only be
 * readable. */
struct node *model_pattern(struct model *m, const struct call *c)
{
    struct node *parent = tree_parent(&m->tree, c->path);
    const char *name = tree_name(c->path);

    if (tree_find(&m->tree, c->path) || model_is_folders(c->argument) ||
        !strpbrk(name, "*?["))
        return NULL;
    return parent && parent->mode & (is_reserved(name) ? TREE_READ : TREE_ENTER)
               ? parent
               : NULL;
}

bool model_number(struct slice text, uint64_t max, uint64_t *ret)
{
    char digits[64] = "";

    for (size_t i = 0; i < text.len; i++)
        if (text.ptr[i] < '0' || text.ptr[i] > '9')
            return false;
    if (text.len == 0 || slice_copy(text, digits, sizeof(digits)) < 0)
        return false;
    errno = 0;
    *ret = strtoull(digits, NULL, 10);
    return errno == 0 && *ret <= max;
}

struct slice model_word(struct slice *rest)
{
    struct slice word;

    slice_cut(rest, ' ', &word);
    if (!rest->ptr)
        *rest = slice_from("");
    return word;
}

const struct rule *rule_find(struct slice verb)
{
    for (size_t i = 0; i < rule_count; i++)
        if (slice_equal_nocase(verb, slice_from(rules[i].verb)))
            return &rules[i];
    return NULL;
}

/* A session may begin with a letter, a CR, or a telnet command. */
static bool may_begin(struct slice line)
{
    return line.len == 0 || isalpha((unsigned char)line.ptr[0]) ||
           line.ptr[0] == '\r' || line.ptr[0] == '\xff';
}

/* Expects a 500. The session ends if OTHER (the line is the first one, and
 * belongs to another protocol), or at the third unknown command before the
 * login. */
static void not_a_command(struct model *m, bool other, struct expected *e)
{
    expect(e, 500);
    e->ends = other || (m->stage != LOGGED_IN && ++m->unknown == 3);
}

/* Removes a word like "-la" before LIST's path. Such words are options of
 * ls. */
static struct slice without_options(struct slice argument)
{
    struct slice rest = argument, word = model_word(&rest);

    if (!slice_starts(word, slice_from("-")) || word.len < 2)
        return argument;
    for (size_t i = 1; i < word.len; i++)
        if (!isalpha((unsigned char)word.ptr[i]) && word.ptr[i] != '1')
            return argument;
    return rest;
}

/* Is the command permitted at this stage, for example before the login or
 * before TLS? */
static bool stage_permits(const struct model *m, const struct rule *r,
                          struct expected *e)
{
    if (r->stage > m->stage && r->stage == NAMED && m->stage == SECURED) {
        expect(e, 503);
    } else if (r->stage > m->stage) {
        bool ends = m->stage == PLAIN && r->flags & IS_SECRET;

        expect(e, 530);
        e->ends = ends;
    }
    return r->stage <= m->stage;
}

static bool row_permits(const struct model *m, struct call *c,
                        struct expected *e)
{
    const struct rule *r = c->rule;
    short code = 0;

    if (r->refused)
        code = r->refused;
    else if (r->wants == SOMETHING && c->argument.len == 0)
        code = 501;
    else if (r->wants == NOTHING_AT_ALL && c->argument.len > 0)
        code = 501;
    else if (r->flags & NEEDS_P && !m->protected)
        code = 521;
    if (r->flags & HAS_OPTIONS) {
        bool given = c->argument.len > 0;

        c->argument = without_options(c->argument);
        if (given && c->argument.len == 0 && strcmp(r->verb, "STAT") == 0)
            c->argument = slice_from(".");
    }
    strcpy(c->path, m->cwd);
    if (code == 0 && r->flags & IS_FILE && c->argument.len > 0 &&
        model_is_folders(c->argument))
        code = 550;
    if (code == 0 && r->flags & IS_PATH && c->argument.len > 0 &&
        !model_path(m->cwd, c->argument, c->path))
        code = 553;
    expect(e, code);
    return code == 0;
}

/* Permits 553 instead of 550 for a path near the limit, since such a path can
 * be too long for the kernel. */
static void allow_too_long(const struct call *c, struct expected *e)
{
    if (e->code[0] == 550 && c->argument.len > TREE_PATH_MAX - 8)
        expect_either(e, 550, 553);
}

static void run(struct model *m, struct call *c, struct expected *e)
{
    if (!(c->rule->flags & KEEPS_FROM))
        m->from[0] = '\0';
    if (stage_permits(m, c->rule, e) && row_permits(m, c, e)) {
        expect(e, c->rule->code);
        if (c->rule->fn)
            c->rule->fn(m, c, e);
        allow_too_long(c, e);
    }
    if (!(c->rule->flags & KEEPS_REST))
        m->rest = m->until = 0;
    if (c->rule->flags & NEEDS_P)
        m->announced = 0;
}

static bool is_bad(struct slice line)
{
    return slice_has(line, '\0') || slice_has(line, '\r') ||
           slice_has(line, '\n');
}

void model_line(struct model *m, struct slice line, struct expected *e)
{
    bool begins = !m->begun, first = !m->spoken;
    struct slice rest = line, verb;
    size_t len = line.len;
    struct call c;

    if (slice_starts(rest, slice_from(URGENT)))
        rest = (struct slice){ rest.ptr + 4, rest.len - 4 };
    if (m->stage < SECURED) /* telnet's commands don't count */
        len = rest.len;
    m->begun = true;
    if (begins && !may_begin(line)) {
        expect(e, 500);
        e->ends = true;
    } else if (is_bad(rest) || len > LINE_LONGEST) {
        expect(e, 500);
        e->ends = len > LINE_LONGEST;
    } else {
        m->spoken = true;
        verb = model_word(&rest);
        c.rule = rule_find(verb);
        c.argument = rest;
        if (c.rule)
            run(m, &c, e);
        else
            not_a_command(m, first && len > 0, e);
    }
    m->ended |= e->ends;
}

static struct told *find_told(const struct model *m, const char *path)
{
    for (size_t i = 0; i < m->tolds; i++)
        if (strcmp(m->told[i].path, path) == 0)
            return (struct told *)&m->told[i];
    return NULL;
}

const struct told *told_find(const struct model *m, const char *path)
{
    return find_told(m, path);
}

void told_put(struct model *m, const char *path, size_t length,
              unsigned version, unsigned file)
{
    struct told *t = find_told(m, path);

    if (!t && length == 0 && file == 0)
        return;
    if (!t) {
        FAIL_IF(m->tolds == TREE_MAX, "too much was told");
        t = &m->told[m->tolds++];
        t->path = strdup(path);
        FAIL_IF(!t->path, "no memory");
    }
    t->length = length;
    t->version = version;
    t->file = file;
}
