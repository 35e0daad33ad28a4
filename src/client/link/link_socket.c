/* The waits of a link, and its sockets: which socket is the control connection,
 * when a data connection's handshake may begin, and how data connections end.
 */
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/ssl.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <unistd.h>

#include "link.h"
#include "sallyport/base/clock.h"

/* The limits of waits, in ms unless a comment says otherwise. libcurl runs by
 * its multi interface, since curl_easy_perform() sleeps in the wrong places:
 * after EPSV it waits for no socket at all, and while it makes a data
 * connection it doesn't read replies (7.88). Each file then costs 200 ms or a
 * whole second. */

#define WAIT_MS     1000
#define WAKE_MS     100
#define REST_MS     10
#define AT_ONCE_MAX 100 /* calls in a row without a wait */
#define PAUSE_MAX   30  /* the longest pause between two tries, in seconds */
#define CONNECT_MAX 30

bool link_use_spare(struct link *l)
{
    return l->spare.some && l->spare.some(l->spare.of);
}

/* Waits until bytes come. Watches the control connection itself, except after a
 * 150: the reply at the end can arrive long before the last byte of the file.
 * If libcurl has no socket to wait for (MOST is -1), it wants to be called
 * again at once. *rounds counts such calls, and waits that ended at once: after
 * AT_ONCE_MAX of them the link rests for REST_MS. So a reply that libcurl
 * doesn't read yet, or a slow look-up of a name, doesn't use the whole
 * processor. */
static void link_wait(struct link *l, unsigned *rounds)
{
    struct curl_waitfd control = { .fd = l->control,
                                   .events = CURL_WAIT_POLLIN };
    bool asks = l->control >= 0 && (l->reply < 100 || l->reply >= 200);
    int ready = 1, most = -1;
    fd_set in, out, other;

    FD_ZERO(&in);
    FD_ZERO(&out);
    FD_ZERO(&other);
    curl_multi_fdset(l->multi, &in, &out, &other, &most);
    if (*rounds > AT_ONCE_MAX)
        curl_multi_poll(l->multi, NULL, 0, REST_MS, &ready);
    else if (!asks || most >= 0)
        curl_multi_poll(l->multi, &control, asks ? 1 : 0,
                        link_use_spare(l) ? 0 : WAIT_MS, &ready);
    *rounds = asks && ready > 0 ? *rounds + 1 : 0;
}

bool link_is_stream(const struct link *l)
{
    return l->io && l->io->stream;
}

/* Is the link stuck? libcurl sets no deadline for a proxy's answer on a data
 * connection; and this client sets none for a stream, since the bytes of a
 * stream can come hours later. */
static bool link_is_stuck(const struct link *l)
{
    uint64_t now = clock_ms();

    if ((l->reply == 227 || l->reply == 229) && l->data >= 0)
        return now > l->data_end;
    return link_is_stream(l) && l->reply / 100 == 1 && !l->paused &&
           now - l->stirred > 1000 * l->site->options->timeout;
}

CURLcode link_perform(struct link *l)
{
    unsigned rounds = 0;
    int running = 0;

    if (curl_multi_add_handle(l->multi, l->curl) != CURLM_OK)
        return CURLE_OUT_OF_MEMORY;
    do {
        struct pollfd ends[2] = { { .fd = STDIN_FILENO, .events = POLLIN },
                                  { .fd = l->data, .events = POLLRDHUP } };

        /* Don't wait after bytes have moved: more bytes usually follow at once,
         * and libcurl looks for them by itself. */
        if (l->paused && link_poll(ends, 2, clock_ms() + WAIT_MS)) {
            l->paused = false;
            curl_easy_pause(l->curl, CURLPAUSE_CONT);
        } else if (!l->paused && !l->moved && running) {
            link_wait(l, &rounds);
        }
        if (l->moved || l->paused)
            l->stirred = clock_ms();
        l->moved = false;
        /* A server with too many sessions perhaps delays the login: the link
         * stops if the login is needless. */
    } while (!link_interrupted &&
             (l->state == LINK_IN || !l->needless || !*l->needless) &&
             !link_is_stuck(l) &&
             curl_multi_perform(l->multi, &running) == CURLM_OK && running);
    CURLcode r = CURLE_ABORTED_BY_CALLBACK;
    const CURLMsg *m;
    while ((m = curl_multi_info_read(l->multi, &running)))
        if (m->msg == CURLMSG_DONE)
            r = m->data.result;
    if (link_is_stuck(l) && !link_interrupted)
        r = CURLE_OPERATION_TIMEDOUT;
    curl_multi_remove_handle(l->multi, l->curl);
    return r;
}

