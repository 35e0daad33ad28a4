/* The cipher suites that can be configured. */
#include "sallyport/domain/tls.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>

/* All have ephemeral keys and authenticated encryption, by the parts of their
 * names. */
Test(suites, all_are_good)
{
    for (size_t i = 0; suite_names[TLS_12][i]; i++) {
        const char *name = suite_names[TLS_12][i];

        cr_expect_eq(strncmp(name, "ECDHE-", 6), 0, "%s", name);
        cr_expect(strstr(name, "-GCM-") || strstr(name, "-POLY1305"), "%s",
                  name);
    }
    for (size_t i = 0; suite_names[TLS_13][i]; i++) {
        const char *name = suite_names[TLS_13][i];

        cr_expect_eq(strncmp(name, "TLS_", 4), 0, "%s", name);
        cr_expect(strstr(name, "_GCM_") || strstr(name, "_POLY1305_"), "%s",
                  name);
    }
}

Test(suites, adding)
{
    struct suites s = { 0 };

    cr_expect_eq(suites_add(&s, TLS_13, SLICE("TLS_AES_256_GCM_SHA384")), 0);
    cr_expect_eq(suites_add(&s, TLS_13, SLICE("TLS_AES_128_GCM_SHA256")), 0);
    cr_expect_eq(suites_add(&s, TLS_13, SLICE("TLS_AES_256_GCM_SHA384")),
                 -EEXIST);
    cr_expect_eq(suites_add(&s, TLS_13, SLICE("TLS_AES_256_GCM")), -ENOENT);
    cr_expect_eq(suites_add(&s, TLS_13, SLICE("")), -ENOENT);
    cr_expect_eq(suites_add(&s, TLS_13, SLICE("ECDHE-ECDSA-AES128-GCM-SHA256")),
                 -ENOENT);
    cr_expect_eq(s.count, 2);
}

Test(suites, as_text)
{
    struct tls_policy all;
    struct suites two = { .count = 2, .place = { 2, 0 } };
    struct buf text;

    buf_init(&text, 512);
    cr_assert_eq(suites_text(&two, TLS_13, ":", &text), 0);
    cr_expect(slice_equal(
        buf_slice(&text),
        SLICE("TLS_CHACHA20_POLY1305_SHA256:TLS_AES_128_GCM_SHA256")));
    suites_policy_init(&all);
    cr_expect_eq(all.least, TLS_12);
    cr_expect_eq(all.suites[TLS_12].count, SUITES_MAX);
    cr_expect_eq(all.suites[TLS_13].count, 3);
    buf_release(&text);
    buf_init(&text, 20);
    cr_expect_eq(suites_text(&all.suites[TLS_12], TLS_12, ":", &text),
                 -ENOBUFS);
    buf_release(&text);
}
