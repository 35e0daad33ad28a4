/* The disk becomes full in the middle of an upload: the session asks files for
 * room. The upload then continues where it stopped, or ends with 452. */
#include <criterion/criterion.h>
#include <errno.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "fake.h"
#include "sallyport/ipc/channel.h"

#define TEXT_SENT "HELLO again"

/* This program's pwrite replaces libc's, for the sessions that a test forks
 * after it has set these: `fits` bytes fit, then some calls fail,
 * and then there is room for all. */
static size_t fits = SIZE_MAX;
static unsigned full;
static int error = ENOSPC;

ssize_t pwrite(int fd, const void *bytes, size_t len, off_t at)
{
    size_t n = len < fits ? len : fits;

    if (fits == 0 && full > 0) {
        full--;
        errno = error;
        return -1;
    }
    if (fits == 0)
        n = len;
    else if (fits != SIZE_MAX)
        fits -= n;
    return syscall(SYS_pwrite64, fd, bytes, n, at);
}

static void open_full(struct fake *f, unsigned times)
{
    fits = 3;
    full = times;
    fake_open(f);
    fits = SIZE_MAX; /* for this process */
}

static void begin(struct fake *f, struct fake_transfer *t, unsigned times)
{
    open_full(f, times);
    fake_upload(f, t);
    cr_assert(tls_client_write(t->tls, TEXT_SENT, strlen(TEXT_SENT)));
    cr_assert(tls_client_shutdown(t->tls));
}

static void expect_file(const struct fake_transfer *t, const char *text)
{
    char bytes[64] = "";

    cr_assert_geq(pread(fileno(t->file), bytes, sizeof(bytes) - 1, 0), 0);
    cr_expect_str_eq(bytes, text);
}

/* Expects the request for room while the client is served, and answers it. */
static void answer_room(struct fake *f, const struct fake_transfer *t,
                        enum message_kind message, enum outcome outcome)
{
    struct message asked, answer = { .kind = message };

    fake_hear(&f->files, &asked, MSG_file_room);
    cr_expect_eq(asked.file_room.to_come, 0, "nothing was announced");
    expect_file(t, "HEL");
    fake_say(f, "NOOP");
    cr_expect_eq(fake_reply(f), 200, "%s", f->reply);
    if (message == MSG_refused)
        answer.refused.outcome = outcome;
    answer.request = asked.request;
    fake_tell(&f->files, &answer);
}

static void end(struct fake *f, struct fake_transfer *t)
{
    f->files.phase = PHASE_IDLE;
    fake_hang_up(f, ENDING_CLOSED);
    fake_release(t);
}

/* The rest of the block follows, no byte twice. Room may be short again at
 * once. */
Test(room, the_upload_goes_on, .timeout = 60)
{
    struct message asked, stored = { .kind = MSG_file_stored,
                                     .file_stored = { .path = SLICE("/x") } };

    for (unsigned times = 1; times <= 3; times++) {
        struct fake_transfer t;
        struct fake f;

        begin(&f, &t, times);
        for (unsigned i = 0; i < times; i++)
            answer_room(&f, &t, MSG_done, 0);
        fake_hear(&f.files, &asked, MSG_file_commit);
        cr_expect_eq(asked.file_commit.length, strlen(TEXT_SENT));
        expect_file(&t, TEXT_SENT);
        stored.request = asked.request;
        fake_tell(&f.files, &stored);
        cr_expect_eq(fake_reply(&f), 226, "%s", f.reply);
        end(&f, &t);
    }
}

/* Removing files takes its time, and the client can do nothing about it. */
Test(room, takes_longer_than_a_stall, .timeout = 60)
{
    struct message asked, stored = { .kind = MSG_file_stored,
                                     .file_stored = { .path = SLICE("/x") } };
    struct message done = { .kind = MSG_done };
    struct fake_transfer t;
    struct fake f;

    fake_settings("stall_timeout", 1000);
    begin(&f, &t, 1);
    fake_hear(&f.files, &asked, MSG_file_room);
    poll(NULL, 0, 2000);
    done.request = asked.request;
    fake_tell(&f.files, &done);
    fake_answer(&f, MSG_file_commit, &stored);
    cr_expect_eq(fake_reply(&f), 226, "%s", f.reply);
    expect_file(&t, TEXT_SENT);
    end(&f, &t);
}

