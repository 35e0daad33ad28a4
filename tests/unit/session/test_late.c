/* A peer gives no answer: the session ends by its deadline, and its client gets
 * a 421 first. */
#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "fake.h"
#include "sallyport/base/clock.h"
#include "sallyport/ipc/channel.h"
#include "sallyport/session/session.h"

#define LATE_MS  300
#define LATER_MS 900

static void begin(struct fake *f)
{
    static const struct session_deadlines soon = { .ask = LATE_MS,
                                                   .ask_long = LATER_MS,
                                                   .gate = LATE_MS };

    fake_deadlines(&soon);
    fake_open(f);
}

static void expect_end_after(struct fake *f, uint64_t since, uint64_t least,
                             const char *reason)
{
    const char *said;

    cr_expect_eq(fake_reply(f), 421, "%s", f->reply);
    cr_expect_geq(clock_ms() - since + 10, least);
    cr_expect_eq(fake_end(f), ENDING_PEER);
    said = fake_end_reason(f);
    cr_expect(said && strstr(said, reason), "%s", said);
}

Test(late, files, .timeout = 60)
{
    uint64_t since;
    struct message asked;
    struct fake f;

    begin(&f);
    since = clock_ms();
    fake_say(&f, "MDTM /x");
    fake_hear(&f.files, &asked, MSG_facts);
    expect_end_after(&f, since, LATE_MS, "files: no answer in time");
}

/* Files syncs the partial before it reports the length, and another session may
 * be writing the partial. */
Test(late, a_size_on_a_slow_disk, .timeout = 60)
{
    static const char *const lines[] = { "SIZE /x", "SITE PARTIAL /x" };

    for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
        uint64_t since;
        struct message asked;
        struct fake f;

        begin(&f);
        since = clock_ms();
        fake_say(&f, lines[i]);
        fake_hear(&f.files, &asked, MSG_facts);
        expect_end_after(&f, since, LATER_MS, "files: no answer in time");
    }
}

/* A slow disk may take longer. */
Test(late, files_with_a_slow_disk, .timeout = 60)
{
    uint64_t since;
    struct message asked;
    struct fake f;
    int data;

    begin(&f);
    data = fake_data(&f);
    since = clock_ms();
    fake_say(&f, "STOR /x");
    fake_hear(&f.files, &asked, MSG_file_write);
    expect_end_after(&f, since, LATER_MS, "files: no answer in time");
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
    struct fake f;

    begin(&f);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        fake_say(&f, rows[i].line);
        fake_hear(&f.files, &m, rows[i].asked);
        done.request = m.request;
        cr_assert_eq(channel_wait(&f.files, &m, LATE_MS + 100), -ETIMEDOUT,
                     "%s", rows[i].line);
        fake_tell(&f.files, &done);
        cr_expect_eq(fake_reply(&f), rows[i].code, "%s: %s", rows[i].line,
                     f.reply);
    }
    fake_hang_up(&f, ENDING_CLOSED);
}

Test(late, gate, .timeout = 60)
{
    uint64_t since;
    struct message asked;
    struct fake f;

    begin(&f);
    since = clock_ms();
    fake_say(&f, "PASV");
    fake_hear(&f.gate, &asked, MSG_port);
    expect_end_after(&f, since, LATE_MS, "gate: no port in time");
}
