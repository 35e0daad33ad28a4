/* Rows: what is written is read, and nothing else is. */
#include "sallyport/ipc/shown.h"
#include "support/cast.h"
#include "support/test.h"

/* NAME has the kind before it. */
static void expect_next(struct slice *rest, const char *name, const char *value)
{
    struct slice one, text;
    enum shown_kind kind;

    cr_assert_eq(shown_next(rest, &kind, &one, &text), 1, "%s", name);
    cr_expect_eq((char)kind, name[0], "%s", name);
    cr_expect(slice_equal(one, slice_from(name + 1)), "%s", name);
    cr_expect(slice_equal(text, slice_from(value)), "%s", name);
}

Test(shown, is_sent)
{
    struct channel master, ctl;
    struct shown_row r = { 0 };
    struct slice rest, one, text;
    enum shown_kind kind;

    shown_text(&r, "user", SLICE("a\n\x1b"));
    shown_add(&r, SHOWN_ITEM, "user", SLICE(""));
    shown_number(&r, "most", UINT64_MAX);
    shown_add_number(&r, SHOWN_FLAG, "yes", true);
    shown_add_number(&r, SHOWN_TIME, "since", 1700000000);
    shown_add_number(&r, SHOWN_TIME, "before", (uint64_t)-1);
    shown_add_number(&r, SHOWN_DAYS, "until", (uint64_t)-1);
    channel_make_both(&master, PROCESS_MASTER, &ctl, PROCESS_CTL, PHASE_ASKED);
    cr_assert_eq(shown_send(&master, 7, "bans", &r), 0);
    ctl.last_request = 7;
    EXPECT(&ctl, row);
    cr_expect(slice_equal(heard.row.table, SLICE("bans")));
    rest = heard.row.values;
    expect_next(&rest, "=user", "a\n\x1b");
    expect_next(&rest, "+user", "");
    expect_next(&rest, "#most", "18446744073709551615");
    expect_next(&rest, "?yes", "1");
    expect_next(&rest, "@since", "1700000000");
    expect_next(&rest, "@before", "0");
    expect_next(&rest, "~until", "0");
    cr_expect_eq(shown_next(&rest, &kind, &one, &text), 0);
    channel_close(&master);
    channel_close(&ctl);
}

/* A text that doesn't fit spoils the row: a part of it would be a lie. */
Test(shown, is_bounded)
{
    static char text[MESSAGE_BYTES_MAX];
    struct channel master, ctl;
    struct shown_row r = { 0 };

    memset(text, 'x', sizeof(text));
    channel_make_both(&master, PROCESS_MASTER, &ctl, PROCESS_CTL, PHASE_ASKED);
    shown_text(&r, "a", (struct slice){ text, sizeof(text) - 4 });
    cr_expect_eq(r.len, sizeof(r.bytes));
    cr_expect_eq(shown_send(&master, 1, "t", &r), 0);
    shown_text(&r, "b", SLICE(""));
    cr_expect_eq(shown_send(&master, 1, "t", &r), -EINVAL);
    shown_number(&r, "c", 1);
    cr_expect_eq(shown_send(&master, 1, "t", &r), -EINVAL);
    r = (struct shown_row){ 0 };
    shown_text(&r, "a", (struct slice){ text, sizeof(text) - 3 });
    cr_expect_eq(shown_send(&master, 1, "t", &r), -EINVAL);
    r = (struct shown_row){ 0 };
    shown_text(&r, "a", (struct slice){ "x\0y", 3 });
    cr_expect_eq(shown_send(&master, 1, "t", &r), -EINVAL);
    channel_close(&master);
    channel_close(&ctl);
}

Test(shown, that_is_none)
{
    static const struct {
        struct slice bytes;
        int result;
    } rows[] = {
        { { "", 0 }, 0 },
        { { "a", 1 }, -EPROTO },
        { { "a\0", 2 }, -EPROTO },
        { { "a\0b", 3 }, -EPROTO },
        { { "\0b\0", 3 }, -EPROTO },
        { { "\0", 1 }, -EPROTO },
        { { "a\0b\0", 4 }, -EPROTO },
        { { "=a\0\0", 4 }, 1 },
        { { "=a\0b\0", 5 }, 1 },
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct slice rest = rows[i].bytes, name, value;
        enum shown_kind kind;

        cr_expect_eq(shown_next(&rest, &kind, &name, &value), rows[i].result,
                     "%zu", i);
    }
}
