/* The session's own listener: which connection belongs to an EPSV. */
#include <criterion/criterion.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "fake.h"

/* The session must have closed its end, and sent nothing. */
static void expect_closed(int fd)
{
    char byte;

    cr_expect_leq(recv(fd, &byte, 1, 0), 0);
    close(fd);
}

/* Nothing proves that a connection belongs to an earlier EPSV without a
 * connection: a client with a broken connection gets its reply at once. */
Test(data_port, broken_after_an_unused_epsv, .timeout = 60)
{
    for (int unused = 0; unused <= 2; unused++) {
        struct fake_transfer t;
        struct fake f;

        fake_settings("connect_timeout", 30000);
        fake_open(&f);
        fake_port(&f);
        for (int i = 0; i < unused; i++)
            fake_expect(&f, "PASV", 227);
        fake_begin_download(&f, &t, 100);
        close(fake_come(&f));
        cr_expect_eq(fake_reply(&f), 425, "%d: %s", unused, f.reply);
        fclose(t.file);
        fake_hang_up(&f, ENDING_CLOSED);
    }
}

/* A connection that has come before the reply to an EPSV doesn't belong to it,
 * whatever became of the former one. */
Test(data_port, come_before_the_epsv, .timeout = 60)
{
    for (int aborted = 0; aborted <= 1; aborted++) {
        struct fake_transfer t;
        struct fake f;
        int old;

        fake_open(&f);
        fake_port(&f);
        if (aborted)
            fake_do(&f, "ABOR", 225);
        old = fake_come(&f);
        fake_expect(&f, "PASV", 227);
        expect_closed(old);
        fake_begin_download(&f, &t, 100);
        t.data = fake_come(&f);
        fake_secure_data(&f, &t);
        cr_expect_eq(fake_reply(&f), 226, "%s", f.reply);
        fake_release(&t);
        fake_hang_up(&f, ENDING_CLOSED);
    }
}
