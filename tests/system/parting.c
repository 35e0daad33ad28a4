/* Checks how the server ends a connection. A reset can remove bytes that the
 * client hasn't read yet, and many clients report it instead of the reply. The
 * socket's state and error show a reset; the TLS library doesn't. */
#include "parting.h"

#include <netinet/tcp.h>

#include "sallyport/base/fd.h"
#include "support/fail.h"
#include "support/test.h"
#include "support/wait.h"

static int state(int fd)
{
    struct tcp_info info;
    socklen_t len = sizeof(info);

    FAIL_IF(getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &len), "TCP_INFO");
    return info.tcpi_state;
}

static int error(int fd)
{
    int r = 0;
    socklen_t len = sizeof(r);

    FAIL_IF(getsockopt(fd, SOL_SOCKET, SO_ERROR, &r, &len), "SO_ERROR");
    return r;
}

/* Has the server's kernel answered the client's FIN, by an ACK or a reset? */
static bool is_over(void *fd)
{
    return state(*(int *)fd) == TCP_CLOSE;
}

static long read_tls(struct tls_client *t)
{
    char rest[16384];
    long n;

    do
        n = tls_client_read(t, rest, sizeof(rest));
    while (n > 0);
    FAIL_IF(n == TLS_CLIENT_FAILED, "TLS: %s", tls_client_error());
    return n;
}

/* After close_notify the server may send only a FIN. */
static void read_raw(int fd, bool notified)
{
    char rest[4096];
    ssize_t n, all = 0;

    while ((n = recv(fd, rest, sizeof(rest), 0)) > 0)
        all += n;
    FAIL_IF(n < 0, "reading to the end: %s", strerrordesc_np(errno));
    FAIL_IF(notified && all > 0, "%zd bytes behind close_notify", all);
}

void parting_expect(int fd, struct tls_client *t, enum parting wanted)
{
    bool notified = t && read_tls(t) == TLS_CLIENT_END;

    FAIL_IF(t && notified != (wanted != PARTING_BARE), "%s",
            notified ? "it ended in order" : "no close_notify");
    read_raw(fd, notified);
    if (wanted == PARTING_AT_ONCE)
        return;
    FAIL_IF(state(fd) != TCP_CLOSE_WAIT, "no FIN, state %d, error %d",
            state(fd), error(fd));
    if (notified)
        FAIL_IF(!tls_client_shutdown(t), "our close_notify: %s",
                tls_client_error());
    shutdown(fd, SHUT_WR);
    FAIL_IF(!wait_until(is_over, &fd, WAIT_MS), "our FIN isn't taken");
    FAIL_IF(error(fd) != 0, "a reset for our end");
}

void parting_expect_control(struct session *s, enum parting wanted)
{
    parting_expect(s->fd, s->tls, wanted);
    session_drop(s);
}

void parting_expect_data(struct data *d, enum parting wanted)
{
    parting_expect(d->fd, d->tls, wanted);
    tls_client_free(d->tls);
    d->tls = NULL;
    fd_close(&d->fd);
}

void parting_write_junk(int fd, struct tls_client *t)
{
    static const char line[] = "NOOP\r\n";
    char junk[600 * (sizeof(line) - 1)];

    for (size_t i = 0; i < 600; i++)
        memcpy(junk + i * (sizeof(line) - 1), line, sizeof(line) - 1);
    for (int i = 0; i < 20; i++) {
        if (t)
            tls_client_write(t, junk, sizeof(junk));
        else
            send(fd, junk, sizeof(junk), MSG_NOSIGNAL | MSG_DONTWAIT);
    }
}
