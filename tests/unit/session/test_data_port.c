/* The session's own listener, and which of its connections belongs to a
 * PASV. */
#include <sys/resource.h>

#include "fake.h"
#include "support/long.h"

/* A client whose data connection breaks gets its 425 at once, even if it made
 * no connection for earlier PASVs. The broken connection could be meant for an
 * earlier one, but nothing proves it. */
Test(data_port, broken_after_an_unused_epsv, .timeout = 60)
{
    for (int unused = 0; unused <= 2; unused++) {
        fake_settings("connect_timeout", 30000);
        fake_open();
        fake_port();
        for (int i = 0; i < unused; i++)
            fake_expect("PASV", 227);
        fake_begin_download(100);
        close(fake_come());
        cr_expect_eq(fake_reply(), 425, "%d: %s", unused, fake.reply);
        fclose(transfer.file);
        fake_hang_up(ENDING_CLOSED);
    }
}

/* The session has no descriptor for the connection: its client gets the 425 at
 * once. */
Test(data_port, no_descriptor_is_left, .timeout = 60)
{
    const struct rlimit none = { 3, 3 };

    fake_settings("connect_timeout", 30000);
    fake_open();
    fake_port();
    fake_begin_download(100);
    cr_assert_eq(prlimit(fake.pid, RLIMIT_NOFILE, &none, NULL), 0);
    close(fake_come());
    cr_expect_eq(fake_reply(), 425, "%s", fake.reply);
    fclose(transfer.file);
    fake_hang_up(ENDING_CLOSED);
}

/* So it is if the connection comes while files opens the file. */
Test(data_port, no_descriptor_is_left_before_the_file, .timeout = 60)
{
    struct rlimit before, none;

    transfer.file = fake_zeros(100);
    fake_settings("connect_timeout", 30000);
    fake_open();
    fake_port();
    fake_say("RETR /x");
    EXPECT(&fake.files, file_read);
    cr_assert_eq(prlimit(fake.pid, RLIMIT_NOFILE, NULL, &before), 0);
    none = (struct rlimit){ 3, before.rlim_max };
    cr_assert_eq(prlimit(fake.pid, RLIMIT_NOFILE, &none, NULL), 0);
    fake_expect_closed(fake_come());
    cr_assert_eq(prlimit(fake.pid, RLIMIT_NOFILE, &before, NULL), 0);
    SAY_BACK(&fake.files, file_readable, .size = 100,
             .file = fileno(transfer.file));
    cr_expect_eq(fake_reply(), 150, "%s", fake.reply);
    cr_expect_eq(fake_reply(), 425, "%s", fake.reply);
    fclose(transfer.file);
    fake_hang_up(ENDING_CLOSED);
}

/* A connection that has come before the reply to a PASV doesn't belong to this
 * PASV, whether or not ABOR has ended the PASV before. */
Test(data_port, come_before_the_epsv, .timeout = 60)
{
    for (int aborted = 0; aborted <= 1; aborted++) {
        int old;

        fake_open();
        fake_port();
        if (aborted)
            fake_do("ABOR", 225);
        old = fake_come();
        fake_expect("PASV", 227);
        fake_expect_closed(old);
        fake_begin_download(100);
        transfer.data = fake_come();
        fake_secure_data();
        cr_expect_eq(fake_reply(), 226, "%s", fake.reply);
        fake_release();
        fake_hang_up(ENDING_CLOSED);
    }
}

/* Some clients wait for the TLS handshake of the data connection before they
 * send the command, and give up. The line of the end says so; but not if the
 * command was refused, even before the connection has come. */
Test(data_port, without_a_command, .timeout = 60)
{
    enum { NO_COMMAND, COMMAND_THEN, COMMAND_FIRST };

    for (int i = NO_COMMAND; i <= COMMAND_FIRST; i++) {
        int data = -1;

        fake_open();
        fake_port();
        if (i != COMMAND_FIRST)
            data = fake_come();
        if (i != NO_COMMAND)
            fake_do_refused("RETR x", MSG_file_read, OUTCOME_NOT_FOUND, 550);
        if (i == COMMAND_FIRST)
            data = fake_come();
        fake_do("QUIT", 221);
        close(data);
        fake_hang_up(ENDING_QUIT);
        cr_expect_str_eq(fake_end_reason(),
                         i != NO_COMMAND
                             ? "quit"
                             : "quit: a data connection came, and no command "
                               "for it; the client may wait for TLS there "
                               "before it sends the command",
                         "%d", i);
    }
}

/* Somebody with the client's address connects first, once or by several
 * connections: sends nothing, the beginning of a handshake, no TLS, or a
 * handshake without the client's ticket; or resets the connection. A line says
 * so. EARLY: before the command */
