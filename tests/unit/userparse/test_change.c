/* A change of a few lines: put into the old table, it gives the same users as a
 * reading of the whole text, or there is none. */
#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "sallyport/base/fd.h"
#include "sallyport/userparse/userparse.h"
#include "sallyport/users/change.h"

#define HASH "$5$salt$abcdefghijklmnopqrstuvwxyzABCDEFGHIJ./01234"
#define PIN                                                                    \
    "sha256:"                                                                  \
    "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static int answer_make(void)
{
    int fd = memfd_create("answer", MFD_CLOEXEC | MFD_ALLOW_SEALING);

    cr_assert_geq(fd, 0);
    return fd;
}

/* The table of the whole text; -1: it has a mistake. */
static int whole(struct slice text)
{
    FD_CLEANUP int fd = fd_sealed("users", text);
    FD_CLEANUP int answer = answer_make();
    struct complaint c = { "" };
    struct users u;

    if (users_read(&u, fd, "users", &c) < 0)
        return -1;
    cr_assert_eq(users_write(&u, answer), 0);
    users_release(&u);
    cr_assert_eq(fd_seal(answer), 0);
    return fd_take(&answer);
}

/* The users of a text, as master has them: the sealed file TABLE, and the later
 * changes. */
struct live {
    int table;
    struct users users;
};

static void take_whole(struct users *u, int table)
{
    struct complaint c = { "" };

    cr_assert_eq(users_take(u, table, &c), 0, "%s", c.text);
}

static void live_begin(struct live *l, struct slice text)
{
    l->table = whole(text);
    cr_assert_geq(l->table, 0);
    take_whole(&l->users, l->table);
}

static void live_end(struct live *l)
{
    users_release(&l->users);
    fd_close(&l->table);
}

/* users_same() is tested itself; a version is a hash of what grants access. */
static bool is_that(const struct users *u, int table)
{
    const uint8_t key[SIPHASH_KEY] = { 0 };
    struct users other;
    bool same;

    take_whole(&other, table);
    same = users_same(u, &other) && users_same(&other, u);
    for (size_t i = 0; i < other.count && same; i++) {
        const struct user *row = users_find(u, slice_from(other.row[i].name));

        same = row && row >= u->row && row < u->row + u->count &&
               user_version(row, key) == user_version(&other.row[i], key);
    }
    users_release(&other);
    return same;
}

static int check(struct slice before, struct slice now)
{
    struct complaint c = { "" };
    struct users old;
    int r;

    cr_assert_eq(users_parse(&old, before, "users", &c), 0, "%s", c.text);
    r = users_check_change(&old, before, now);
    users_release(&old);
    return r;
}

#define SHOWN(text) (int)((text).len < 9999 ? (text).len : 0), (text).ptr

/* Puts what reader writes of the change into the users. 0 or -EAGAIN */
static int put_change(struct live *l, struct slice before, struct slice now,
                      const struct users_lines *lines)
{
    FD_CLEANUP int old_text = fd_sealed("users", before);
    FD_CLEANUP int text = fd_sealed("users", now);
    FD_CLEANUP int answer = answer_make();
    struct complaint c = { "" };
    struct users_change change;
    int r = users_write_change(text, old_text, lines, l->table, answer);

    if (r < 0) {
        cr_assert_eq(r, -EAGAIN);
        cr_assert_eq(lseek(answer, 0, SEEK_END), 0);
        return r;
    }
    cr_assert_eq(fd_seal(answer), 0);
    cr_assert(users_is_change(answer));
    r = users_change_take(&change, &l->users, answer, &c);
    if (r == 0) {
        users_change_put(&change, &l->users);
        cr_assert_eq(l->users.count, change.left);
        return 0;
    }
    cr_assert(r == -ESTALE && c.text[0]);
    users_change_release(&change);
    return -EAGAIN;
}

