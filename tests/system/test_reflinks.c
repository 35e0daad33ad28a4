/* REST and APPE onto a finished file if the file system can share blocks: xfs
 * on a loop device. The beginning of the file costs neither room nor time,
 * however long it is. The tests need root, in a mount namespace of this
 * program. */
#include <linux/fiemap.h>
#include <linux/fs.h>

#include "blockdev.h"
#include "fault.h"
#include "support/test.h"

#define MIB   FAULT_MIB
#define LEN   (64u * MIB)
#define DISK  320u /* MiB: the smallest xfs has 300 */
#define BLOCK 4096u

static void begin(struct stage *t, const char *settings)
{
    stage_open(t, PLAN(.settings = settings), "xfs", DISK, LEN);
    server_put(&t->server, "anna", "big", t->bytes, LEN);
    cr_assert_eq(link(server_home_file(&t->server, "anna", "big"),
                      server_home_file(&t->server, "anna", "kept")),
                 0);
}

/* Returns how many bytes of the file are also in another file. */
static uint64_t shared_bytes(const char *path)
{
    enum { EXTENTS = 64 };
    struct fiemap *map =
        calloc(1, sizeof(*map) + EXTENTS * sizeof(*map->fm_extents));
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    uint64_t sum = 0;

    cr_assert(map);
    map->fm_length = FIEMAP_MAX_OFFSET;
    map->fm_flags = FIEMAP_FLAG_SYNC;
    map->fm_extent_count = EXTENTS;
    cr_assert_eq(ioctl(fd, FS_IOC_FIEMAP, map), 0, "%s", path);
    for (unsigned i = 0; i < map->fm_mapped_extents; i++)
        if (map->fm_extents[i].fe_flags & FIEMAP_EXTENT_SHARED)
            sum += map->fm_extents[i].fe_length;
    close(fd);
    free(map);
    return sum;
}

static void expect(const struct stage *t, size_t head, const char *tail)
{
    size_t len = head + strlen(tail);
    unsigned char *bytes = malloc(len);

    cr_assert(bytes);
    memcpy(bytes, t->bytes, head);
    memcpy(bytes + head, tail, strlen(tail));
    fault_expect_whole(&t->server, "anna", "big", bytes, len);
    free(bytes);
}

static void send_tail(struct stage *t, const char *verb, const char *tail)
{
    data_open(&t->s, &t->d, "%s big", verb);
    data_write(&t->d, tail, strlen(tail));
    fault_wait_partial(&t->server, "anna", LEN / 2);
}

/* Expects shared blocks, since the old file is still there under its other
 * name. */
static void store_tail(struct stage *t, const char *verb, size_t head,
                       const char *tail)
{
    const char *big = server_home_file(&t->server, "anna", "big");

    send_tail(t, verb, tail);
    data_close(&t->d);
    session_expect(&t->s, "226 {*}");
    expect(t, head, tail);
    cr_expect_geq(shared_bytes(big), head / BLOCK * BLOCK, "%s copies", verb);
}

static void append_and_restart(struct stage *t)
{
    store_tail(t, "APPE", LEN, "tail");
    session_do(&t->s, "350 {*}", "REST %u", LEN / 2 + 1);
    store_tail(t, "STOR", LEN / 2 + 1, "another tail");
}

Test(reflinks, share_blocks, .timeout = 120)
{
    struct stage t;

    begin(&t, NULL);
    append_and_restart(&t);
    stage_close(&t);
}

/* The server shares a beginning that is too long for a copy. */
Test(reflinks, above_copy_max, .timeout = 120)
{
    struct stage t;

    begin(&t, "copy_max = 1M\n");
    append_and_restart(&t);
    stage_close(&t);
}

/* After a cut only the old file must be there. */
Test(reflinks, nothing_of_a_cut_one_stays, .timeout = 120)
{
    struct stage t;

    begin(&t, "copy_max = 1M\n");
    send_tail(&t, "APPE", "tail");
    data_cut(&t.d, false);
    session_expect(&t.s, "426 {*}");
    session_wait_files(&t.s);
    cr_expect_eq(fault_count_partials(&t.server, "anna"), 0);
    expect(&t, LEN, "");
    stage_close(&t);
}
