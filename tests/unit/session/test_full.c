/* The disk becomes full in the middle of an upload: files says whether it was
 * the disk or a quota, and the upload ends with 452 or 552. */
#include <sys/syscall.h>

#include "fake.h"

/* This program's pwrite() replaces libc's in the sessions that a test forks
 * after it has set these variables: it writes FITS bytes, and then fails with
 * ERROR. */
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
    fake_send("HELLO again");
}

/* While files looks for the cause, the session serves the client, and writes
 * nothing more. */
Test(full, ends_the_upload, .timeout = 60)
{
    static const struct {
        int error;
        enum outcome outcome;
        int reply;
    } rows[] = { { ENOSPC, OUTCOME_NO_SPACE, 452 },
                 { EDQUOT, OUTCOME_OVER_QUOTA, 552 } };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        error = rows[i].error;
        begin();
        cr_expect_eq(EXPECT(&fake.files, file_full)->over_quota,
                     rows[i].error == EDQUOT);
        fake_do("NOOP", 200);
        SAY_BACK(&fake.files, refused, .outcome = rows[i].outcome);
        fake_fail(rows[i].reply);
        fake_expect_file("HEL");
        fake_part();
    }
}

/* stall_timeout doesn't count while files looks for the cause, since the client
 * can't make the disk faster. */
Test(full, takes_longer_than_a_stall, .fini = fake_part, .timeout = 60)
{
    fake_settings("stall_timeout", 1000);
    begin();
    EXPECT(&fake.files, file_full);
    poll(NULL, 0, 2000);
    SAY_BACK(&fake.files, refused, .outcome = OUTCOME_NO_SPACE);
    fake_fail(452);
}

Test(full, aborted_while_it_waits, .init = begin, .fini = fake_part,
     .timeout = 60)
{
    EXPECT(&fake.files, file_full);
    fake_abort();
    SAY_BACK(&fake.files, refused, .outcome = OUTCOME_NO_SPACE);
    fake_given_up();
    fake_expect_file("HEL");
}

/* If files is still syncing, the session sends file_full after the answer to
 * file_sync, and only once. */
Test(full, while_files_syncs, .fini = fake_part, .timeout = 60)
{
    static char block[1 << 20];

    fake_settings("fsync", 1);
    fits = 33u << 20;
    fake_open();
    fits = SIZE_MAX;
    fake_upload();
    for (int i = 0; i < 35; i++)
        tls_client_write(transfer.tls, block, sizeof(block));
    EXPECT(&fake.files, file_sync);
    cast_hear_nothing(&fake.files, 200);
    SAY_BACK(&fake.files, done);
    fake_refuse(MSG_file_full, OUTCOME_NO_SPACE);
    fake_fail(452);
}
