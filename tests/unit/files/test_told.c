/* SIZE's answers: kept, withdrawn, forgotten, and found by every path that
 * leads to the same name in the same directory. */
#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "files/files.h"
#include "peer.h"
#include "sallyport/base/fd.h"

#define K 1024u

static const uint8_t key[16] = "fedcba987654321";

static const char *name_of(unsigned n)
{
    static char name[16];

    snprintf(name, sizeof(name), "f%u", n);
    return name;
}

Test(told, answers_kept_withdrawn_and_forgotten)
{
    struct told t = { 0 };
    uint64_t state = 0;
    int here = open("/tmp", O_PATH | O_DIRECTORY | O_CLOEXEC);
    int there = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);

    cr_assert_eq(told_get(&t, key, here, "a", &state), 0);
    told_set(&t, key, here, "a", 5, 95);
    told_set(&t, key, here, "b", 6, 96);
    told_set(&t, key, here, "a", 7, 97);
    cr_assert_eq(told_get(&t, key, here, "a", &state), 7);
    cr_assert_eq(state, 97);
    cr_assert_eq(told_get(&t, key, here, "b", &state), 6);
    cr_assert_eq(told_get(&t, key, there, "a", &state), 0);
    told_set(&t, key, here, "a", 0, 90);
    cr_assert_eq(told_get(&t, key, here, "a", &state), 0);
    for (unsigned i = 100; i < 100 + TOLD_MAX; i++)
        told_set(&t, key, here, name_of(i), i, 90 + i);
    cr_assert_eq(told_get(&t, key, here, "b", &state), 0);
    cr_assert_eq(told_get(&t, key, here, name_of(100 + TOLD_MAX - 1), &state),
                 100 + TOLD_MAX - 1);
    close(here);
    close(there);
}

/* Sends SIZE with one path, and APPE with another. */
static void append_by(struct peer *p, const char *sized, const char *appended)
{
    uint64_t first;
    int fd;

    cr_assert_eq(ask_write(p, "/d/f", WRITE_STORE, 0, 0, &fd, &first),
                 OUTCOME_OK);
    put_pattern(fd, 0, 200 * K, 1);
    close(fd);
    cr_assert_eq(ask_abort(p), OUTCOME_OK);
    cr_expect_eq(ask_size(p, sized), 192 * K);
    cr_assert_eq(ask_write(p, appended, WRITE_APPEND, 0, 0, &fd, &first),
                 OUTCOME_OK);
    cr_expect_eq(first, 192 * K, "SIZE %s, APPE %s", sized, appended);
    put_pattern(fd, first, 300 * K, 1);
    close(fd);
    cr_assert_eq(ask_commit(p, 300 * K), OUTCOME_OK);
    cr_expect(disk_is(p, "/d/f", 300 * K, 1));
    cr_assert_eq(ask_path(p, MSG_file_delete, "/l/f"), OUTCOME_OK);
}

Test(told, by_another_path)
{
    struct peer p;

    peer_init(&p);
    disk_directory(&p, "/d");
    disk_link(&p, "d", "/l");
    peer_run(&p);
    append_by(&p, "/d/f", "/l/f");
    append_by(&p, "/l/f", "/d/f");
    peer_stop(&p);
}

/* Another directory has the same path. */
Test(told, of_another_directory)
{
    struct peer p;
    uint64_t first;
    int fd;

    peer_init(&p);
    disk_directory(&p, "/d");
    disk_directory(&p, "/e");
    peer_run(&p);
    cr_assert_eq(ask_write(&p, "/d/f", WRITE_STORE, 0, 0, &fd, &first),
                 OUTCOME_OK);
    put_pattern(fd, 0, 200 * K, 1);
    close(fd);
    cr_assert_eq(ask_abort(&p), OUTCOME_OK);
    cr_assert_eq(ask_size(&p, "/d/f"), 192 * K);
    cr_assert_eq(ask_rename(&p, "/d", "/x"), OUTCOME_OK);
    cr_assert_eq(ask_rename(&p, "/e", "/d"), OUTCOME_OK);
    cr_assert_eq(ask_write(&p, "/d/f", WRITE_APPEND, 0, 0, &fd, &first),
                 OUTCOME_OK);
    cr_expect_eq(first, 0);
    close(fd);
    cr_assert_eq(ask_abort(&p), OUTCOME_OK);
    cr_assert_eq(ask_write(&p, "/x/f", WRITE_APPEND, 0, 0, &fd, &first),
                 OUTCOME_OK);
    cr_expect_eq(first, 192 * K);
    close(fd);
    peer_stop(&p);
}
