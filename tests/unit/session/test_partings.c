/* How the session ends a data connection that has no transfer. Many clients
 * begin their handshake as soon as they are connected, and report a reset
 * instead of the reply. So the session reads everything, and then sends a FIN.
 * After a refused transfer it sends the FIN only when the client has the reply:
 * a client that gets the FIN first takes the port for broken. */
#include "fake.h"
#include "sallyport/base/clock.h"
#include "support/wait.h"

#define LINGERING_MAX 4 /* as in state.h */
#define HELLO         "\x16\x03\x01\x02\x00 the beginning of a handshake"

static const struct row {
    const char *line;
    int code;
} rows[] = {
    { "ABOR", 225 },
    { "QUIT", 221 },
};

static const struct refused {
    const char *line;
    enum message_kind asked; /* the request that files refuses */
    enum outcome outcome;
    int code;
} refusals[] = {
    { "RETR none", MSG_file_read, OUTCOME_NOT_FOUND, 550 },
    { "LIST none", MSG_directory_list, OUTCOME_NOT_FOUND, 550 },
    { "MLSD file", MSG_directory_list, OUTCOME_NOT_DIRECTORY, 501 },
    { "STOR x", MSG_file_write, OUTCOME_NOT_FOUND, 550 },
    { "STOU", MSG_file_write, OUTCOME_NOT_FOUND, 550 },
};
#define REFUSALS (sizeof(refusals) / sizeof(refusals[0]))

/* Expects a FIN. The client can still send bytes. */
static void expect_fin(int data)
{
    const struct timeval limit = { .tv_sec = WAIT_MS / 1000 };
    char c;
    ssize_t n;

    setsockopt(data, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
    n = recv(data, &c, 1, 0);
    cr_expect_eq(n, 0, "%zd, %s", n, n < 0 ? strerror(errno) : "");
    cr_expect_eq(send(data, "more", 4, MSG_NOSIGNAL), 4, "%s", strerror(errno));
    close(data);
}

Test(partings, without_a_transfer, .timeout = 60)
{
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        int data;

        fake_open();
        data = fake_data();
        cr_assert_gt(send(data, HELLO, sizeof(HELLO), 0), 0);
        fake_do(rows[i].line, rows[i].code);
        expect_fin(data);
        fake_hang_up(rows[i].code == 221 ? ENDING_QUIT : ENDING_CLOSED);
    }
}

static void expect_refusal(const struct refused *r)
{
    fake_do_refused(r->line, r->asked, r->outcome, r->code);
}

/* Plays a refused transfer of a connected client, which gets the reply before
 * the FIN. Returns the client's end. */
static int refuse(const struct refused *r)
{
    int data;

    fake_open();
    data = fake_data();
    cr_assert_gt(send(data, HELLO, sizeof(HELLO), 0), 0);
    expect_refusal(r);
    cr_expect(fake_is_quiet(data, 50), "%s: the end came with the reply",
              r->line);
    return data;
}

Test(partings, refused_until_the_next_command, .timeout = 60)
{
    for (size_t i = 0; i < REFUSALS; i++) {
        int data = refuse(&refusals[i]);

        fake_do("NOOP", 200);
        expect_fin(data);
        fake_hang_up(ENDING_CLOSED);
    }
}

/* The connection of a refused transfer isn't used for another transfer. */
Test(partings, refused_is_of_no_further_use, LEAVES)
{
    int data = refuse(&refusals[0]);

    fake_do("RETR other", 425);
    expect_fin(data);
}

Test(partings, refused_until_the_client_ends, LEAVES)
{
    int data = refuse(&refusals[0]);

    shutdown(data, SHUT_WR);
    cr_expect_not(fake_is_quiet(data, 2000));
    cr_expect_eq(recv(data, &(char){ 0 }, 1, 0), 0);
    close(data);
}

Test(partings, refused_for_some_seconds, LEAVES)
{
    uint64_t began = clock_ms();
    int data = refuse(&refusals[0]);

    expect_fin(data);
    cr_expect_geq(clock_ms() - began, 2000);
}

/* If nobody has connected before the refusal, the port stays valid for the next
 * transfer, whether the client connects before its next command or after it. */
Test(partings, refused_before_anybody_came, .timeout = 60)
{
    for (size_t i = 0; i < 2 * REFUSALS; i++) {
        fake_open();
        fake_port();
        expect_refusal(&refusals[i / 2]);
        if (i % 2 == 0)
            transfer.data = fake_come();
        fake_begin_download(100);
        if (i % 2 == 1)
            transfer.data = fake_come();
        fake_secure_data();
        cr_assert_eq(fake_reply(), 226, "%s", fake.reply);
        fake_release();
        fake_hang_up(ENDING_CLOSED);
    }
}

/* The session closes a connection whose PASV an ABOR has ended. */
Test(partings, a_connection_that_crosses_the_end, LOGGED_IN)
{
    fake_port();
    fake_do("ABOR", 225);
    fake_expect_closed(fake_come());
}

/* The session sends the FIN before files syncs, since a client may wait for the
 * FIN before it reads the reply. */
Test(partings, of_an_upload_before_the_sync, LOGGED_IN)
{
    char byte;

    fake_upload();
    fake_send("hello");
    EXPECT(&fake.files, file_prepare);
    cr_expect_eq(tls_client_read(transfer.tls, &byte, 1), TLS_CLIENT_END);
    expect_fin(transfer.data);
    transfer.data = -1;
    SAY_BACK(&fake.files, done);
    fake_complete();
    fake_release();
}

/* The client has its 226 and the end of the control connection, and only then
 * closes the data connection. The session waits until then; a wrong session
 * would have ended before. */
Test(partings, of_the_session_before_the_data, .timeout = 60)
{
    struct pollfd gone = { .events = 0 };

    fake_open();
    fake_download(100);
    cr_assert_eq(fake_reply(), 226);
    fake_do("QUIT", 221);
    tls_client_shutdown(fake.tls);
    gone.fd = fake.control;
    cr_expect_eq(poll(&gone, 1, 50), 0);
    fake_drain(NULL);
    cr_expect(tls_client_shutdown(transfer.tls), "%s", tls_client_error());
    fake_release();
    cr_expect_eq(fake_end(), ENDING_QUIT);
}

/* Returns true if the session has closed its end: a further byte gets a
 * reset. */
static bool has_gone(void *data)
{
    struct pollfd p = { .fd = *(int *)data };

    send(p.fd, "", 1, MSG_NOSIGNAL | MSG_DONTWAIT);
    return poll(&p, 1, 0) == 1 && (p.revents & POLLHUP);
}

/* The session waits 2 s for the client's end of each data connection, and for
 * at most four at once. A client that closes none of its data connections loses
 * the oldest one, but no transfer. */
Test(partings, of_data_that_is_never_closed, LOGGED_IN)
{
    struct fake_transfer t[LINGERING_MAX + 1];

    for (size_t i = 0; i <= LINGERING_MAX; i++) {
        fake_download(100);
        t[i] = transfer;
        cr_assert_eq(fake_reply(), 226);
    }
    for (size_t i = 0; i <= LINGERING_MAX; i++)
        cr_expect(wait_until(has_gone, &t[i].data, WAIT_MS));
    for (size_t i = 0; i <= LINGERING_MAX; i++) {
        transfer = t[i];
        fake_release();
    }
}
