/* Gate has crashed, or couldn't hand this session over: the transfer is
 * finished, and then the client gets the reason for the end. */
#include <criterion/criterion.h>

#include "fake.h"

static void expect_farewell(struct fake *f)
{
    cr_expect_eq(fake_reply(f), 421);
    fake_hang_up(f, ENDING_PEER);
}

Test(gate_gone, idle, .timeout = 60)
{
    struct fake f;

    fake_open(&f);
    channel_close(&f.gate);
    expect_farewell(&f);
}

Test(gate_gone, in_a_download, .timeout = 60)
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
    expect_farewell(&f);
    fake_release(&t);
}

/* The session accepts at its own listener: the transfer needs no gate. */
Test(gate_gone, before_the_data_connection, .timeout = 60)
{
    struct fake_transfer t;
    struct fake f;

    fake_open(&f);
    fake_port(&f);
    fake_begin_download(&f, &t, 100);
    channel_close(&f.gate);
    t.data = fake_come(&f);
    fake_secure_data(&f, &t);
    cr_expect_eq(fake_reply(&f), 226, "%s", f.reply);
    expect_farewell(&f);
    fake_release(&t);
}

Test(gate_gone, before_the_transfer, .timeout = 60)
{
    struct fake f;

    fake_open(&f);
    fake_port(&f);
    channel_close(&f.gate);
    expect_farewell(&f);
}