/* Reads the change of BEFORE, whose users *l has, to NOW, as master does. If
 * NOW has no mistake, *l has its users then. Returns 0, or -EAGAIN: it must be
 * read as a whole. */
static int change(struct slice before, struct slice now, struct live *l)
{
    FD_CLEANUP int expected = whole(now);
    struct users_lines lines;
    int r = -EAGAIN;

    switch (users_lines_find(&lines, before, now)) {
    case USERS_LINES_SAME:
        r = 0;
        break;
    case USERS_LINES_FOUND:
        r = put_change(l, before, now, &lines);
        break;
    case USERS_LINES_WHOLE:
        break;
    }
    cr_assert(r < 0 || (expected >= 0 && is_that(&l->users, expected)),
              "of:\n%.*s\nnow:\n%.*s", SHOWN(before), SHOWN(now));
    if (r < 0 && expected >= 0) {
        live_end(l);
        l->table = fd_take(&expected);
        take_whole(&l->users, l->table);
    }
    return r;
}

static int change_once(struct slice before, struct slice now)
{
    struct live l;
    int r;

    live_begin(&l, before);
    r = change(before, now, &l);
    live_end(&l);
    return r;
}

/* sallyportctl finds the same. */
static int change_both(struct slice before, struct slice now)
{
    int r = change_once(before, now);

    cr_expect_eq(check(before, now), r);
    return r;
}

static int change_text(const char *before, const char *now)
{
    return change_both(slice_from(before), slice_from(now));
}

#define ROW(name, uid) name ":" HASH ":" uid ":70000::/home/" name "::\n"
#define SHARES                                                                 \
    "@share:offers:80001:/srv/s/offers:\n"                                     \
    "@share:contracts:80000:/srv/s/contracts:file_mode=0640\n"                 \
    "@team:sales:\n"                                                           \
    "@team:legal:shares=contracts:read,offers:read max_sessions=7\n"
#define BERT "bert:" HASH ":2:70000::/home/bert::"
#define FULL                                                                   \
    "# all\n" ROW("anna", "1") BERT                                            \
        "shares=offers teams=legal rights./a=r\n" SHARES ROW(                  \
            "carl", "3") "\n" ROW("dora", "4")

Test(change, is_read)
{
    static const struct {
        const char *before, *now, *what;
    } table[] = {
        { FULL, FULL, "nothing" },
        { FULL, FULL ROW("eve", "5"), "a row more at the end" },
        { FULL, FULL "# the end\n", "a comment at the end" },
        { FULL ROW("eve", "5"), FULL, "a row less there" },
        { FULL, ROW("eve", "5") FULL, "a row more at the beginning" },
        { ROW("eve", "5") FULL, FULL, "a row less there" },
        { ROW("anna", "1"), ROW("bert", "2"), "the only row" },
        { ROW("anna", "1"), "# nobody\n", "nobody is left" },
        { "# nobody\n", ROW("anna", "1"), "somebody comes" },
        { "# nobody\n", "# anybody?\n", "nobody still" },
        { ROW("anna", "1") ROW("bert", "2"), ROW("bert", "1") ROW("anna", "2"),
          "two names change places" },
        { ROW("anna", "1") ROW("anna2", "2"), ROW("anna2", "1"),
          "a uid goes to another row" },
        { ROW("anna", "1") "\n" ROW("bert", "2"),
          ROW("anna", "1") ROW("bert", "2"), "a line without a row" },
        { "@team:a:shares=s\n@share:s:100:/srv/s:\n" BERT "teams=a\n",
          "@team:a:shares=s\n@share:s:100:/srv/s:\n" BERT "shares=s:read\n",
          "what a user has of a share" },
    };

    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
        cr_expect_eq(change_text(table[i].before, table[i].now), 0, "%s",
                     table[i].what);
}

