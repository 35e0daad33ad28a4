
#include "sallyport/base/fd.h"
#include "sallyport/base/shared.h"
#include "support/test.h"

Test(shared, a_whole_file)
{
    FD_CLEANUP int fd = memfd_create("text", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    struct slice whole = SLICE("none");

    cr_assert_eq(shared_map_whole(fd, &whole), 0);
    cr_expect_null(whole.ptr); /* it is empty */
    cr_assert_eq(write(fd, "two\nlines", 9), 9);
    cr_expect_eq(shared_map_whole(fd, &whole), -EINVAL); /* it isn't sealed */
    cr_expect_null(whole.ptr);
    cr_assert_eq(fd_seal(fd), 0);
    cr_assert_eq(shared_map_whole(fd, &whole), 0);
    cr_expect(slice_equal(whole, SLICE("two\nlines")));
    shared_unmap(whole.ptr, whole.len);
    cr_expect_eq(shared_map_whole(-1, &whole), -EBADF);
    shared_unmap(whole.ptr, whole.len);
}
