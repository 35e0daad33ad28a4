/* A refusal by gate or files is an event, too. A refused transfer or change has
 * its own event and no other. */
#include "fake.h"

static void expect_refused(const char *verb, const char *path, unsigned result)
{
    cr_assert(fake_event(EVENT_COMMAND_REFUSED, &logged), "%s", verb);
    fake_expect_text(&logged, FIELD_VERB, verb);
    fake_expect_text(&logged, FIELD_USER, "anna");
    cr_expect_eq(logged.number[FIELD_RESULT], result);
    fake_expect_text(&logged, FIELD_PATH, path);
}

static void ask_port(int error)
{
    fake_say("EPSV");
    SERVE(&fake.gate, port, port_none, .error = error);
    cr_assert_eq(fake_reply(), 425);
}

Test(refusal, no_port_is_free, LOGGED_IN)
{
    ask_port(EADDRINUSE);
    expect_refused("EPSV", NULL, 425);
    ask_port(EMFILE);
    expect_refused("EPSV", NULL, 425);
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
    { "AVBL", MSG_space, OUTCOME_IO, "AVBL", "/", 451 },
    { "STAT a", MSG_directory_list, OUTCOME_IO, "STAT", "/a", 451 },
    { "SITE PARTIAL a", MSG_facts, OUTCOME_NO_RIGHT, "SITE", "/a", 550 },
    { "SITE QUOTA a", MSG_space, OUTCOME_NO_RIGHT, "SITE", "/a", 550 },
    { "SITE QUOTA", MSG_space, OUTCOME_IO, "SITE", "/", 451 },
};

Test(refusal, by_files, LOGGED_IN)
{
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        fake_say(rows[i].line);
        fake_refuse(rows[i].asked, rows[i].outcome);
        cr_assert_eq(fake_reply(), (int)rows[i].code);
        expect_refused(rows[i].verb, rows[i].path, rows[i].code);
    }
}

/* The path in the log is the client's, not a name that the server made for
 * STOU. */
Test(refusal, of_an_upload_without_allo, LEAVES)
{
    static const struct {
        const char *line, *verb, *path;
    } uploads[] = { { "STOU a", "STOU", "/a" },
                    { "STOU", "STOU", "/" },
                    { "APPE a", "APPE", "/a" } };

    fake.granted.upload_eof = UPLOAD_EOF_ANNOUNCED;
    fake_open();
    fake_do("PBSZ 0", 200);
    fake_do("PROT P", 200);
    for (size_t i = 0; i < sizeof(uploads) / sizeof(uploads[0]); i++) {
        fake_do(uploads[i].line, 503);
        expect_refused(uploads[i].verb, uploads[i].path, 503);
    }
}

/* A missing name is an event only for the session's first CWD to one. A refused
 * change has its own event already. */
Test(refusal, once_or_not_at_all, .init = fake_open, .timeout = 60)
{
    for (int i = 0; i < 2; i++) {
        fake_do_refused("CWD a", MSG_directory_enter, OUTCOME_NOT_FOUND, 550);
    }
    cr_expect(fake_event(EVENT_COMMAND_REFUSED, &logged));
    fake_do_refused("DELE a", MSG_file_delete, OUTCOME_DENIED, 550);
    fake_do("NOSUCH", 500);
    fake_hang_up(ENDING_CLOSED);
    cr_expect(!fake_event(EVENT_COMMAND_REFUSED, &logged));
}

/* A stranger's commands before a login are no events, since they belong to no
 * user. */
Test(refusal, not_before_a_login, .init = fake_start, .timeout = 60)
{
    fake_secure();
    fake_do("PBSZ 0", 200);
    fake_do("PROT C", 534);
    fake_hang_up(ENDING_CLOSED);
    cr_expect(!fake_event(EVENT_COMMAND_REFUSED, &logged));
}

/* The line of a refused ALLO has the number, whoever refuses it. */
Test(refusal, of_announced_bytes, LEAVES)
{
    fake_settings("max_file_size", 5000);
    fake_open();
    for (int i = 0; i < 3; i++) {
        fake_say(i == 0 ? "ALLO 6000" : "ALLO 4000 R 10");
        if (i > 0)
            SERVE(&fake.files, space, space_is, .bytes = 10,
                  .by_bytes = i == 2);
        cr_assert_eq(fake_reply(), 552, "%d: %s", i, fake.reply);
        cr_assert(fake_event(EVENT_COMMAND_REFUSED, &logged));
        fake_expect_text(&logged, FIELD_TO, i == 0 ? "6000" : "4000");
    }
}
