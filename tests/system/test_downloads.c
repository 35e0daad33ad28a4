/* Transfers files with sizes near the sizes of the buffers. Downloads with each
 * cipher suite, parts of a file, a file that is shortened meanwhile, and files
 * that end when the buffers are full. */
#include <netinet/tcp.h>

#include "fault.h"
#include "support/files.h"
#include "support/served.h"
#include "support/test.h"

SERVER_SHARED(USERS({ .name = "suites", .keys = "data_binding=address" },
                    { .name = "parts" }, { .name = "cut" }, { .name = "tail" }),
              .settings = "startups = 200\n");

static void expect_same(const struct buf *got, const unsigned char *bytes,
                        size_t len, const char *what)
{
    cr_assert_eq(got->len, len, "%s: %zu bytes came, not %zu", what, got->len,
                 len);
    cr_assert(len == 0 || memcmp(got->data, bytes, len) == 0, "%s differs",
              what);
}

static void fetch_with(struct session *s, const struct tls_client_options *o,
                       const char *name, struct buf *into)
{
    struct data d;

    data_connect(s, &d);
    session_do(s, "150 {*}", "RETR %s", name);
    d.tls = tls_client_new(d.fd, o);
    cr_assert(d.tls, "%s: %s", name, tls_client_error());
    data_read_all(&d, into);
    data_close(&d);
    session_expect(s, "226 {*}");
}

/* Uses each suite of the server, and odd numbers of bytes. */
SharedSessionTest(downloads, suites, 120, "suites")
{
    static const struct {
        const char *name;
        struct tls_client_options o;
    } rows[] = {
        { "12-aes128",
          { .version = SESSION_TLS_12,
            .ciphers = "ECDHE-ECDSA-AES128-GCM-SHA256" } },
        { "12-aes256",
          { .version = SESSION_TLS_12,
            .ciphers = "ECDHE-ECDSA-AES256-GCM-SHA384" } },
        { "12-chacha",
          { .version = SESSION_TLS_12,
            .ciphers = "ECDHE-ECDSA-CHACHA20-POLY1305" } },
        { "13-aes128",
          { .version = SESSION_TLS_13, .suites = "TLS_AES_128_GCM_SHA256" } },
        { "13-aes256",
          { .version = SESSION_TLS_13, .suites = "TLS_AES_256_GCM_SHA384" } },
        { "13-chacha",
          { .version = SESSION_TLS_13,
            .suites = "TLS_CHACHA20_POLY1305_SHA256" } },
    };
    const size_t len = 3 * FAULT_MIB + 7;
    unsigned char *bytes = fault_noise(len);

    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        struct buf got;

        buf_init(&got, 8 * FAULT_MIB);
        server_put(server, "suites", rows[i].name, bytes, len);
        fetch_with(s, &rows[i].o, rows[i].name, &got);
        expect_same(&got, bytes, len, rows[i].name);
        buf_release(&got);
    }
    free(bytes);
}

/* Transfers sizes near a TLS record, a buffer and a piece of a buffer; and
 * resumes downloads. */
static void all_sizes(int version)
{
    static const size_t sizes[] = {
        0, 1, 16383, 16384, 16385, 65536, 524287, 524288, 524289, 3145735,
    };
    const size_t most = 3145735, len = 100 * FAULT_KIB + 3;
    const size_t from[] = { 1, 16383, 16384, 65536, len - 1, len };
    unsigned char *bytes = fault_noise(most);
    struct server server;
    struct session s;
    char name[32], line[48];

    server_shared(&server);
    session_enter_as(&s, &server, "parts", version);
    for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
        snprintf(name, sizeof(name), "%x-%zu", (unsigned)version, sizes[i]);
        snprintf(line, sizeof(line), "RETR %s", name);
        session_store(&s, "STOR", name, bytes, sizes[i]);
        fault_expect_whole(&server, "parts", name, bytes, sizes[i]);
        session_expect_fetch(&s, line, bytes, sizes[i]);
    }
    server_put(&server, "parts", "f", bytes, len);
    for (size_t i = 0; i < sizeof(from) / sizeof(*from); i++) {
        session_do(&s, "350 {*}", "REST %zu", from[i]);
        session_expect_fetch(&s, "RETR f", bytes + from[i], len - from[i]);
    }
    session_close(&s);
    free(bytes);
}

Test(downloads, sizes, .timeout = 120)
{
    all_sizes(SESSION_TLS_12);
    all_sizes(SESSION_TLS_13);
}

/* The client asks for small TLS fragments. */
Test(downloads, small_fragments, .timeout = 60)
{
    const struct tls_client_options small = { .version = SESSION_TLS_13,
                                              .fragment = 512 };
    struct server server;
    struct session s;
    struct buf got;

    buf_init(&got, FAULT_MIB);
    server_shared(&server);
    session_enter(&s, &server, "suites");
    server_put(&server, "suites", "fragments", "bytes", 5);
    fetch_with(&s, &small, "fragments", &got);
    expect_same(&got, (const unsigned char *)"bytes", 5, "fragments");
    buf_release(&got);
    session_close(&s);
}

