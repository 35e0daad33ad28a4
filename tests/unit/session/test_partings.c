/* A data connection without a transfer. Many clients begin their handshake as
 * soon as they are connected, and report a reset instead of the reply. So the
 * session sends a FIN, after it has read everything. After a refused transfer
 * it does that only once the client has the reply, since a client that gets the
 * FIN first takes the port for a broken one. */
#include <criterion/criterion.h>
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "fake.h"
#include "sallyport/base/clock.h"
#include "sallyport/ipc/channel.h"
#include "support/wait.h"

#define GOODBYES 4 /* as in session.h */
#define HELLO    "\x16\x03\x01\x02\x00 the beginning of a handshake"

static const struct row {
    const char *line;
    int code;
} rows[] = {
    { "ABOR", 225 },
    { "EPRT |1|127.0.0.1|50000|", 200 },
    { "QUIT", 221 },
};

static const struct refused {
    const char *line;
    int code;
    enum message_kind asked; /* the request to files, which refuses */
} refusals[] = {
    { "RETR none", 550, MSG_file_read },
    { "LIST none", 550, MSG_directory_list },
    { "STOR x", 550, MSG_file_write },
    { "STOU", 550, MSG_file_write },
};
#define REFUSALS (sizeof(refusals) / sizeof(refusals[0]))

/* Expects a FIN; the client may still send anything. */
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
        struct fake f;
        int data, code;

        fake_settings("active", true);
        fake_open(&f);
        data = fake_data(&f);
        cr_assert_gt(send(data, HELLO, sizeof(HELLO), 0), 0);
        fake_say(&f, rows[i].line);
        code = fake_reply(&f);
        cr_expect_eq(code, rows[i].code, "%s: %s", rows[i].line, f.reply);
        expect_fin(data);
        fake_hang_up(&f, rows[i].code == 221 ? ENDING_QUIT : ENDING_CLOSED);
    }
}

static void expect_refusal(struct fake *f, const struct refused *r)
{
    struct message no = { .kind = MSG_refused,
                          .refused = { .outcome = OUTCOME_NOT_FOUND } };
    int code;

    fake_say(f, r->line);
    fake_answer(f, r->asked, &no);
    code = fake_reply(f);
    cr_expect_eq(code, r->code, "%s: %s", r->line, f->reply);
}

/* A connected client is refused, and gets its reply. */
static int refuse(struct fake *f, const struct refused *r)
{
    struct pollfd end = { .events = POLLIN };

    fake_open(f);
    end.fd = fake_data(f);
    cr_assert_gt(send(end.fd, HELLO, sizeof(HELLO), 0), 0);
    expect_refusal(f, r);
    cr_expect_eq(poll(&end, 1, 50), 0, "%s: the end came with the reply",
                 r->line);
    return end.fd;
}

Test(partings, refused_until_the_next_command, .timeout = 60)
{
    for (size_t i = 0; i < REFUSALS; i++) {
        struct fake f;
        int data = refuse(&f, &refusals[i]);

        fake_say(&f, "NOOP");
        cr_expect_eq(fake_reply(&f), 200, "%s", f.reply);
        expect_fin(data);
        fake_hang_up(&f, ENDING_CLOSED);
    }
}

/* The connection isn't used for another transfer. */
Test(partings, refused_is_of_no_further_use, .timeout = 60)
{
    struct fake f;
    int data = refuse(&f, &refusals[0]);

    fake_say(&f, "RETR other");
    cr_expect_eq(fake_reply(&f), 425, "%s", f.reply);
    expect_fin(data);
    fake_hang_up(&f, ENDING_CLOSED);
}

