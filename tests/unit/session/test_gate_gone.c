/* Gate has crashed. Another one follows, and the session asks it again for what
 * the first one hasn't answered. If none comes in time, the transfer is
 * finished, and then the client gets the reason for the end. */
#include <criterion/criterion.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "fake.h"
#include "sallyport/session/session.h"

/* --- another gate --------------------------------------------------------- */

Test(gate_gone, another_one_lends, .timeout = 60)
{
    struct fake f;

    fake_open(&f);
    fake_regate(&f);
    fake_expect(&f, "PASV", 227);
    fake_hang_up(&f, ENDING_CLOSED);
}

/* PASV has been sent to the gate that has ended, or comes when there is none.
 */
Test(gate_gone, another_one_is_asked_for_the_port, .timeout = 60)
{
    for (int late = 0; late <= 1; late++) {
        struct message asked;
        struct fake f;

        fake_open(&f);
        if (late)
            channel_close(&f.gate);
        fake_say(&f, "PASV");
        if (!late)
            fake_hear(&f.gate, &asked, MSG_port);
        fake_regate(&f);
        fake_lend(&f, "127.0.0.1", false);
        cr_assert_eq(fake_reply(&f), 227, "%s", f.reply);
        fake_do(&f, "NOOP", 200);
        fake_hang_up(&f, ENDING_CLOSED);
    }
}

/* In a download: it goes on, and the next EPSV needs no gate. */
Test(gate_gone, another_one_in_a_download, .timeout = 60)
{
    struct fake_transfer t;
    struct fake f;
    char some[4096];
    long long size = 0, n;

    fake_open(&f);
    fake_download(&f, &t, 8 << 20);
    channel_close(&f.gate);
    while ((n = tls_client_read(t.tls, some, sizeof(some))) > 0)
        size += n;
    cr_expect_eq(size, 8 << 20);
    cr_expect_eq(fake_reply(&f), 226);
    fake_release(&t);
    fake_do(&f, "NOOP", 200);
    fake_regate(&f);
    fake_expect(&f, "EPSV", 229);
    fake_hang_up(&f, ENDING_CLOSED);
}

/* The client is at its own listener: PORT and EPRT. */
Test(gate_gone, another_one_connects, .timeout = 60)
{
    for (int late = 0; late <= 1; late++) {
        struct message p, pipe_is = { .kind = MSG_directory_pipe };
        struct fake f;
        int ends[2];

        fake_settings("active", 1);
        fake_open(&f);
        fake_do(&f, "PBSZ 0", 200);
        fake_do(&f, "PROT P", 200);
        fake_do(&f, "PORT 127,0,0,1,200,1", 200);
        if (late)
            channel_close(&f.gate);
        fake_say(&f, "LIST");
        fake_hear(&f.files, &p, MSG_directory_list);
        cr_assert_eq(pipe(ends), 0);
        pipe_is.request = p.request;
        pipe_is.directory_pipe.listing = ends[0];
        fake_tell(&f.files, &pipe_is);
        close(ends[0]);
        close(ends[1]);
        cr_assert_eq(fake_reply(&f), 150, "%s", f.reply);
        if (!late)
            fake_hear(&f.gate, &p, MSG_active);
        fake_regate(&f);
        fake_hear(&f.gate, &p, MSG_active);
        cr_expect_eq(p.active.to.port, 200 * 256 + 1);
        shutdown(f.control, SHUT_WR);
        fake_end(&f);
    }
}

/* --- none ------------------------------------------------------------------
 */

static const struct session_deadlines soon = {
    .ask = 30000, .ask_long = 600000, .gate = 10000, .gateless = 300
};

static void open_impatient(struct fake *f)
{
    fake_deadlines(&soon);
    fake_open(f);
}

static void expect_farewell(struct fake *f)
{
    cr_expect_eq(fake_reply(f), 421);
    fake_hang_up(f, ENDING_PEER);
}

Test(gate_gone, idle, .timeout = 60)
{
    struct fake f;

    open_impatient(&f);
    channel_close(&f.gate);
    expect_farewell(&f);
}

/* PASV gets no answer any more. */
Test(gate_gone, before_the_port, .timeout = 60)
{
    struct message asked;
    struct fake f;

    open_impatient(&f);
    fake_say(&f, "PASV");
    fake_hear(&f.gate, &asked, MSG_port);
    channel_close(&f.gate);
    expect_farewell(&f);
}

/* The download is larger than the sockets hold, so it isn't over before the
 * test reads, which is after the deadline. */
Test(gate_gone, in_a_download, .timeout = 60)
{
    struct fake_transfer t;
    struct fake f;
    char some[4096];
    long long size = 0, n;

    open_impatient(&f);
    fake_download(&f, &t, 64 << 20);
    channel_close(&f.gate);
    poll(NULL, 0, 2 * (int)soon.gateless); /* what the test is about */
    fake_do(&f, "NOOP", 200);
    while ((n = tls_client_read(t.tls, some, sizeof(some))) > 0)
        size += n;
    cr_expect_eq(size, 64 << 20);
    cr_expect_eq(fake_reply(&f), 226);
    expect_farewell(&f);
    fake_release(&t);
}

/* Nobody could give more bytes, and the limit holds. */
Test(gate_gone, in_a_limited_download, .timeout = 60)
{
    struct fake_transfer t;
    struct message asked;
    struct fake f;

    fake_limits(false, true);
    open_impatient(&f);
    fake_limits(false, false);
    fake_download(&f, &t, 1 << 20);
    fake_hear(&f.gate, &asked, MSG_bytes_ask);
    channel_close(&f.gate);
    expect_farewell(&f);
    fake_release(&t);
}

/* A transfer that waits for its permission doesn't begin without it. */
Test(gate_gone, before_the_permission, .timeout = 60)
{
    struct message asked;
    struct fake f;
    int data;

    fake_limits(true, false);
    open_impatient(&f);
    fake_limits(false, false);
    data = fake_data(&f);
    fake_say(&f, "RETR /x");
    fake_hear(&f.gate, &asked, MSG_transfer_begin);
    channel_close(&f.gate);
    expect_farewell(&f);
    close(data);
}

Test(gate_gone, before_the_transfer, .timeout = 60)
{
    struct fake f;

    open_impatient(&f);
    fake_port(&f);
    channel_close(&f.gate);
    expect_farewell(&f);
}
