/* A data connection that comes to no transfer: many clients begin their
 * handshake as soon as they are connected, and report a reset instead of the
 * reply. So it gets a FIN, in front of which nothing is left unread. */
#include <criterion/criterion.h>
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "fake.h"
#include "support/wait.h"

#define GOODBYES 4 /* as in session.h */
#define HELLO    "\x16\x03\x01\x02\x00 the beginning of a handshake"

static const struct row {
    const char *line;
    int code;
    enum message asked; /* of files, which refuses */
} rows[] = {
    { "RETR none", 550, MSG_FILE_READ },
    { "ABOR", 225, MSG_NONE },
    { "EPRT |1|127.0.0.1|50000|", 200, MSG_NONE },
    { "QUIT", 221, MSG_NONE },
};

/* A FIN, and the client may still say what it likes. */
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
        struct packet no = { .message = MSG_REFUSED,
                             .value = { NUMBER(OUTCOME_NOT_FOUND) } };
        struct fake f;
        int data, code;

        fake_settings("active", true);
        fake_open(&f);
        data = fake_data(&f);
        cr_assert_gt(send(data, HELLO, sizeof(HELLO), 0), 0);
        fake_say(&f, rows[i].line);
        if (rows[i].asked != MSG_NONE)
            fake_answer(&f, rows[i].asked, &no);
        code = fake_reply(&f);
        cr_expect_eq(code, rows[i].code, "%s: %s", rows[i].line, f.reply);
        expect_fin(data);
        fake_hang_up(&f, rows[i].code == 221 ? ENDING_QUIT : ENDING_CLOSED);
    }
}

/* Gate passes it while the session gives up its port. */
Test(partings, of_one_that_crosses_the_end, .timeout = 60)
{
    struct packet data = { .message = MSG_DATA };
    struct fake f;
    int ends[2];

    fake_open(&f);
    address_parse_port(SLICE("127.0.0.1:50000"), &data.value[0].address);
    cr_assert_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
    cr_assert_gt(send(ends[0], HELLO, sizeof(HELLO), 0), 0);
    data.fd[0] = ends[1];
    fake_tell(&f.gate, &data);
    close(ends[1]);
    expect_fin(ends[0]);
    fake_hang_up(&f, ENDING_CLOSED);
}

/* The client has its 226 and its end of the session, and only then closes the
 * data connection: the session waits for that (a wrong one is gone before the
 * look is over). */
Test(partings, of_the_session_before_the_data, .timeout = 60)
{
    struct pollfd gone = { .events = 0 };
    struct fake_transfer t;
    struct fake f;
    char some[4096];

    fake_open(&f);
    fake_download(&f, &t, 100);
    cr_assert_eq(fake_reply(&f), 226);
    fake_say(&f, "QUIT");
    cr_assert_eq(fake_reply(&f), 221);
    tls_client_shutdown(f.tls);
    gone.fd = f.control;
    cr_expect_eq(poll(&gone, 1, 50), 0);
    while (tls_client_read(t.tls, some, sizeof(some)) > 0)
        continue;
    cr_expect(tls_client_shutdown(t.tls), "%s", tls_client_error());
    fake_release(&t);
    cr_expect_eq(fake_end(&f), ENDING_QUIT);
}

static bool has_gone(int data)
{
    struct pollfd p = { .fd = data };

    return poll(&p, 1, 0) == 1 && (p.revents & POLLHUP);
}

static bool has_gone_by_time(void *data)
{
    return has_gone(*(int *)data);
}

/* Four at most are waited for, and each for 2 s: a client that closes none of
 * its data connections loses the oldest, and no transfer. */
Test(partings, of_data_that_is_never_closed, .timeout = 60)
{
    struct fake_transfer t[GOODBYES + 1];
    struct fake f;

    fake_open(&f);
    for (size_t i = 0; i <= GOODBYES; i++) {
        fake_download(&f, &t[i], 100);
        cr_assert_eq(fake_reply(&f), 226);
    }
    cr_expect(has_gone(t[0].data));
    for (size_t i = 1; i <= GOODBYES; i++)
        cr_expect(wait_until(has_gone_by_time, &t[i].data, WAIT_MS));
    for (size_t i = 0; i <= GOODBYES; i++)
        fake_release(&t[i]);
    fake_hang_up(&f, ENDING_CLOSED);
}
