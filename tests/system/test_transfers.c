/* Transfers: sizes near each buffer's, both versions of TLS, appending and
 * resuming, files over 4 GiB, and cut transfers. */
#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <fcntl.h>
#include <openssl/ssl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "support/fail.h"
#include "support/files.h"
#include "support/server_log.h"
#include "support/session.h"
#include "support/wait.h"

#define KIB (1024u)
#define MIB (1024u * KIB)

/* Each test has its own user, so that it doesn't see other tests' files. */
static const struct server_user users[] = {
    { .name = "sizes" },
    { .name = "append" },
    { .name = "cut" },
    { .name = "resume" },
    { .name = "stands" },
    { .name = "abort" },
    { .name = "large" },
    { .name = "ahead" },
    { .name = "busy" },
    { .name = "elsewhere" },
    { .name = "reader", .keys = "rights=read" },
    { .name = "parallel" },
    { .name = "vanish" },
};

SERVER_SHARED(.ports = "auto 32", .users = users,
              .user_count = sizeof(users) / sizeof(*users),
              .settings = "startups = 200\n");

static unsigned char *noise(size_t len)
{
    unsigned char *bytes = malloc(len + 1);

    cr_assert(bytes);
    files_noise(bytes, len, len + 1);
    return bytes;
}

static void expect_file(const struct server *server, const char *user,
                        const char *name, const void *bytes, size_t len)
{
    struct buf got;

    buf_init(&got, 64 * MIB);
    cr_assert(files_read(server_home_file(server, user, name), &got), "no %s",
              name);
    cr_assert_eq(got.len, len, "%s has %zu bytes, not %zu", name, got.len, len);
    cr_assert(len == 0 || memcmp(got.data, bytes, len) == 0, "%s differs",
              name);
    buf_release(&got);
}

static void expect_fetched(struct session *s, const char *name,
                           const void *bytes, size_t len)
{
    char command[128];
    struct buf got;

    snprintf(command, sizeof(command), "RETR %s", name);
    buf_init(&got, 64 * MIB);
    session_fetch(s, command, &got);
    cr_assert_eq(got.len, len, "%s: %zu bytes came, not %zu", command, got.len,
                 len);
    cr_assert(len == 0 || memcmp(got.data, bytes, len) == 0, "%s differs",
              command);
    buf_release(&got);
}

/* Both versions, and sizes near that of a TLS record, a buffer, a piece of a
 * buffer. */
static void all_sizes(int version)
{
    static const size_t sizes[] = {
        0,
        1,
        16383,
        16384,
        16385,
        65536,
        512 * KIB - 1,
        512 * KIB,
        512 * KIB + 1,
        3 * MIB + 7,
    };
    struct server server;
    struct session s;

    server_shared(&server);
    session_init(&s);
    s.version = version;
    session_open(&s, &server, "sizes");
    for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
        unsigned char *bytes = noise(sizes[i]);
        char name[64];

        snprintf(name, sizeof(name), "%x-%zu", (unsigned)version, sizes[i]);
        session_store(&s, "STOR", name, bytes, sizes[i]);
        expect_file(&server, "sizes", name, bytes, sizes[i]);
        expect_fetched(&s, name, bytes, sizes[i]);
        free(bytes);
    }
    session_close(&s);
}

Test(transfers, sizes_tls12, .timeout = 120)
{
    all_sizes(SESSION_TLS_12);
}

Test(transfers, sizes_tls13, .timeout = 120)
{
    all_sizes(SESSION_TLS_13);
}

Test(transfers, append, .timeout = 120)
{
    unsigned char *bytes = noise(300 * KIB);
    struct server server;
    struct session s;

    session_enter_shared(&s, &server, "append");
    session_store(&s, "APPE", "f", bytes, 100 * KIB);
    session_store(&s, "APPE", "f", bytes + 100 * KIB, 200 * KIB);
    expect_file(&server, "append", "f", bytes, 300 * KIB);
    session_do(&s, "350 {*}", "REST 204800");
    expect_fetched(&s, "f", bytes + 204800, 300 * KIB - 204800);
    session_close(&s);
    free(bytes);
}

/* A FIN without close_notify, or a reset: 426, and no file of that name. */
static void cut(bool reset)
{
    const char *name = reset ? "reset" : "fin";
    unsigned char *bytes = noise(MIB);
    struct server server;
    struct session s;
    struct data d;

    session_enter_shared(&s, &server, "cut");
    data_open(&s, &d, "STOR %s", name);
    data_write(&d, bytes, MIB);
    data_cut(&d, reset);
    session_expect(&s, "426 {*}");
    cr_assert(!files_exists(server_home_file(&server, "cut", name)));
    session_do(&s, "200 {*}", "NOOP");
    session_close(&s);
    free(bytes);
}

Test(transfers, cut_by_fin, .timeout = 60)
{
    cut(false);
}

Test(transfers, cut_by_reset, .timeout = 60)
{
    cut(true);
}

