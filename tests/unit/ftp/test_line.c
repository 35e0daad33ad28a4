/* The line reader: whole lines, bad lines, long lines, telnet, and the same
 * results however the bytes are cut. */
#include "sallyport/ftp/line.h"
#include "support/test.h"

#define SAID_MAX 65536

/* The reader's results as text: "=line|" for a whole line, "!|" bad, "#|"
 * long. */
struct said {
    char text[SAID_MAX];
    size_t len;
};

static void say_bytes(struct said *s, const char *bytes, size_t len)
{
    cr_assert_lt(s->len + len, sizeof(s->text));
    memcpy(s->text + s->len, bytes, len);
    s->len += len;
    s->text[s->len] = 0;
}

static bool take_all(struct line_reader *l, struct said *s)
{
    struct slice line;

    for (;;) {
        switch (line_next(l, &line)) {
        case LINE_WHOLE:
            say_bytes(s, "=", 1);
            say_bytes(s, line.ptr, line.len);
            say_bytes(s, "|", 1);
            break;
        case LINE_BAD:
            say_bytes(s, "!|", 2);
            break;
        case LINE_LONG:
            say_bytes(s, "#|", 2);
            return false;
        case LINE_MORE:
            return true;
        }
    }
}

/* Feeds two parts; the second one in pieces as large as the room. */
static void feed(struct line_reader *l, struct said *s, const char *bytes,
                 size_t len)
{
    while (len > 0) {
        size_t room, n;
        char *into = line_room(l, &room);

        cr_assert_gt(room, 0);
        n = len < room ? len : room;
        memcpy(into, bytes, n);
        line_added(l, n);
        bytes += n;
        len -= n;
        if (!take_all(l, s))
            return;
    }
}

struct row {
    const char *bytes;
    size_t len;
    bool telnet;
    const char *said;
    const char *why;
};

#define BYTES(literal) (literal), sizeof(literal) - 1

static const struct row rows[] = {
    { BYTES(""), false, "", "nothing" },
    { BYTES("NOOP\r\n"), false, "=NOOP|", "one line" },
    { BYTES("NOOP"), false, "", "no end yet" },
    { BYTES("NOOP\r"), false, "", "half an end" },
    { BYTES("\r\n"), false, "=|", "an empty line" },
    { BYTES("A\r\nB x \r\n"), false, "=A|=B x |", "two at once" },
    { BYTES("A\r\nB"), false, "=A|", "one and a half" },
    { BYTES("A\nB\r\nC\r\n"), false, "!|=C|", "bare LF: B isn't a command" },
    { BYTES("A\rB\r\nC\r\n"), false, "!|=C|", "bare CR" },
    { BYTES("A\r\rB\r\nC\r\n"), false, "!|=C|", "two bare CR: said once" },
    { BYTES("A\r\r\nC\r\n"), false, "!|=C|", "the second CR has its LF" },
    { BYTES("A\0B\0\r\nC\r\n"), false, "!|=C|", "NUL: said once" },
    { BYTES("A\0"), false, "!|", "NUL: said at once" },
    { BYTES("A\n"), false, "!|", "bare LF: said at once" },
    { BYTES("\n\r\nC\r\n"), false, "!|=C|", "LF first" },
    { BYTES("A\0\n\r\0\r\nB\0\r\nC\r\n"), false, "!|!|=C|", "two bad lines" },
    { BYTES("\xff\xf4\r\n"), false, "=\xff\xf4|", "telnet is off" },
    { BYTES("\xff\xf4\xff\xf2"
            "ABOR\r\n"),
      true, "=ABOR|", "IP, Synch" },
    { BYTES("A\xff\xff"
            "B\r\n"),
      true,
      "=A\xff"
      "B|",
      "0xff doubled" },
    { BYTES("A\xff\xff\xff\xff\r\n"), true, "=A\xff\xff|", "twice" },
    { BYTES("\xff\xfb\x01"
            "A\xff\xfd\x03\r\n"),
      true, "=A|", "options" },
    { BYTES("\xff\xfe\x05"
            "A\r\n"),
      true, "=A|", "DONT, the last of the four" },
    { BYTES("\xff\xfb\xff"
            "A\r\n"),
      true, "=A|", "option 255" },
    { BYTES("\xff\xfa\x18\r\n\xff\xff\xf0\xff\xf0"
            "A\r\n"),
      true, "=A|",
      "sub-negotiation, with an end of line and a doubled 0xff in it" },
    { BYTES("A\xff\xf1\r\n"), true, "=A|", "NOP inside" },
    { BYTES("A\r\xff\xf1\nB\r\n"), true, "=A|=B|", "between CR and LF" },
    { BYTES("A\0\xff\xf1\r\nB\r\n"), true, "!|=B|", "in a bad line" },
};

