/* Gate's permissions: for a transfer more, and bytes. The test is gate, even a
 * gate that answers nothing, sends unasked messages, or goes away. */
#include <sys/resource.h>

#include "fake.h"

#define SIZE  100000
#define PIECE 30000

static void open_limited(bool counted, bool paced)
{
    fake_limits(counted, paced);
    fake_open();
    fake_limits(false, false);
}

static void give(const struct message *asked, uint64_t bytes)
{
    struct message m = { .kind = MSG_bytes };

    m.request = asked->request;
    m.bytes.upload = asked->bytes_ask.upload;
    m.bytes.count = bytes;
    fake_tell(&fake.gate, &m);
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

/* Each piece arrives, and not a byte more: the session asks for the rest. What
 * is left serves the next transfer. */
Test(allowance, of_a_download, .timeout = 60)
{
    struct message asked;

    open_limited(false, true);
    fake_download(SIZE);
    for (int i = 0; i < 3; i++) {
        fake_hear(&fake.gate, &asked, MSG_bytes_ask);
        cr_expect_not(asked.bytes_ask.upload);
        fake_do("NOOP", 200);
        give(&asked, PIECE);
        expect_bytes(PIECE);
    }
    fake_hear(&fake.gate, &asked, MSG_bytes_ask);
    give(&asked, SIZE);
    expect_bytes(SIZE - 3 * PIECE);
    cr_expect_eq(fake_reply(), 226);
    fake_release();
    fake_download(3 * PIECE);
    expect_bytes(3 * PIECE);
    cr_expect_eq(fake_reply(), 226);
    fake_release();
    fake_hang_up(ENDING_CLOSED);
}

/* The answer to an aborted transfer isn't lost. */
Test(allowance, of_an_upload, .timeout = 60)
{
    struct message asked,
        stored = { .kind = MSG_file_stored,
                   .file_stored = { .path = SLICE("/x") } },
        done = { .kind = MSG_done };

    open_limited(false, true);
    fake_upload();
    fake_hear(&fake.gate, &asked, MSG_bytes_ask);
    cr_expect(asked.bytes_ask.upload);
    fake_say("ABOR");
    fake_answer(MSG_file_abort, &done);
    fake.files.phase = PHASE_IDLE;
    cr_expect_eq(fake_reply(), 426);
    cr_expect_eq(fake_reply(), 226);
    fake_release();
    fake_upload();
    cr_assert(tls_client_write(transfer.tls, "HELLO", 5) &&
              tls_client_shutdown(transfer.tls));
    give(&asked, 4);
    fake_hear(&fake.gate, &asked, MSG_bytes_ask);
    give(&asked, PIECE);
    fake_answer(MSG_file_commit, &stored);
    fake.files.phase = PHASE_IDLE;
    cr_expect_eq(fake_reply(), 226);
    fake_release();
    fake_hang_up(ENDING_CLOSED);
}

/* The download asks when the upload's answer has come. */
Test(allowance, of_the_other_direction, .timeout = 60)
{
    struct message upload, download, done = { .kind = MSG_done };

    open_limited(false, true);
    fake_upload();
    fake_hear(&fake.gate, &upload, MSG_bytes_ask);
    fake_say("ABOR");
    fake_answer(MSG_file_abort, &done);
    fake.files.phase = PHASE_IDLE;
    cr_expect_eq(fake_reply(), 426);
    cr_expect_eq(fake_reply(), 226);
    fake_release();
    fake_download(PIECE);
    give(&upload, PIECE);
    fake_hear(&fake.gate, &download, MSG_bytes_ask);
    cr_expect_not(download.bytes_ask.upload);
    give(&download, PIECE);
    expect_bytes(PIECE);
    cr_expect_eq(fake_reply(), 226);
    fake_release();
    give(&upload, PIECE);
    fake_hang_up(ENDING_PEER);
}

/* The kernel's limit is the user's, unless it is stricter already. */
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
    struct message asked, m = { .kind = MSG_transfer_may };

    fake_hear(&fake.gate, &asked, MSG_transfer_begin);
    m.request = asked.request;
    m.transfer_may.begin = begin;
    m.transfer_may.of = ACCOUNT_TEAM;
    m.transfer_may.limit = 2;
    fake_tell(&fake.gate, &m);
}

