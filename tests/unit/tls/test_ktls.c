/* kTLS on a stream if the kernel can't encrypt: the socket isn't TCP. Such a
 * stream must work like any other. (tests/system/test_downloads.c has the other
 * case, in the machine of tests/system/ktls.) */
#include <criterion/criterion.h>
#include <openssl/ssl.h>
#include <stdlib.h>
#include <string.h>

#include "fixture.h"

/* With kernel buffers that are too small for any flight of a handshake. */
static void carry(int version, int socket)
{
    const size_t len = 300007;
    struct peer p = { .play = play_read_all,
                      .options = { .version = version } };
    unsigned char *bytes = malloc(len);
    struct line l;

    pattern_fill(bytes, len, 0);
    line_open(&l, DATA, socket);
    line_secure(&l);
    cr_assert_eq(stream_enable_ktls(l.s), 0);
    peer_start(&p, &l);
    cr_assert_eq(line_handshake(&l), STREAM_OK, "%s", stream_cause(l.s));
    cr_assert(!stream_uses_ktls(l.s));
    cr_assert_null(strstr(stream_cipher(l.s), "ktls"));
    cr_assert_eq(line_write_all(&l, bytes, len), STREAM_OK);
    cr_assert_eq(line_shutdown(&l), STREAM_OK);
    peer_join(&p);
    cr_assert(p.ok, "bytes changed on the way");
    cr_assert_eq(p.bytes, len);
    cr_assert_eq(p.last, TLS_CLIENT_END, "%s", p.error);
    line_close(&l);
    free(bytes);
}

Test(ktls, cannot_in_tls12, .timeout = 60)
{
    carry(TLS1_2_VERSION, 0);
    carry(TLS1_2_VERSION, 1);
}

Test(ktls, cannot_in_tls13, .timeout = 60)
{
    carry(TLS1_3_VERSION, 0);
    carry(TLS1_3_VERSION, 1);
}

/* A client's alert in the middle is a failure with its text. */
Test(ktls, handshake_refused, .timeout = 60)
{
    struct peer p = { .play = play_nothing,
                      .options = { .version = TLS1_1_VERSION } };
    struct line l;

    line_open(&l, DATA, 0);
    line_secure(&l);
    cr_assert_eq(stream_enable_ktls(l.s), 0);
    peer_start(&p, &l);
    cr_assert_eq(line_handshake(&l), STREAM_FAILED);
    cr_assert_str_eq(stream_cause(l.s), "unsupported protocol");
    line_hang_up(&l);
    peer_join(&p);
    line_close(&l);
}
