/* Tests the plain stream, and the parts that plain and TLS streams share. */
#include <sys/epoll.h>

#include "fixture.h"

LineTest(stream, plain_carries_lines_both_ways, line_open(l, CONTROL, 0))
{
    char bytes[64];
    size_t n;
    cr_assert_str_eq(stream_cipher(l->s), "plain");
    cr_assert(!stream_is_secure(l->s));
    cr_assert_eq(stream_handshake(l->s), STREAM_OK);

    cr_assert_eq(stream_read(l->s, bytes, sizeof(bytes), &n), STREAM_AGAIN);
    cr_assert_eq(stream_events(l->s), (uint32_t)EPOLLIN);
    cr_assert_eq(send(l->far, "FEAT\r\nNOOP\r\n", 12, 0), 12);
    cr_assert_eq(stream_read(l->s, bytes, 6, &n), STREAM_OK);
    cr_assert_eq(n, 6u);
    cr_assert(stream_pending(l->s), "the rest waits inside");
    cr_assert_eq(stream_read(l->s, bytes, sizeof(bytes), &n), STREAM_OK);
    cr_assert_eq(n, 6u);
    cr_assert_arr_eq(bytes, "NOOP\r\n", 6);
    cr_assert(!stream_pending(l->s));

    cr_assert_eq(stream_write(l->s, "220 ", 4, &n), STREAM_OK);
    cr_assert_eq(n, 4u);
    cr_assert_eq(stream_write(l->s, "hello\r\n", 7, &n), STREAM_OK);
    cr_assert(stream_unsent(l->s));
    cr_assert_eq(recv(l->far, bytes, sizeof(bytes), MSG_DONTWAIT), -1,
                 "gathered, not sent");
    cr_assert_eq(stream_flush(l->s), STREAM_OK);
    cr_assert(!stream_unsent(l->s));
    cr_assert_eq(recv(l->far, bytes, sizeof(bytes), MSG_DONTWAIT), 11);
    cr_assert_eq(stream_traffic(l->s), 12u + 11u);
}

LineTest(stream, plain_fin_is_the_end, line_open(l, CONTROL, 0))
{
    char bytes[8];
    size_t n;
    cr_assert_eq(send(l->far, "x", 1, 0), 1);
    shutdown(l->far, SHUT_WR);
    cr_assert_eq(stream_read(l->s, bytes, sizeof(bytes), &n), STREAM_OK);
    cr_assert_eq(n, 1u);
    for (int i = 0; i < 2; i++) {
        cr_assert_eq(stream_read(l->s, bytes, sizeof(bytes), &n),
                     STREAM_CLOSED);
        cr_assert_eq(n, 0u);
        cr_assert(!stream_pending(l->s));
    }
    cr_assert_eq(stream_write(l->s, "bye", 3, &n), STREAM_OK);
    cr_assert_eq(stream_shutdown(l->s), STREAM_OK);
    cr_assert_eq(recv(l->far, bytes, sizeof(bytes), MSG_DONTWAIT), 3);
}

LineTest(stream, plain_reset_is_a_cut, line_open(l, CONTROL, 0))
{
    char byte;
    size_t n;
    cr_assert_eq(stream_write(l->s, "unread", 6, &n), STREAM_OK);
    cr_assert_eq(stream_flush(l->s), STREAM_OK);
    line_hang_up(l);
    cr_assert_eq(stream_read(l->s, &byte, 1, &n), STREAM_CUT);
    cr_assert_str_eq(stream_cause(l->s), strerror(ECONNRESET));
}

LineTest(stream, plain_write_to_nobody_is_a_cut_and_no_signal,
         line_open(l, CONTROL, 0))
{
    char byte;
    size_t n;
    line_hang_up(l);
    cr_assert_eq(stream_write(l->s, "x", 1, &n), STREAM_OK);
    cr_assert_eq(stream_flush(l->s), STREAM_CUT);
    cr_assert_str_eq(stream_cause(l->s), strerror(EPIPE));
    cr_assert_eq(stream_read(l->s, &byte, 1, &n), STREAM_CLOSED);
    cr_assert_str_eq(stream_cause(l->s), "");
}

LineTest(stream, plain_full_takes_nothing_and_loses_nothing,
         line_open(l, CONTROL, 4096))
{
    enum { SIZE = 300000 };
    static unsigned char bytes[SIZE], received[SIZE];
    size_t took, at = 0, got = 0;
    pattern_fill(bytes, SIZE, 0);
    enum stream_state st;
    while ((st = stream_write(l->s, bytes + at, SIZE - at, &took)) == STREAM_OK)
        at += took;
    cr_assert_eq(st, STREAM_AGAIN);
    cr_assert_eq(took, 0u);
    cr_assert_eq(stream_events(l->s), (uint32_t)EPOLLOUT);
    cr_assert(at < SIZE);
    while (got < SIZE) {
        ssize_t n = recv(l->far, received + got, SIZE - got, MSG_DONTWAIT);
        got += n > 0 ? (size_t)n : 0;
        if (at < SIZE &&
            stream_write(l->s, bytes + at, SIZE - at, &took) == STREAM_OK)
            at += took;
        stream_flush(l->s);
    }
    cr_assert_eq(memcmp(bytes, received, SIZE), 0);
}

LineTest(stream, buffered_plain_text_keeps_tls_out, line_open(l, CONTROL, 0))
{
    char bytes[16];
    size_t n;
    l->context = context_make();
    /* A command that an attacker inserts after AUTH TLS. */
    cr_assert_eq(send(l->far, "AUTH TLS\r\nSTAT\r\n", 16, 0), 16);
    cr_assert_eq(stream_read(l->s, bytes, 10, &n), STREAM_OK);
    cr_assert_eq(stream_secure(l->s, l->context, STREAM_CONTROL), -EBUSY);
    cr_assert_eq(stream_read(l->s, bytes, sizeof(bytes), &n), STREAM_OK);
    cr_assert_eq(n, 6u);
    /* A reply that hasn't been sent. */
    cr_assert_eq(stream_write(l->s, "234 go\r\n", 8, &n), STREAM_OK);
    cr_assert_eq(stream_secure(l->s, l->context, STREAM_CONTROL), -EBUSY);
    cr_assert_eq(stream_flush(l->s), STREAM_OK);
    cr_assert_eq(stream_secure(l->s, l->context, STREAM_CONTROL), 0);
    cr_assert(stream_is_secure(l->s));
    cr_assert_eq(stream_secure(l->s, l->context, STREAM_CONTROL), -EBUSY,
                 "twice");
}

Test(stream, free_of_nothing)
{
    stream_free(NULL);
    tls_context_free(NULL);
}
