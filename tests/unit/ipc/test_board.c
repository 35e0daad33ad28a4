/* The board and the pages of the heartbeat: their layout, and what a process
 * can do that may only read, or that writes garbage. */
#include "sallyport/base/clock.h"
#include "sallyport/base/fd.h"
#include "sallyport/base/shared.h"
#include "sallyport/ipc/board.h"
#include "support/test.h"

/* A supervisor of another build maps it, too. */
Test(board, has_its_published_layout)
{
    cr_expect_str_eq(BOARD_NAME, "board 2");
    cr_expect_eq(offsetof(struct board, drains), 0);
    cr_expect_eq(offsetof(struct board, accepts), 8);
    cr_expect_eq(offsetof(struct board, edits), 16);
    cr_expect_eq(offsetof(struct board, row), 24);
    cr_expect_eq(sizeof(struct board_row), 48);
    cr_expect_eq(offsetof(struct board_row, generation), 0);
    cr_expect_eq(offsetof(struct board_row, master), 8);
    cr_expect_eq(offsetof(struct board_row, gate), 16);
    cr_expect_eq(offsetof(struct board_row, sessions), 24);
    cr_expect_eq(offsetof(struct board_row, transfers), 32);
    cr_expect_eq(offsetof(struct board_row, away), 40);
    cr_expect_eq(BOARD_ROWS, 32);
}

static int opened_to_read(int fd)
{
    char path[64];

    snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    return open(path, O_RDONLY | O_CLOEXEC);
}

/* Gate sees what masters write, and can neither write nor shorten it. */
Test(board, gate_only_reads_it)
{
    FD_CLEANUP int fd = board_make();
    FD_CLEANUP int reading = opened_to_read(fd);
    struct board *masters = NULL, *gates = NULL;

    cr_assert_eq(SHARED_MAP(masters, fd, PROT_READ | PROT_WRITE), 0);
    cr_assert_eq(SHARED_MAP(gates, reading, PROT_READ), 0);
    cr_expect(!board_drains(gates) && !board_announces_drain(gates));
    board_set(&masters->drains, clock_ms() + 60000);
    cr_expect(!board_drains(gates) && board_announces_drain(gates));
    board_set(&masters->drains, clock_ms());
    cr_expect(board_drains(gates) && board_announces_drain(gates));
    cr_expect_eq(SHARED_MAP(gates, reading, PROT_READ | PROT_WRITE), -EACCES);
    cr_expect_lt(ftruncate(fd, 0), 0);
    cr_expect_lt(ftruncate(reading, 0), 0);
}

/* Whatever is in it: a number that isn't there has no row. */
Test(board, of_garbage)
{
    struct board *b = NULL;

    cr_assert_eq(SHARED_MAP(b, -1, PROT_READ | PROT_WRITE), 0);
    memset(b, 0xff, sizeof(*b));
    cr_expect_null(board_find(b, 7));
    cr_expect(board_announces_drain(b));
    board_set(&b->row[BOARD_ROWS - 1].generation, 7);
    cr_expect_eq(board_find(b, 7), &b->row[BOARD_ROWS - 1]);
    SHARED_UNMAP(b);
    cr_expect_null(b);
}

/* Another file than master has made would end the reader by SIGBUS. */
Test(board, a_page_that_may_be_cut)
{
    FD_CLEANUP int bare = memfd_create("beat", MFD_CLOEXEC);
    FD_CLEANUP int small = shared_make("beat", 1);
    struct beat *b = NULL;

    cr_assert_eq(ftruncate(bare, 4096), 0);
    cr_expect_eq(SHARED_MAP(b, bare, PROT_READ | PROT_WRITE), -EINVAL);
    cr_expect_eq(SHARED_MAP(b, small, PROT_READ | PROT_WRITE), -EINVAL);
}

/* Master can't make a process look alive, and that process can. */
Test(board, only_its_process_writes_a_page)
{
    struct beat *masters = NULL, *its = NULL;
    FD_CLEANUP int fd = beat_make(&masters);
    FD_CLEANUP int zeros = open("/dev/zero", O_RDONLY | O_CLOEXEC);

    cr_assert_geq(fd, 0);
    cr_assert_eq(SHARED_MAP(its, fd, PROT_READ | PROT_WRITE), 0);
    board_set(&its->count, 3);
    cr_assert_eq(board_get(&masters->count), 3);
    cr_expect_lt(read(zeros, masters, sizeof(*masters)), 0);
    cr_expect_eq(errno, EFAULT);
    cr_expect_eq(read(zeros, its, sizeof(*its)), sizeof(*its));
}

/* The silence is measured by looks, so a pause of the machine is one look. A
 * process that writes anything else than a count only looks alive. */
Test(board, pulse)
{
    struct pulse p = { 0 };

    cr_expect(!pulse_look(&p, 0, 4000));
    cr_expect(!pulse_look(&p, 0, 4000));
    cr_expect_eq(p.silent, 8000);
    cr_expect(pulse_look(&p, 1, 4000));
    cr_expect_eq(p.silent, 0);
    cr_expect(!pulse_look(&p, 1, 4000));
    cr_expect_eq(p.silent, 4000);
    cr_expect(pulse_look(&p, UINT64_MAX, 4000));
    cr_expect(pulse_look(&p, 0, 4000));
    cr_expect_eq(p.silent, 0);
}