static void neighbours_come(bool early)
{
    enum { SILENT, BEGINS, NO_TLS, RESETS, NO_TICKET, WAYS };
    const struct tls_client_options no_ticket = { 0 };
    const struct linger at_once = { .l_onoff = 1 };

    for (int i = 0; i <= WAYS; i++) {
        const int first = i < WAYS ? i : 0, last = i < WAYS ? i : WAYS - 1;
        struct tls_client *tls = NULL;
        int other = -1;

        fake.granted.binding = i % 2 == early ? BINDING_USER : BINDING_SESSION;
        fake_open();
        fake_port();
        if (!early)
            fake_begin_download(100);
        for (int way = first; way <= last; way++) {
            other = fake_come();
            if (way == BEGINS)
                cr_assert_eq(write(other, "\x16\x03\x01\x02\x00", 5), 5);
            if (way == NO_TLS)
                cr_assert_eq(write(other, "hello", 5), 5);
            if (way != RESETS)
                continue;
            setsockopt(other, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
            close(other);
        }
        if (early)
            fake_begin_download(100);
        if (last == NO_TICKET)
            tls = tls_client_new(other, &no_ticket);
        transfer.data = fake_come();
        fake_secure_data();
        cr_expect_eq(fake_reply(), 226, "%d: %s", i, fake.reply);
        if (i != RESETS || !early) {
            fake_await(EVENT_DATA_REFUSED, &logged);
            fake_expect_text(&logged, FIELD_REASON,
                             "isn't the user's, and has the client's address");
        }
        fake_release();
        tls_client_free(tls);
        fake_hang_up(ENDING_CLOSED);
    }
}

Test(data_port, a_neighbour_comes_before_the_command, .timeout = 60)
{
    neighbours_come(true);
}

Test(data_port, a_neighbour_comes_after_the_command, .timeout = 60)
{
    neighbours_come(false);
}

/* The client is far away: it connects when the neighbour's connection has long
 * failed. So it is with each binding that tells the two apart. */
Test(data_port, the_client_comes_later_than_a_neighbour, .timeout = 60)
{
    static const enum data_binding bindings[] = { BINDING_USER,
                                                  BINDING_SESSION };
    const struct tls_client_options no_ticket = { 0 };

    for (int i = 0; i < 4; i++) {
        struct tls_client *tls = NULL;
        int other;

        fake.granted.binding = bindings[i % 2];
        fake_open();
        fake_port();
        fake_begin_download(100);
        other = fake_come();
        if (i < 2)
            cr_assert_eq(write(other, "hello", 5), 5);
        else
            tls = tls_client_new(other, &no_ticket);
        fake_expect_asleep(1000);
        transfer.data = fake_come();
        fake_secure_data();
        cr_expect_eq(fake_reply(), 226, "%d: %s", i, fake.reply);
        fake_release();
        tls_client_free(tls);
        fake_hang_up(ENDING_CLOSED);
    }
}

/* The client connects first, and begins its handshake late. COUNT neighbours
 * connect meanwhile: the first by WAY, each other one by the next way. */
static void the_client_is_slow(int way, int count)
{
    enum { SILENT, BEGINS, NO_TLS, NO_TICKET, WAYS };
    const struct tls_client_options no_ticket = { 0 };
    struct tls_client *tls = NULL;
    int others[WAYS];

    fake.granted.binding = way % 2 ? BINDING_SESSION : BINDING_USER;
    fake_open();
    fake_port();
    fake_begin_download(100);
    transfer.data = fake_come();
    for (int i = 0; i < count; i++) {
        others[i] = fake_come();
        if ((way + i) % WAYS == BEGINS)
            cr_assert_eq(write(others[i], "\x16\x03\x01\x02\x00", 5), 5);
        if ((way + i) % WAYS == NO_TLS)
            cr_assert_eq(write(others[i], "hello", 5), 5);
    }
    fake_expect_asleep(2500); /* longer than the first turn */
    for (int i = 0; i < count; i++)
        if ((way + i) % WAYS == NO_TICKET)
            tls = tls_client_new(others[i], &no_ticket);
    fake_secure_data();
    cr_expect_eq(fake_reply(), 226, "%d, %d: %s", way, count, fake.reply);
    fake_await(EVENT_DATA_REFUSED, &logged);
    fake_expect_text(&logged, FIELD_REASON,
                     "isn't the user's, and has the client's address");
    for (int i = 0; i < count; i++)
        close(others[i]);
    fake_release();
    tls_client_free(tls);
    fake_hang_up(ENDING_CLOSED);
}

Test(data_port, the_client_comes_first_and_is_slow, .timeout = 60)
{
    for (int way = 0; way < 4; way++)
        the_client_is_slow(way, 1);
}

Test(data_port, the_client_comes_first_before_four, .timeout = 60)
{
    the_client_is_slow(0, 4);
}

/* As many neighbours as the session tries keep no slow client out, whether it
 * has come first or last. */
Test(data_port, as_many_as_are_tried, .timeout = 90, IN_LONG_RUN)
{
    for (int last = 0; last <= 1; last++) {
        int others[8];

        fake_settings("connect_timeout", 40000);
        fake_open();
        fake_port();
        fake_begin_download(100);
        if (!last)
            transfer.data = fake_come();
        for (int i = 0; i < 8; i++)
            others[i] = fake_come();
        if (last)
            transfer.data = fake_come();
        fake_expect_asleep(2500);
        fake_secure_data();
        cr_expect_eq(fake_reply(), 226, "%d: %s", last, fake.reply);
        for (int i = 0; i < 8; i++)
            close(others[i]);
        fake_release();
        fake_hang_up(ENDING_CLOSED);
    }
}

/* The command comes late, after a neighbour and the client have connected. */
Test(data_port, the_command_comes_later_than_a_neighbour, .timeout = 60)
{
    int other;

    fake_settings("connect_timeout", 10000);
    fake_open();
    fake_port();
    other = fake_come();
    transfer.data = fake_come();
    fake_expect_asleep(11000); /* a listener without use has 10 s */
    fake_begin_download(100);
    fake_secure_data();
    cr_expect_eq(fake_reply(), 226, "%s", fake.reply);
    close(other);
    fake_release();
    fake_hang_up(ENDING_CLOSED);
}

/* The session closes a listener without use, and counts its last strangers. The
 * next PASV needs a new one. */
Test(data_port, without_use, LEAVES)
{
    fake_settings("connect_timeout", 1000);
    fake_open();
    fake_port();
    for (int i = 0; i < 3; i++)
        fake_expect_closed(fake_come_from("127.0.0.2"));
    do
        fake_await(EVENT_DATA_REFUSED, &logged);
    while (logged.text[FIELD_STRANGER].len > 0);
    fake.lent = false;
    fake_expect("PASV", 227);
}
