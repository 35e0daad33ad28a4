/* The limits of a session's own: its rates of uploads and downloads, which the
 * session keeps by itself, and the size of a file. */
#include <sys/resource.h>

#include "fake.h"
#include "sallyport/base/clock.h"

#define SIZE 100000
#define RATE 200000
/* Bytes that are free at the beginning: those of 200 ms. */
#define FREE     (RATE * 200 / 1000)
#define LEAST_MS ((SIZE - FREE) * 1000 / RATE)
/* 512 bytes at once, and the next ones after hours. */
#define NEVER 1

static void open_limited(uint64_t up, uint64_t down)
{
    fake.granted.up = up;
    fake.granted.down = down;
    fake_open();
}

static void begin(bool upload)
{
    if (upload)
        fake_upload();
    else
        fake_download(SIZE);
}

/* Moves SIZE bytes to the end of the transfer. */
static void move(bool upload)
{
    static const char zeros[SIZE];
    uint64_t got = 0;

    if (upload) {
        cr_assert(tls_client_write(transfer.tls, zeros, SIZE));
        fake_send("");
        cr_expect_eq(fake_stored("/x"), SIZE);
    } else {
        fake_drain(&got);
        cr_expect_eq(got, SIZE);
    }
    cr_expect_eq(fake_reply(), 226);
    fake_release();
}

static void expect_slow(bool upload, uint64_t began)
{
    cr_expect_geq(clock_ms() - began, LEAST_MS, "%s",
                  upload ? "upload" : "download");
}

/* The rate of one direction doesn't slow the other one down. */
Test(rate, of_each_direction, .timeout = 60)
{
    for (int upload = 0; upload <= 1; upload++) {
        uint64_t began;

        open_limited(upload ? RATE : NEVER, upload ? NEVER : RATE);
        began = clock_ms();
        begin(upload);
        move(upload);
        expect_slow(upload, began);
        fake_hang_up(ENDING_CLOSED);

        open_limited(upload ? 0 : NEVER, upload ? NEVER : 0);
        begin(upload);
        move(upload);
        fake_hang_up(ENDING_CLOSED);
    }
}

/* A transfer begins where the clock of the transfer before it is. */
Test(rate, of_several_transfers, LEAVES)
{
    const uint64_t began = clock_ms();

    open_limited(0, RATE);
    for (int i = 0; i < 2; i++) {
        begin(false);
        move(false);
    }
    cr_expect_geq(clock_ms() - began, LEAST_MS + SIZE * 1000 / RATE);
}

/* Listings don't count. */
Test(rate, of_no_listing, LEAVES)
{
    static const char line[] = "type=file; a-rather-long-name\r\n";
    uint64_t got = 0;
    int pipe;

    open_limited(NEVER, NEVER);
    transfer.data = fake_data();
    fake_say("MLSD");
    pipe = fake_list();
    for (int i = 0; i < 100; i++)
        cr_assert_eq(write(pipe, line, sizeof(line) - 1), sizeof(line) - 1);
    cr_assert_eq(fake_reply(), 150);
    fake_secure_data();
    fake_listed(pipe, OUTCOME_OK);
    fake_drain(&got);
    cr_expect_eq(got, 100 * (sizeof(line) - 1));
    cr_expect_eq(fake_reply(), 226);
    tls_client_free(transfer.tls);
    close(transfer.data);
}

/* A session that waits serves its client, and ends the transfer at once. The
 * client has got 512 bytes at most. */
Test(rate, aborted_while_it_waits, .timeout = 60)
{
    for (int upload = 0; upload <= 1; upload++) {
        uint64_t got = 0;

        open_limited(NEVER, NEVER);
        begin(upload);
        if (upload)
            cr_assert(tls_client_write(transfer.tls, (char[4096]){ "" }, 4096));
        fake_do("NOOP", 200);
        fake_say("ABOR");
        if (upload)
            fake_fail(426);
        else
            fake_replies(426, "");
        cr_expect_eq(fake_reply(), 226);
        if (!upload)
            fake_drain(&got);
        cr_expect_leq(got, 512);
        fake_release();
        fake_hang_up(ENDING_CLOSED);
    }
}

/* The client closes its data connection while the session waits. The session
 * notices it when it goes on. */
Test(rate, closed_while_it_waits, .timeout = 60)
{
    for (int upload = 0; upload <= 1; upload++) {
        open_limited(2000, 2000);
        begin(upload);
        if (upload)
            cr_assert(tls_client_write(transfer.tls, (char[4096]){ "" }, 4096));
        fake_release();
        if (upload)
            fake_fail(426);
        else
            fake_replies(426, "");
        fake_hang_up(ENDING_CLOSED);
    }
}

/* 512 bytes take longer than stall_timeout. */
Test(rate, is_no_stall, LEAVES)
{
    uint64_t got = 0;

    fake_settings("stall_timeout", 300);
    open_limited(0, 1000);
    fake_download(2048);
    fake_drain(&got);
    cr_expect_eq(got, 2048);
    cr_expect_eq(fake_reply(), 226);
    fake_release();
}

/* The session lowers the kernel's limit to max_file_size, unless the limit is
 * lower already. */
Test(rate, of_the_size_of_a_file, .timeout = 60)
{
    const struct rlimit least = { 4000000, 5000000 };
    const uint64_t mine[] = { 6000000, 3000000 };
    const rlim_t want[] = { 4000000, 3000000 };
    struct rlimit got;

    cr_assert_eq(setrlimit(RLIMIT_FSIZE, &least), 0);
    for (int i = 0; i < 2; i++) {
        fake_settings("max_file_size", mine[i]);
        fake_open();
        cr_assert_eq(prlimit(fake.pid, RLIMIT_FSIZE, NULL, &got), 0);
        cr_expect_eq(got.rlim_cur, want[i]);
        fake_hang_up(ENDING_CLOSED);
    }
}