Test(partings, refused_until_the_client_ends, .timeout = 60)
{
    const struct timeval limit = { .tv_sec = 2 };
    struct fake f;
    int data = refuse(&f, &refusals[0]);
    char c;

    setsockopt(data, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
    shutdown(data, SHUT_WR);
    cr_expect_eq(recv(data, &c, 1, 0), 0);
    close(data);
    fake_hang_up(&f, ENDING_CLOSED);
}

Test(partings, refused_for_some_seconds, .timeout = 60)
{
    uint64_t began = clock_ms();
    struct fake f;
    int data = refuse(&f, &refusals[0]);

    expect_fin(data);
    cr_expect_geq(clock_ms() - began, 2000);
    fake_hang_up(&f, ENDING_CLOSED);
}

/* While log takes nothing there is no reply, and so no end either. */
Test(partings, refused_before_the_log_takes_it, .timeout = 60)
{
    struct message no = { .kind = MSG_refused,
                          .refused = { .outcome = OUTCOME_NOT_FOUND } };
    struct pollfd end = { .events = POLLIN };
    struct event_record r;
    struct fake f;

    fake_open(&f);
    end.fd = fake_data(&f);
    fake_fill_log(&f);
    fake_say(&f, "RETR none");
    fake_answer(&f, MSG_file_read, &no);
    cr_expect_eq(poll(&end, 1, 100), 0, "the end came before the reply");
    while (fake_event(&f, EVENT_CHILD, &r))
        continue;
    cr_expect_eq(fake_reply(&f), 550);
    cr_expect_eq(poll(&end, 1, 50), 0, "the end came with the reply");
    close(end.fd);
    fake_hang_up(&f, ENDING_CLOSED);
}

/* Nobody had connected: the port is still valid for the next transfer, whether
 * the client connects before its next command or after it. */
Test(partings, refused_before_anybody_came, .timeout = 60)
{
    for (size_t i = 0; i < 2 * REFUSALS; i++) {
        struct fake_transfer t;
        struct fake f;

        fake_open(&f);
        fake_port(&f);
        expect_refusal(&f, &refusals[i / 2]);
        if (i % 2 == 0)
            t.data = fake_come(&f);
        fake_begin_download(&f, &t, 100);
        if (i % 2 == 1)
            t.data = fake_come(&f);
        fake_secure_data(&f, &t);
        cr_assert_eq(fake_reply(&f), 226, "%s", f.reply);
        fake_release(&t);
        fake_hang_up(&f, ENDING_CLOSED);
    }
}

/* A connection for which there is no EPSV any more. */
Test(partings, a_connection_that_crosses_the_end, .timeout = 60)
{
    struct fake f;
    int fd;
    char c;

    fake_open(&f);
    fake_port(&f);
    fake_do(&f, "ABOR", 225);
    fd = fake_come(&f);
    cr_expect_leq(recv(fd, &c, 1, 0), 0);
    close(fd);
    fake_hang_up(&f, ENDING_CLOSED);
}

/* A client may wait for it before it reads the reply. */
Test(partings, of_an_upload_before_the_sync, .timeout = 60)
{
    struct message stored = { .kind = MSG_file_stored,
                              .file_stored = { .path = SLICE("/x") } };
    struct fake_transfer t;
    struct message asked, done = { .kind = MSG_done };
    struct fake f;
    char byte;

    fake_open(&f);
    fake_upload(&f, &t);
    cr_assert(tls_client_write(t.tls, "hello", 5));
    cr_assert(tls_client_shutdown(t.tls));
    fake_hear(&f.files, &asked, MSG_file_prepare);
    cr_expect_eq(tls_client_read(t.tls, &byte, 1), TLS_CLIENT_END);
    expect_fin(t.data);
    t.data = -1;
    done.request = asked.request;
    fake_tell(&f.files, &done);
    fake_answer(&f, MSG_file_commit, &stored);
    f.files.phase = PHASE_IDLE;
    cr_expect_eq(fake_reply(&f), 226, "%s", f.reply);
    fake_release(&t);
    fake_hang_up(&f, ENDING_CLOSED);
}

/* The client has its 226 and the end of the session, and only then closes the
 * data connection: the session waits for that (a wrong session would be gone by
 * then). */
Test(partings, of_the_session_before_the_data, .timeout = 60)
{
    struct pollfd gone = { .events = 0 };
    struct fake_transfer t;
    struct fake f;
    char some[4096];

    fake_open(&f);
    fake_download(&f, &t, 100);
    cr_assert_eq(fake_reply(&f), 226);
    fake_do(&f, "QUIT", 221);
    tls_client_shutdown(f.tls);
    gone.fd = f.control;
    cr_expect_eq(poll(&gone, 1, 50), 0);
    while (tls_client_read(t.tls, some, sizeof(some)) > 0)
        continue;
    cr_expect(tls_client_shutdown(t.tls), "%s", tls_client_error());
    fake_release(&t);
    cr_expect_eq(fake_end(&f), ENDING_QUIT);
}

/* The session has closed its end: a further byte gets a reset. */
static bool has_gone(void *data)
{
    struct pollfd p = { .fd = *(int *)data };

    send(p.fd, "", 1, MSG_NOSIGNAL | MSG_DONTWAIT);
    return poll(&p, 1, 0) == 1 && (p.revents & POLLHUP);
}

/* The session waits for four at most, and for each 2 s: a client that closes
 * none of its data connections loses the oldest, and no transfer. */
Test(partings, of_data_that_is_never_closed, .timeout = 60)
{
    struct fake_transfer t[GOODBYES + 1];
    struct fake f;

    fake_open(&f);
    for (size_t i = 0; i <= GOODBYES; i++) {
        fake_download(&f, &t[i], 100);
        cr_assert_eq(fake_reply(&f), 226);
    }
    for (size_t i = 0; i <= GOODBYES; i++)
        cr_expect(wait_until(has_gone, &t[i].data, WAIT_MS));
    for (size_t i = 0; i <= GOODBYES; i++)
        fake_release(&t[i]);
    fake_hang_up(&f, ENDING_CLOSED);
}
