/* Copies of the beginning of a file into another file. */
#include "peer.h"

#define K 1024u
#define M (1024u * K)

static int temporary(const char *folder)
{
    int fd = open(folder, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);

    cr_assert_geq(fd, 0, "%s", folder);
    return fd;
}

static void begin(struct copy *c, int from, uint64_t len)
{
    int own = dup(from);

    cr_assert_geq(own, 0);
    cr_assert_eq(copy_init(c, own, len), 0);
}

/* Runs all steps. Returns their number. */
static size_t copy_all(struct copy *c, int into)
{
    size_t steps = 0;

    do {
        cr_assert_eq(copy_step(c, into), 0);
        steps++;
    } while (copy_left(c) > 0);
    return steps;
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
    FD_CLEANUP int from = temporary("/tmp");

    put_pattern(from, 0, 200000, 1);
    for (size_t i = 0; i < sizeof(heads) / sizeof(heads[0]); i++) {
        FD_CLEANUP int into = temporary("/tmp");
        struct copy c;

        begin(&c, from, heads[i]);
        cr_expect_eq(copy_left(&c), heads[i]);
        copy_all(&c, into);
        expect_same(from, into, heads[i]);
        copy_release(&c);
    }
}

/* The kernel can't copy to another file system: the client must send the whole
 * file. */
Test(copy, to_another_disk)
{
    FD_CLEANUP int from = temporary("/tmp");
    FD_CLEANUP int into = temporary("/dev/shm");
    struct copy c;

    put_pattern(from, 0, 100, 1);
    begin(&c, from, 100);
    const int own = c.from;
    GETS(SEND_WHOLE, copy_step(&c, into));
    copy_release(&c);
    cr_expect_eq(fcntl(own, F_GETFD), -1, "it is closed");
}

/* Bytes that are written behind the copied part meanwhile are kept. */
Test(copy, beside_a_writer)
{
    FD_CLEANUP int from = temporary("/tmp");
    FD_CLEANUP int into = temporary("/tmp");
    struct copy c;

    put_pattern(from, 0, 20 * M, 1);
    begin(&c, from, 10 * M + 1);
    cr_assert_eq(ftruncate(into, 10 * M + 1), 0);
    cr_assert_eq(copy_step(&c, into), 0);
    put_pattern(into, 10 * M + 1, 11 * M, 1);
    copy_all(&c, into);
    expect_same(from, into, 11 * M);
    copy_release(&c);
}

/* A file with many small pieces of data among holes takes many steps, so that
 * no step takes long; its holes stay holes. */
Test(copy, of_many_holes_in_steps)
{
    FD_CLEANUP int from = temporary("/dev/shm");
    FD_CLEANUP int into = temporary("/dev/shm");
    struct stat st;
    struct copy c;

    for (unsigned i = 0; i < 1000; i++)
        put_pattern(from, i * 64 * K, i * 64 * K + 1, 1);
    begin(&c, from, 999 * 64 * K + 1);
    cr_expect_geq(copy_all(&c, into), 7);
    expect_same(from, into, 999 * 64 * K + 1);
    cr_assert_eq(fstat(into, &st), 0);
    cr_expect_leq(st.st_blocks * 512, 8 * M, "holes stay holes");
    copy_release(&c);
}

Test(copy, source_too_short)
{
    int from = temporary("/tmp");
    struct copy c;

    put_pattern(from, 0, 100, 1);
    cr_expect_eq(copy_init(&c, from, 101), -EBUSY);
    cr_expect_eq(fcntl(from, F_GETFD), -1, "it is closed");
    cr_expect_eq(copy_unchanged(&c), 0);
}
