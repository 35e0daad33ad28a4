/* An upload into a file that has other bytes: the session writes nothing before
 * the upload's first byte comes, and nothing before its offset. */
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fake.h"
#include "sallyport/base/clock.h"
#include "sallyport/session/session.h"

/* Begins an upload at offset 2 of a file that contains "before". LIMIT is the
 * file's limit; BY_BYTES: it is what upload_bytes leaves */
static void begin_within(uint64_t limit, bool by_bytes)
{
    fake_open();
    fake_begin_upload_of(
        "STOR /x", (struct msg_file_writable){
                       .first = 2, .limit = limit, .by_bytes = by_bytes });
    cr_assert_eq(pwrite(fileno(transfer.file), "before", 6, 0), 6);
    fake_secure_data();
}

static void begin(void)
{
    begin_within(0, false);
}

#define BEGUN .init = begin, .fini = fake_part, .timeout = 60

/* The session writes at the offset that files has named, whether or not more
 * bytes follow the first ones. */
Test(upload, begins_where_files_says, .timeout = 60)
{
    for (int more = 0; more < 2; more++) {
        begin();
        fake_do("NOOP", 200);
        fake_expect_file("before");
        cr_assert(tls_client_write(transfer.tls, "HELLO", 5));
        fake_send(more ? " again" : "");
        fake_stored("/x");
        fake_expect_file(more ? "beHELLO again" : "beHELLO");
        cr_expect_eq(fake_reply(), 226, "%s", fake.reply);
        fake_part();
    }
}

Test(upload, no_byte_comes, BEGUN)
{
    fake_send("");
    fake_complete();
}

Test(upload, cut_before_a_byte, BEGUN)
{
    shutdown(transfer.data, SHUT_WR);
    fake_fail(426);
    fake_expect_file("before");
}

/* A file above a limit can't be completed, so files keeps nothing of it. The
 * reply names the limit. */
Test(upload, above_a_limit, .timeout = 60)
{
    static const char *const names[] = { "max_file_size", "upload_bytes" };

    for (int by_bytes = 0; by_bytes < 2; by_bytes++) {
        begin_within(5, by_bytes);
        cr_assert(tls_client_write(transfer.tls, "more", 4));
        cr_expect(fake_given_up(), "%s", names[by_bytes]);
        fake_replies(552, names[by_bytes]);
        fake_part();
    }
}

/* files looks at min_free and the limits of the user at each request for a
 * sync, whatever `fsync` says. */
Test(upload, asks_for_looks, .timeout = 60)
{
    static char block[1 << 20];

    for (int fsync = 0; fsync < 2; fsync++) {
        fake_settings("fsync", (uint64_t)fsync);
        begin();
        cr_assert(tls_client_write(transfer.tls, "first", 5));
        for (int i = 0; i < 33; i++)
            cr_assert(tls_client_write(transfer.tls, block, sizeof(block)));
        EXPECT(&fake.files, file_sync);
        SAY_BACK(&fake.files, done);
        shutdown(transfer.data, SHUT_WR);
        fake_fail(426);
        fake_part();
    }
}

/* The client leaves with the 552 unread, while files still syncs. The session
 * stays until it has told files that the partial is worthless. */
Test(upload, above_the_limit_and_the_client_leaves, .timeout = 60)
{
    static char block[1 << 20];

    begin_within(33 * sizeof(block), false);
    cr_assert(tls_client_write(transfer.tls, "first", 5));
    for (int i = 0; i < 33; i++)
        tls_client_write(transfer.tls, block, sizeof(block));
    EXPECT(&fake.files, file_sync);
    cr_assert_not(fake_is_quiet(fake.control, 20000));
    fake_drop();
    cast_hear_nothing(&fake.files, 100);
    SAY_BACK(&fake.files, done);
    cr_expect(fake_given_up());
    cr_expect_eq(fake_end(), ENDING_CLOSED);
    fake_expect_transfer(552, "over the file-size limit");
    fake_release();
}

/* Sends COUNT MiB in a fork, since the session doesn't read all of them now.
 * Then the orderly end. */
static pid_t send_in_fork(int count)
{
    static char block[1 << 20];
    const pid_t pid = fork();

    cr_assert_geq(pid, 0);
    if (pid > 0)
        return pid;
    for (int i = 0; i < count; i++)
        tls_client_write(transfer.tls, block, sizeof(block));
    tls_client_shutdown(transfer.tls);
    _exit(0);
}

/* Only files looks at upload_bytes and min_free, and answers late: its disk is
 * slow, or has many directories. The session writes 32 MiB more, and then waits
 * for the answer. This isn't a stall. */
Test(upload, bytes_beside_a_sync, .timeout = 120)
{
    for (int i = 0; i < 4; i++) {
        const bool fsync = i & 1, refused = i & 2;
        const struct msg_file_writable limit = { .limit = fsync ? 0 : 1u << 30,
                                                 .by_bytes = !fsync };
        struct stat st;
        pid_t pid;

        fake_settings("fsync", fsync);
        fake_settings("stall_timeout", 1000);
        fake_open();
        fake_begin_upload_of("STOR /x", limit);
        fake_secure_data();
        pid = send_in_fork(refused ? 110 : 100);
        EXPECT(&fake.files, file_sync);
        fake_await_least(64 << 20);
        fake_expect_asleep(2000);
        cr_assert_eq(fstat(fileno(transfer.file), &st), 0);
        cr_expect_leq(st.st_size, 65 << 20, "%d", i);
        fake_do("NOOP", 200);
        if (refused) {
            SAY_BACK(&fake.files, refused, .outcome = OUTCOME_OVER_QUOTA);
            fake_fail(552);
        } else {
            SAY_BACK(&fake.files, done);
            SERVE(&fake.files, file_sync, done);
            SERVE(&fake.files, file_sync, done);
            cr_expect_eq(fake_stored("/x"), 100u << 20, "%d", i);
            cr_expect_eq(fake_reply(), 226, "%s", fake.reply);
        }
        fake_release();
        cr_expect_eq(waitpid(pid, NULL, 0), pid);
        fake_hang_up(ENDING_CLOSED);
    }
}

