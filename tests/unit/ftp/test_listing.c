/* Exact lines of listings and facts, since clients parse each column. */
#include "sallyport/ftp/listing.h"
#include "support/test.h"

#define DAY 86400
#define NOW ((time_t)1795161721) /* 2026-11-20 08:02:01 UTC */

static const struct entry file = { .name = { "report.pdf", 10 },
                                   .kind = ENTRY_FILE,
                                   .mode = 0644,
                                   .links = 1,
                                   .size = 5,
                                   .mtime = NOW - 1201,
                                   .device = 0x801,
                                   .inode = 0x1234ab,
                                   .perm = PERM_APPEND | PERM_DELETE |
                                           PERM_RENAME | PERM_READ |
                                           PERM_WRITE };

static void expect_long(const struct entry *e, const char *expected,
                        const char *why)
{
    struct buf b;

    buf_init(&b, 8192);
    cr_assert_eq(listing_long(&b, e, NOW), 0);
    cr_assert_eq(buf_add(&b, "", 1), 0);
    cr_expect_str_eq(b.data, expected, "%s", why);
    buf_release(&b);
}

static void expect_facts(const struct entry *e, const char *expected,
                         const char *why)
{
    struct buf b;

    buf_init(&b, 8192);
    cr_assert_eq(listing_facts(&b, e, LISTING_ALL), 0);
    cr_assert_eq(buf_add(&b, "", 1), 0);
    cr_expect_str_eq(b.data, expected, "%s", why);
    buf_release(&b);
}

Test(listing, long_file)
{
    expect_long(&file,
                "-rw-r--r--   1 owner group            5 Nov 20 07:42 "
                "report.pdf\r\n",
                "a file");
}

Test(listing, owners)
{
    struct entry e = file;

    e.owner = SLICE("anna@example.org");
    expect_long(&e,
                "-rw-r--r--   1 anna@example.org group            5 "
                "Nov 20 07:42 report.pdf\r\n",
                "a name in place of \"owner\"");
    expect_facts(&e,
                 "type=file;size=5;modify=20261120074200;perm=adfrw;"
                 "unique=801U1234ab;UNIX.mode=0644;"
                 "UNIX.ownername=anna@example.org; report.pdf\r\n",
                 "the last fact");
    e.owner = SLICE("a\nb");
    expect_long(&e,
                "-rw-r--r--   1 a?b group            5 Nov 20 07:42 "
                "report.pdf\r\n",
                "no line of its own");
}

Test(listing, long_kinds)
{
    struct entry e = file;

    e.kind = ENTRY_DIRECTORY;
    e.mode = 02770;
    e.links = 12;
    expect_long(&e,
                "drwxrwx---  12 owner group            5 Nov 20 07:42 "
                "report.pdf\r\n",
                "a folder; the set-gid bit isn't shown");
    e.kind = ENTRY_LINK;
    e.mode = 0777;
    e.links = 1;
    e.target = SLICE("../x -> y");
    expect_long(&e,
                "lrwxrwxrwx   1 owner group            5 Nov 20 07:42 "
                "report.pdf -> ../x -> y\r\n",
                "a link");
    e.target = SLICE("");
    expect_long(&e,
                "lrwxrwxrwx   1 owner group            5 Nov 20 07:42 "
                "report.pdf\r\n",
                "a link whose target nobody knows");
    e.kind = ENTRY_FILE;
    e.target = SLICE("x");
    e.mode = 0;
    expect_long(&e,
                "----------   1 owner group            5 Nov 20 07:42 "
                "report.pdf\r\n",
                "a file has no target");
}

Test(listing, long_sizes)
{
    struct entry e = file;

    e.size = 0;
    expect_long(&e,
                "-rw-r--r--   1 owner group            0 Nov 20 07:42 "
                "report.pdf\r\n",
                "empty");
    e.size = ((uint64_t)4 << 30) + 1;
    expect_long(&e,
                "-rw-r--r--   1 owner group   4294967297 Nov 20 07:42 "
                "report.pdf\r\n",
                "over 4 GiB");
    e.size = UINT64_MAX;
    e.links = UINT32_MAX;
    expect_long(&e,
                "-rw-r--r-- 4294967295 owner group 18446744073709551615 "
                "Nov 20 07:42 report.pdf\r\n",
                "wider than the columns: nothing is cut");
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
                 "-rw-r--r--   1 owner group            5 %s report.pdf\r\n",
                 table[i].date);
        expect_long(&e, expected, table[i].why);
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
                 "-rw-r--r--   1 owner group            5 Nov 20 07:42 %s\r\n",
                 table[i].shown);
        expect_long(&e, expected, table[i].why);
    }
    e.name = SLICE("to");
    e.kind = ENTRY_LINK;
    e.target = SLICE("x\r\n-rw");
    expect_long(&e,
                "lrw-r--r--   1 owner group            5 Nov 20 07:42 "
                "to -> x?\?-rw\r\n",
                "a link's target");
}

