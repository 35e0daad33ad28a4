/* REST and APPE onto a finished file: the server copies the file's beginning
 * before it reads the upload. It sends 150 at once, and serves the control
 * connection during the copy. */
#include "sallyport/base/clock.h"
#include "support/files.h"
#include "support/served.h"
#include "support/test.h"
#include "support/wait.h"

#define MIB   (UINT64_C(1) << 20)
#define BIG   (512 * MIB) /* takes some tenths of a second to copy */
#define TAIL  (64 * MIB)  /* more than any socket takes */
#define SOON  1000        /* ms; 10 on an idle machine */
#define ASKED 20

static const char *path_of(const struct server *server, const char *name)
{
    return server_home_file(server, "anna", name);
}

/* Writes LEN bytes of noise at OFFSET. */
static void put(const struct server *server, const char *name, uint64_t offset,
                uint64_t len)
{
    char *block = malloc(MIB);
    int fd = open(path_of(server, name), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

    cr_assert_geq(fd, 0);
    files_noise(block, MIB, offset);
    for (uint64_t at = 0; at < len; at += MIB) {
        size_t n = len - at < MIB ? (size_t)(len - at) : MIB;
        cr_assert_eq(pwrite(fd, block, n, (off_t)(offset + at)), (ssize_t)n);
    }
    close(fd);
    free(block);
    files_give_to_owner_of(server_home(server, "anna"), path_of(server, name));
}

static uint64_t partial_bytes(const struct server *server)
{
    char command[SERVER_PATH_MAX];
    unsigned long long blocks, sum = 0;
    FILE *found;

    snprintf(command, sizeof(command),
             "find %s -name '.sallyport-*' -printf '%%b\n' 2>/dev/null",
             server_home(server, "anna"));
    found = popen(command, "r");
    cr_assert(found);
    while (fscanf(found, "%llu", &blocks) == 1)
        sum += 512 * blocks + 1;
    pclose(found);
    return sum;
}

static bool is_copying(void *server)
{
    return partial_bytes(server) > MIB;
}

static bool has_no_partial(void *server)
{
    return partial_bytes(server) == 0;
}

/* Returns how long the answer takes, in ms. */
static uint64_t time_of(struct session *s, const char *line,
                        const char *pattern)
{
    uint64_t before = clock_ms();

    session_do(s, pattern, "%s", line);
    return clock_ms() - before;
}

static int by_size(const void *a, const void *b)
{
    const uint64_t *x = a, *y = b;

    return *x < *y ? -1 : *x > *y;
}

/* Expects answers soon during the copy. The median of many answers counts,
 * since the machine can be busy with other tests. */
static void expect_soon(struct session *s, const struct server *server)
{
    uint64_t ms[ASKED];

    for (size_t i = 0; i < ASKED; i++)
        ms[i] = i % 2 ? time_of(s, "NOOP", "200 {*}")
                      : time_of(s, "STAT", "{*}211 {*}");
    cr_assert(!has_no_partial((void *)server), "the copy was over too early");
    qsort(ms, ASKED, sizeof(*ms), by_size);
    cr_expect_leq(ms[ASKED / 2], SOON, "%lu ms", ms[ASKED / 2]);
    printf("answers during a copy: median %lu ms, most %lu ms\n", ms[ASKED / 2],
           ms[ASKED - 1]);
}

/* Expects that "big" has the first LEN bytes of "same", and then TAIL. */
static void expect_same(const struct server *server, uint64_t len,
                        const char *tail)
{
    char a[64] = "", command[2 * SERVER_PATH_MAX + 64], other[SERVER_PATH_MAX];
    struct stat st;
    int fd = open(path_of(server, "big"), O_RDONLY | O_CLOEXEC);

    cr_assert_geq(fd, 0);
    cr_assert_eq(fstat(fd, &st), 0);
    cr_assert_eq((uint64_t)st.st_size, len + strlen(tail));
    cr_assert_eq(pread(fd, a, strlen(tail), (off_t)len), (ssize_t)strlen(tail));
    cr_expect_str_eq(a, tail);
    close(fd);
    snprintf(other, sizeof(other), "%s", path_of(server, "same"));
    snprintf(command, sizeof(command), "cmp -n %llu %s %s",
             (unsigned long long)len, path_of(server, "big"), other);
    cr_expect_eq(system(command), 0);
}

/* The disk belongs to other tests, too. */
static void be_patient(int fd)
{
    const struct timeval limit = { .tv_sec = 100 };

    cr_assert_eq(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit)),
                 0);
    cr_assert_eq(setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit)),
                 0);
}

SessionTest(copying, control_is_served, 400, PLAN(.ports = "auto"))
{
    struct data d;

    put(server, "big", 0, BIG);
    cr_assert_eq(link(path_of(server, "big"), path_of(server, "same")), 0);
    be_patient(s->fd);
    data_connect(s, &d);
    be_patient(d.fd);
    session_do(s, "150 {*}", "APPE big");
    cr_expect_eq(partial_bytes(server), 1, "before the data connection");
    data_secure(s, &d);
    data_write(&d, "tail", 4);
    cr_assert(wait_until(is_copying, server, WAIT_MS));
    expect_soon(s, server);
    data_close(&d);
    session_expect(s, "226 {*}");
    expect_same(server, BIG, "tail");

    session_do(s, "350 {*}", "REST %llu", (unsigned long long)BIG);
    data_open(s, &d, "STOR big");
    be_patient(d.fd);
    data_write(&d, "tail", 4);
    cr_assert(wait_until(is_copying, server, WAIT_MS));
    cr_expect_leq(time_of(s, "ABOR", "426 {*}"), 20 * SOON);
    session_expect(s, "226 {*}");
    session_wait_files(s);
    data_cut(&d, false);
    cr_expect(has_no_partial(server));
    expect_same(server, BIG, "tail");
}

/* The server doesn't read the data connection during the copy. Bytes that don't
 * fit into the sockets' buffers wait, and none is lost. */
SessionTest(copying, a_tail_that_waits, 400, PLAN(.settings = "copy_max = 0\n"))
{
    char *tail = malloc(TAIL), *stored = malloc(TAIL);
    struct data d;
    int fd;

    put(server, "big", 0, BIG);
    files_noise(tail, TAIL, 7);
    be_patient(s->fd);
    data_open(s, &d, "APPE big");
    be_patient(d.fd);
    cr_assert(wait_until(is_copying, server, WAIT_MS));
    data_finish(s, &d, tail, TAIL, "226 {*}");
    fd = open(path_of(server, "big"), O_RDONLY | O_CLOEXEC);
    cr_assert_geq(fd, 0);
    cr_expect_eq(pread(fd, stored, 1, BIG + TAIL), 0, "too long");
    cr_expect_eq(pread(fd, stored, TAIL, BIG), (ssize_t)TAIL);
    cr_expect(memcmp(stored, tail, TAIL) == 0);
    close(fd);
    free(tail);
    free(stored);
}
