/* The normaliser: a table, the limits, and properties of random paths made from
 * parts that have broken normalisers. */
#include "sallyport/ftp/path.h"
#include "support/test.h"

#define NAME_LEN 255

static void set(struct path *p, const char *text)
{
    p->len = strlen(text);
    memcpy(p->bytes, text, p->len + 1);
}

struct row {
    const char *cwd, *arg, *expected, *why;
};

static const struct row rows[] = {
    { "/", "/", "/", "the root" },
    { "/", "a", "/a", "relative to the root" },
    { "/a/b", "c", "/a/b/c", "relative" },
    { "/a/b", "/c", "/c", "absolute" },
    { "/a/b", ".", "/a/b", "here" },
    { "/a/b", "./", "/a/b", "here with a slash" },
    { "/a/b", "..", "/a", "up" },
    { "/a/b", "../", "/a", "up with a slash" },
    { "/a/b", "../..", "/", "up to the root" },
    { "/a/b", "../../..", "/", "the root's parent is the root" },
    { "/", "..", "/", "from the root" },
    { "/", "/..", "/", "absolute" },
    { "/", "/../../../etc/passwd", "/etc/passwd", "stays inside" },
    { "/a", "b/../../../c", "/c", "up and down" },
    { "/a", "..//..//b", "/b", "doubled slashes" },
    { "/", "//a", "/a", "two in front" },
    { "/", "///", "/", "only slashes" },
    { "/", "a//b///c", "/a/b/c", "in between" },
    { "/", "a/./b/././c", "/a/b/c", "dots" },
    { "/", "a/b/", "/a/b", "at the end" },
    { "/", "a/b/.", "/a/b", "a dot at the end" },
    { "/", "a/b/..", "/a", "two dots at the end" },
    { "/", "...", "/...", "three dots are a name" },
    { "/", "..a/.b/c..", "/..a/.b/c..", "dots in names" },
    { "/", ". ", "/. ", "a dot and a blank are a name" },
    { "/", ".. /..", "/", "as here" },
    { "/", " a ", "/ a ", "blanks stay" },
    { "/", "*?[a]{b}~$HOME`x`", "/*?[a]{b}~$HOME`x`", "nothing is special" },
    { "/", "a\\..\\b", "/a\\..\\b", "no backslash separates" },
    { "/", "%2e%2e/a", "/%2e%2e/a", "nothing is decoded" },
    { "/", "\xff\xfe/\xc0\xae\xc0\xae", "/\xff\xfe/\xc0\xae\xc0\xae",
      "bytes, not UTF-8" },
    { "/", "\x01\x1b[31m\x7f", "/\x01\x1b[31m\x7f", "may exist on disk" },
    { "/", "-la", "/-la", "no options here" },
    { "/", ".sallyport-x", "/.sallyport-x", "files refuses it, not we" },
};

Test(path, rows)
{
    static struct path cwd, p;

    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        set(&cwd, rows[i].cwd);
        cr_assert_eq(path_resolve(&cwd, slice_from(rows[i].arg), &p), 0, "%s",
                     rows[i].why);
        cr_expect_str_eq(p.bytes, rows[i].expected, "%s", rows[i].why);
        cr_expect_eq(p.len, strlen(rows[i].expected));
        cr_expect(path_is_normal(path_slice(&p)), "%s", rows[i].why);
    }
}

/* A failure leaves the result alone. */
static void refuse(const char *cwd, struct slice arg, int error)
{
    static struct path from, p, before;

    set(&from, cwd);
    set(&p, "/before");
    before = p;
    cr_expect_eq(path_resolve(&from, arg, &p), error, "\"%.*s\"",
                 (int)(arg.len < 40 ? arg.len : 40), arg.ptr);
    cr_expect_eq(memcmp(&p, &before, sizeof(p)), 0);
}

Test(path, refused_bytes)
{
    refuse("/", SLICE(""), -EINVAL);
    refuse("/", (struct slice){ NULL, 0 }, -EINVAL);
    refuse("/", SLICE("\0"), -EINVAL);
    refuse("/", SLICE("a\0b"), -EINVAL);
    refuse("/", SLICE("a/..\0"), -EINVAL);
    refuse("/", SLICE("a\r"), -EINVAL);
    refuse("/", SLICE("a\nb"), -EINVAL);
}