/* Reads to the end, which must not be a close_notify. */
static size_t read_to_cut(struct data *d)
{
    static char waste[64 * 1024];
    size_t all = 0;
    long n;

    while ((n = tls_client_read(d->tls, waste, sizeof(waste))) > 0)
        all += (size_t)n;
    cr_assert_eq(n, TLS_CLIENT_CUT, "it ended with %ld", n);
    return all;
}

/* Shortens the file while the server sends it. */
static void cut_file(int version, const char *name)
{
    const size_t size = 64 * FAULT_MIB, left = 20 * FAULT_MIB;
    struct server server;
    struct session s;
    struct data d;
    size_t got;

    server_shared(&server);
    session_enter_as(&s, &server, "cut", version);
    fault_make_sparse(&server, "cut", name, size);
    data_open(&s, &d, "RETR %s", name);
    cr_assert_eq(truncate(server_home_file(&server, "cut", name), (off_t)left),
                 0);
    got = read_to_cut(&d);
    cr_assert(got <= left, "%zu bytes of a file that has %zu", got, left);
    session_expect(&s, "451 {*}the file was cut short{*}");
    data_cut(&d, false);
    session_do(&s, "200 {*}", "NOOP");
    session_close(&s);
}

Test(downloads, file_cut, .timeout = 60)
{
    cut_file(SESSION_TLS_12, "12");
    cut_file(SESSION_TLS_13, "13");
}

/* Makes a connection with the small buffers of a network, not of loopback. */
static int narrow_socket(unsigned port)
{
    const struct sockaddr_in to = { .sin_family = AF_INET,
                                    .sin_port = htons((uint16_t)port),
                                    .sin_addr = { htonl(INADDR_LOOPBACK) } };
    const struct timeval most = { .tv_sec = 20 };
    int segment = 536, buffer = 4096;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    cr_assert(fd >= 0);
    setsockopt(fd, IPPROTO_TCP, TCP_MAXSEG, &segment, sizeof(segment));
    setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &buffer, sizeof(buffer));
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &most, sizeof(most));
    cr_assert_eq(connect(fd, (const struct sockaddr *)&to, sizeof(to)), 0);
    return fd;
}

/* Waits until the server has sent all that it can while the client doesn't read
 * the data connection. Is the 226 among it? */
static bool is_complete(struct session *s)
{
    bool complete = false;

    for (int i = 0; i < 2; i++) {
        int code;

        session_send(s, "NOOP");
        while ((code = session_reply(s)) == 226)
            complete = true;
        cr_assert_eq(code, 200);
    }
    return complete;
}

/* Downloads LEN of BYTES over a narrow connection. A WAITING client reads no
 * data until the server has sent all that it can. Returns true if the server
 * has sent the whole file by then. */
static bool fetch_narrow(struct session *s, const char *name,
                         const unsigned char *bytes, size_t len, bool waiting)
{
    struct data d = { .tls = NULL };
    struct buf got;
    bool complete;

    session_do(s, "229 {*}(|||{port}|){*}", "EPSV");
    d.fd = narrow_socket(s->port);
    session_do(s, "150 {*}", "RETR %s", name);
    data_secure(s, &d);
    complete = waiting && is_complete(s);
    buf_init(&got, FAULT_MIB);
    data_read_all(&d, &got);
    expect_same(&got, bytes, len, name);
    data_close(&d);
    if (!complete)
        session_expect(s, "226 {*}");
    buf_release(&got);
    return complete;
}

/* The server's buffers are full or nearly full at the end of the file. The last
 * bytes and the close_notify must come all the same, whatever the file's length
 * is. */
static void narrow_tails(int version, size_t first, bool waiting)
{
    const size_t most = 300 * FAULT_KIB, step = 4999;
    unsigned char *bytes = fault_noise(most);
    unsigned early = 0, late = 0;
    struct server server;
    struct session s;

    server_shared(&server);
    session_enter_as(&s, &server, "tail", version);
    for (size_t len = first; len < most; len += step) {
        char name[32];

        snprintf(name, sizeof(name), "%x-%zu-%d", (unsigned)version, len,
                 waiting);
        server_put(&server, "tail", name, bytes, len);
        *(fetch_narrow(&s, name, bytes, len, waiting) ? &early : &late) += 1;
    }
    cr_assert(!waiting || (early > 0 && late > 0),
              "%u were complete before anybody read, %u weren't", early, late);
    session_close(&s);
    free(bytes);
}

Test(downloads, tails, .timeout = 300)
{
    narrow_tails(SESSION_TLS_12, 1, true);
    narrow_tails(SESSION_TLS_13, 2500, true);
    narrow_tails(SESSION_TLS_13, 700, false);
}