Test(change, is_left_to_a_whole_reading)
{
    static const struct {
        const char *before, *now, *what;
    } table[] = {
        { FULL, FULL "@share:new:80002:/srv/s/new:\n", "a share more" },
        { FULL "@team:new:\n", FULL, "a team less" },
        { "@team:a:\n" FULL, "@team:b:\n" FULL, "a team with another name" },
        { "@team:a:\n", ROW("anna", "1"), "a team that becomes a user" },
        { FULL, "\xef\xbb\xbf" FULL, "a byte order mark more" },
        { "\xef\xbb\xbf" ROW("a", "1"), ROW("a", "1"), "and one less" },
        { ROW("a", "1"), ROW("a", "1") "\xef\xbb\xbf" ROW("b", "2"), "inside" },
        { FULL, FULL "eve:" HASH ":5:70000::/home/eve::", "no line end" },
        { FULL "#", FULL, "before neither" },
        { FULL, "", "an empty file" },
        { "", FULL, "which is filled" },
        { FULL, FULL ROW("anna", "5"), "a name that is there" },
        { FULL, FULL ROW("eve", "5") ROW("eve", "6"), "one that comes twice" },
        { FULL, FULL ROW("eve", "3"), "a uid that is there" },
        { FULL, FULL ROW("eve", "5") ROW("fred", "5"), "or comes twice" },
        { FULL, FULL "eve:" HASH ":5:80001::/home/eve::\n", "a share's gid" },
        { FULL, FULL "eve:" HASH ":5:5::/home/eve::shares=x\n", "no share" },
        { FULL, FULL "eve:" HASH ":5:5::/home/eve::teams=x\n", "no team" },
        { FULL, FULL "eve\n", "no row" },
    };

    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
        cr_expect_eq(change_text(table[i].before, table[i].now), -EAGAIN, "%s",
                     table[i].what);
}

static void add_rows(struct buf *text, size_t from, size_t to,
                     const char *options)
{
    for (size_t i = from; i < to; i++)
        cr_assert_eq(
            buf_add_format(text, "u%zu:!:%zu:1::/h::%s\n", i, i + 1, options),
            0);
}

/* Many lines are read as fast as a whole text, and master has room for so many
 * rows more. */
Test(change, of_many_lines)
{
    static const struct {
        size_t rows;
        int master, ctl;
    } table[] = {
        { 100 + USERS_CHANGED_MAX, 0, 0 },
        { 101 + USERS_CHANGED_MAX, -EAGAIN, 0 },
        { 20000, -EAGAIN, -EAGAIN },
    };
    struct buf before, now;

    buf_init(&before, USERS_FILE_MAX);
    add_rows(&before, 0, 100, "");
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        const struct slice few = buf_slice(&before);

        buf_init(&now, USERS_FILE_MAX);
        add_rows(&now, 0, table[i].rows, "");
        cr_expect_eq(change_once(few, buf_slice(&now)), table[i].master);
        cr_expect_eq(change_once(buf_slice(&now), few), table[i].master);
        cr_expect_eq(check(few, buf_slice(&now)), table[i].ctl);
        cr_expect_eq(check(buf_slice(&now), few), table[i].ctl);
        buf_release(&now);
    }
    buf_release(&before);
}

/* Rows more than there is room for, by one change after another. */
Test(change, without_room)
{
    struct buf before, now;
    struct live l;

    buf_init(&before, USERS_FILE_MAX);
    add_rows(&before, 0, 1, "");
    live_begin(&l, buf_slice(&before));
    for (size_t i = 1; i <= 4; i++) {
        buf_init(&now, USERS_FILE_MAX);
        add_rows(&now, 0, 1 + i * 300, "");
        cr_expect_eq(change(buf_slice(&before), buf_slice(&now), &l),
                     i < 4 ? 0 : -EAGAIN);
        buf_release(&before);
        before = now;
    }
    live_end(&l);
    buf_release(&before);
}