/* A refused transfer doesn't reach files, and its port stays. */
Test(allowance, to_begin, .timeout = 60)
{
    struct message m, refused = { .kind = MSG_refused };

    open_limited(true, false);
    transfer.data = fake_data();
    for (int i = 0; i < 2; i++) {
        fake_say("RETR /x");
        answer(false);
        cr_expect_eq(fake_reply(), 450);
        cr_expect(strstr(fake.reply,
                         "of a team of this user (max_transfers= is "
                         "2)"));
        close(transfer.data);
        transfer.data = fake_data();
    }
    fake_say("RETR /x");
    answer(true);
    refused.refused.outcome = OUTCOME_NOT_FOUND;
    fake_answer(MSG_file_read, &refused);
    cr_expect_eq(fake_reply(), 550);
    fake_hear(&fake.gate, &m, MSG_transfer_end);
    close(transfer.data);
    fake_hang_up(ENDING_CLOSED);
}

/* gate has counted it meanwhile, so that must end too. */
Test(allowance, aborted_before_the_answer, .timeout = 60)
{
    struct message m;

    open_limited(true, false);
    transfer.data = fake_data();
    fake_say("RETR /x");
    fake_say("ABOR");
    cr_expect_eq(fake_reply(), 426);
    cr_expect_eq(fake_reply(), 226);
    answer(true);
    fake_hear(&fake.gate, &m, MSG_transfer_end);
    close(transfer.data);
    fake_hang_up(ENDING_CLOSED);
}

/* While gate is gone a transfer waits for another gate: a reload is no hole in
 * the limit. */
Test(allowance, gate_goes_away, .timeout = 60)
{
    struct message asked;

    open_limited(false, true);
    fake_download(SIZE);
    fake_hear(&fake.gate, &asked, MSG_bytes_ask);
    give(&asked, PIECE);
    expect_bytes(PIECE);
    fake_hear(&fake.gate, &asked, MSG_bytes_ask);
    channel_close(&fake.gate);
    fake_do("NOOP", 200);
    fake_regate();
    fake_hear(&fake.gate, &asked, MSG_bytes_ask);
    give(&asked, SIZE);
    expect_bytes(SIZE - PIECE);
    cr_expect_eq(fake_reply(), 226);
    fake_hang_up(ENDING_CLOSED);
    fake_release();
}

/* So does a transfer that begins. */
Test(allowance, begins_without_a_gate, .timeout = 60)
{
    struct message refused = { .kind = MSG_refused };
    int data;

    open_limited(true, false);
    data = fake_data();
    channel_close(&fake.gate);
    fake_say("RETR /x\r\nNOOP");
    fake_regate();
    answer(true);
    refused.refused.outcome = OUTCOME_NOT_FOUND;
    fake_answer(MSG_file_read, &refused);
    cr_expect_eq(fake_reply(), 550);
    cr_expect_eq(fake_reply(), 200);
    close(data);
    fake_hang_up(ENDING_CLOSED);
}

/* gate dies before it could hear of the transfer's end: the next transfer asks
 * the next gate. */
Test(allowance, gate_never_hears_of_the_end, .timeout = 60)
{
    struct message asked, refused = { .kind = MSG_refused };

    open_limited(true, false);
    refused.refused.outcome = OUTCOME_NOT_FOUND;
    transfer.data = fake_data();
    fake_say("RETR /x");
    answer(true);
    fake_fill_gate();
    fake_answer(MSG_file_read, &refused);
    cr_expect_eq(fake_reply(), 550);
    close(transfer.data);
    fake_regate();
    fake_expect("EPSV", 229);
    transfer.data = fake_come();
    fake_say("RETR /x");
    fake_hear(&fake.gate, &asked, MSG_transfer_begin);
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
        fake_tell(&fake.gate, &wrong[i]);
        fake_hang_up(ENDING_PEER);
    }
}
