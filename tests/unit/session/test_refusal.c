/* Refusals by gate or files are events, too. A refused transfer or change has
 * its own event and no other. */
#include <criterion/criterion.h>
#include <errno.h>

#include "fake.h"
#include "sallyport/ipc/channel.h"

static void expect_refused(struct fake *f, const char *verb, const char *path,
                           unsigned result)
{
    struct event_record r;

    cr_assert(fake_event(f, EVENT_COMMAND_REFUSED, &r), "%s", verb);
    cr_expect(slice_equal(r.text[FIELD_VERB], slice_from(verb)));
    cr_expect(slice_equal(r.text[FIELD_USER], SLICE("anna")));
    cr_expect_eq(r.number[FIELD_RESULT], result);
    cr_expect(!path || slice_equal(r.text[FIELD_PATH], slice_from(path)));
}

static void ask_port(struct fake *f, int error)
{
    struct message asked,
        none = { .kind = MSG_port_none, .port_none = { .error = error } };

    fake_say(f, "EPSV");
    fake_hear(&f->gate, &asked, MSG_port);
    none.request = asked.request;
    fake_tell(&f->gate, &none);
    cr_assert_eq(fake_reply(f), 425);
}

Test(refusal, no_port_is_free, .timeout = 60)
{
    struct fake f;

    fake_open(&f);
    ask_port(&f, EADDRINUSE);
    expect_refused(&f, "EPSV", NULL, 425);
    ask_port(&f, EMFILE);
    expect_refused(&f, "EPSV", NULL, 425);
    fake_hang_up(&f, ENDING_CLOSED);
}

static const struct row {
    const char *line;
    enum message_kind asked;
    enum outcome outcome;
    const char *verb, *path;
    unsigned code;
} rows[] = {
    { "CWD a", MSG_directory_enter, OUTCOME_DENIED, "CWD", "/a", 550 },
    { "RNFR b c", MSG_facts, OUTCOME_DENIED, "RNFR", "/b c", 550 },
    { "MLST d", MSG_facts, OUTCOME_NO_RIGHT, "MLST", "/d", 550 },
    { "CWD a", MSG_directory_enter, OUTCOME_IO, "CWD", "/a", 451 },
    { "SIZE a", MSG_facts, OUTCOME_IO, "SIZE", "/a", 451 },
    { "MDTM a", MSG_facts, OUTCOME_IO, "MDTM", "/a", 451 },
    { "RNFR a", MSG_facts, OUTCOME_IO, "RNFR", "/a", 451 },
    { "AVBL", MSG_space, OUTCOME_IO, "AVBL", NULL, 451 },
    { "STAT a", MSG_directory_list, OUTCOME_IO, "STAT", "/a", 451 },
};

static void refuse(struct fake *f, enum message_kind asked, enum outcome o)
{
    struct message no = { .kind = MSG_refused, .refused = { .outcome = o } };

    fake_answer(f, asked, &no);
}

Test(refusal, by_files, .timeout = 60)
{
    struct fake f;

    fake_open(&f);
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        fake_say(&f, rows[i].line);
        refuse(&f, rows[i].asked, rows[i].outcome);
        cr_assert_eq(fake_reply(&f), (int)rows[i].code);
        expect_refused(&f, rows[i].verb, rows[i].path, rows[i].code);
    }
    fake_hang_up(&f, ENDING_CLOSED);
}

/* A name that doesn't exist is no refusal, but for a first wrong directory; a
 * change has its event already. */
Test(refusal, once_or_not_at_all, .timeout = 60)
{
    struct event_record r;
    struct fake f;

    fake_open(&f);
    for (int i = 0; i < 2; i++) {
        fake_say(&f, "CWD a");
        refuse(&f, MSG_directory_enter, OUTCOME_NOT_FOUND);
        cr_assert_eq(fake_reply(&f), 550);
    }
    cr_expect(fake_event(&f, EVENT_COMMAND_REFUSED, &r));
    fake_say(&f, "DELE a");
    refuse(&f, MSG_file_delete, OUTCOME_DENIED);
    cr_assert_eq(fake_reply(&f), 550);
    fake_do(&f, "NOSUCH", 500);
    fake_hang_up(&f, ENDING_CLOSED);
    cr_expect(!fake_event(&f, EVENT_COMMAND_REFUSED, &r));
}

/* Commands that a stranger tries before a login belong to no user. */
Test(refusal, not_before_a_login, .timeout = 60)
{
    struct event_record r;
    struct fake f;

    fake_start(&f);
    fake_secure(&f);
    fake_do(&f, "PBSZ 0", 200);
    fake_do(&f, "PROT C", 534);
    fake_hang_up(&f, ENDING_CLOSED);
    cr_expect(!fake_event(&f, EVENT_COMMAND_REFUSED, &r));
}
