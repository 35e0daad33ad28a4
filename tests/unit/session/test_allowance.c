/* Gate's permissions for transfers and for bytes. The test plays gate, also a
 * gate that doesn't answer, sends unasked messages, or ends. */
#include <sys/resource.h>

#include "fake.h"

#define SIZE  100000
#define PIECE 30000

static void open_limited(bool counted, bool paced)
{
    fake.granted.counted = counted;
    fake.granted.paced = paced;
    fake_open();
}

/* Gate answers what it has heard. */
static void give(uint64_t bytes)
{
    SAY_BACK(&fake.gate, bytes, .upload = heard.bytes_ask.upload,
             .count = bytes);
}

static void expect_bytes(size_t len)
{
    char some[PIECE];

    while (len > 0) {
        long long n =
            tls_client_read(transfer.tls, some, len < PIECE ? len : PIECE);

        cr_assert_gt(n, 0);
        len -= (size_t)n;
    }
}

/* The session sends the bytes that gate permits, and asks for more. The bytes
 * that are left over serve the next transfer. */
Test(allowance, of_a_download, LEAVES)
{
    open_limited(false, true);
    fake_download(SIZE);
    for (int i = 0; i < 3; i++) {
        cr_expect_not(EXPECT(&fake.gate, bytes_ask)->upload);
        fake_do("NOOP", 200);
        give(PIECE);
        expect_bytes(PIECE);
    }
    EXPECT(&fake.gate, bytes_ask);
    give(SIZE);
    expect_bytes(SIZE - 3 * PIECE);
    cr_expect_eq(fake_reply(), 226);
    fake_release();
    fake_download(3 * PIECE);
    expect_bytes(3 * PIECE);
    cr_expect_eq(fake_reply(), 226);
    fake_release();
}

/* Plays an upload that asks gate, and is aborted before the answer. Returns the
 * request. */
static struct msg_bytes_ask abort_upload(void)
{
    struct msg_bytes_ask ask;

    open_limited(false, true);
    fake_upload();
    ask = *EXPECT(&fake.gate, bytes_ask);
    cr_expect(ask.upload);
    fake_say("ABOR");
    fake_fail(426);
    cr_expect_eq(fake_reply(), 226);
    fake_release();
    return ask;
}

/* The bytes that gate permits to an aborted upload serve the next one. */
Test(allowance, of_an_upload, LEAVES)
{
    struct msg_bytes_ask upload = abort_upload();

    fake_upload();
    fake_send("HELLO");
    SAY(&fake.gate, bytes, upload.request, .upload = true, .count = 4);
    EXPECT(&fake.gate, bytes_ask);
    give(PIECE);
    fake_complete();
    fake_release();
}

/* A download asks gate after the answer to the aborted upload has come. */
Test(allowance, of_the_other_direction, .timeout = 60)
{
    struct msg_bytes_ask upload = abort_upload();

    fake_download(PIECE);
    SAY(&fake.gate, bytes, upload.request, .upload = true, .count = PIECE);
    cr_expect_not(EXPECT(&fake.gate, bytes_ask)->upload);
    give(PIECE);
    expect_bytes(PIECE);
    cr_expect_eq(fake_reply(), 226);
    fake_release();
    SAY(&fake.gate, bytes, upload.request, .upload = true, .count = PIECE);
    fake_hang_up(ENDING_PEER);
}

/* The session lowers the kernel's limit to max_file_size, unless the limit is
 * lower already. */
Test(allowance, of_the_size_of_a_file, .timeout = 60)
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

static void answer(bool begin)
{
    SERVE(&fake.gate, transfer_begin, transfer_may, .begin = begin,
          .of = ACCOUNT_TEAM, .limit = 2);
}

/* A transfer that gate refuses doesn't reach files, and the session keeps its
 * port. */