Test(path, component_limit)
{
    static struct path root, p;
    char name[257];

    memset(name, 'n', sizeof(name));
    path_root(&root);
    cr_expect_eq(path_resolve(&root, (struct slice){ name, 255 }, &p), 0);
    cr_expect_eq(p.len, 256);
    cr_expect(path_is_normal(path_slice(&p)));
    refuse("/", (struct slice){ name, 256 }, -ENAMETOOLONG);
    name[0] = '/';
    cr_expect(path_is_normal((struct slice){ name, 256 }), "255 behind it");
    cr_expect_not(path_is_normal((struct slice){ name, 257 }));
}

/* Makes a directory of LEN bytes: names of 99, the last one shorter. */
static void make_long(struct path *p, size_t len)
{
    p->len = 0;
    while (p->len < len) {
        p->bytes[p->len] = p->len % 100 == 0 && p->len + 1 < len ? '/' : 'x';
        p->len++;
    }
    p->bytes[len] = 0;
}

Test(path, length_limit)
{
    static struct path cwd, p;

    make_long(&cwd, FTP_PATH_MAX - 2);
    cr_assert(path_is_normal(path_slice(&cwd)));
    cr_expect_eq(path_resolve(&cwd, SLICE("a"), &p), 0);
    cr_expect_eq(p.len, FTP_PATH_MAX);
    cr_expect(path_is_normal(path_slice(&p)));
    cr_expect_eq(path_resolve(&cwd, SLICE("ab"), &p), -ENAMETOOLONG);
    cr_expect_eq(p.len, FTP_PATH_MAX, "untouched");
    cr_expect_eq(path_resolve(&p, SLICE("b"), &p), -ENAMETOOLONG);
    cr_expect_eq(path_resolve(&p, SLICE(".."), &p), 0);
    cr_expect(slice_equal(path_slice(&p), path_slice(&cwd)));
}

Test(path, deep)
{
    static struct path p;
    static char down[FTP_PATH_MAX + 1], up[3 * FTP_PATH_MAX];

    path_root(&p);
    for (size_t i = 0; i < FTP_PATH_MAX; i += 2)
        memcpy(down + i, "/a", 2);
    cr_assert_eq(path_resolve(&p, (struct slice){ down, FTP_PATH_MAX }, &p), 0);
    cr_expect_eq(p.len, FTP_PATH_MAX);
    for (size_t i = 0; i < sizeof(up); i += 3)
        memcpy(up + i, "../", 3);
    cr_assert_eq(path_resolve(&p, (struct slice){ up, 3 * 2047 }, &p), 0);
    cr_expect_str_eq(p.bytes, "/a", "2048 down, 2047 up");
    cr_assert_eq(path_resolve(&p, (struct slice){ up, sizeof(up) }, &p), 0);
    cr_expect_str_eq(p.bytes, "/");
}

static unsigned next_random(unsigned *state)
{
    *state = *state * 1664525u + 1013904223u;
    return *state >> 16;
}

/* Makes a path from the parts that break normalisers. */
static struct slice random_path(char *out, unsigned *state)
{
    static const char *const parts[] = { "/",  "//", ".",    "..",   "...",
                                         "/.", "./", "/../", "\xff", "a",
                                         "b",  " ",  "\"",   "*",    "..a" };
    size_t count = next_random(state) % 12 + 1, len = 0;

    for (size_t i = 0; i < count; i++) {
        const char *part =
            parts[next_random(state) % (sizeof(parts) / sizeof(*parts))];

        memcpy(out + len, part, strlen(part));
        len += strlen(part);
    }
    return (struct slice){ out, len };
}

/* Computes the expected path in another way: with a stack of components. */
static void model(const char *cwd, struct slice arg, char *out)
{
    static char text[2 * FTP_PATH_MAX];
    char *stack[256], *word, *state;
    size_t depth = 0;

    snprintf(text, sizeof(text), "%s/%.*s", arg.ptr[0] == '/' ? "" : cwd,
             (int)arg.len, arg.ptr);
    for (word = strtok_r(text, "/", &state); word;
         word = strtok_r(NULL, "/", &state)) {
        if (strcmp(word, "..") == 0)
            depth -= depth > 0;
        else if (strcmp(word, ".") != 0)
            stack[depth++] = word;
    }
    strcpy(out, depth > 0 ? "" : "/");
    for (size_t i = 0; i < depth; i++) {
        strcat(out, "/");
        strcat(out, stack[i]);
    }
}

