/* Transfers: sizes near each buffer's, in both versions of TLS. */
#include <criterion/criterion.h>
#include <openssl/ssl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "support/files.h"
#include "support/session.h"

#define KIB (1024u)
#define MIB (1024u * KIB)

static const struct server_user users[] = { { .name = "sizes" } };

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

/* Both versions, and sizes near a TLS record, a buffer, a piece of a buffer. */
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
    session_enter_as(&s, &server, "sizes", version);
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
