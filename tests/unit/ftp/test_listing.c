/* Exact lines of listings and facts, since clients parse each column. */
#include "sallyport/ftp/listing.h"
#include "support/test.h"

#define DAY 86400
#define NOW ((time_t)1795161721) /* 2026-11-20 08:02:01 UTC */

#define ADFRW (PERM_APPEND | PERM_DELETE | PERM_RENAME | PERM_READ | PERM_WRITE)

#define ID 0x801, 0x1234ab

static const struct entry file = { .name = { "report.pdf", 10 },
                                   .kind = ENTRY_FILE,
                                   .mode = 0644,
                                   .links = 1,
                                   .size = 5,
                                   .mtime = NOW - 1201,
                                   .device = 0x801,
                                   .inode = 0x1234ab,
                                   .perm = ADFRW };

/* Expects that line of a listing, long or with all facts; "\r\n" ends it. */
static void expect_line(const struct entry *e, bool facts, const char *line,
                        const char *why)
{
    struct buf b;

    buf_init(&b, 8192);
    cr_assert_eq(facts ? listing_facts(&b, e, LISTING_ALL)
                       : listing_long(&b, e, NOW),
                 0);
    cr_expect(b.len == strlen(line) + 2 &&
                  slice_starts(buf_slice(&b), slice_from(line)) &&
                  memcmp(b.data + b.len - 2, "\r\n", 2) == 0,
              "%s: %.*s", why, (int)b.len, b.data);
    buf_release(&b);
}

/* Entries that differ from FILE, and their lines. */
Test(listing, long_lines)
{
    static const struct {
        enum entry_kind kind;
        uint32_t mode, links;
        uint64_t size;
        const char *owner, *target, *line, *why;
    } rows[] = {
        { ENTRY_FILE, 0644, 1, 5, "", "",
          "-rw-r--r--   1 owner group            5 Nov 20 07:42 report.pdf",
          "a file" },
        { ENTRY_FILE, 0644, 1, 5, "anna@example.org", "",
          "-rw-r--r--   1 anna@example.org group            5 Nov 20 07:42 "
          "report.pdf",
          "a name in place of \"owner\"" },
        { ENTRY_FILE, 0644, 1, 5, "a\nb", "",
          "-rw-r--r--   1 a?b group            5 Nov 20 07:42 report.pdf",
          "no line of its own" },
        { ENTRY_DIRECTORY, 02770, 12, 5, "", "",
          "drwxrwx---  12 owner group            5 Nov 20 07:42 report.pdf",
          "a directory; the set-gid bit isn't shown" },
        { ENTRY_LINK, 0777, 1, 5, "", "../x -> y",
          "lrwxrwxrwx   1 owner group            5 Nov 20 07:42 report.pdf -> "
          "../x -> y",
          "a link" },
        { ENTRY_LINK, 0777, 1, 5, "", "",
          "lrwxrwxrwx   1 owner group            5 Nov 20 07:42 report.pdf",
          "a link whose target nobody knows" },
        { ENTRY_FILE, 0, 1, 5, "", "x",
          "----------   1 owner group            5 Nov 20 07:42 report.pdf",
          "a file has no target" },
        { ENTRY_FILE, 0644, 1, 0, "", "",
          "-rw-r--r--   1 owner group            0 Nov 20 07:42 report.pdf",
          "empty" },
        { ENTRY_FILE, 0644, 1, ((uint64_t)4 << 30) + 1, "", "",
          "-rw-r--r--   1 owner group   4294967297 Nov 20 07:42 report.pdf",
          "over 4 GiB" },
        { ENTRY_FILE, 0644, UINT32_MAX, UINT64_MAX, "", "",
          "-rw-r--r-- 4294967295 owner group 18446744073709551615 Nov 20 07:42 "
          "report.pdf",
          "wider than the columns: nothing is cut" },
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct entry e = file;

        e.kind = rows[i].kind;
        e.mode = rows[i].mode;
        e.links = rows[i].links;
        e.size = rows[i].size;
        e.owner = slice_from(rows[i].owner);
        e.target = slice_from(rows[i].target);
        expect_line(&e, false, rows[i].line, rows[i].why);
    }
}

