/* A peer gives no answer: the session ends by its deadline, and its client gets
 * a 421 first. */
#include <criterion/criterion.h>
#include <string.h>
#include <unistd.h>

#include "fake.h"
#include "sallyport/base/clock.h"
#include "sallyport/session/session.h"

#define LATE_MS  300
#define LATER_MS 900

static void begin(struct fake *f)
{
    static const struct session_deadlines soon = {
        .ask = LATE_MS, .ask_long = LATER_MS, .port = LATE_MS, .ports = 800
    };

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
    fake_say(&f, "SIZE /x");
    fake_hear(&f.files, &asked, MSG_facts);
    expect_end_after(&f, since, LATE_MS, "files: no answer in time");
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
