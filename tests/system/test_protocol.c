/* Tests that transcripts can't express: two segments in a row, and urgent
 * data. */
#include "support/fail.h"
#include "support/served.h"
#include "support/test.h"

#define URGENT "\xff\xf4\xff\xf2"

/* The client sends a command in plain text after AUTH TLS, in a segment of its
 * own. It arrives before or after the 234, and must not be executed in either
 * case. */
ServerTest(protocol, injection_in_two_segments, 60, PLAN(0))
{
    for (int i = 0; i < 20; i++) {
        struct session s;
        struct buf got;

        session_reach(&s, server);
        session_expect(&s, "220 {*}");
        session_send(&s, "AUTH TLS");
        session_send(&s, "NOOP");
        buf_init(&got, 65536);
        session_read_rest(&s, &got);
        cr_assert(!memmem(got.data, got.len, "200 ", 4), "it was run: %s",
                  got.data);
        cr_assert(strncmp(got.data, "234 ", 4) == 0 || got.data[0] == '5',
                  "got: %s", got.data);
        buf_release(&got);
        session_drop(&s);
    }
}

/* Before TLS the server removes telnet's commands from the stream, even if the
 * client sends Synch's Data Mark as urgent data, as RFC 959 defines it. */
ServerTest(protocol, urgent_data, 60, PLAN(0))
{
    for (int urgent = 0; urgent < 2; urgent++) {
        struct session s;

        fail_context("urgent %d: ", urgent);
        session_reach(&s, server);
        session_expect(&s, "220 {*}");
        session_raw(&s, URGENT, 3);
        cr_assert_eq(send(s.fd, &URGENT[3], 1, urgent ? MSG_OOB : 0), 1);
        session_do(&s, "530 TLS is required{*}", "ABOR");
        session_raw(&s, URGENT, 3);
        cr_assert_eq(send(s.fd, &URGENT[3], 1, urgent ? MSG_OOB : 0), 1);
        session_do(&s, "200 {*}", "NOOP");
        session_do(&s, "234 {*}", "AUTH TLS");
        session_secure(&s);
        session_close(&s);
    }
}