volatile sig_atomic_t link_interrupted;
_Atomic(const struct failure *) link_over;

bool link_is_over(void)
{
    return link_interrupted || atomic_load(&link_over);
}

void link_end_command(const struct failure *why)
{
    static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
    static struct failure first;

    pthread_mutex_lock(&lock);
    if (!atomic_load(&link_over)) {
        first = *why;
        atomic_store(&link_over, &first);
    }
    pthread_mutex_unlock(&lock);
}

/* Waits. Ctrl-C interrupts poll() in only one thread, or in none if it comes
 * just before poll(), so each wait looks at the flag repeatedly. */
bool link_poll(struct pollfd *p, nfds_t n, uint64_t end)
{
    uint64_t now;

    while (!link_interrupted && (now = clock_ms()) < end)
        if (poll(p, n, end - now < WAKE_MS ? (int)(end - now) : WAKE_MS) > 0)
            return true;
    return false;
}

bool link_again(const struct link *l, struct retry *r, const char *what,
                const struct failure *why)
{
    if (!why->transient || r->tries >= l->site->options->retries ||
        l->state == LINK_OVER || link_is_over())
        return false;
    *r = (struct retry){ r->tries + 1, r->pause ? 2 * r->pause : 1 };
    if (r->pause > PAUSE_MAX)
        r->pause = PAUSE_MAX;
    progress_note("%s: %s; trying again in %llu s", what, why->text,
                  (unsigned long long)r->pause);
    uint64_t end = clock_ms() + 1000 * r->pause;
    while (clock_ms() < end && !link_is_over())
        link_poll(NULL, 0, clock_ms() + WAKE_MS);
    return !link_is_over();
}

/* Keeps --limit-rate: all links share one point in time, at which the bytes
 * that they have moved are within the rate. */

/* Shorter waits cost more than they help. */
#define AHEAD_US 20000
#define SLICE_US 100000

static pthread_mutex_t pace_lock = PTHREAD_MUTEX_INITIALIZER;
static uint64_t pace_paid_us;

void pace_keep(struct link *l, uint64_t rate, size_t bytes)
{
    if (rate == 0)
        return;
    uint64_t now = clock_us();
    bool more = true;
    pthread_mutex_lock(&pace_lock);
    if (pace_paid_us < now)
        pace_paid_us = now;
    pace_paid_us += (uint64_t)((double)bytes * 1e6 / (double)rate);
    uint64_t until = pace_paid_us;
    pthread_mutex_unlock(&pace_lock);
    while (!link_interrupted && (now = clock_us()) + AHEAD_US < until) {
        if (more) {
            more = link_use_spare(l);
            continue; /* the work took time */
        }
        uint64_t us = until - now < SLICE_US ? until - now : SLICE_US;
        struct timespec t = { .tv_nsec = (long)us * 1000 };

        nanosleep(&t, NULL);
    }
}

/* Sockets. */

void link_cork(struct link *l, bool on)
{
    if (l->data >= 0 && l->corked != on &&
        setsockopt(l->data, IPPROTO_TCP, TCP_CORK, &(int){ on }, sizeof(int)) ==
            0)
        l->corked = on;
}

/* Chooses how close(), or the end of the process, ends a connection. RESET: by
 * a reset, so the server stores nothing as complete; otherwise normally, which
 * is right only for a whole upload. */
static void link_end_by_reset(int fd, bool reset)
{
    struct linger how = { .l_onoff = reset };

    setsockopt(fd, SOL_SOCKET, SO_LINGER, &how, sizeof(how));
}

static bool link_uploads(const struct link *l)
{
    return l->io && l->io->give;
}

uint64_t link_connect_time(const struct link *l)
{
    uint64_t patience = l->site->options->timeout;
    bool short_wait = l->site->proxy.name[0] || l->glance || l->steady;

    return short_wait && patience < CONNECT_MAX ? patience : CONNECT_MAX;
}

/* Lets a whole upload end normally. First waits until the socket is writable:
 * libcurl tries to send close_notify once, and ignores EAGAIN. */
void link_check_sent(struct link *l, curl_off_t up)
{
    struct pollfd p = { .fd = l->data, .events = POLLOUT };

    if (l->data < 0 || l->sent || !l->ended || (uint64_t)up != l->given)
        return;
    l->sent = true;
    link_end_by_reset(l->data, false);
    if (!l->tls || !SSL_get_quiet_shutdown(l->tls))
        return;
    link_poll(&p, 1, clock_ms() + 1000 * l->site->options->timeout);
    SSL_set_quiet_shutdown(l->tls, 0);
}