Test(listing, facts)
{
    struct entry e = file;

    expect_facts(&e,
                 "type=file;size=5;modify=20261120074200;perm=adfrw;"
                 "unique=801U1234ab;UNIX.mode=0644; report.pdf\r\n",
                 "a file");
    e.size = ((uint64_t)5 << 40) + 7;
    e.name = SLICE(" a;b=c \n");
    e.perm = 0;
    e.mode = 0104755;
    expect_facts(&e,
                 "type=file;size=5497558138887;modify=20261120074200;perm=;"
                 "unique=801U1234ab;UNIX.mode=4755;  a;b=c ?\r\n",
                 "odd: one blank ends the facts, the rest is the name");
    e = file;
    e.mtime = -1;
    expect_facts(&e,
                 "type=file;size=5;modify=19691231235959;perm=adfrw;"
                 "unique=801U1234ab;UNIX.mode=0644; report.pdf\r\n",
                 "before 1970");
    e.mtime = INT64_MAX;
    expect_facts(&e,
                 "type=file;size=5;perm=adfrw;"
                 "unique=801U1234ab;UNIX.mode=0644; report.pdf\r\n",
                 "a year of more than four digits");
    e = file;
    e.kind = ENTRY_DIRECTORY;
    expect_facts(&e,
                 "type=dir;modify=20261120074200;perm=adfrw;"
                 "unique=801U1234ab;UNIX.mode=0644; report.pdf\r\n",
                 "a folder has no size");
    e.name = SLICE("..");
    e.kind = ENTRY_LINK;
    expect_facts(&e,
                 "type=OS.unix=slink;modify=20261120074200;perm=adfrw;"
                 "unique=801U1234ab;UNIX.mode=0644; ..\r\n",
                 "a link");
    e.kind = ENTRY_FIFO;
    expect_facts(&e,
                 "type=OS.unix=fifo;modify=20261120074200;perm=adfrw;"
                 "unique=801U1234ab;UNIX.mode=0644; ..\r\n",
                 "nothing that RETR sends");
    e.kind = ENTRY_OTHER;
    expect_facts(&e,
                 "type=OS.unix=other;modify=20261120074200;perm=adfrw;"
                 "unique=801U1234ab;UNIX.mode=0644; ..\r\n",
                 "a socket");
}

Test(listing, longest_facts)
{
    struct entry e = file;

    e.size = e.device = e.inode = UINT64_MAX;
    e.perm = UINT32_MAX;
    e.mode = UINT32_MAX;
    expect_facts(&e,
                 "type=file;size=18446744073709551615;modify=20261120074200;"
                 "perm=acdeflmprw;unique=ffffffffffffffffUffffffffffffffff;"
                 "UNIX.mode=7777; report.pdf\r\n",
                 "nothing is cut");
    e.size = e.device = e.inode = 0;
    e.perm = e.mode = 0;
    expect_facts(&e,
                 "type=file;size=0;modify=20261120074200;perm=;unique=0U0;"
                 "UNIX.mode=0000; report.pdf\r\n",
                 "nor left out");
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
    listing_facts_feat(&feat, LISTING_ALL);
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
        listing_facts_chosen(&b, facts);
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

/* A line is written completely or not at all, wherever the room ends. */
Test(listing, no_room)
{
    for (size_t max = 3; max < 240; max++) {
        struct buf b;

        buf_init(&b, max);
        cr_assert_eq(buf_add_text(&b, "abc"), 0);
        if (listing_long(&b, &file, NOW) != 0)
            cr_expect(slice_equal(buf_slice(&b), SLICE("abc")), "%zu", max);
        else
            cr_expect_eq(b.len, 3 + 65, "%zu", max);
        b.len = 3;
        if (listing_facts(&b, &file, LISTING_ALL) != 0)
            cr_expect(slice_equal(buf_slice(&b), SLICE("abc")), "%zu", max);
        else
            cr_expect_eq(b.data[b.len - 1], '\n', "%zu", max);
        b.len = 3;
        if (listing_name(&b, SLICE("a/"), file.name) != 0)
            cr_expect(slice_equal(buf_slice(&b), SLICE("abc")), "%zu", max);
        else
            cr_expect_eq(b.len, 3 + 14, "%zu", max);
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

Test(listing, time)
{
    char out[16];

    cr_expect_str_eq(listing_time(NOW, out), "20261120080201");
    cr_expect_str_eq(listing_time(0, out), "19700101000000");
    cr_expect_str_eq(listing_time(INT64_MAX, out), "99991231235959");
    cr_expect_str_eq(listing_time(INT64_MIN, out), "00010101000000");
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