Test(transfers, cut_with_control, .timeout = 60)
{
    unsigned char *bytes = noise(MIB);
    struct server server;
    struct session s;
    struct data d;

    session_enter_shared(&s, &server, "vanish");
    data_open(&s, &d, "STOR f");
    data_write(&d, bytes, MIB);
    session_drop(&s);
    data_cut(&d, false);
    server_log_wait(&server, "end ", "user=vanish", NULL);
    cr_assert(!files_exists(server_home_file(&server, "vanish", "f")));
    free(bytes);
}

/* Cut after 1 MiB: SIZE reports less than came, a multiple of 64 KiB, and REST
 * there with STOR completes the file. */
Test(transfers, resume_upload, .timeout = 60)
{
    unsigned char *bytes = noise(2 * MIB);
    struct server server;
    unsigned long there;
    struct session s;
    struct data d;

    session_enter_shared(&s, &server, "resume");
    data_open(&s, &d, "STOR f");
    data_write(&d, bytes, MIB + 100);
    data_cut(&d, false);
    session_expect(&s, "426 {*}");
    session_do(&s, "213 {n}", "SIZE f");
    there = strtoul(s.reply.data + 4, NULL, 10);
    cr_assert(there > 0 && there < MIB + 100 && there % (64 * KIB) == 0,
              "SIZE says %lu", there);
    session_do(&s, "550 {*}", "MDTM f");
    session_do(&s, "350 {*}", "REST %lu", there);
    session_store(&s, "STOR", "f", bytes + there, 2 * MIB - there);
    expect_file(&server, "resume", "f", bytes, 2 * MIB);
    session_do(&s, "213 2097152", "SIZE f");
    session_close(&s);
    free(bytes);
}

/* The old file stays, whatever a cut upload over it sent. */
Test(transfers, old_file_stands, .timeout = 60)
{
    unsigned char *bytes = noise(MIB);
    struct server server;
    struct session s;
    struct data d;

    session_enter_shared(&s, &server, "stands");
    session_store(&s, "STOR", "f", "old", 3);
    data_open(&s, &d, "STOR f");
    data_write(&d, bytes, MIB);
    expect_file(&server, "stands", "f", "old", 3);
    data_cut(&d, true);
    session_expect(&s, "426 {*}");
    expect_file(&server, "stands", "f", "old", 3);
    expect_fetched(&s, "f", "old", 3);
    session_store(&s, "STOR", "f", bytes, MIB);
    expect_file(&server, "stands", "f", bytes, MIB);
    session_close(&s);
    free(bytes);
}

static void make_sparse(const struct server *server, const char *user,
                        const char *name, off_t size, const char *tail)
{
    const char *path = server_home_file(server, user, name);
    int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
    size_t n = strlen(tail);

    cr_assert(fd >= 0 && ftruncate(fd, size) == 0);
    cr_assert_eq(pwrite(fd, tail, n, size - (off_t)n), (ssize_t)n);
    close(fd);
    files_give_to_owner_of(server_home(server, user), path);
}

/* While data flows NOOP and STAT are answered. ABOR has its own reply besides
 * the transfer's, and the session continues. */
Test(transfers, abort_download, .timeout = 60)
{
    struct server server;
    struct session s;
    struct data d;

    session_enter_shared(&s, &server, "abort");
    make_sparse(&server, "abort", "big", (off_t)1 << 30, "end");
    data_open(&s, &d, "RETR big");
    session_do(&s, "200 {*}", "NOOP");
    session_do(&s, "211 End", "STAT");
    session_do(&s, "426 {*}", "ABOR");
    session_expect(&s, "226 {*}");
    data_cut(&d, false);
    session_do(&s, "200 {*}", "NOOP");
    session_store(&s, "STOR", "after", "x", 1);
    session_close(&s);
}

Test(transfers, abort_upload, .timeout = 60)
{
    struct server server;
    struct session s;
    struct data d;

    session_enter_shared(&s, &server, "abort");
    data_open(&s, &d, "STOR half");
    data_write(&d, "some bytes", 10);
    session_do(&s, "426 {*}", "ABOR");
    session_expect(&s, "226 {*}");
    data_close(&d);
    cr_assert(!files_exists(server_home_file(&server, "abort", "half")));
    session_close(&s);
}

/* Any other command waits until the transfer has ended, as clients that send
 * ahead expect. */
Test(transfers, command_sent_ahead, .timeout = 60)
{
    struct server server;
    struct session s;
    struct data d;

    session_enter_shared(&s, &server, "ahead");
    data_open(&s, &d, "STOR f");
    session_send(&s, "RNFR f");
    session_send(&s, "RNTO g");
    data_write(&d, "bytes", 5);
    data_close(&d);
    session_expect(&s, "226 {*}");
    session_expect(&s, "350 {*}");
    session_expect(&s, "250 {*}");
    expect_file(&server, "ahead", "g", "bytes", 5);
    session_close(&s);
}