Test(path, properties)
{
    static struct path cwd, p, again;
    unsigned state = 20261120;
    char arg[64], expected[512];

    path_root(&cwd);
    for (unsigned i = 0; i < 100000; i++) {
        struct slice a = random_path(arg, &state);

        cr_assert_eq(path_resolve(&cwd, a, &p), 0);
        model(cwd.bytes, a, expected);
        cr_assert_str_eq(p.bytes, expected, "%s and %.*s", cwd.bytes,
                         (int)a.len, a.ptr);
        cr_assert(path_is_normal(path_slice(&p)), "%s", p.bytes);
        cr_assert_eq(path_resolve(&cwd, path_slice(&p), &again), 0);
        cr_assert_str_eq(again.bytes, p.bytes, "idempotent");
        again = cwd;
        cr_assert_eq(path_resolve(&again, a, &again), 0);
        cr_assert_str_eq(again.bytes, p.bytes, "onto the folder itself");
        cwd = p.len < 100 ? p : cwd;
        if (i % 50 == 0)
            path_root(&cwd);
    }
}

Test(path, is_normal)
{
    static const struct {
        struct slice p;
        bool normal;
    } table[] = {
        { SLICE("/"), true },        { SLICE("/a"), true },
        { SLICE("/a/b"), true },     { SLICE("/..."), true },
        { SLICE("/\xff"), true },    { SLICE("/.a/b."), true },
        { SLICE(""), false },        { SLICE("a"), false },
        { SLICE("a/b"), false },     { SLICE("//"), false },
        { SLICE("/a/"), false },     { SLICE("//a"), false },
        { SLICE("/a//b"), false },   { SLICE("/."), false },
        { SLICE("/a/."), false },    { SLICE("/./a"), false },
        { SLICE("/.."), false },     { SLICE("/a/.."), false },
        { SLICE("/a/../b"), false }, { SLICE("/a\0b"), false },
        { SLICE("/a\rb"), false },   { SLICE("/a\n"), false },
    };
    static struct path longest;

    for (size_t i = 0; i < sizeof(table) / sizeof(*table); i++)
        cr_expect_eq(path_is_normal(table[i].p), table[i].normal, "\"%.*s\"",
                     (int)table[i].p.len, table[i].p.ptr);
    cr_expect_not(path_is_normal((struct slice){ NULL, 0 }));
    make_long(&longest, FTP_PATH_MAX);
    cr_expect(path_is_normal(path_slice(&longest)));
    longest.bytes[FTP_PATH_MAX] = 'x';
    cr_expect_not(
        path_is_normal((struct slice){ longest.bytes, FTP_PATH_MAX + 1 }));
}

Test(path, names_folder)
{
    static const struct {
        struct slice argument;
        bool folder;
    } table[] = {
        { SLICE("a"), false },      { SLICE("/a/b"), false },
        { SLICE("a/"), true },      { SLICE("a//"), true },
        { SLICE("a/."), true },     { SLICE("a/b/.."), true },
        { SLICE("."), true },       { SLICE(".."), true },
        { SLICE("/"), true },       { SLICE("a/..."), false },
        { SLICE("./a"), false },    { SLICE(".a"), false },
        { SLICE("a/../b"), false },
    };

    for (size_t i = 0; i < sizeof(table) / sizeof(*table); i++)
        cr_expect_eq(path_names_directory(table[i].argument), table[i].folder,
                     "row %zu", i);
}

Test(path, split)
{
    static const struct {
        struct slice p, folder, name;
    } table[] = {
        { SLICE("/"), SLICE("/"), SLICE("") },
        { SLICE("/a"), SLICE("/"), SLICE("a") },
        { SLICE("/a/b"), SLICE("/a"), SLICE("b") },
        { SLICE("/a/b/c d"), SLICE("/a/b"), SLICE("c d") },
    };

    for (size_t i = 0; i < sizeof(table) / sizeof(*table); i++) {
        struct slice folder, name;

        path_split(table[i].p, &folder, &name);
        cr_expect(slice_equal(folder, table[i].folder), "row %zu", i);
        cr_expect(slice_equal(name, table[i].name), "row %zu", i);
    }
}

