/* The sockets of a link: which is the control connection, when a data
 * connection's handshake may begin, and how data connections end. */
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "link_private.h"
#include "sallyport/base/clock.h"

void link_cork(struct link *l, bool on)
{
    if (l->data >= 0 && l->corked != on &&
        setsockopt(l->data, IPPROTO_TCP, TCP_CORK, &(int){ on }, sizeof(int)) ==
            0)
        l->corked = on;
}

/* A socket after EPSV or PASV is for data, others are for control. libcurl
 * begins a handshake as soon as the data connection exists. For a server that
 * wants the command first, the kernel holds the handshake back until the 150,
 * for at most 200 ms. */
int link_on_socket(void *of, curl_socket_t fd, curlsocktype kind)
{
    struct link *l = of;
    bool data = l->reply == 227 || l->reply == 229;

    (void)kind;
    *(data ? &l->data : &l->control) = fd;
    l->corked &= !data;
    if (data && l->manner == LINK_LATE_HELLO)
        link_cork(l, true);
    return CURL_SOCKOPT_OK;
}

static void link_on_alert(const SSL *tls, int where, int what)
{
    struct link *l = SSL_CTX_get_app_data(SSL_get_SSL_CTX(tls));

    if (where == SSL_CB_READ_ALERT && (what & 0xff) == SSL_AD_CLOSE_NOTIFY)
        l->whole = true;
}

/* libcurl takes any end of a data connection for the end of its bytes. Anybody
 * on the way can end a TCP connection, but only the server sends close_notify.
 */
CURLcode link_on_context(CURL *curl, void *ctx, void *of)
{
    struct link *l = of;

    (void)curl;
    if (l->data < 0)
        return CURLE_OK;
    SSL_CTX_set_app_data((SSL_CTX *)ctx, l);
    SSL_CTX_set_info_callback(ctx, link_on_alert);
    return CURLE_OK;
}

/* libcurl reads nothing during an upload. TLS tickets from the server that
 * nobody has read would turn the close into a reset, and the server would lose
 * the end of the file. So this reads them until the server closes too, or has
 * replied. Before a 150 nothing can be lost. */
static void link_linger(struct link *l, int fd)
{
    uint64_t end = clock_ms() + 1000 * l->site->options->timeout, now;
    struct pollfd p[2] = { { .fd = fd, .events = POLLIN },
                           { .fd = l->control, .events = POLLIN } };
    char rest[4096];

    shutdown(fd, SHUT_WR);
    while (!link_interrupted && (now = clock_ms()) < end) {
        if (poll(p, 2, (int)(end - now)) <= 0)
            continue;
        if (p[0].revents && recv(fd, rest, sizeof(rest), MSG_DONTWAIT) <= 0)
            break;
        if (p[1].revents && !p[0].revents)
            break;
    }
}

int link_on_close(void *of, curl_socket_t fd)
{
    struct link *l = of;

    if (fd == l->data)
        l->data = -1;
    if (fd == l->control)
        l->control = -1;
    else if (l->io && l->io->give && l->reply < 200)
        link_linger(l, fd);
    return close(fd);
}