Test(transfers, over_4_gib, .timeout = 60)
{
    static const char tail[] = "the last bytes of a large file";
    const size_t n = sizeof(tail) - 1;
    const off_t size = ((off_t)5 << 30) + 3;
    struct server server;
    struct session s;

    session_enter_shared(&s, &server, "large");
    make_sparse(&server, "large", "big", size, tail);
    session_do(&s, "213 5368709123", "SIZE big");
    session_do(&s, "350 {*}", "REST %lld", (long long)size - (long long)n);
    expect_fetched(&s, "big", tail, n);
    session_do(&s, "350 {*}", "REST %lld", (long long)size);
    expect_fetched(&s, "big", "", 0);
    session_close(&s);
}

/* A stranger at the port gets nothing, and takes nothing from the expected
 * client. */
Test(transfers, another_address, .timeout = 60)
{
    struct session s, stranger;
    struct server server;
    struct data d;
    char byte;

    session_enter_shared(&s, &server, "elsewhere");
    session_do(&s, "229 {*}(|||{port}|)", "EPSV");
    session_init(&stranger);
    strcpy(stranger.from, "127.0.0.2");
    session_connect(&stranger, s.port);
    session_send(&s, "STOR f");
    cr_assert_leq(recv(stranger.fd, &byte, 1, 0), 0,
                  "the stranger was not closed");
    data_connect_to(&s, &d, s.port);
    session_expect(&s, "150 {*}");
    data_secure(&s, &d);
    data_write(&d, "mine", 4);
    data_close(&d);
    session_expect(&s, "226 {*}");
    expect_file(&server, "elsewhere", "f", "mine", 4);
    server_log_wait(&server, "127.0.0.2", NULL);
    session_drop(&stranger);
    session_close(&s);
}

Test(transfers, rights, .timeout = 60)
{
    struct server server;
    struct session s;
    const char *path;

    session_enter_shared(&s, &server, "reader");
    path = server_home_file(&server, "reader", "f");
    files_write(path, "text", 4, 0644);
    files_give_to_owner_of(server_home(&server, "reader"), path);
    expect_fetched(&s, "f", "text", 4);
    session_do(&s, "550 {*}", "DELE f");
    session_do(&s, "550 {*}", "MKD d");
    session_do(&s, "550 {*}", "RNFR f");
    session_do(&s, "229 {*}", "EPSV");
    session_do(&s, "550 {*}", "STOR g");
    session_do(&s, "229 {*}", "EPSV");
    session_do(&s, "550 {*}", "STOR f");
    expect_file(&server, "reader", "f", "text", 4);
    session_close(&s);
}

/* Eight sessions of one user, each with an upload open, bytes in turn. */
Test(transfers, eight_at_once, .timeout = 120)
{
    enum { N = 8, ROUNDS = 16 };
    unsigned char *bytes = noise(ROUNDS * 64 * KIB);
    struct session s[N];
    struct server server;
    struct data d[N];
    char name[16];

    for (unsigned i = 0; i < N; i++) {
        session_enter_shared(&s[i], &server, "parallel");
        data_open(&s[i], &d[i], "STOR f%u", i);
    }
    for (unsigned round = 0; round < ROUNDS; round++)
        for (unsigned i = 0; i < N; i++)
            data_write(&d[i], bytes + round * 64 * KIB, 64 * KIB);
    for (unsigned i = 0; i < N; i++)
        data_close(&d[i]);
    for (unsigned i = 0; i < N; i++)
        session_expect(&s[i], "226 {*}");
    for (unsigned i = 0; i < N; i++) {
        snprintf(name, sizeof(name), "f%u", i);
        expect_file(&server, "parallel", name, bytes, ROUNDS * 64 * KIB);
        expect_fetched(&s[N - 1 - i], name, bytes, ROUNDS * 64 * KIB);
    }
    for (unsigned i = 0; i < N; i++)
        session_close(&s[i]);
    free(bytes);
}

/* Two writers of one name: each file that appears is one of the two, whole. */
Test(transfers, two_writers, .timeout = 60)
{
    unsigned char *one = noise(MIB), *two = noise(MIB + 1);
    struct session a, b;
    struct server server;
    struct data x, y;

    session_enter_shared(&a, &server, "busy");
    session_enter_shared(&b, &server, "busy");
    data_open(&a, &x, "STOR f");
    data_open(&b, &y, "STOR f");
    data_write(&x, one, MIB / 2);
    data_write(&y, two, MIB / 2);
    data_write(&x, one + MIB / 2, MIB / 2);
    data_close(&x);
    session_expect(&a, "226 {*}");
    expect_file(&server, "busy", "f", one, MIB);
    data_write(&y, two + MIB / 2, MIB / 2 + 1);
    data_close(&y);
    session_expect(&b, "226 {*}");
    expect_file(&server, "busy", "f", two, MIB + 1);
    session_close(&a);
    session_close(&b);
    free(one);
    free(two);
}
