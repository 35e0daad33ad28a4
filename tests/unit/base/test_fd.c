/* Descriptors: ownership, whole writes, sealed files, closing the rest. */
#include "sallyport/base/fd.h"

#include "sallyport/base/clock.h"
#include "support/test.h"

Test(fd, close_and_take)
{
    int ends[2], kept;

    cr_assert_eq(fd_pair(ends), 0);
    kept = fd_take(&ends[0]);
    cr_assert_eq(ends[0], -1);
    fd_close(&ends[0]);
    cr_assert_geq(fcntl(kept, F_GETFD), 0);
    close(kept); /* so that the next close fails */
    errno = 42;
    fd_close(&kept);
    cr_assert_eq(errno, 42);
    cr_assert_eq(kept, -1);
    fd_close(&ends[1]);
}

Test(fd, pair_is_what_channels_need)
{
    int ends[2], type;
    socklen_t len = sizeof(type);

    cr_assert_eq(fd_pair(ends), 0);
    getsockopt(ends[0], SOL_SOCKET, SO_TYPE, &type, &len);
    cr_assert_eq(type, SOCK_SEQPACKET);
    cr_assert(fcntl(ends[0], F_GETFL) & O_NONBLOCK);
    cr_assert_eq(fcntl(ends[1], F_GETFD), FD_CLOEXEC);
    fd_set_nonblock(ends[0], false);
    fd_set_cloexec(ends[1], false);
    cr_assert_not(fcntl(ends[0], F_GETFL) & O_NONBLOCK);
    cr_assert_not(fcntl(ends[1], F_GETFD) & FD_CLOEXEC);
    fd_close(&ends[0]);
    fd_close(&ends[1]);
}

Test(fd, sealed_file_can_be_read_and_not_changed)
{
    int fd = fd_sealed("test", SLICE("some text"));
    struct buf b;

    cr_assert_geq(fd, 0);
    cr_assert_lt(write(fd, "x", 1), 0);
    cr_assert_lt(ftruncate(fd, 0), 0);
    cr_assert_lt(fcntl(fd, F_ADD_SEALS, F_SEAL_GROW), 0);
    buf_init(&b, 9);
    cr_assert_eq(fd_read_file(fd, &b), 0);
    cr_assert(slice_equal(buf_slice(&b), SLICE("some text")));
    buf_release(&b);
    buf_init(&b, 8);
    cr_assert_eq(fd_read_file(fd, &b), -EFBIG);
    buf_release(&b);
    fd_close(&fd);
}

/* Somebody overwrites the file later. */
Test(fd, sealed_copy_keeps_its_bytes)
{
    FILE *f = tmpfile();
    struct stat st;
    struct buf b;
    int fd, part;

    cr_assert_eq(fd_write_all(fileno(f), "some text", 9), 0);
    fd = fd_sealed_copy("test", fileno(f), 100);
    part = fd_sealed_copy("test", fileno(f), 4);
    cr_assert_geq(part, 0);
    cr_assert_eq(pwrite(fileno(f), "ANY", 3, 0), 3);
    cr_assert_lt(write(fd, "x", 1), 0);
    buf_init(&b, 9);
    cr_assert_eq(fd_read_file(fd, &b), 0);
    cr_assert(slice_equal(buf_slice(&b), SLICE("some text")));
    buf_release(&b);
    cr_assert_eq(fstat(part, &st), 0);
    cr_expect_eq(st.st_size, 4);
    cr_assert_lt(fd_sealed_copy("test", -1, 4), 0);
    fd_close(&fd);
    fd_close(&part);
    fclose(f);
}

Test(fd, a_write_that_fails)
{
    cr_expect_eq(fd_write_all(-1, "x", 1), -EBADF);
}

Test(fd, read_of_a_big_file)
{
    char block[4096];
    struct buf b;
    FILE *f = tmpfile();

    memset(block, 'b', sizeof(block));
    for (int i = 0; i < 100; i++)
        cr_assert_eq(fd_write_all(fileno(f), block, sizeof(block)), 0);
    buf_init(&b, 1 << 20);
    cr_assert_eq(fd_read_file(fileno(f), &b), 0);
    cr_assert_eq(b.len, 100 * sizeof(block));
    buf_release(&b);
    fclose(f);
}

Test(fd, close_others)
{
    int made[8];

    for (int i = 0; i < 8; i++)
        made[i] = fcntl(0, F_DUPFD, 40 + 2 * i);
    /* Criterion's own descriptors are closed too, so the child reports before
     * it asserts. */
    pid_t child = fork();

    if (child == 0) {
        int keep[] = { made[5], made[2] };
        int wrong = 0;

        fd_close_others(3, keep, 2);
        for (int i = 0; i < 8; i++)
            wrong += (fcntl(made[i], F_GETFD) >= 0) != (i == 5 || i == 2);
        wrong += fcntl(2, F_GETFD) < 0;
        _exit(wrong);
    }
    int status;

    waitpid(child, &status, 0);
    cr_assert_eq(status, 0);
}

/* An open file has the lock, so a second one of the same process waits. */
Test(fd, lock)
{
    char path[] = "/tmp/sallyport-lock-XXXXXX";
    int first = mkstemp(path), second = open(path, O_RDWR | O_CLOEXEC);
    uint64_t begin;

    cr_assert(first >= 0 && second >= 0);
    cr_assert_eq(unlink(path), 0);
    cr_expect_eq(fd_lock(first, 0), 0);
    cr_expect_eq(fd_lock(second, 0), -ETIMEDOUT);
    begin = clock_ms();
    cr_expect_eq(fd_lock(second, 20), -ETIMEDOUT);
    cr_expect_geq(clock_ms() - begin, 20);
    close(first);
    cr_expect_eq(fd_lock(second, 0), 0);
    close(second);
    cr_expect_eq(fd_lock(-1, 1000), -EBADF);
}

static int mode_of(int fd)
{
    return fcntl(fd, F_GETFL) & O_ACCMODE;
}

/* Replaces each closed descriptor, and no other. */
Test(fd, standard_descriptors)
{
    for (int closed = 0; closed < 8; closed++) {
        int status;
        pid_t child = fork();

        if (child == 0) {
            int file = open("/dev/null", O_RDWR | O_CLOEXEC);

            for (int fd = 0; fd < 3; fd++)
                if (closed & 1 << fd)
                    close(fd);
                else
                    dup2(file, fd);
            close(file);
            fd_fill_standard();
            for (int fd = 0; fd < 3; fd++)
                if (mode_of(fd) != (!(closed & 1 << fd) ? O_RDWR
                                    : fd == 0           ? O_WRONLY
                                                        : O_RDONLY))
                    _exit(1 + fd);
            _exit(fcntl(file, F_GETFD) >= 0 ? 4 : 0);
        }
        cr_assert_eq(waitpid(child, &status, 0), child);
        cr_expect_eq(status, 0, "%d: %x", closed, status);
    }
}
