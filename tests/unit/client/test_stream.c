/* The bytes of a transfer on their way: checksums and MODE Z. */
#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "client/transfer/transfer.h"

/* "abc" by a file's first bytes. */
static void expect_followed(const char *name, FILE *f, const char *hash)
{
    struct link l = { .control = -1 };
    uint64_t end = 1;
    char out[DIGEST_HEX_MAX];
    struct checksum d;

    cr_assert_eq(digest_begin(&d, name), 0);
    digest_follow(&d, fileno(f), &end, &l);
    cr_expect_not(link_use_spare(&l), "there is one block");
    end = 3;
    digest_add(&d, "x", 1); /* it reads the bytes itself */
    cr_expect_eq(digest_catch_up(&d, NULL), 0);
    cr_expect_eq(d.at, name ? 3u : 0u);
    digest_end(&d, out);
    cr_expect_str_eq(out, hash);
    cr_expect_null(l.spare.some);
}

/* The digests of "abc", added in two pieces, and of a file's first bytes. */
Test(digest, of_each_algorithm)
{
    static const struct {
        const char *name, *hash;
    } rows[] = {
        { "SHA-256", "ba7816bf8f01cfea414140de5dae2223"
                     "b00361a396177a9cb410ff61f20015ad" },
        { "MD5", "900150983cd24fb0d6963f7d28e17f72" },
        { NULL, "" },
    };
    char out[DIGEST_HEX_MAX];
    struct checksum d;
    FILE *f = tmpfile();

    cr_assert(f && fputs("abcd", f) >= 0 && fflush(f) == 0);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        cr_assert_eq(digest_begin(&d, rows[i].name), 0);
        cr_expect_eq(d.ctx != NULL, rows[i].name != NULL);
        digest_add(&d, "a", 1);
        digest_add(&d, "bc", 2);
        cr_expect_eq(digest_catch_up(&d, NULL), 0);
        digest_end(&d, out);
        cr_expect_str_eq(out, rows[i].hash);
        expect_followed(rows[i].name, f, rows[i].hash);
    }
    cr_expect_lt(digest_begin(&d, "SHA-3000"), 0);
    digest_end(&d, NULL);
    fclose(f);
}

/* In spare time a block is read, and no more; an error waits for who needs the
 * checksum. */
Test(digest, follows_a_file_in_spare_time)
{
    struct link l = { .control = -1 };
    uint64_t end = (uint64_t)3 * 262144;
    struct checksum d;
    FILE *f = tmpfile();

    cr_assert(f && ftruncate(fileno(f), (off_t)end) == 0);
    cr_assert_eq(digest_begin(&d, "SHA-256"), 0);
    digest_follow(&d, fileno(f), &end, &l);
    cr_expect(link_use_spare(&l));
    cr_expect_eq(d.at, 262144);
    end++; /* the file lacks a byte that is wanted */
    cr_expect(link_use_spare(&l));
    cr_expect(link_use_spare(&l));
    cr_expect_not(link_use_spare(&l));
    cr_expect_eq(digest_catch_up(&d, NULL), -ENODATA);
    end--;
    cr_expect_eq(digest_catch_up(&d, NULL), 0);
    end++;
    cr_assert_eq(ftruncate(fileno(f), (off_t)end), 0);
    link_interrupted = 1;
    cr_expect_eq(digest_catch_up(&d, NULL), -EINTR);
    digest_end(&d, NULL);
    fclose(f);
}

#define PLAIN_MAX (4 * 65536)

struct bytes {
    char text[PLAIN_MAX];
    size_t len, at, most; /* MOST: of one call; 0: it fails */
};

static long bytes_give(void *of, char *out, size_t len)
{
    struct bytes *b = of;
    size_t n = b->len - b->at < len ? b->len - b->at : len;

    n = n < b->most ? n : b->most;
    if (b->most == 0)
        return -1;
    memcpy(out, b->text + b->at, n);
    b->at += n;
    return (long)n;
}

static size_t bytes_take(void *of, const char *bytes, size_t len)
{
    struct bytes *b = of;

    if (len > b->most || len > sizeof(b->text) - b->len)
        return 0;
    memcpy(b->text + b->len, bytes, len);
    b->len += len;
    return len;
}

static struct bytes from, to;
static char packed[2 * PLAIN_MAX];

static size_t pack(size_t len, bool noise)
{
    struct zstream z;
    size_t all = 0;
    long n;

    from = (struct bytes){ .len = len, .most = 1000 };
    for (size_t i = 0; i < len; i++)
        from.text[i] = (char)(noise ? (i * i * 2654435761u) >> 13 : 'a');
    cr_assert_eq(zstream_begin(&z, true), 0);
    while ((n = zstream_pack(&z, packed + all, 777, bytes_give, &from)) > 0)
        all += (size_t)n;
    cr_assert_eq(n, 0);
    zstream_end(&z);
    return all;
}

/* Unpacks it in pieces, with some bytes after its end. */
static int unpack(size_t len, size_t piece, size_t more)
{
    struct zstream z;
    int r = 0;

    to = (struct bytes){ .most = PLAIN_MAX };
    cr_assert_eq(zstream_begin(&z, false), 0);
    for (size_t at = 0; r == 0 && at < len + more; at += piece)
        r = zstream_unpack(&z, packed + at,
                           len + more - at < piece ? len + more - at : piece,
                           bytes_take, &to);
    r = r == 0 && !z.ended ? 1 : r;
    zstream_end(&z);
    return r;
}

/* A length may fill the last block to its end. */
Test(zstream, of_each_length)
{
    static const size_t lengths[] = {
        0, 1, 65535, 65536, 65537, 131072, 200000
    };

    for (size_t i = 0; i < 2 * sizeof(lengths) / sizeof(lengths[0]); i++) {
        size_t len = pack(lengths[i / 2], i % 2);

        for (size_t piece = 100; piece < sizeof(packed); piece *= 50) {
            cr_expect_eq(unpack(len, piece, 0), 0, "%zu, %zu", lengths[i / 2],
                         piece);
            cr_expect(to.len == from.len &&
                      memcmp(to.text, from.text, to.len) == 0);
        }
    }
}

Test(zstream, that_is_damaged)
{
    size_t len = pack(100000, true);
    struct zstream z;

    cr_expect_eq(unpack(len - 1, 1000, 0), 1); /* cut */
    cr_expect_eq(unpack(len, sizeof(packed), 1), -1);
    packed[len / 2] ^= 1;
    cr_expect_eq(unpack(len, 1000, 0), -1);
    packed[len / 2] ^= 1;
    to = (struct bytes){ .most = 1 };
    cr_assert_eq(zstream_begin(&z, false), 0);
    cr_expect_eq(zstream_unpack(&z, packed, len, bytes_take, &to), -1);
    zstream_end(&z);
    from.most = 0;
    cr_assert_eq(zstream_begin(&z, true), 0);
    cr_expect_eq(zstream_pack(&z, packed, 10, bytes_give, &from), -1);
    zstream_end(&z);
}