/* A text with one place left gets one row more, and two. */
Test(change, limit_of_users, .timeout = 120)
{
    struct complaint c = { "" };
    struct buf before, now;
    struct users old;

    buf_init(&before, USERS_FILE_MAX);
    add_rows(&before, 0, USERS_MAX - 1, "");
    buf_init(&now, USERS_FILE_MAX);
    cr_assert_eq(buf_add_slice(&now, buf_slice(&before)), 0);
    cr_assert_eq(users_parse(&old, buf_slice(&before), "users", &c), 0);
    add_rows(&now, USERS_MAX - 1, USERS_MAX, "");
    cr_expect_eq(users_check_change(&old, buf_slice(&before), buf_slice(&now)),
                 0);
    add_rows(&now, USERS_MAX, USERS_MAX + 1, "");
    cr_expect_eq(users_check_change(&old, buf_slice(&before), buf_slice(&now)),
                 -EAGAIN);
    users_release(&old);
    buf_release(&before);
    buf_release(&now);
}

/* As if other users had all others of a million. */
Test(change, limits_of_what_users_have)
{
    static const char now[] =
        FULL "eve:" HASH ":5:5::/home/eve::shares=offers rights./in=drop\n";
    const struct slice before = SLICE(FULL);
    struct complaint c = { "" };
    struct users old;
    struct user *first;

    cr_assert_eq(users_parse(&old, before, "users", &c), 0, "%s", c.text);
    first = &old.row[0];
    first->grants += GRANTS_MAX - 1 - old.grants;
    first->directories += DIRECTORIES_MAX - 1 - old.directories;
    cr_expect_eq(users_check_change(&old, before, slice_from(now)), 0);
    first->grants++;
    cr_expect_eq(users_check_change(&old, before, slice_from(now)), -EAGAIN);
    first->grants--;
    first->directories++;
    cr_expect_eq(users_check_change(&old, before, slice_from(now)), -EAGAIN);
    users_release(&old);
}

/* Reader believes as little of them as master does. */
Test(change, of_other_files)
{
    FD_CLEANUP int table = whole(SLICE(ROW("anna", "1")));
    FD_CLEANUP int text = fd_sealed("users", SLICE(ROW("anna", "1")));
    FD_CLEANUP int answer = answer_make();
    const size_t end = strlen(ROW("anna", "1"));
    const struct {
        struct users_lines lines;
        int now, before, table, result;
    } cases[] = {
        { { 0, end, end }, text, text, text, -EAGAIN },
        { { 0, end, end }, text, text, -1, -EAGAIN },
        { { 0, end, end }, -1, text, table, -EAGAIN },
        { { 0, end, end }, text, -1, table, -EAGAIN },
        { { 0, end, end + 1 }, text, text, table, -EAGAIN },
        { { 0, end + 1, end }, text, text, table, -EAGAIN },
        { { end, 0, end }, text, text, table, -EAGAIN },
        { { 0, end, USERS_FILE_MAX }, text, text, table, -EAGAIN },
        { { 0, end - 1, end }, text, text, table, -EAGAIN },
        { { 0, end, end - 1 }, text, text, table, -EAGAIN },
        { { 0, end, end }, text, text, table, 0 },
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        cr_expect_eq(lseek(answer, 0, SEEK_END), 0, "%zu", i);
        cr_expect_eq(users_write_change(cases[i].now, cases[i].before,
                                        &cases[i].lines, cases[i].table,
                                        answer),
                     cases[i].result, "%zu", i);
    }
    cr_expect_eq(users_write_change(text, text, &cases[10].lines, table, text),
                 -EPERM, "nobody can write to it");
}

/* Random numbers, always the same ones. */
static uint64_t seed = 88172645463325252;

static size_t any(size_t n)
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return (size_t)(seed % n);
}

/* A change with any cell or number of rows. Master takes it or not, and then
 * has another table, or the same one. */
