/* The head of one file into another, by whatever way the two permit. */
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "files/copy.h"
#include "peer.h"

static int temporary(const char *folder)
{
    int fd = open(folder, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);

    cr_assert_geq(fd, 0, "%s", folder);
    return fd;
}

static void expect_same(int a, int b, size_t len)
{
    struct stat st;
    char *x = malloc(len + 1), *y = malloc(len + 1);

    cr_assert_eq(fstat(b, &st), 0);
    cr_expect_eq((size_t)st.st_size, len);
    cr_expect_eq(pread(a, x, len, 0), (ssize_t)len);
    cr_expect_eq(pread(b, y, len, 0), (ssize_t)len);
    cr_expect_arr_eq(x, y, len);
    free(x);
    free(y);
}

Test(copy, head_of_a_file)
{
    static const size_t heads[] = { 0, 1, 65535, 65536, 65537, 200000 };
    static const char *const folders[] = { "/tmp", "/dev/shm" };

    /* To another file system the kernel's copy may not be possible. */
    for (size_t k = 0; k < 2; k++) {
        int from = temporary("/tmp");
        put_pattern(from, 0, 200000, 1);
        for (size_t i = 0; i < sizeof(heads) / sizeof(heads[0]); i++) {
            int into = temporary(folders[k]);
            cr_assert_eq(copy_head(from, into, heads[i]), 0);
            expect_same(from, into, heads[i]);
            close(into);
        }
        close(from);
    }
}

Test(copy, source_that_got_shorter)
{
    int from = temporary("/tmp"), into = temporary("/tmp");

    put_pattern(from, 0, 100, 1);
    cr_assert_eq(copy_head(from, into, 101), -EBUSY);
    close(from);
    close(into);
}

Test(copy, into_what_cannot_be_written)
{
    int from = temporary("/tmp");
    int into = open("/dev/null", O_RDONLY | O_CLOEXEC);

    put_pattern(from, 0, 100, 1);
    cr_assert_lt(copy_head(from, into, 100), 0);
    close(from);
    close(into);
}
