/* Checksums have the known values, however the bytes are cut. */
#include "session/transfer.h"
#include "support/test.h"

static const struct {
    const char *name, *bytes, *value;
} rows[] = {
    { "SHA-256", "",
      "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855" },
    { "SHA-256", "abc",
      "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad" },
    { "SHA-512", "abc",
      "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a"
      "2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f" },
    { "CRC32", "", "00000000" },
    { "CRC32", "123456789", "cbf43926" },
    { "CRC32", "ae", "00e7ddce" },
    { "lines", "", "0" },
    { "lines", "a\nb", "4" },
    { "lines", "a\nb\n\n", "8" },
    { "lines", "a\r\nb\r\n", "6" },
    { "lines", "\r\r\n\n\r", "6" },
};

/* Pieces of any length must give the value in the table. */
static void check(size_t i, size_t piece)
{
    struct digest *d = digest_new(rows[i].name);
    size_t len = strlen(rows[i].bytes);
    char text[DIGEST_TEXT_MAX];

    cr_assert_not_null(d);
    for (size_t at = 0; at < len; at += piece)
        cr_assert(digest_add(d, rows[i].bytes + at,
                             len - at < piece ? len - at : piece));
    cr_assert(digest_text(d, text));
    cr_expect_str_eq(text, rows[i].value, "%s of \"%s\": %s", rows[i].name,
                     rows[i].bytes, text);
    digest_free(d);
}

Test(digest, known_values)
{
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        for (size_t piece = 1; piece < 10; piece++)
            check(i, piece);
}

Test(digest, unknown_name)
{
    cr_expect_null(digest_new("SHA-257"));
    digest_free(NULL);
}