Test(change, that_is_spoilt)
{
    static const uint64_t lies[] = { 0,          1,          2,
                                     3,          100,        UINT32_MAX,
                                     UINT64_MAX, 1ULL << 32, 1ULL << 63 };
    static const char before[] = ROW("eve", "5") FULL;
    FD_CLEANUP int text = fd_sealed("users", slice_from(before));
    FD_CLEANUP int now = fd_sealed("users", SLICE(BERT "\n" FULL));
    FD_CLEANUP int answer = answer_make();
    const struct users_lines lines = { 0, strlen(ROW("eve", "5")),
                                       strlen(BERT "\n") };
    size_t taken = 0, refused = 0;
    struct buf bytes;
    struct live l;

    live_begin(&l, slice_from(before));
    cr_assert_eq(users_write_change(now, text, &lines, l.table, answer), 0);
    buf_init(&bytes, USERS_IMAGE_MAX);
    cr_assert_eq(fd_read_file(answer, &bytes), 0);
    for (int i = 0; i < 3000; i++) {
        uint64_t *cell = (uint64_t *)(void *)bytes.data +
                         any((bytes.len - sizeof(BERT)) / sizeof(*cell)),
                 truth = *cell;
        struct complaint c = { "" };
        struct users_change spoilt;
        FD_CLEANUP int lie = -1;
        int r;

        *cell = lies[any(sizeof(lies) / sizeof(lies[0]))];
        lie = fd_sealed("answer", buf_slice(&bytes));
        *cell = truth;
        r = users_change_take(&spoilt, &l.users, lie, &c);
        cr_assert(r == 0 || r == -EBADMSG || r == -ESTALE);
        cr_assert(r == 0 || c.text[0]);
        taken += r == 0;
        refused += r < 0;
        users_change_release(&spoilt);
        cr_assert(is_that(&l.users, l.table));
    }
    cr_expect(taken + refused == 3000 && refused > 100, "%zu, %zu", taken,
              refused);
    buf_release(&bytes);
    live_end(&l);
}

/* Random edits, one after another. */

static const char *const options[] = {
    "rights=lrw",
    "shares=s1:read,s3",
    "teams=t1",
    "rights./in=drop",
    "rights./a/b=lr",
    "max_sessions=3",
    "networks=192.0.2.0/24",
    "hours=mon",
    "expires=2199-12-31",
    "quota=20T",
    "file_mode=0640",
    "must_change=yes",
    "certificate=" PIN,
    "retain=/in:30d",
    "max_files=5",
    "max_bytes=20G",
};
#define OPTIONS (sizeof(options) / sizeof(options[0]))

#define LINES_MAX 80
static char *line[LINES_MAX];
static size_t lines;

static void line_put(size_t at, char *text)
{
    cr_assert(lines < LINES_MAX && text);
    memmove(line + at + 1, line + at, (lines - at) * sizeof(*line));
    line[at] = text;
    lines++;
}

static void line_remove(size_t at)
{
    free(line[at]);
    lines--;
    memmove(line + at, line + at + 1, (lines - at) * sizeof(*line));
}

static char *a_row(void)
{
    static unsigned next = 1;
    struct buf text;

    buf_init(&text, USER_LINE_MAX);
    next++;
    cr_assert_eq(buf_add_format(&text, "u%u:%s" HASH ":%u:%zu:%s:/home/u%u::",
                                next, any(4) ? "" : "!", next, 70000 + any(9),
                                any(2) ? "" : "Some Body", next),
                 0);
    for (size_t i = 0; i < OPTIONS; i++)
        if (any(3) == 0)
            cr_assert_eq(buf_add_format(&text, "%s ", options[i]), 0);
    cr_assert_eq(buf_add(&text, "", 1), 0);
    return text.data;
}

static char *a_line(void)
{
    static const char *const others[] = { "# a comment", "", "  ", "#" };

    return any(4) ? a_row() : strdup(others[any(4)]);
}

static bool is_fixed(size_t at)
{
    return line[at][0] == '@';
}

