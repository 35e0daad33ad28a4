/* QUIT during a transfer finishes it first (RFC 959 4.1.1): its reply, then
 * 221, then the end. */
#include <criterion/criterion.h>
#include <stdlib.h>

#include "fault.h"
#include "support/fail.h"

#define LEN (300 * FAULT_KIB)
#define BIG (16 * FAULT_MIB) /* more than all buffers on the way can hold */

static const struct server_user users[] = {
    { .name = "during" },
    { .name = "sum" },
    { .name = "abor" },
};

SERVER_SHARED(.users = users, .user_count = sizeof(users) / sizeof(*users));

static void finish_upload(struct data *d, const unsigned char *bytes)
{
    data_write(d, bytes, LEN);
}

static void finish_download(struct data *d, const unsigned char *bytes)
{
    struct buf got;

    (void)bytes;
    buf_init(&got, 2 * BIG);
    data_read_all(d, &got);
    cr_assert_eq(got.len, BIG);
    buf_release(&got);
}

static const struct quit {
    const char *line;
    void (*finish)(struct data *d, const unsigned char *bytes);
} quits[] = {
    { "STOR f", finish_upload },
    { "RETR big", finish_download },
};

Test(quit, during, .timeout = 60)
{
    unsigned char *bytes = fault_noise(LEN);
    struct server server;

    for (size_t i = 0; i < sizeof(quits) / sizeof(*quits); i++) {
        struct session s;
        struct data d;

        fail_context("%s: ", quits[i].line);
        session_enter_shared(&s, &server, "during");
        fault_make_sparse(&server, "during", "big", BIG);
        data_open(&s, &d, "%s", quits[i].line);
        session_send(&s, "NOOP\r\nQUIT\r\nNOOP");
        session_expect(&s, "200 {*}");
        session_expect(&s, "200 {*}");
        quits[i].finish(&d, bytes);
        data_close(&d);
        session_expect(&s, "226 {*}");
        session_expect(&s, "221 {*}");
        session_expect_end(&s);
        session_drop(&s);
    }
    fault_expect_whole(&server, "during", "f", bytes, LEN);
    free(bytes);
}

/* A checksum is a transfer without a data connection. */
Test(quit, during_a_checksum, .timeout = 60)
{
    struct server server;
    struct session s;

    session_enter_shared(&s, &server, "sum");
    fault_make_sparse(&server, "sum", "sum", BIG);
    session_send(&s, "HASH sum\r\nQUIT");
    session_expect(&s, "213 {*}");
    session_expect(&s, "221 {*}");
    session_expect_end(&s);
    session_drop(&s);
}

/* The client doesn't want to wait any longer. */
Test(quit, and_abor, .timeout = 60)
{
    struct server server;
    struct session s;
    struct data d;

    session_enter_shared(&s, &server, "abor");
    data_open(&s, &d, "STOR half");
    session_send(&s, "QUIT");
    session_send(&s, "\xff\xf4\xff\xf2"
                     "ABOR");
    session_expect(&s, "426 {*}");
    session_expect(&s, "226 {*}");
    session_expect(&s, "221 {*}");
    session_expect_end(&s);
    data_cut(&d, false);
    session_drop(&s);
    fault_expect_absent(&server, "abor", "half");
}
