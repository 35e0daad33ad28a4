/* Tests what happens to local partial files that a change of the server's file
 * has made useless. */
#include "client/transfer/transfer.h"

#include <dirent.h>

#include "support/files.h"
#include "support/scratch.h"
#include "support/test.h"

TestSuite(part, .init = scratch_make, .fini = scratch_remove);

static unsigned looks;

/* Replaces libc's function, and counts its calls. */
int scandirat(int at, const char *name, struct dirent ***ret,
              int (*takes)(const struct dirent *e),
              int (*order)(const struct dirent **a, const struct dirent **b))
{
    const int fd = openat(at, name, O_RDONLY | O_DIRECTORY);
    char path[64];

    (void)order;
    looks++;
    snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    const int count = scandir(path, ret, takes, NULL);
    close(fd);
    return count;
}

/* Plays a download of the file NAME, which was modified at STATE. Leaves a
 * partial file if KEEP. */
static void download(const char *name, time_t state, bool keep)
{
    const struct part_source from = {
        .server = "s", .path = name, .size = 1 << 20, .modified = state
    };
    char target[256];
    struct failure why;
    struct part p;

    snprintf(target, sizeof(target), "%s/%s", scratch, name);
    cr_assert_eq(part_open(&p, target, NAMED_ALL, &from, &why), 0);
    cr_assert_eq(write(p.fd, "x", 1), 1);
    part_close(&p, keep);
}

static int parts(void)
{
    DIR *d = opendir(scratch);
    const struct dirent *e;
    int count = 0;

    while ((e = readdir(d)))
        count += part_is_name(e->d_name);
    closedir(d);
    return count;
}

/* The client reads a directory of many files once. It reads the directory again
 * if it has left a partial file there itself. */
Test(part, the_directory_is_read_once)
{
    for (int i = 0; i < 5; i++)
        download("a", i, false);
    cr_expect_eq(looks, 1);
    download("a", 1, true);
    download("b", 1, true);
    cr_expect_eq(parts(), 2);
    looks = 0;
    download("b", 2, false);
    download("c", 1, false);
    cr_expect_eq(parts(), 1, "the one of a");
    cr_expect_eq(looks, 1);
}

/* The reserved space of a part that stays isn't kept. */
Test(part, a_part_keeps_no_space)
{
    const struct part_source from = {
        .server = "s", .path = "a", .size = 64 << 20, .modified = 1
    };
    char target[256];
    struct failure why;
    struct stat st;
    struct part p;

    snprintf(target, sizeof(target), "%s/a", scratch);
    cr_assert_eq(part_open(&p, target, NAMED_ALL, &from, &why), 0);
    cr_assert_eq(write(p.fd, "x", 1), 1);
    const int fd = dup(p.fd);
    part_close(&p, true);
    cr_assert_eq(fstat(fd, &st), 0);
    cr_expect_eq(st.st_size, 1);
    cr_expect_lt(st.st_blocks * 512, 1 << 20);
    close(fd);
}

/* If the disk has no renameat2(2) and the client is killed between link(2) and
 * unlink(2), the finished file has both names: the next call begins again, and
 * the file stays until it is replaced. */
Test(part, is_left_with_the_finished_file)
{
    static const bool resumes[] = { false, true };
    char target[256], part[PATH_MAX];
    struct failure why;
    struct stat st;
    struct part p;

    snprintf(target, sizeof(target), "%s/f", scratch);
    for (size_t i = 0; i < 2; i++) {
        const struct part_source from = { .server = "s",
                                          .path = "f",
                                          .size = 1,
                                          .modified = 1,
                                          .resume = resumes[i],
                                          .replaces = true };

        cr_assert_eq(part_open(&p, target, NAMED_ALL, &from, &why), 0);
        cr_assert_eq(write(p.fd, "x", 1), 1);
        snprintf(part, sizeof(part), "%s/%s", scratch, p.name);
        cr_assert_eq(link(part, target), 0);
        part_close(&p, true);
        cr_assert_eq(part_open(&p, target, NAMED_ALL, &from, &why), 0, "%s",
                     why.text);
        cr_expect_eq(p.length, 0);
        cr_expect(stat(target, &st) == 0 && st.st_size == 1);
        part_close(&p, false);
        cr_expect_eq(parts(), 0);
        unlink(target);
    }
}
