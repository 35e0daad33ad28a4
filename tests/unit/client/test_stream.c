/* Tests the checksums of a transfer. */
#include "client/transfer/transfer.h"
#include "support/test.h"

/* Checks the digest of "abc", the first bytes of the file F. */
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
    digest_add(&d, "x", 1); /* ignored: the checksum reads the file itself */
    cr_expect_eq(digest_catch_up(&d, NULL), 0);
    cr_expect_eq(d.at, name ? 3u : 0u);
    digest_end(&d, out);
    cr_expect_str_eq(out, hash);
    cr_expect_null(l.spare.some);
}

/* Tests the digests of "abc", added in two pieces, and read from a file. */
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

/* Bytes that were sent count as they were, whether or not the file is followed;
 * only what was missed before is read from the file, which has "xbxd" now. */
Test(digest, of_sent_bytes)
{
    static const struct {
        uint64_t before; /* bytes before the first ones that are sent */
        bool follows;
        const char *sent, *all;
    } rows[] = {
        { 0, true, "abcd", "abcd" },
        { 0, false, "abcd", "abcd" },
        { 1, true, "bcd", "xbxd" },
    };
    char out[DIGEST_HEX_MAX], wanted[DIGEST_HEX_MAX];
    struct link l = { .control = -1 };
    struct checksum d;
    FILE *f = tmpfile();

    cr_assert(f && fputs("xbxd", f) >= 0 && fflush(f) == 0);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        uint64_t end = rows[i].before;

        digest_begin(&d, "SHA256");
        digest_add(&d, rows[i].all, strlen(rows[i].all));
        digest_end(&d, wanted);
        digest_begin(&d, "SHA256");
        if (rows[i].follows)
            digest_follow(&d, fileno(f), &end, &l);
        for (const char *at = rows[i].sent; *at; at++, end++)
            digest_sent(&d, at, 1);
        cr_expect_eq(digest_catch_up(&d, NULL), 0);
        digest_end(&d, out);
        cr_expect_str_eq(out, wanted, "%zu", i);
    }
    fclose(f);
}

/* In spare time the client reads one block of the file at a time. It reports an
 * error only when the checksum is needed. */
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
    end++; /* now the file is a byte too short */
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
