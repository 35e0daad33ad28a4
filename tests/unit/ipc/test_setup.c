/* The set-up that master gives to a program when it executes it. */
#include "sallyport/base/fd.h"
#include "sallyport/ipc/setup.h"
#include "support/test.h"

static struct setup given, got;

static int written(int fd[SETUP_FDS])
{
    int n = setup_write(&given, fd);

    cr_assert_geq(n, 1);
    return n;
}

Test(setup, nothing_at_first)
{
    setup_init(&given);
    cr_expect(build_name_is(given.build));
    for (size_t i = 0; i < SETUP_PLACES; i++)
        cr_expect_eq(given.file[i].fd, -1);
}

/* The program finds each descriptor by its number there. */
Test(setup, from_master_to_the_program)
{
    struct complaint c = { "" };
    int fd[SETUP_FDS];

    setup_init(&given);
    given.uid = 70001;
    given.file[SETUP_LOG].fd = 77;
    given.file[SETUP_KEY + CERTIFICATES_MAX - 1] =
        (struct setup_file){ .fd = 66, .in_use = true, .name = "/x/key" };
    cr_assert_eq(written(fd), 3);
    cr_expect_eq(fd[1], 77);
    cr_expect_eq(fd[2], 66);
    cr_assert_eq(setup_read(&got, PROCESS_KEYS, fd[0], &c), 0, "%s", c.text);
    cr_expect_eq(got.uid, 70001);
    cr_expect_eq(got.file[SETUP_EMPTY].fd, -1);
    cr_expect_eq(got.file[SETUP_LOG].fd, SETUP_STRUCT_FD + 1);
    cr_expect_eq(got.file[SETUP_KEY + CERTIFICATES_MAX - 1].fd,
                 SETUP_STRUCT_FD + 2);
    cr_expect(got.file[SETUP_KEY + CERTIFICATES_MAX - 1].in_use);
    cr_expect_str_eq(got.file[SETUP_KEY + CERTIFICATES_MAX - 1].name, "/x/key");
    cr_expect_eq(fcntl(fd[0], F_GETFD), -1, "the file is still open");
}

/* The program keeps no way to change it, nor has another one. */
Test(setup, is_sealed)
{
    int fd[SETUP_FDS];

    setup_init(&given);
    written(fd);
    cr_expect(fd_is_sealed(fd[0]));
    close(fd[0]);
}

/* All places at once: the largest number of descriptors. */
Test(setup, each_place)
{
    int fd[SETUP_FDS];

    setup_init(&given);
    for (size_t i = 0; i < SETUP_PLACES; i++)
        given.file[i].fd = (int)i;
    cr_expect_eq(written(fd), SETUP_FDS);
    close(fd[0]);
}

static void check_refused(int fd, const char *words)
{
    struct complaint c = { "" };

    cr_expect_lt(setup_read(&got, PROCESS_GATE, fd, &c), 0);
    cr_expect(strstr(c.text, words), "%s", c.text);
    cr_expect_eq(got.file[SETUP_LOG].fd, -1);
}

Test(setup, master_of_another_build)
{
    int fd[SETUP_FDS];

    setup_init(&given);
    strcpy(given.build, "0.1.0-abc");
    given.file[SETUP_LOG].fd = 77;
    written(fd);
    check_refused(fd[0], "and master of 0.1.0-abc: the installation is half");
    check_refused(
        fd_sealed("short", (struct slice){ given.build, BUILD_NAME_MAX }),
        "and master of 0.1.0-abc: the");
}

/* An older master gives no such file. */
Test(setup, master_of_an_older_build)
{
    check_refused(-1, "gate is of build " SALLYPORT_VERSION);
    check_refused(fd_sealed("none", SLICE("")), "and master of unknown");
}

Test(setup, what_is_left_is_closed)
{
    int ends[2];

    cr_assert_eq(fd_pair(ends), 0);
    setup_init(&given);
    given.file[SETUP_LOG].fd = ends[0];
    given.file[SETUP_KEYS].fd = ends[1];
    cr_expect_eq(setup_take(&given, SETUP_LOG), ends[0]);
    cr_expect_eq(setup_take(&given, SETUP_LOG), -1);
    setup_close(&given);
    cr_expect_neq(fcntl(ends[0], F_GETFD), -1);
    cr_expect_eq(fcntl(ends[1], F_GETFD), -1);
    close(ends[0]);
}