Test(listing, long_dates)
{
    static const struct {
        time_t mtime;
        const char *date, *why;
    } table[] = {
        { NOW, "Nov 20 08:02", "now" },
        { NOW - 180 * DAY, "May 24 08:02", "180 days: still the time" },
        { NOW - 180 * DAY - 1, "May 24  2026", "a second more: the year" },
        { NOW + DAY, "Nov 21 08:02", "a day ahead: a clock that is off" },
        { NOW + DAY + 1, "Nov 21  2026", "further ahead" },
        { NOW - 16 * DAY, "Nov  4 08:02", "a day of one digit" },
        { 0, "Jan  1  1970", "the epoch" },
        { -5, "Dec 31  1969", "before it" },
        { 951782400, "Feb 29  2000", "a leap day" },
        { 4107542399, "Feb 28  2100", "no leap year" },
        { INT64_MAX, "Dec 31  9999", "the end of days" },
    };
    struct entry e = file;

    for (size_t i = 0; i < sizeof(table) / sizeof(*table); i++) {
        char expected[128];

        e.mtime = table[i].mtime;
        snprintf(expected, sizeof(expected),
                 "-rw-r--r--   1 owner group            5 %s report.pdf",
                 table[i].date);
        expect_line(&e, false, expected, table[i].why);
    }
}

Test(listing, long_names)
{
    static const struct {
        struct slice name;
        const char *shown, *why;
    } table[] = {
        { SLICE(" a  b "), " a  b ", "blanks stay" },
        { SLICE("a\rb\nc"), "a?b?c", "no line ends in a name" },
        { SLICE("a\0b"), "a?b", "nor a NUL" },
        { SLICE("\r\n"), "??", "nor only an end" },
        { SLICE("\xff\xc3"), "\xff\xc3", "bytes, not UTF-8" },
        { SLICE("\t\x1b[0m"), "\t\x1b[0m", "as stored" },
        { SLICE("-rw-r--r--"), "-rw-r--r--", "like a mode" },
    };
    struct entry e = file;

    for (size_t i = 0; i < sizeof(table) / sizeof(*table); i++) {
        char expected[128];

        e.name = table[i].name;
        snprintf(expected, sizeof(expected),
                 "-rw-r--r--   1 owner group            5 Nov 20 07:42 %s",
                 table[i].shown);
        expect_line(&e, false, expected, table[i].why);
    }
    e.name = SLICE("to");
    e.kind = ENTRY_LINK;
    e.target = SLICE("x\r\n-rw");
    expect_line(&e, false,
                "lrw-r--r--   1 owner group            5 Nov 20 07:42 "
                "to -> x?\?-rw",
                "a link's target");
}

Test(listing, facts)
{
    static const struct {
        enum entry_kind kind;
        uint32_t mode;
        uint64_t size, device, inode;
        time_t mtime;
        unsigned perm;
        const char *name, *owner, *line, *why;
    } rows[] = {
        { ENTRY_FILE, 0644, 5, ID, NOW - 1201, ADFRW, "report.pdf", "",
          "type=file;size=5;modify=20261120074200;perm=adfrw;"
          "unique=801U1234ab;UNIX.mode=0644; report.pdf",
          "a file" },
        { ENTRY_FILE, 0644, 5, ID, NOW - 1201, ADFRW, "report.pdf",
          "anna@example.org",
          "type=file;size=5;modify=20261120074200;perm=adfrw;"
          "unique=801U1234ab;UNIX.mode=0644;"
          "UNIX.ownername=anna@example.org; report.pdf",
          "the last fact" },
        { ENTRY_FILE, 0104755, ((uint64_t)5 << 40) + 7, ID, NOW - 1201, 0,
          " a;b=c \n", "",
          "type=file;size=5497558138887;modify=20261120074200;perm=;"
          "unique=801U1234ab;UNIX.mode=4755;  a;b=c ?",
          "odd: one blank ends the facts, the rest is the name" },
        { ENTRY_FILE, 0644, 5, ID, -1, ADFRW, "report.pdf", "",
          "type=file;size=5;modify=19691231235959;perm=adfrw;"
          "unique=801U1234ab;UNIX.mode=0644; report.pdf",
          "before 1970" },
        { ENTRY_FILE, 0644, 5, ID, INT64_MAX, ADFRW, "report.pdf", "",
          "type=file;size=5;perm=adfrw;unique=801U1234ab;UNIX.mode=0644; "
          "report.pdf",
          "a year of more than four digits" },
        { ENTRY_DIRECTORY, 0644, 5, ID, NOW - 1201, ADFRW, "report.pdf", "",
          "type=dir;modify=20261120074200;perm=adfrw;"
          "unique=801U1234ab;UNIX.mode=0644; report.pdf",
          "a directory has no size" },
        { ENTRY_LINK, 0644, 5, ID, NOW - 1201, ADFRW, "..", "",
          "type=OS.unix=slink;modify=20261120074200;perm=adfrw;"
          "unique=801U1234ab;UNIX.mode=0644; ..",
          "a link" },
        { ENTRY_FIFO, 0644, 5, ID, NOW - 1201, ADFRW, "..", "",
          "type=OS.unix=fifo;modify=20261120074200;perm=adfrw;"
          "unique=801U1234ab;UNIX.mode=0644; ..",
          "nothing that RETR sends" },
        { ENTRY_OTHER, 0644, 5, ID, NOW - 1201, ADFRW, "..", "",
          "type=OS.unix=other;modify=20261120074200;perm=adfrw;"
          "unique=801U1234ab;UNIX.mode=0644; ..",
          "a socket" },
        { ENTRY_FILE, UINT32_MAX, UINT64_MAX, UINT64_MAX, UINT64_MAX,
          NOW - 1201, UINT32_MAX, "report.pdf", "",
          "type=file;size=18446744073709551615;modify=20261120074200;"
          "perm=acdeflmprw;unique=ffffffffffffffffUffffffffffffffff;"
          "UNIX.mode=7777; report.pdf",
          "nothing is cut" },
        { ENTRY_FILE, 0, 0, 0, 0, NOW - 1201, 0, "report.pdf", "",
          "type=file;size=0;modify=20261120074200;perm=;unique=0U0;"
          "UNIX.mode=0000; report.pdf",
          "nor left out" },
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct entry e = file;

        e.kind = rows[i].kind;
        e.mode = rows[i].mode;
        e.size = rows[i].size;
        e.mtime = rows[i].mtime;
        e.perm = rows[i].perm;
        e.name = slice_from(rows[i].name);
        e.owner = slice_from(rows[i].owner);
        e.device = rows[i].device;
        e.inode = rows[i].inode;
        expect_line(&e, true, rows[i].line, rows[i].why);
    }
}

