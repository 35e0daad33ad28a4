/* Tests a link: which socket is which, how a data connection may end, and the
 * rate of all links together. */
#include <netinet/in.h>
#include <pthread.h>
#include <sys/resource.h>

#include "client/link/link.h"
#include "sallyport/base/clock.h"
#include "support/test.h"

static struct link link_made(void)
{
    static const struct options o = { .timeout = 60 };
    static const struct site s = { .options = &o };

    return (struct link){ .site = &s, .control = -1, .rival = -1, .data = -1 };
}

static int socket_made(struct link *l)
{
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    cr_assert_geq(fd, 0);
    cr_assert_eq(link_on_socket(l, fd, CURLSOCKTYPE_IPCXN), CURL_SOCKOPT_OK);
    return fd;
}

/* Is the connection reset when it is closed? */
static bool resets(int fd)
{
    struct linger how;
    socklen_t len = sizeof(how);

    cr_assert_eq(getsockopt(fd, SOL_SOCKET, SO_LINGER, &how, &len), 0);
    return how.l_onoff != 0 && how.l_linger == 0;
}

Test(link_socket, a_command_of_the_user_inherits_none)
{
    struct link l = link_made();
    int control = socket_made(&l);

    l.reply = 229;
    int data = socket_made(&l);
    cr_expect_eq(fcntl(control, F_GETFD), FD_CLOEXEC);
    cr_expect_eq(fcntl(data, F_GETFD), FD_CLOEXEC);
}

/* IPv6 and IPv4 compete; whichever loses is closed. */
Test(link_socket, the_winner_is_the_control_connection)
{
    for (int loser = 0; loser < 2; loser++) {
        struct link l = link_made();
        int fd[2];

        fd[0] = socket_made(&l);
        fd[1] = socket_made(&l);
        link_on_close(&l, fd[loser]);
        cr_expect_eq(l.control, fd[1 - loser]);
        link_on_close(&l, fd[1 - loser]);
        cr_expect_eq(l.control, -1);
    }
}

/* Only the connection to the server has a deadline. The server's answer may
 * take longer. */
Test(link_socket, a_data_connection_that_is_made_has_no_deadline)
{
    SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
    struct link l = link_made();

    l.reply = 229;
    socket_made(&l);
    cr_expect_leq(l.data_end, clock_ms() + 30000);
    cr_expect_eq(link_on_context(NULL, ctx, &l), CURLE_OK);
    cr_expect_eq(l.data_end, UINT64_MAX);
    SSL_CTX_free(ctx);
}

static size_t give(void *of, char *bytes, size_t len)
{
    (void)of;
    (void)bytes;
    return len;
}

/* If a connection is closed before its last byte is sent, it must be
 * reset. */
Test(link_socket, an_upload_is_reset_until_its_last_byte)
{
    const struct link_io io = { .give = give, .length = 8 };
    struct link l = link_made();

    l.io = &io;
    int control = socket_made(&l);
    l.reply = 229;
    int data = socket_made(&l);
    cr_expect_not(resets(control));
    cr_expect(resets(data));
    l.given = 5;
    link_check_sent(&l, 5);
    cr_expect(resets(data), "more bytes follow");
    l.given = 8;
    l.ended = true;
    link_check_sent(&l, 5);
    cr_expect(resets(data), "libcurl still has bytes");
    link_check_sent(&l, 8);
    cr_expect_not(resets(data));
    cr_expect(l.sent);
}

Test(link_socket, a_download_is_never_reset)
{
    const struct link_io io = { 0 };
    struct link l = link_made();

    l.io = &io;
    l.reply = 227;
    cr_expect_not(resets(socket_made(&l)));
}

static int parts;

/* Plays three parts of work. With the third part, the user stops the wait. */
static bool do_a_part(void *of)
{
    (void)of;
    link_interrupted = ++parts == 3;
    return parts < 3;
}

static int listener(struct sockaddr_in *at)
{
    socklen_t len = sizeof(*at);
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    at->sin_family = AF_INET;
    at->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    cr_assert_eq(bind(fd, (struct sockaddr *)at, len), 0);
    cr_assert_eq(listen(fd, 1), 0);
    cr_assert_eq(getsockname(fd, (struct sockaddr *)at, &len), 0);
    return fd;
}

/* The server of this test never replies. */
Test(link_wait, uses_spare_time)
{
    struct link l = link_made();
    struct sockaddr_in at = { 0 };
    int fd = listener(&at);
    char url[64];

    l.curl = curl_easy_init();
    l.multi = curl_multi_init();
    snprintf(url, sizeof(url), "ftp://127.0.0.1:%d/", ntohs(at.sin_port));
    curl_easy_setopt(l.curl, CURLOPT_URL, url);
    l.spare.some = do_a_part;
    cr_expect_neq(link_perform(&l), CURLE_OK);
    cr_expect_eq(parts, 3);
    curl_multi_cleanup(l.multi);
    curl_easy_cleanup(l.curl);
    close(fd);
}

#define RATE  (1024 * 1024)
#define PIECE 4096

static struct link idle;

/* Moves the bytes of a quarter of a second. */
static void *move(void *of)
{
    (void)of;
    for (size_t i = 0; i < RATE / 4 / PIECE; i++)
        pace_keep(&idle, RATE, PIECE);
    return NULL;
}

Test(pace, is_kept_by_all_threads)
{
    uint64_t begin = clock_ms();
    pthread_t other[3];

    for (size_t i = 0; i < 3; i++)
        cr_assert_eq(pthread_create(&other[i], NULL, move, NULL), 0);
    move(NULL);
    for (size_t i = 0; i < 3; i++)
        pthread_join(other[i], NULL);
    cr_expect_geq(clock_ms() - begin, 970);
}

Test(pace, ends_with_an_interrupt)
{
    link_interrupted = 1;
    uint64_t begin = clock_ms();
    pace_keep(&idle, 1, 1000000);
    cr_expect_lt(clock_ms() - begin, 100000);
}

/* Spare work is done before the wait, and its last part ends the wait. */
Test(pace, uses_spare_time)
{
    struct link l = { .spare.some = do_a_part };

    pace_keep(&l, 1, 1000000);
    cr_expect_eq(parts, 3);
}

#define WAIT_US 50000

static bool do_a_long_part(void *of)
{
    const uint64_t *end = of;

    while (clock_us() < *end)
        ;
    return false;
}

static long sleeps(void)
{
    struct rusage used;

    cr_assert_eq(getrusage(RUSAGE_THREAD, &used), 0);
    return used.ru_nvcsw;
}

/* The last part takes longer than the wait, so no time is left to sleep. */
Test(pace, doesnt_sleep_after_a_long_part)
{
    uint64_t end = clock_us() + 2 * WAIT_US;
    struct link l = { .spare = { do_a_long_part, &end } };
    long before = sleeps();

    pace_keep(&l, RATE, RATE / (1000000 / WAIT_US));
    cr_expect_eq(sleeps(), before);
}

Test(pace, without_a_limit)
{
    uint64_t begin = clock_ms();

    pace_keep(&idle, 0, SIZE_MAX);
    cr_expect_lt(clock_ms() - begin, 10000);
}