/* Takes a new socket: after EPSV or PASV the socket is for data, otherwise for
 * control. A program that the user starts must not inherit it. */
int link_on_socket(void *of, curl_socket_t fd, curlsocktype kind)
{
    struct link *l = of;

    (void)kind;
    if (fcntl(fd, F_SETFD, FD_CLOEXEC) < 0)
        return CURL_SOCKOPT_ERROR;
    if (l->reply != 227 && l->reply != 229) {
        l->rival = l->control;
        l->control = fd;
        l->state = LINK_AWAY;
        l->hash = NULL;
        return CURL_SOCKOPT_OK;
    }
    l->data = fd;
    l->data_end = clock_ms() + 1000 * link_connect_time(l);
    l->corked = false;
    l->opened = true;
    if (link_uploads(l))
        link_end_by_reset(fd, true);
    return CURL_SOCKOPT_OK;
}

static void link_on_tls(const SSL *tls, int where, int what)
{
    struct link *l = SSL_CTX_get_app_data(SSL_get_SSL_CTX(tls));

    if (where == SSL_CB_READ_ALERT && (what & 0xff) == SSL_AD_CLOSE_NOTIFY)
        l->whole = true;
    l->resumed = SSL_session_reused(tls) == 1;
    if (link_uploads(l))
        l->tls = (SSL *)(uintptr_t)tls;
}

/* Gives the certificate of --cert only to a server with the right name and key,
 * which libcurl checks only after the handshake. Takes the host's name from
 * TLS, where libcurl has written it in the form that certificates have. */
static int link_on_request(SSL *tls, void *of)
{
    const struct site *s = of;
    const char *name = SSL_get_servername(tls, TLSEXT_NAMETYPE_host_name);

    if (!trust_fits(&s->trust, name ? name : s->url.host,
                    SSL_get0_peer_certificate(tls)))
        SSL_certs_clear(tls);
    return 1;
}

/* Makes libcurl accept an end without close_notify, which needs an option since
 * OpenSSL 3.2. Anybody on the way can end a TCP connection, but only the server
 * sends close_notify: link_on_tls() looks for it, and the callers decide
 * whether the bytes are whole. */
CURLcode link_on_context(CURL *curl, void *ctx, void *of)
{
    struct link *l = of;

    (void)curl;
    if (l->glance)
        return glance_prepare(ctx, l->glance, l->site->options);
    SSL_CTX_set_cert_cb(ctx, link_on_request, (void *)(uintptr_t)l->site);
    if (l->data < 0)
        return CURLE_OK;
    l->data_end = UINT64_MAX; /* the connection is made; now the server may take
                               * longer */
    SSL_CTX_set_app_data((SSL_CTX *)ctx, l);
    SSL_CTX_set_info_callback(ctx, link_on_tls);
    SSL_CTX_set_options(ctx, SSL_OP_IGNORE_UNEXPECTED_EOF);
    /* Before 8.9 libcurl sends close_notify whenever it closes a connection,
     * also after a time-out or an interrupt. */
    if (link_uploads(l) &&
        curl_version_info(CURLVERSION_NOW)->version_num < 0x080900)
        SSL_CTX_set_quiet_shutdown(ctx, 1);
    return CURLE_OK;
}

/* Reads until the server closes the connection, too, or replies. libcurl reads
 * nothing during an upload: unread TLS tickets from the server would turn the
 * close into a reset, and the server would lose the end of the file. Before a
 * 150 the server has nothing that it could lose. */
static void link_linger(struct link *l, int fd)
{
    uint64_t end = clock_ms() + 1000 * l->site->options->timeout;
    struct pollfd p[2] = { { .fd = fd, .events = POLLIN },
                           { .fd = l->control, .events = POLLIN } };
    char rest[4096];

    shutdown(fd, SHUT_WR);
    while (link_poll(p, 2, end)) {
        if (p[0].revents && recv(fd, rest, sizeof(rest), MSG_DONTWAIT) <= 0)
            break;
        if (p[1].revents && !p[0].revents)
            break;
    }
}

int link_on_close(void *of, curl_socket_t fd)
{
    struct link *l = of;
    curl_off_t up = 0;

    if (fd == l->data) {
        if (link_uploads(l)) {
            curl_easy_getinfo(l->curl, CURLINFO_SIZE_UPLOAD_T, &up);
            l->tls = NULL;
            link_check_sent(l, up);
            if (l->sent && l->reply < 200)
                link_linger(l, fd);
        }
        l->data = -1;
    } else if (fd == l->control) {
        l->control = l->rival;
        l->rival = -1;
    } else if (fd == l->rival) {
        l->rival = -1;
    }
    return close(fd);
}
