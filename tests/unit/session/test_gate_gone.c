/* Gate has crashed. Another one follows, and the session asks it again for what
 * the first one hasn't answered. If none comes in time, the transfer is
 * finished, and then the client gets the reason for the end. */
#include "fake.h"
#include "sallyport/session/session.h"

/* --- another gate --------------------------------------------------------- */

Test(gate_gone, another_one_lends, .timeout = 60)
{
    fake_open();
    fake_regate();
    fake_expect("PASV", 227);
    fake_hang_up(ENDING_CLOSED);
}

/* PASV has been sent to the gate that has ended, or comes when there is none.
 */
Test(gate_gone, another_one_is_asked_for_the_port, .timeout = 60)
{
    for (int late = 0; late <= 1; late++) {
        struct message asked;

        fake_open();
        if (late)
            channel_close(&fake.gate);
        fake_say("PASV");
        if (!late)
            fake_hear(&fake.gate, &asked, MSG_port);
        fake_regate();
        fake_lend("127.0.0.1", false);
        cr_assert_eq(fake_reply(), 227, "%s", fake.reply);
        fake_do("NOOP", 200);
        fake_hang_up(ENDING_CLOSED);
    }
}

/* In a download: it goes on, and the next EPSV needs no gate. */
Test(gate_gone, another_one_in_a_download, .timeout = 60)
{
    char some[4096];
    long long size = 0, n;

    fake_open();
    fake_download(8 << 20);
    channel_close(&fake.gate);
    while ((n = tls_client_read(transfer.tls, some, sizeof(some))) > 0)
        size += n;
    cr_expect_eq(size, 8 << 20);
    cr_expect_eq(fake_reply(), 226);
    fake_release();
    fake_do("NOOP", 200);
    fake_regate();
    fake_expect("EPSV", 229);
    fake_hang_up(ENDING_CLOSED);
}

/* The client is at its own listener: PORT and EPRT. */
Test(gate_gone, another_one_connects, .timeout = 60)
{
    for (int late = 0; late <= 1; late++) {
        struct message p, pipe_is = { .kind = MSG_directory_pipe };
        int ends[2];

        fake_settings("active", 1);
        fake_open();
        fake_do("PBSZ 0", 200);
        fake_do("PROT P", 200);
        fake_do("PORT 127,0,0,1,200,1", 200);
        if (late)
            channel_close(&fake.gate);
        fake_say("LIST");
        fake_hear(&fake.files, &p, MSG_directory_list);
        cr_assert_eq(pipe(ends), 0);
        pipe_is.request = p.request;
        pipe_is.directory_pipe.listing = ends[0];
        fake_tell(&fake.files, &pipe_is);
        close(ends[0]);
        close(ends[1]);
        cr_assert_eq(fake_reply(), 150, "%s", fake.reply);
        if (!late)
            fake_hear(&fake.gate, &p, MSG_active);
        fake_regate();
        fake_hear(&fake.gate, &p, MSG_active);
        cr_expect_eq(p.active.to.port, 200 * 256 + 1);
        shutdown(fake.control, SHUT_WR);
        fake_end();
    }
}

/* --- none ------------------------------------------------------------------
 */

static const struct session_deadlines soon = {
    .ask = 30000, .ask_long = 600000, .gate = 10000, .gateless = 300
};

static void open_impatient(void)
{
    fake_deadlines(&soon);
    fake_open();
}

static void expect_farewell(void)
{
    cr_expect_eq(fake_reply(), 421);
    fake_hang_up(ENDING_PEER);
}

Test(gate_gone, idle, .timeout = 60)
{
    open_impatient();
    channel_close(&fake.gate);
    expect_farewell();
}

/* PASV gets no answer any more. */
Test(gate_gone, before_the_port, .timeout = 60)
{
    struct message asked;

    open_impatient();
    fake_say("PASV");
    fake_hear(&fake.gate, &asked, MSG_port);
    channel_close(&fake.gate);
    expect_farewell();
}

/* The download is larger than the sockets hold, so it isn't over before the
 * test reads, which is after the deadline. */
Test(gate_gone, in_a_download, .timeout = 60)
{
    char some[4096];
    long long size = 0, n;

    open_impatient();
    fake_download(64 << 20);
    channel_close(&fake.gate);
    poll(NULL, 0, 2 * (int)soon.gateless); /* what the test is about */
    fake_do("NOOP", 200);
    while ((n = tls_client_read(transfer.tls, some, sizeof(some))) > 0)
        size += n;
    cr_expect_eq(size, 64 << 20);
    cr_expect_eq(fake_reply(), 226);
    expect_farewell();
    fake_release();
}

/* Nobody could give more bytes, and the limit holds. */
Test(gate_gone, in_a_limited_download, .timeout = 60)
{
    struct message asked;

    fake_limits(false, true);
    open_impatient();
    fake_limits(false, false);
    fake_download(1 << 20);
    fake_hear(&fake.gate, &asked, MSG_bytes_ask);
    channel_close(&fake.gate);
    expect_farewell();
    fake_release();
}

/* A transfer that waits for its permission doesn't begin without it. */
Test(gate_gone, before_the_permission, .timeout = 60)
{
    struct message asked;
    int data;

    fake_limits(true, false);
    open_impatient();
    fake_limits(false, false);
    data = fake_data();
    fake_say("RETR /x");
    fake_hear(&fake.gate, &asked, MSG_transfer_begin);
    channel_close(&fake.gate);
    expect_farewell();
    close(data);
}

Test(gate_gone, before_the_transfer, .timeout = 60)
{
    open_impatient();
    fake_port();
    channel_close(&fake.gate);
    expect_farewell();
}
