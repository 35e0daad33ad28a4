/* A peer doesn't answer: the session ends at its deadline, and its client gets
 * a 421 first. */
#include "fake.h"
#include "sallyport/base/clock.h"
#include "sallyport/session/session.h"

#define LATE_MS  1000
#define LATER_MS 4000

static void begin(void)
{
    static const struct session_deadlines soon = {
        .ask = LATE_MS, .ask_long = LATER_MS, .gate = LATE_MS, .silent = 60000
    };

    fake.deadlines = &soon;
    fake_open();
}

static void expect_end_after(uint64_t since, uint64_t least, const char *reason)
{
    const char *said;

    cr_expect_eq(fake_reply(), 421, "%s", fake.reply);
    cr_expect_geq(clock_ms() - since + 10, least);
    cr_expect_eq(fake_end(), ENDING_PEER);
    said = fake_end_reason();
    cr_expect(said && strstr(said, reason), "%s", said);
}

/* On a slow disk some requests have a longer deadline: STOR can copy a large
 * file. For SIZE files first syncs the partial, which another session may be
 * writing. For RNFR it can read a directory. */
Test(late, files, .timeout = 60)
{
    static const struct {
        const char *line;
        enum message_kind asked;
        uint64_t least;
    } rows[] = {
        { "MDTM /x", MSG_facts, LATE_MS },
        { "SIZE /x", MSG_facts, LATER_MS },
        { "RNFR /x", MSG_facts, LATER_MS },
        { "SITE PARTIAL /x", MSG_facts, LATER_MS },
        { "STOR /x", MSG_file_write, LATER_MS },
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        uint64_t since;
        int data;

        begin();
        data = fake_data();
        since = clock_ms();
        fake_say(rows[i].line);
        cast_expect(&fake.files, rows[i].asked);
        expect_end_after(since, rows[i].least, "files: no answer in time");
        close(data);
    }
}

/* These commands sync directories, so they have the longer deadline. If the
 * session ended before the answer, its client wouldn't know whether the change
 * was made. */
Test(late, a_change_on_a_slow_disk, LEAVES)
{
    static const struct {
        const char *line;
        enum message_kind asked;
        int code;
    } rows[] = {
        { "MKD /d", MSG_directory_make, 257 },
        { "RMD /d", MSG_directory_remove, 250 },
        { "DELE /x", MSG_file_delete, 250 },
        { "SITE CHMOD 644 /x", MSG_mode, 200 },
    };

    begin();
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        fake_say(rows[i].line);
        cast_expect(&fake.files, rows[i].asked);
        cast_hear_nothing(&fake.files, LATE_MS + 100);
        SAY_BACK(&fake.files, done);
        cr_expect_eq(fake_reply(), rows[i].code, "%s: %s", rows[i].line,
                     fake.reply);
    }
}

Test(late, gate, .init = begin, .timeout = 60)
{
    uint64_t since;

    since = clock_ms();
    fake_say("PASV");
    EXPECT(&fake.gate, port);
    expect_end_after(since, LATE_MS, "gate: no port in time");
}