static void edit_once(void)
{
    size_t at = any(lines);

    if (lines < LINES_MAX - 8 && any(2)) {
        line_put(any(lines + 1), a_line());
    } else if (lines > 20 && !is_fixed(at) && any(2)) {
        line_remove(at);
    } else if (!is_fixed(at)) {
        free(line[at]);
        line[at] = a_line();
    }
}

static void join(struct buf *into)
{
    buf_init(into, USERS_FILE_MAX);
    for (size_t i = 0; i < lines; i++)
        cr_assert_eq(buf_add_format(into, "%s\n", line[i]), 0);
}

static void begin_lines(void)
{
    char text[100];

    for (int i = 0; i < 5; i++) {
        snprintf(text, sizeof(text), "@share:s%d:%d:/srv/s%d:quota=1T", i,
                 80000 + i, i);
        line_put(lines, strdup(text));
        line_put(any(lines + 1), a_row());
        snprintf(text, sizeof(text), "@team:t%d:shares=s%d hours=mon", i, i);
        line_put(lines, strdup(text));
        line_put(any(lines + 1), a_row());
    }
}

static size_t rounds_of_this_run(void)
{
    return getenv("SALLYPORT_LONG") ? 5000 : 1000;
}

/* Each change is put into what the ones before have left: a mistake would
 * stay. */
Test(change, many_edits, .timeout = 600)
{
    const size_t rounds = rounds_of_this_run();
    struct buf before, now;
    struct live l;
    size_t left = 0;

    begin_lines();
    join(&before);
    live_begin(&l, buf_slice(&before));
    for (size_t i = 0; i < rounds; i++) {
        const bool one = any(4) > 0;

        for (size_t n = one ? 1 : 1 + any(4); n > 0; n--)
            edit_once();
        join(&now);
        if (change(buf_slice(&before), buf_slice(&now), &l) < 0) {
            cr_assert(!one, "an edit of one line");
            left++; /* a share lies between two of them */
        }
        buf_release(&before);
        before = now;
    }
    cr_expect_lt(left, rounds / 4);
    live_end(&l);
    buf_release(&before);
    while (lines > 0)
        line_remove(0);
}

static void spoil(struct buf *text)
{
    static const char bytes[] = ":=,/@!$#\r\n\0 \xef"
                                "abcrsuv0123./";
    const size_t at = any(text->len), n = any(3);
    char *to = text->data + at;

    if (n == 0) {
        *to = bytes[any(sizeof(bytes) - 1)];
    } else if (n == 1) {
        memmove(to, to + 1, text->len - at - 1);
        text->len--;
    } else if (buf_add(text, "x", 1) == 0) {
        to = text->data + at;
        memmove(to + 1, to, text->len - at - 1);
        *to = bytes[any(sizeof(bytes) - 1)];
    }
}

/* Any byte changes, goes or comes. What a whole reading refuses must not pass;
 * what it accepts becomes the next text. */
Test(change, many_spoilt_bytes, .timeout = 600)
{
    const size_t rounds = rounds_of_this_run();
    struct buf before, now;
    struct live l;
    size_t passed = 0, refused = 0;

    begin_lines();
    join(&before);
    live_begin(&l, buf_slice(&before));
    for (size_t i = 0; i < rounds; i++) {
        FD_CLEANUP int expected = -1;

        buf_init(&now, USERS_FILE_MAX);
        cr_assert_eq(buf_add_slice(&now, buf_slice(&before)), 0);
        for (size_t n = 1 + any(2); n > 0; n--)
            spoil(&now);
        expected = whole(buf_slice(&now));
        passed += change(buf_slice(&before), buf_slice(&now), &l) == 0;
        refused += expected < 0;
        if (expected >= 0) {
            struct buf old = before;

            before = now;
            now = old;
        }
        buf_release(&now);
    }
    cr_expect(passed > rounds / 20 && refused > rounds / 20, "%zu, %zu", passed,
              refused);
    live_end(&l);
    buf_release(&before);
    while (lines > 0)
        line_remove(0);
}
