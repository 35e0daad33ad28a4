/* The disk becomes full in the middle of an upload: files says whether it was
 * the disk or a quota, and the upload ends with 452 or 552. */
#include <sys/syscall.h>

#include "fake.h"

#define TEXT_SENT "HELLO again"

/* This program's pwrite replaces libc's, for the sessions that a test forks
 * after it has set these: so many bytes fit. */
static size_t fits = SIZE_MAX;
static int error = ENOSPC;

ssize_t pwrite(int fd, const void *bytes, size_t len, off_t at)
{
    size_t n = len < fits ? len : fits;

    if (fits == 0) {
        errno = error;
        return -1;
    }
    if (fits != SIZE_MAX)
        fits -= n;
    return syscall(SYS_pwrite64, fd, bytes, n, at);
}

static void begin(void)
{
    fits = 3;
    fake_open();
    fits = SIZE_MAX; /* for this process */
    fake_upload();
    cr_assert(tls_client_write(transfer.tls, TEXT_SENT, strlen(TEXT_SENT)));
    cr_assert(tls_client_shutdown(transfer.tls));
}

static void expect_file(const char *text)
{
    char bytes[64] = "";

    cr_assert_geq(pread(fileno(transfer.file), bytes, sizeof(bytes) - 1, 0), 0);
    cr_expect_str_eq(bytes, text);
}

static void refuse(const struct message *asked, enum outcome outcome)
{
    struct message refused = { .kind = MSG_refused,
                               .refused = { .outcome = outcome } };

    refused.request = asked->request;
    fake_tell(&fake.files, &refused);
}

static void end(void)
{
    fake.files.phase = PHASE_IDLE;
    fake_hang_up(ENDING_CLOSED);
    fake_release();
}

/* The client is served while files looks for the cause, and nothing more is
 * written. */
Test(full, ends_the_upload, .timeout = 60)
{
    static const struct {
        int error;
        enum outcome outcome;
        int reply;
    } rows[] = { { ENOSPC, OUTCOME_NO_SPACE, 452 },
                 { EDQUOT, OUTCOME_OVER_QUOTA, 552 } };
    struct message asked, done = { .kind = MSG_done };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {

        error = rows[i].error;
        begin();
        fake_hear(&fake.files, &asked, MSG_file_full);
        cr_expect_eq(asked.file_full.over_quota, rows[i].error == EDQUOT);
        fake_do("NOOP", 200);
        refuse(&asked, rows[i].outcome);
        fake_answer(MSG_file_abort, &done);
        cr_expect_eq(fake_reply(), rows[i].reply, "%s", fake.reply);
        expect_file("HEL");
        end();
    }
}

/* A disk takes its time, and the client can do nothing about it. */
Test(full, takes_longer_than_a_stall, .timeout = 60)
{
    struct message asked, done = { .kind = MSG_done };

    fake_settings("stall_timeout", 1000);
    begin();
    fake_hear(&fake.files, &asked, MSG_file_full);
    poll(NULL, 0, 2000);
    refuse(&asked, OUTCOME_NO_SPACE);
    fake_answer(MSG_file_abort, &done);
    cr_expect_eq(fake_reply(), 452, "%s", fake.reply);
    end();
}

Test(full, aborted_while_it_waits, .timeout = 60)
{
    struct message asked, done = { .kind = MSG_done };

    begin();
    fake_hear(&fake.files, &asked, MSG_file_full);
    fake_say("ABOR");
    cr_expect_eq(fake_reply(), 426, "%s", fake.reply);
    cr_expect_eq(fake_reply(), 226, "%s", fake.reply);
    refuse(&asked, OUTCOME_NO_SPACE);
    fake_answer(MSG_file_abort, &done);
    expect_file("HEL");
    end();
}

/* Files still answers an earlier request, a sync: the question comes after
 * that, and only once. */
Test(full, while_files_syncs, .timeout = 60)
{
    static char block[1 << 20];
    struct message synced, asked, done = { .kind = MSG_done };

    fake_settings("fsync", 1);
    fits = 33u << 20;
    fake_open();
    fits = SIZE_MAX;
    fake_upload();
    for (int i = 0; i < 35; i++)
        tls_client_write(transfer.tls, block, sizeof(block));
    fake_hear(&fake.files, &synced, MSG_file_sync);
    cr_expect_eq(channel_wait(&fake.files, &asked, 200), -ETIMEDOUT);
    done.request = synced.request;
    fake_tell(&fake.files, &done);
    fake_hear(&fake.files, &asked, MSG_file_full);
    refuse(&asked, OUTCOME_NO_SPACE);
    done.request = 0;
    fake_answer(MSG_file_abort, &done);
    cr_expect_eq(fake_reply(), 452, "%s", fake.reply);
    end();
}