/* Every row is whole, and is cut into three at every pair of boundaries. */
Test(line, same_at_every_boundary)
{
    static struct line_reader l;
    static struct said said;

    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        const struct row *r = &rows[i];

        for (size_t a = 0; a <= r->len; a++) {
            for (size_t b = a; b <= r->len; b++) {
                line_init(&l);
                l.telnet = r->telnet;
                said.len = 0;
                said.text[0] = 0;
                feed(&l, &said, r->bytes, a);
                feed(&l, &said, r->bytes + a, b - a);
                feed(&l, &said, r->bytes + b, r->len - b);
                cr_expect_str_eq(said.text, r->said, "%s, cut at %zu, %zu",
                                 r->why, a, b);
            }
        }
    }
}

/* Feeds a head and LEN bytes of one kind, then CRLF and a second line. */
static void say_long(struct said *s, const char *head, size_t head_len,
                     size_t len, size_t cut)
{
    static struct line_reader l;
    static char bytes[2 * LINE_MAX_BYTES];
    size_t total = len + 2 + 6;

    memset(bytes, 'a', len);
    memcpy(bytes, head, head_len);
    memcpy(bytes + len, "\r\nNOOP\r\n", 8);
    line_init(&l);
    s->len = 0;
    s->text[0] = 0;
    for (size_t at = 0; at < total; at += cut) {
        size_t n = total - at < cut ? total - at : cut;
        size_t before = s->len;

        feed(&l, s, bytes + at, n);
        if (s->len > before && s->text[s->len - 2] == '#')
            return;
    }
}

/* The longest line, and one byte more; skipped bytes count. */
Test(line, long_ones)
{
    static const size_t cuts[] = {
        1, 2, 7, 4096, LINE_MAX_BYTES + 1, 2 * LINE_MAX_BYTES
    };
    static struct said said;

    for (size_t i = 0; i < sizeof(cuts) / sizeof(*cuts); i++) {
        say_long(&said, "", 0, LINE_MAX_BYTES, cuts[i]);
        cr_expect_eq(said.len, 1 + LINE_MAX_BYTES + 1 + 6, "cut %zu", cuts[i]);
        cr_expect_str_eq(said.text + said.len - 6, "=NOOP|");
        say_long(&said, "", 0, LINE_MAX_BYTES + 1, cuts[i]);
        cr_expect_str_eq(said.text, "#|", "cut %zu", cuts[i]);
        say_long(&said, "\0", 1, LINE_MAX_BYTES, cuts[i]);
        cr_expect_str_eq(said.text, "!|=NOOP|", "cut %zu", cuts[i]);
        say_long(&said, "\0", 1, LINE_MAX_BYTES + 1, cuts[i]);
        cr_expect_str_eq(said.text, "!|#|", "cut %zu", cuts[i]);
    }
}