Test(allowance, to_begin, LEAVES)
{
    open_limited(true, false);
    transfer.data = fake_data();
    for (int i = 0; i < 2; i++) {
        fake_say("RETR /x");
        answer(false);
        fake_replies(450, "of a team of this user (max_transfers= is "
                          "2)");
        close(transfer.data);
        transfer.data = fake_data();
    }
    fake_say("RETR /x");
    answer(true);
    fake_refuse(MSG_file_read, OUTCOME_NOT_FOUND);
    cr_expect_eq(fake_reply(), 550);
    EXPECT(&fake.gate, transfer_end);
    close(transfer.data);
}

/* Gate has counted the aborted transfer meanwhile, so the session reports its
 * end. */
Test(allowance, aborted_before_the_answer, LEAVES)
{
    open_limited(true, false);
    transfer.data = fake_data();
    fake_say("RETR /x");
    fake_abort();
    answer(true);
    EXPECT(&fake.gate, transfer_end);
    close(transfer.data);
}

/* If gate ends, a transfer waits for the next gate: a reload doesn't lift the
 * limit. */
Test(allowance, gate_goes_away, .fini = fake_part, .timeout = 60)
{
    open_limited(false, true);
    fake_download(SIZE);
    EXPECT(&fake.gate, bytes_ask);
    give(PIECE);
    expect_bytes(PIECE);
    EXPECT(&fake.gate, bytes_ask);
    channel_close(&fake.gate);
    fake_do("NOOP", 200);
    fake_regate();
    EXPECT(&fake.gate, bytes_ask);
    give(SIZE);
    expect_bytes(SIZE - PIECE);
    cr_expect_eq(fake_reply(), 226);
}

/* A transfer that begins waits for the next gate, too. */
Test(allowance, begins_without_a_gate, LEAVES)
{
    int data;

    open_limited(true, false);
    data = fake_data();
    channel_close(&fake.gate);
    fake_say("RETR /x\r\nNOOP");
    fake_regate();
    answer(true);
    fake_refuse(MSG_file_read, OUTCOME_NOT_FOUND);
    cr_expect_eq(fake_reply(), 550);
    cr_expect_eq(fake_reply(), 200);
    close(data);
}

/* The next gate counts a transfer under way, too. */
Test(allowance, is_counted_again, LEAVES)
{
    uint32_t read;

    open_limited(true, false);
    transfer.data = fake_data();
    fake_say("RETR /x");
    answer(true);
    read = EXPECT(&fake.files, file_read)->request;
    fake_regate();
    cr_expect_eq(EXPECT(&fake.gate, transfer_begin)->request, 0);
    SAY(&fake.files, refused, read, .outcome = OUTCOME_NOT_FOUND);
    cr_expect_eq(fake_reply(), 550);
    EXPECT(&fake.gate, transfer_end);
    close(transfer.data);
}

/* Gate dies before the session can report the transfer's end. The next transfer
 * asks the next gate. */
Test(allowance, gate_never_hears_of_the_end, .timeout = 60)
{
    open_limited(true, false);
    transfer.data = fake_data();
    fake_say("RETR /x");
    answer(true);
    fake_fill_gate();
    fake_refuse(MSG_file_read, OUTCOME_NOT_FOUND);
    cr_expect_eq(fake_reply(), 550);
    close(transfer.data);
    fake_regate();
    fake_expect("EPSV", 229);
    transfer.data = fake_come();
    fake_say("RETR /x");
    EXPECT(&fake.gate, transfer_begin);
    close(transfer.data);
    shutdown(fake.control, SHUT_WR);
    fake_end();
}

Test(allowance, a_gate_that_was_not_asked, .timeout = 60)
{
    static const struct message wrong[] = {
        { .kind = MSG_bytes, .bytes = { .request = 1, .count = 1 } },
        { .kind = MSG_transfer_may, .transfer_may = { .request = 1 } },
    };

    for (size_t i = 0; i < 2; i++) {
        open_limited(true, true);
        cast_say(&fake.gate, wrong[i].kind, &wrong[i].request);
        fake_hang_up(ENDING_PEER);
    }
}
