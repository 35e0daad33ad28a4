/* Gate has crashed. If another gate comes, the session sends it the requests
 * that the first one hasn't answered. If none comes in time, the session
 * finishes its transfer, and then the client gets the reason of the end. */
#include "fake.h"
#include "sallyport/session/session.h"

/* --- another gate --------------------------------------------------------- */

Test(gate_gone, another_one_lends, LOGGED_IN)
{
    fake_regate();
    fake_expect("PASV", 227);
}

/* The session has asked the gate that ends for PASV's port, or PASV comes while
 * there is no gate. */
Test(gate_gone, another_one_is_asked_for_the_port, .timeout = 60)
{
    for (int late = 0; late <= 1; late++) {
        fake_open();
        if (late)
            channel_close(&fake.gate);
        fake_say("PASV");
        if (!late)
            EXPECT(&fake.gate, port);
        fake_regate();
        fake_lend("127.0.0.1", false);
        cr_assert_eq(fake_reply(), 227, "%s", fake.reply);
        fake_do("NOOP", 200);
        fake_hang_up(ENDING_CLOSED);
    }
}

/* Gate ends during a download, which continues. The next EPSV needs no gate. */
Test(gate_gone, another_one_in_a_download, LOGGED_IN)
{
    uint64_t size = 0;

    fake_download(8 << 20);
    channel_close(&fake.gate);
    fake_drain(&size);
    cr_expect_eq(size, 8 << 20);
    cr_expect_eq(fake_reply(), 226);
    fake_release();
    fake_do("NOOP", 200);
    fake_regate();
    fake_expect("EPSV", 229);
}

/* --- no other gate -------------------------------------------------------- */

static const struct session_deadlines soon = { .ask = 30000,
                                               .ask_long = 600000,
                                               .gate = 10000,
                                               .gateless = 300,
                                               .silent = 60000 };

static void open_impatient(void)
{
    fake.deadlines = &soon;
    fake_open();
}

static void expect_farewell(void)
{
    cr_expect_eq(fake_reply(), 421);
    fake_hang_up(ENDING_PEER);
}

/* The session ends, whether it has no port, or a port that no transfer uses. */
Test(gate_gone, idle, .timeout = 60)
{
    for (int port = 0; port < 2; port++) {
        open_impatient();
        if (port)
            fake_port();
        channel_close(&fake.gate);
        expect_farewell();
    }
}

/* Gate ends before it answers PASV's request. */
Test(gate_gone, before_the_port, .init = open_impatient, .timeout = 60)
{
    fake_say("PASV");
    EXPECT(&fake.gate, port);
    channel_close(&fake.gate);
    expect_farewell();
}

/* The download is larger than the sockets' buffers, so it lasts until the test
 * reads, after the deadline. */
Test(gate_gone, in_a_download, .init = open_impatient, .timeout = 60)
{
    uint64_t size = 0;

    fake_download(64 << 20);
    channel_close(&fake.gate);
    poll(NULL, 0, 2 * (int)soon.gateless); /* until the deadline has passed */
    fake_do("NOOP", 200);
    fake_drain(&size);
    cr_expect_eq(size, 64 << 20);
    cr_expect_eq(fake_reply(), 226);
    expect_farewell();
    fake_release();
}

/* A rate needs no gate: the transfer lasts longer than the deadline. */
Test(gate_gone, in_a_limited_transfer, .timeout = 60)
{
    enum { SIZE = 100000 };
    static const char zeros[SIZE];

    for (int upload = 0; upload <= 1; upload++) {
        uint64_t got = 0;

        fake.granted.up = fake.granted.down = SIZE;
        open_impatient();
        if (upload)
            fake_upload();
        else
            fake_download(SIZE);
        channel_close(&fake.gate);
        if (upload) {
            cr_assert(tls_client_write(transfer.tls, zeros, SIZE));
            fake_send("");
            cr_expect_eq(fake_stored("/x"), SIZE);
        } else {
            fake_drain(&got);
            cr_expect_eq(got, SIZE);
        }
        cr_expect_eq(fake_reply(), 226);
        expect_farewell();
        fake_release();
    }
}

/* A transfer that files hasn't permitted yet needs no gate either. */
Test(gate_gone, before_the_transfer_begins, .init = open_impatient,
     .timeout = 60)
{
    uint32_t request;

    transfer.data = fake_data();
    fake_say("RETR /x");
    request = EXPECT(&fake.files, file_read)->request;
    channel_close(&fake.gate);
    poll(NULL, 0, 2 * (int)soon.gateless);
    SAY(&fake.files, refused, request, .outcome = OUTCOME_NOT_FOUND);
    cr_expect_eq(fake_reply(), 550);
    expect_farewell();
    close(transfer.data);
}