/* The reply names the setting's value, even if it is less than a second. */
Test(upload, stalls_for_half_a_second, .fini = fake_part, .timeout = 60)
{
    fake_settings("stall_timeout", 500);
    begin();
    fake_fail(426);
    cr_expect(strstr(fake.reply, " 0.5 seconds"), "%s", fake.reply);
}

/* Returns the microseconds from a client's handshake until the first byte is in
 * the file. The client's kernel sends this byte when the handshake is
 * acknowledged (Nagle's algorithm). */
static uint64_t first_byte_us(void)
{
    uint64_t began;

    fake_open();
    fake_upload();
    began = clock_us();
    cr_assert(tls_client_write(transfer.tls, "hello", 5));
    fake_await_length(5);
    began = clock_us() - began;
    fake_release();
    fake_fail(426);
    fake_hang_up(ENDING_CLOSED);
    return began;
}

/* Only the best of several tries counts, since a machine can be slow for a
 * moment. A delayed acknowledgement takes at least 40 ms. */
Test(upload, the_first_byte_needn_t_wait, .timeout = 120)
{
    uint64_t best = UINT64_MAX;

    for (int i = 0; i < 60 && best > 35000; i++) {
        uint64_t us = first_byte_us();

        best = us < best ? us : best;
    }
    cr_assert_lt(best, 35000, "%llu us", (unsigned long long)best);
}

/* A limit of the kernel isn't the user's limit. */
Test(upload, too_large_for_the_kernel, .timeout = 60)
{
    const struct rlimit least = { 4, 4 };

    for (int limit = 0; limit < 2; limit++) {
        begin_within(limit ? 100 : 0, true);
        cr_assert_eq(prlimit(fake.pid, RLIMIT_FSIZE, &least, NULL), 0);
        fake_send("HELLO");
        cr_expect(fake_given_up(), "not worthless");
        fake_replies(552, "The server can't store so large a file there.");
        fake_release();
        fake_hang_up(ENDING_CLOSED);
        fake_expect_transfer(552, "too large for the file system, or for "
                                  "LimitFSIZE=");
    }
}

/* A client that has sent more lines than the session holds, and has ended its
 * control connection, gets no upload published. */
Test(upload, of_a_client_that_left_lines, .timeout = 60)
{
    static char lines[96 << 10];

    for (size_t i = 0; i + 8 < sizeof(lines); i += 8)
        memcpy(lines + i, "TYPE I\r\n", 9);
    begin();
    cr_assert(tls_client_write(transfer.tls, "HELLO", 5));
    fake_await_length(7);
    cr_assert(tls_client_write(fake.tls, lines, strlen(lines)));
    cr_assert_eq(shutdown(fake.control, SHUT_WR), 0);
    fake_send("");
    fake_hang_up(ENDING_CLOSED);
    fake_expect_transfer(0, "closed by the client");
    fake_release();
}

/* After a while without a byte the session closes the partial, so that another
 * session can resume it. With the next bytes it opens it again, unless it was
 * used. */
Test(upload, is_silent_for_a_while, .timeout = 60)
{
    static const struct session_deadlines soon = { .ask = 30000,
                                                   .ask_long = 600000,
                                                   .gate = 30000,
                                                   .gateless = 60000,
                                                   .silent = 100 };

    for (int used = 0; used < 2; used++) {
        fake.deadlines = &soon;
        begin();
        cr_assert(tls_client_write(transfer.tls, "HE", 2));
        for (int i = 0; i < 2; i++) {
            SERVE(&fake.files, file_rest, done);
            cr_expect(fake_is_quiet(fake.files.fd, 300));
            cr_assert(tls_client_write(transfer.tls, "LLO", 3));
            if (used)
                break;
            SERVE(&fake.files, file_go_on, file_again,
                  .file = fileno(transfer.file));
            fake_await_length(i == 0 ? 7 : 10);
        }
        if (used) {
            fake_refuse(MSG_file_go_on, OUTCOME_PARTIAL_TAKEN);
            cr_expect_not(fake_given_up());
            fake_replies(451, "another session");
        } else {
            fake_send("");
            fake_stored("/x");
            cr_expect_eq(fake_reply(), 226, "%s", fake.reply);
            fake_expect_file("beHELLOLLO");
        }
        fake_part();
    }
}

/* A client that repeats an upload, whatever the 450 says, gets a 421 at the
 * second one: after its next login it sends SIZE. */
Test(upload, that_needs_size, .timeout = 60)
{
    static const char *const paths[] = { "APPE /a", "APPE /b", "APPE /a",
                                         NULL,      "APPE /a", "APPE /a" };
    const size_t n = sizeof(paths) / sizeof(paths[0]);

    fake_open();
    fake_port();
    for (size_t i = 0; i < n; i++) {
        if (!paths[i]) {
            fake_do_refused("SIZE /a", MSG_facts, OUTCOME_NOT_FOUND, 550);
            continue;
        }
        fake_say(paths[i]);
        fake_refuse(MSG_file_write, OUTCOME_SIZE_FIRST);
        cr_expect_eq(fake_reply(), i + 1 < n ? 450 : 421, "%zu %s", i,
                     fake.reply);
    }
    cr_expect_eq(fake_end(), ENDING_SIZE);
}
