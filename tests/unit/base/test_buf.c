/* The buffer with a maximum. */
#include "sallyport/base/buf.h"
#include "support/test.h"

Test(buf, grows_to_its_maximum_and_no_further)
{
    struct buf b;

    buf_init(&b, 1000);
    for (int i = 0; i < 100; i++)
        cr_assert_eq(buf_add(&b, "0123456789", 10), 0);
    cr_assert_eq(b.len, 1000);
    cr_assert_eq(buf_add(&b, "x", 1), -ENOBUFS);
    cr_assert_eq(buf_add(&b, "x", SIZE_MAX), -ENOBUFS);
    cr_assert_eq(b.len, 1000);
    cr_assert_eq(memcmp(b.data + 990, "0123456789", 10), 0);
    buf_release(&b);
    cr_assert_null(b.data);
    cr_assert_eq(buf_add_text(&b, "again"), 0);
    buf_release(&b);
}

Test(buf, format_is_whole_or_nothing)
{
    struct buf b;

    buf_init(&b, 8);
    cr_assert_eq(buf_add_format(&b, "%d-%s", 12, "ab"), 0);
    cr_assert(slice_equal(buf_slice(&b), SLICE("12-ab")));
    cr_assert_eq(buf_add_format(&b, "%s", "abcd"), -ENOBUFS);
    cr_assert(slice_equal(buf_slice(&b), SLICE("12-ab")));
    buf_release(&b);
}

Test(buf, consume)
{
    struct buf b;

    buf_init(&b, 100);
    buf_add_text(&b, "abcdef");
    buf_consume(&b, 2);
    cr_assert(slice_equal(buf_slice(&b), SLICE("cdef")));
    cr_expect_arr_eq(b.data, "cdef\0\0", 6, "bytes stay after the end");
    buf_consume(&b, 99);
    cr_assert_eq(b.len, 0);
    cr_expect_arr_eq(b.data, "\0\0\0\0", 4, "bytes stay");
    buf_consume(&b, 1);
    buf_release(&b);
}

Test(buf, clear_keeps_the_memory)
{
    struct buf b;

    buf_init(&b, 100);
    cr_assert_eq(buf_add_slice(&b, SLICE("abc")), 0);
    cr_expect(slice_equal(buf_slice(&b), SLICE("abc")));
    buf_clear(&b);
    cr_expect_eq(b.len, 0);
    cr_expect_not_null(b.data);
    buf_release(&b);
}

Test(buf, empty_has_a_slice)
{
    struct buf b;

    buf_init(&b, 4);
    cr_assert_not_null(buf_slice(&b).ptr);
    cr_assert_eq(buf_slice(&b).len, 0);
    cr_assert_eq(buf_add(&b, NULL, 0), 0);
    buf_release(&b);
}

/* A single reserve isn't rounded up, as all of it is wiped. Growth by small
 * pieces doubles the buffer. */
Test(buf, grows)
{
    struct buf b;

    buf_init(&b, 100000);
    cr_assert_eq(buf_reserve(&b, 30000), 0);
    cr_expect_eq(b.size, 30000);
    b.len = 30000;
    cr_assert_eq(buf_add(&b, "x", 1), 0);
    cr_expect_eq(b.size, 60000);
    b.len = 60000;
    cr_assert_eq(buf_add(&b, "x", 1), 0);
    cr_expect_eq(b.size, 100000, "the maximum");
    cr_expect_eq(buf_reserve(&b, 39999), 0);
    cr_expect_eq(buf_reserve(&b, 40000), -ENOBUFS);
    buf_release(&b);
}
