/* What is written can be read, and says the same. */
#include <errno.h>
#include <stdlib.h>

#include "conf.h"

static void dump(const struct settings *s, struct buf *into)
{
    buf_init(into, 65536);
    cr_assert_eq(conf_dump(s, into), 0);
}

static void expect_round_trip(const char *text)
{
    struct settings s, again;
    struct complaint c;
    struct buf first, second;

    cr_assert_eq(parse(&s, text, &c), 0, "%s", c.text);
    dump(&s, &first);
    cr_assert_eq(conf_parse(&again, buf_slice(&first), "dump", &c), 0, "%s",
                 c.text);
    dump(&again, &second);
    cr_expect(slice_equal(buf_slice(&first), buf_slice(&second)));
    buf_release(&first);
    buf_release(&second);
}

Test(dump, round_trips)
{
    expect_round_trip("");
    expect_round_trip(
        "listen = [::1]:21, [::1]:990 tls\nports = auto 9\naddress = ::5\n"
        "allow_weaker = landlock ids\nlogin_delay = 1501ms\n"
        "resume = no\nfsync = no\nstartups = 4\n"
        "max_file_size = 3G\nusers = /x y;z\nuid.log = 5\n");
}

Test(dump, says_what_is_set)
{
    struct settings s;
    struct complaint c;
    struct buf text;

    cr_assert_eq(
        parse(&s, "idle_timeout = 5min\nallow_weaker = ids chroot\n", &c), 0);
    dump(&s, &text);
    cr_assert_eq(buf_add(&text, "", 1), 0);
    cr_expect_not_null(strstr(text.data, "\nidle_timeout = 300s\n"));
    cr_expect_not_null(strstr(text.data, "\nallow_weaker = ids chroot\n"));
    cr_expect_not_null(strstr(text.data, "listen = 0.0.0.0:21, [::]:21\n"));
    buf_release(&text);
}

/* Every limit of the buffer is met: an error, never half a file. */
Test(dump, too_small_a_buffer)
{
    struct settings s;
    struct buf whole, part;

    conf_default(&s);
    dump(&s, &whole);
    for (size_t max = 0; max < whole.len; max += 7) {
        buf_init(&part, max);
        cr_expect_eq(conf_dump(&s, &part), -ENOBUFS, "%zu", max);
        buf_release(&part);
        buf_init(&part, max);
        cr_expect_eq(conf_example(&part), -ENOBUFS, "%zu", max);
        buf_release(&part);
    }
    buf_release(&whole);
}

/* The example with each '#' in front of a key taken away is a configuration,
 * that of the defaults. */
Test(dump, the_example_is_the_default)
{
    struct settings s, defaults;
    struct complaint c = { .text = "" };
    struct buf example, live, a, b;
    struct slice rest, line;

    buf_init(&example, 65536);
    buf_init(&live, 65536);
    cr_assert_eq(conf_example(&example), 0);
    rest = buf_slice(&example);
    while (slice_cut(&rest, '\n', &line)) {
        if (line.len > 1 && line.ptr[0] == '#' && line.ptr[1] != ' ')
            line = (struct slice){ line.ptr + 1, line.len - 1 };
        buf_add_slice(&live, line);
        buf_add_text(&live, "\n");
    }
    cr_assert_eq(conf_parse(&s, buf_slice(&live), "example", &c), 0, "%s",
                 c.text);
    conf_default(&defaults);
    dump(&s, &a);
    dump(&defaults, &b);
    cr_expect(slice_equal(buf_slice(&a), buf_slice(&b)));
    buf_release(&example);
    buf_release(&live);
    buf_release(&a);
    buf_release(&b);
}
