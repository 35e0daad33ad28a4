/* Transfers: sizes near each buffer's, both versions of TLS, appending and
 * resuming, files over 4 GiB, and cut transfers. */
#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <fcntl.h>
#include <openssl/ssl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "support/fail.h"
#include "support/files.h"
#include "support/session.h"

#define KIB (1024u)
#define MIB (1024u * KIB)

/* Each test has its own user, so that it doesn't see other tests' files. */
static const struct server_user users[] = {
    { .name = "sizes" },
    { .name = "append" },
    { .name = "resume" },
    { .name = "stands" },
    { .name = "large" },
    { .name = "ahead" },
    { .name = "reader", .keys = "rights=read" },
};

SERVER_SHARED(.users = users, .user_count = sizeof(users) / sizeof(*users),
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