Test(line, a_bare_cr_past_the_limit_is_long)
{
    static struct line_reader l;
    struct slice line;
    size_t room;
    char *into;

    line_init(&l);
    into = line_room(&l, &room);
    cr_assert_eq(room, LINE_MAX_BYTES + 2);
    memset(into, 'a', LINE_MAX_BYTES);
    into[LINE_MAX_BYTES] = '\r';
    line_added(&l, LINE_MAX_BYTES + 1);
    cr_expect_eq(line_next(&l, &line), LINE_MORE);
    into = line_room(&l, &room);
    cr_assert_eq(room, 1);
    *into = '\r';
    line_added(&l, 1);
    line_room(&l, &room);
    cr_expect_eq(room, 0);
    cr_expect_eq(line_next(&l, &line), LINE_LONG);
    cr_expect_eq(line_next(&l, &line), LINE_LONG, "said again");
}

/* Gives the bytes to an empty reader, and takes the first line. */
static void put(struct line_reader *l, const char *bytes, size_t len,
                struct slice *line)
{
    size_t room;

    memcpy(line_room(l, &room), bytes, len);
    line_added(l, len);
    cr_assert_eq(line_next(l, line), LINE_WHOLE);
}

/* STARTTLS injection: bytes after AUTH are noticed, whether they make a line or
 * not; also half an IAC sequence. */
Test(line, has_more)
{
    static const struct {
        const char *bytes;
        size_t len;
        bool telnet, more;
    } table[] = {
        { BYTES("AUTH TLS\r\n"), false, false },
        { BYTES("AUTH TLS\r\nU"), false, true },
        { BYTES("AUTH TLS\r\nUSER x\r\n"), false, true },
        { BYTES("AUTH TLS\r\n\r\n"), false, true },
        { BYTES("AUTH TLS\r\n\xff"), false, true },
        { BYTES("AUTH TLS\r\n\xff"), true, true },
        { BYTES("AUTH TLS\r\n\xff\xfa\x01"), true, true },
        { BYTES("\xff\xf4\xff\xf2"
                "AUTH TLS\r\n"),
          true, false },
    };
    static struct line_reader l;
    struct slice line;

    for (size_t i = 0; i < sizeof(table) / sizeof(*table); i++) {
        line_init(&l);
        l.telnet = table[i].telnet;
        put(&l, table[i].bytes, table[i].len, &line);
        cr_expect_eq(line_has_more(&l), table[i].more, "row %zu", i);
    }
}

static bool holds(const struct line_reader *l, const char *text)
{
    return memmem(l->bytes, sizeof(l->bytes), text, strlen(text)) != NULL;
}

Test(line, wipe_keeps_what_is_unread)
{
    static const char bytes[] = "PASS hunter2\r\nPWD\r\nPA";
    static struct line_reader l;
    struct slice line;

    put(&l, BYTES(bytes), &line);
    cr_assert(holds(&l, "hunter2"));
    line_wipe(&l);
    cr_expect_not(holds(&l, "hunter2"));
    cr_assert_eq(line_next(&l, &line), LINE_WHOLE);
    cr_expect(slice_equal(line, SLICE("PWD")));
    cr_expect(line_has_more(&l));
}

/* Moving the rest to the front leaves old bytes after it. */
Test(line, wipe_after_compaction)
{
    static const char bytes[] = "NOOP\r\nPASS hunter2\r\n";
    static struct line_reader l;
    struct slice line;
    size_t room;

    put(&l, BYTES(bytes), &line);
    line_room(&l, &room);
    cr_assert_eq(line_next(&l, &line), LINE_WHOLE);
    cr_assert(slice_equal(line, SLICE("PASS hunter2")));
    cr_assert_eq(memcmp(l.bytes + l.len, "ter2", 4), 0, "the old bytes");
    line_wipe(&l);
    cr_expect_not(holds(&l, "hunter2"));
    cr_expect_not(holds(&l, "ter2"), "the copy behind it");
}

Test(foreign, bytes)
{
    for (int i = 0; i < 256; i++) {
        char c = (char)i;
        bool letter = (i >= 'A' && i <= 'Z') || (i >= 'a' && i <= 'z');

        cr_expect_eq(not_ftp_byte(c), !letter && i != '\r' && i != 0xff, "%d",
                     i);
    }
}