Test(room, there_is_none, .timeout = 60)
{
    struct message done = { .kind = MSG_done };
    struct fake_transfer t;
    struct fake f;

    begin(&f, &t, 1);
    answer_room(&f, &t, MSG_refused, OUTCOME_NO_SPACE);
    fake_answer(&f, MSG_file_abort, &done);
    cr_expect_eq(fake_reply(&f), 452, "%s", f.reply);
    expect_file(&t, "HEL");
    end(&f, &t);
}

/* files hears that it was a quota, which it may not be able to read. */
Test(room, a_quota, .timeout = 60)
{
    struct message asked, done = { .kind = MSG_done };
    struct message refused = { .kind = MSG_refused,
                               .refused = { .outcome = OUTCOME_OVER_QUOTA } };
    struct fake_transfer t;
    struct fake f;

    error = EDQUOT;
    begin(&f, &t, 1);
    fake_hear(&f.files, &asked, MSG_file_room);
    cr_expect(asked.file_room.over_quota);
    refused.request = asked.request;
    fake_tell(&f.files, &refused);
    fake_answer(&f, MSG_file_abort, &done);
    cr_expect_eq(fake_reply(&f), 552, "%s", f.reply);
    end(&f, &t);
}

Test(room, aborted_while_it_waits, .timeout = 60)
{
    struct message asked, done = { .kind = MSG_done };
    struct fake_transfer t;
    struct fake f;

    begin(&f, &t, 1);
    fake_hear(&f.files, &asked, MSG_file_room);
    fake_say(&f, "ABOR");
    cr_expect_eq(fake_reply(&f), 426, "%s", f.reply);
    cr_expect_eq(fake_reply(&f), 226, "%s", f.reply);
    done.request = asked.request;
    fake_tell(&f.files, &done);
    fake_answer(&f, MSG_file_abort, &done);
    expect_file(&t, "HEL");
    end(&f, &t);
}

/* The wrong checksum at the end of the zlib stream is read with the block, so
 * the upload can't succeed any more. The client leaves before the block is
 * written: files hears that nothing is kept, and until then the session stays.
 */
Test(room, a_damaged_block_waits_and_the_client_leaves, .timeout = 60)
{
    static const char damaged[] =
        "\x78\x9c\1\x0b\0\xf4\xff" TEXT_SENT "\0\0\0\1";
    struct message room, asked, done = { .kind = MSG_done };
    struct fake_transfer t;
    struct event_record r;
    struct fake f;

    fake_settings("mode_z", 1);
    open_full(&f, 1);
    fake_do(&f, "MODE Z", 200);
    fake_upload(&f, &t);
    cr_assert(tls_client_write(t.tls, damaged, sizeof(damaged) - 1));
    fake_hear(&f.files, &room, MSG_file_room);
    expect_file(&t, "HEL");
    close(f.control);
    f.control = -1;
    cr_expect_eq(channel_wait(&f.files, &asked, 100), -ETIMEDOUT);
    done.request = room.request;
    fake_tell(&f.files, &done);
    fake_hear(&f.files, &asked, MSG_file_abort);
    cr_expect(asked.file_abort.spoiled);
    done.request = asked.request;
    fake_tell(&f.files, &done);
    cr_expect_eq(fake_end(&f), ENDING_CLOSED);
    cr_assert(fake_event(&f, EVENT_TRANSFER, &r));
    cr_expect_eq(r.number[FIELD_RESULT], 426);
    cr_expect_not(fake_event(&f, EVENT_TRANSFER, &r), "a second event");
    fake_release(&t);
}
