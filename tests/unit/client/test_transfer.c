/* The queue of transfers has a limit, since a server can list files without an
 * end. The writer writes all bytes in order, by a thread or without one, and
 * notices an error. */
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "client/transfer/transfer.h"

Test(jobs, have_a_limit)
{
    struct jobs j = { .most = 10 * (sizeof(struct job) + sizeof("here") +
                                    sizeof("there")) };
    const struct job job = { .kind = JOB_GET };
    struct failure why;

    for (size_t i = 0; i < 10; i++)
        cr_assert_eq(jobs_add(&j, &job, "here", "there", &why), 0, "%zu", i);
    cr_expect_not(j.full);
    cr_expect_lt(jobs_add(&j, &job, "", "", &why), 0);
    cr_expect(j.full);
    cr_expect_eq(j.count, 10);
    cr_expect_eq(why.code, EX_DATAERR);
    cr_expect_not_null(strstr(why.text, "too many files"), "%s", why.text);
    jobs_release(&j);
    cr_expect_eq(j.bytes, 0);
}

/* Two uploads of the same name: for the second one it is taken. The next
 * command forgets the names. */
Test(jobs, with_the_same_name)
{
    const struct job job = { .kind = JOB_PUT, .known = true };
    struct jobs j = { 0 };
    struct failure why;

    for (size_t i = 0; i < 2; i++) {
        cr_assert_eq(jobs_add(&j, &job, "a/x", "x", &why), 0);
        cr_assert_eq(jobs_add(&j, &job, "b/x", "x", &why), 0);
        cr_expect_not(j.job[0].taken);
        cr_expect(j.job[1].known && j.job[1].taken);
        jobs_release(&j);
    }
}

/* Two million files with paths of a hundred bytes are possible. */
Test(jobs, have_room)
{
    cr_expect_geq(JOBS_BYTES_MAX, 2000000 * (sizeof(struct job) + 2 * 101));
}

#define BYTES (3 * WRITER_BLOCK + 1234)

static char *noise(void)
{
    char *bytes = malloc(BYTES);

    cr_assert_not_null(bytes);
    for (size_t i = 0; i < BYTES; i++)
        bytes[i] = (char)(i * 7 + i / 251);
    return bytes;
}

static int new_file(void)
{
    char path[] = "/tmp/unit_writer-XXXXXX";
    int fd = mkstemp(path);

    cr_assert_geq(fd, 0);
    unlink(path);
    return fd;
}

/* Adds the bytes in pieces as uneven as TLS records. */
static int add_all(struct writer *w, const char *bytes, size_t len)
{
    for (size_t at = 0, n; at < len; at += n) {
        n = 16384 - at % 1000;
        n = n < len - at ? n : len - at;
        if (writer_add(w, bytes + at, n) < 0)
            return -1;
    }
    return 0;
}

static void check_file(bool gather, bool small)
{
    char here[DIGEST_HEX_MAX], *bytes = noise(), *back = malloc(BYTES);
    struct digest d, expected;
    struct writer w;
    int fd = new_file();

    cr_assert_not_null(back);
    cr_assert_eq(digest_begin(&d, "SHA-256"), 0);
    writer_begin(&w, fd, &d, gather, small);
    cr_expect_eq(w.threaded, gather && !small);
    cr_expect_eq(add_all(&w, bytes, BYTES), 0);
    cr_expect_eq(writer_end(&w), 0);
    cr_expect_eq(pread(fd, back, BYTES, 0), BYTES);
    cr_expect_eq(lseek(fd, 0, SEEK_END), BYTES);
    cr_expect_eq(memcmp(bytes, back, BYTES), 0);
    digest_end(&d, here);
    cr_assert_eq(digest_begin(&expected, "SHA-256"), 0);
    digest_add(&expected, bytes, BYTES);
    char there[DIGEST_HEX_MAX];
    digest_end(&expected, there);
    cr_expect_str_eq(here, there);
    close(fd);
    free(bytes);
    free(back);
}

Test(writer, by_a_thread)
{
    check_file(true, false);
}

Test(writer, without_a_thread)
{
    check_file(true, true);
}

Test(writer, byte_by_byte)
{
    check_file(false, false);
}

static void check_full(bool small)
{
    char *bytes = noise();
    struct digest d = { NULL };
    struct writer w;
    int fd = open("/dev/full", O_WRONLY | O_CLOEXEC);

    cr_assert_geq(fd, 0);
    writer_begin(&w, fd, &d, true, small);
    add_all(&w, bytes, BYTES);
    cr_expect_eq(writer_end(&w), -1);
    cr_expect_eq(w.error, ENOSPC);
    close(fd);
    free(bytes);
}

Test(writer, a_full_disk)
{
    check_full(true);
    check_full(false);
}

/* If no byte comes, nothing is written, and the thread ends. */
Test(writer, nothing)
{
    struct digest d = { NULL };
    struct writer w;
    int fd = new_file();

    writer_begin(&w, fd, &d, true, false);
    cr_expect_eq(writer_end(&w), 0);
    cr_expect_eq(lseek(fd, 0, SEEK_END), 0);
    close(fd);
}