/* Every fact of a line is in the list of FEAT, in the same order. */
Test(listing, facts_are_those_of_feat)
{
    struct slice named, given, fact, name;
    struct entry owned = file;
    struct buf b, feat;

    owned.owner = SLICE("anna");

    buf_init(&b, 512);
    buf_init(&feat, 512);
    listing_facts_names(&feat, LISTING_ALL, true);
    named = buf_slice(&feat);
    cr_assert_eq(listing_facts(&b, &owned, LISTING_ALL), 0);
    given = buf_slice(&b);
    while (slice_cut(&named, ';', &name) && name.len > 0) {
        cr_assert(slice_cut(&given, ';', &fact));
        name.len--; /* the '*' */
        cr_expect(slice_starts(fact, name) && fact.ptr[name.len] == '=',
                  "%.*s is not %.*s", (int)fact.len, fact.ptr, (int)name.len,
                  name.ptr);
    }
    cr_expect(slice_equal(given, SLICE(" report.pdf\r\n")));
    buf_release(&b);
    buf_release(&feat);
}

/* The argument of OPTS MLST, its choice, the reply, and a line after it. */
Test(listing, chosen_facts)
{
    static const struct {
        const char *names;
        unsigned facts;
        const char *reply, *line;
    } rows[] = {
        { "", 0, "", " report.pdf\r\n" },
        { ";;;", 0, "", " report.pdf\r\n" },
        { "SIZE;Type;", LISTING_SIZE | LISTING_TYPE, "type;size;",
          "type=file;size=5; report.pdf\r\n" },
        { "unix.mode", LISTING_MODE, "UNIX.mode;",
          "UNIX.mode=0644; report.pdf\r\n" },
        { "type;create;media-type;UNIX.mode;UNIX.owner;",
          LISTING_TYPE | LISTING_MODE, "type;UNIX.mode;",
          "type=file;UNIX.mode=0644; report.pdf\r\n" },
        { "typ;types;type*", 0, "", " report.pdf\r\n" },
        { " modify ; perm", LISTING_MODIFY | LISTING_PERM, "modify;perm;",
          "modify=20261120074200;perm=adfrw; report.pdf\r\n" },
    };
    struct buf b;

    buf_init(&b, 512);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        unsigned facts = listing_facts_parse(slice_from(rows[i].names));

        cr_expect_eq(facts, rows[i].facts, "%s", rows[i].names);
        buf_clear(&b);
        listing_facts_names(&b, facts, false);
        cr_expect(slice_equal(buf_slice(&b), slice_from(rows[i].reply)), "%s",
                  rows[i].names);
        buf_clear(&b);
        cr_assert_eq(listing_facts(&b, &file, facts), 0);
        cr_expect(slice_equal(buf_slice(&b), slice_from(rows[i].line)), "%s",
                  rows[i].names);
    }
    buf_release(&b);
}

Test(listing, names)
{
    struct buf b;

    buf_init(&b, 512);
    cr_assert_eq(listing_name(&b, SLICE(""), file.name), 0);
    cr_assert_eq(listing_name(&b, SLICE("in\nbox/"), file.name), 0);
    cr_expect(slice_equal(buf_slice(&b),
                          SLICE("report.pdf\r\nin?box/report.pdf\r\n")));
    buf_release(&b);
}

/* A line is written completely or not at all, wherever the room ends: R is the
 * result, LEN the line's length. */