Test(path, name_ok)
{
    static const struct {
        struct slice name;
        bool ok;
    } table[] = {
        { SLICE("a"), true },
        { SLICE("..."), true },
        { SLICE(".profile"), true },
        { SLICE(" "), true },
        { SLICE("-rf *"), true },
        { SLICE("\xc3\xa9t\xc3\xa9"), true },
        { SLICE("\xff"), true },
        { SLICE(".sallyport"), true },
        { SLICE("a.sallyport-"), true },
        { SLICE(""), false },
        { SLICE("."), false },
        { SLICE(".."), false },
        { SLICE("a/b"), false },
        { SLICE("/"), false },
        { SLICE("a\0b"), false },
        { SLICE("a\tb"), false },
        { SLICE("a\rb"), false },
        { SLICE("a\n"), false },
        { SLICE("\x1b[0m"), false },
        { SLICE("\x1f"), false },
        { SLICE("\x7f"), false },
        { SLICE(".sallyport-"), false },
        { SLICE(".sallyport-00.part"), false },
    };
    char name[256];

    for (size_t i = 0; i < sizeof(table) / sizeof(*table); i++)
        cr_expect_eq(path_name_ok(table[i].name), table[i].ok, "row %zu", i);
    memset(name, 'n', sizeof(name));
    cr_expect(path_name_ok((struct slice){ name, 255 }));
    cr_expect_not(path_name_ok((struct slice){ name, 256 }));
}

Test(path, quote)
{
    static const struct {
        struct slice p, quoted;
    } table[] = {
        { SLICE("/"), SLICE("/") },
        { SLICE("/a b"), SLICE("/a b") },
        { SLICE("/a\"b"), SLICE("/a\"\"b") },
        { SLICE("\""), SLICE("\"\"") },
        { SLICE("\"\""), SLICE("\"\"\"\"") },
        { SLICE("/x\""), SLICE("/x\"\"") },
    };
    struct buf b;

    buf_init(&b, 64);
    for (size_t i = 0; i < sizeof(table) / sizeof(*table); i++) {
        buf_clear(&b);
        path_quote(table[i].p, &b);
        cr_expect(slice_equal(buf_slice(&b), table[i].quoted), "row %zu", i);
    }
    buf_release(&b);
}

Test(path, unique)
{
    static const struct {
        const char *near;
        bool named;
        int result;
        const char *path;
    } uniques[] = {
        { "/", false, 0, "/stou-000000000000abcd" },
        { "/a/b", false, 0, "/a/b/stou-000000000000abcd" },
        { "/a/b", true, 0, "/a/b.000000000000abcd" },
        { "/b.tar.gz", true, 0, "/b.tar.000000000000abcd.gz" },
        { "/.profile", true, 0, "/.profile.000000000000abcd" },
        { "/a.b/c", true, 0, "/a.b/c.000000000000abcd" },
        { "/", true, -EINVAL, NULL },
    };
    char long_name[NAME_LEN + 2] = "/";

    for (size_t i = 0; i < sizeof(uniques) / sizeof(uniques[0]); i++) {
        struct path root, p;

        path_root(&root);
        cr_assert_eq(path_resolve(&root, slice_from(uniques[i].near), &p), 0);
        cr_expect_eq(path_unique(&p, uniques[i].named, 0xabcd, &p),
                     uniques[i].result, "row %zu", i);
        if (uniques[i].result == 0)
            cr_expect_str_eq(p.bytes, uniques[i].path, "row %zu", i);
    }
    for (size_t len = NAME_LEN - 20; len <= NAME_LEN; len++) {
        struct path root, p;
        int r;

        path_root(&root);
        memset(long_name + 1, 'x', len);
        long_name[1 + len] = 0;
        cr_assert_eq(path_resolve(&root, slice_from(long_name), &p), 0);
        r = path_unique(&p, true, 1, &p);
        cr_expect_eq(r, len + 17 > NAME_LEN ? -ENAMETOOLONG : 0, "%zu", len);
        cr_expect(path_is_normal(path_slice(&p)));
    }
}
