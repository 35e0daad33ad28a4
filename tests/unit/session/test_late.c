/* A peer gives no answer: the session ends by its deadline, and its client gets
 * a 421 first. */
#include "fake.h"
#include "sallyport/base/clock.h"
#include "sallyport/session/session.h"

#define LATE_MS  300
#define LATER_MS 900

static void begin(void)
{
    static const struct session_deadlines soon = { .ask = LATE_MS,
                                                   .ask_long = LATER_MS,
                                                   .gate = LATE_MS };

    fake_deadlines(&soon);
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

Test(late, files, .timeout = 60)
{
    uint64_t since;
    struct message asked;

    begin();
    since = clock_ms();
    fake_say("MDTM /x");
    fake_hear(&fake.files, &asked, MSG_facts);
    expect_end_after(since, LATE_MS, "files: no answer in time");
}

/* Files syncs the partial before it reports the length, and another session may
 * be writing the partial. */
Test(late, a_size_on_a_slow_disk, .timeout = 60)
{
    static const char *const lines[] = { "SIZE /x", "SITE PARTIAL /x" };

    for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
        uint64_t since;
        struct message asked;

        begin();
        since = clock_ms();
        fake_say(lines[i]);
        fake_hear(&fake.files, &asked, MSG_facts);
        expect_end_after(since, LATER_MS, "files: no answer in time");
    }
}

/* A slow disk may take longer. */
Test(late, files_with_a_slow_disk, .timeout = 60)
{
    uint64_t since;
    struct message asked;
    int data;

    begin();
    data = fake_data();
    since = clock_ms();
    fake_say("STOR /x");
    fake_hear(&fake.files, &asked, MSG_file_write);
    expect_end_after(since, LATER_MS, "files: no answer in time");
    close(data);
}

/* These sync directories. A session that ended after such a change would leave
 * its client in doubt. */
Test(late, a_change_on_a_slow_disk, .timeout = 60)
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
    struct message m, done = { .kind = MSG_done };

    begin();
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        fake_say(rows[i].line);
        fake_hear(&fake.files, &m, rows[i].asked);
        done.request = m.request;
        cr_assert_eq(channel_wait(&fake.files, &m, LATE_MS + 100), -ETIMEDOUT,
                     "%s", rows[i].line);
        fake_tell(&fake.files, &done);
        cr_expect_eq(fake_reply(), rows[i].code, "%s: %s", rows[i].line,
                     fake.reply);
    }
    fake_hang_up(ENDING_CLOSED);
}

Test(late, gate, .timeout = 60)
{
    uint64_t since;
    struct message asked;

    begin();
    since = clock_ms();
    fake_say("PASV");
    fake_hear(&fake.gate, &asked, MSG_port);
    expect_end_after(since, LATE_MS, "gate: no port in time");
}