static void expect_all_or_nothing(struct buf *b, int r, size_t len)
{
    cr_expect_eq(b->len, r == 0 ? 3 + len : 3);
    cr_expect(slice_starts(buf_slice(b), SLICE("abc")));
    cr_expect_eq(b->data[b->len - 1], r == 0 ? '\n' : 'c');
    b->len = 3;
}

Test(listing, no_room)
{
    for (size_t max = 3; max < 240; max++) {
        struct buf b;

        buf_init(&b, max);
        cr_assert_eq(buf_add_text(&b, "abc"), 0);
        expect_all_or_nothing(&b, listing_long(&b, &file, NOW), 65);
        expect_all_or_nothing(&b, listing_facts(&b, &file, LISTING_ALL), 96);
        expect_all_or_nothing(&b, listing_name(&b, SLICE("a/"), file.name), 14);
        buf_release(&b);
    }
}

/* Beside its names a line needs no more room than 178 bytes. */
Test(listing, room_for_the_longest_names)
{
    static char name[255], target[4096];
    struct entry e = file;
    struct buf b;

    memset(name, 'n', sizeof(name));
    memset(target, 't', sizeof(target));
    e.name = (struct slice){ name, sizeof(name) };
    e.target = (struct slice){ target, sizeof(target) };
    e.kind = ENTRY_LINK;
    e.links = UINT32_MAX;
    e.size = UINT64_MAX;
    buf_init(&b, 178 + sizeof(name) + sizeof(target));
    cr_assert_eq(listing_long(&b, &e, NOW), 0);
    cr_expect_eq(b.len, 74 + sizeof(name) + sizeof(target));
    cr_expect_eq(memcmp(b.data + b.len - 3, "t\r\n", 3), 0);
    buf_release(&b);
    buf_init(&b, 178 + sizeof(name));
    cr_expect_eq(listing_facts(&b, &e, LISTING_ALL), 0);
    buf_clear(&b);
    cr_expect_eq(listing_name(&b, SLICE(""), e.name), 0);
    buf_release(&b);
}

/* Only the first time of a day is converted completely. */
Test(listing, times_one_after_the_other)
{
    static const struct {
        time_t when;
        const char *text;
    } rows[] = {
        { 0, "19700101000000" },
        { DAY - 1, "19700101235959" },
        { DAY, "19700102000000" },
        { 3661, "19700101010101" },
        { -1, "19691231235959" },
        { -DAY, "19691231000000" },
        { -DAY - 1, "19691230235959" },
        { NOW, "20261120080201" },
        { INT64_MAX, "99991231235959" },
        { NOW, "20261120080201" },
        { NOW + 3, "20261120080204" },
        { INT64_MIN, "00010101000000" },
        { NOW + 3, "20261120080204" },
        { 253402300799, "99991231235959" },
        { 253402300800, "99991231235959" },
        { 253402300798, "99991231235958" },
        { -62135596800, "00010101000000" },
        { -62135596801, "00010101000000" },
        { -62135596799, "00010101000001" },
    };
    char out[16];

    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
        cr_expect_str_eq(listing_time(rows[i].when, out), rows[i].text,
                         "row %zu", i);
}

Test(listing, argument)
{
    static const struct {
        struct slice given, path;
    } table[] = {
        { SLICE("-azAZ x"), SLICE("x") },
        { SLICE("-a[ x"), SLICE("-a[ x") },
        { SLICE("-a` x"), SLICE("-a` x") },
        { SLICE("-@ x"), SLICE("-@ x") },
        { SLICE(""), SLICE("") },
        { SLICE("a b"), SLICE("a b") },
        { SLICE("-la"), SLICE("") },
        { SLICE("-a "), SLICE("") },
        { SLICE("-la a b"), SLICE("a b") },
        { SLICE("-a  b"), SLICE(" b") },
        { SLICE("-aL -x"), SLICE("-x") },
        { SLICE("-"), SLICE("-") },
        { SLICE("- a"), SLICE("- a") },
        { SLICE("-1"), SLICE("") },
        { SLICE("-1a x"), SLICE("x") },
        { SLICE("-2"), SLICE("-2") },
        { SLICE("-la.txt"), SLICE("-la.txt") },
        { SLICE("-l/x"), SLICE("-l/x") },
        { SLICE("--all"), SLICE("--all") },
        { SLICE(" -la"), SLICE(" -la") },
        { SLICE("./-la"), SLICE("./-la") },
        { SLICE("-\xe1"), SLICE("-\xe1") },
    };

    for (size_t i = 0; i < sizeof(table) / sizeof(*table); i++)
        cr_expect(slice_equal(listing_argument(table[i].given), table[i].path),
                  "\"%s\"", table[i].given.ptr);
}
