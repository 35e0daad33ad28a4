/* Tests the buffers below a stream: short sends, order, memory. */
#include <arpa/inet.h>

#include "sallyport/base/clock.h"
#include "support/test.h"
#include "tls/tls.h"

static void pair(struct io *io, int ends[2], size_t size)
{
    cr_assert_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
    *io = (struct io){ .fd = ends[0], .size = size };
}

static void end(struct io *io, int ends[2])
{
    io_release(io);
    close(ends[0]);
    close(ends[1]);
}

Test(io, puts_no_more_than_its_size)
{
    int ends[2];
    struct io io;
    char bytes[100] = { 1 };
    pair(&io, ends, 64);
    cr_assert_eq(io_room(&io), 64u);
    cr_assert_eq(io_put(&io, bytes, 60), 60);
    cr_assert_eq(io_put(&io, bytes, 60), 4);
    cr_assert_eq(io_put(&io, bytes, 60), 0);
    cr_assert_eq(io_room(&io), 0u);
    cr_assert(io_unsent(&io));
    cr_assert_eq(io_send(&io), 0);
    cr_assert(!io_unsent(&io));
    cr_assert_eq(recv(ends[1], bytes, sizeof(bytes), MSG_DONTWAIT), 64);
    end(&io, ends);
}

Test(io, an_empty_small_buffer_goes_back)
{
    int ends[2];
    struct io io;
    pair(&io, ends, IO_SMALL);
    cr_assert_eq(io_put(&io, "x", 1), 1);
    cr_assert(io.out);
    cr_assert_eq(io_send(&io), 0);
    cr_assert_null(io.out);
    cr_assert_eq(send(ends[1], "yz", 2, 0), 2);
    cr_assert_eq(io_fill(&io), 2);
    char byte;
    cr_assert_eq(io_take(&io, &byte, 1), 1u);
    cr_assert(io.in);
    cr_assert_eq(io_take(&io, &byte, 1), 1u);
    cr_assert_null(io.in);
    cr_assert_eq(io_fill(&io), -EAGAIN);
    cr_assert_null(io.in);
    end(&io, ends);
}

Test(io, a_large_buffer_stays)
{
    int ends[2];
    struct io io;
    pair(&io, ends, IO_SMALL + 1);
    cr_assert_eq(io_put(&io, "x", 1), 1);
    cr_assert_eq(io_send(&io), 0);
    cr_assert(io.out);
    end(&io, ends);
}

Test(io, a_short_send_keeps_the_rest_in_order)
{
    enum { SIZE = 1 << 20 };
    static unsigned char sent[SIZE], received[SIZE];
    int ends[2], small = 4096;
    struct io io;
    pair(&io, ends, SIZE);
    setsockopt(ends[0], SOL_SOCKET, SO_SNDBUF, &small, sizeof(small));
    for (size_t i = 0; i < SIZE; i++)
        sent[i] = (unsigned char)(i % 251);
    cr_assert_eq(io_put(&io, sent, SIZE), SIZE);

    size_t got = 0;
    int again = 0, r;
    while ((r = io_send(&io)) == -EAGAIN) {
        ssize_t n;
        while ((n = recv(ends[1], received + got, SIZE - got, MSG_DONTWAIT)) >
               0)
            got += (size_t)n;
        again++;
    }
    cr_assert_eq(r, 0);
    got += (size_t)recv(ends[1], received + got, SIZE - got, MSG_WAITALL);
    cr_assert(again > 1, "the kernel took all at once: nothing is shown");
    cr_assert_eq(got, (size_t)SIZE);
    cr_assert_eq(memcmp(sent, received, SIZE), 0);
    end(&io, ends);
}

Test(io, the_end_and_a_missing_peer)
{
    int ends[2];
    struct io io;
    pair(&io, ends, 64);
    shutdown(ends[1], SHUT_WR);
    cr_assert_eq(io_fill(&io), 0);
    cr_assert_eq(io_put(&io, "x", 1), 1);
    close(ends[1]);
    cr_assert_eq(io_send(&io), -EPIPE); /* and no SIGPIPE */
    io_drop(&io);
    cr_assert(!io_unsent(&io));
    cr_assert_eq(io_send(&io), 0);
    io_release(&io);
    close(ends[0]);
}

Test(io, a_reset_is_told)
{
    int ends[2];
    struct io io;
    pair(&io, ends, 64);
    cr_assert_eq(send(ends[0], "unread", 6, 0), 6);
    close(ends[1]);
    cr_assert_eq(io_fill(&io), -ECONNRESET);
    io_release(&io);
    close(ends[0]);
}

/* Connects two ends over TCP; the client has Nagle's algorithm, as usual. */
static void connect_pair(struct io *io, int ends[2])
{
    struct sockaddr_in at = { .sin_family = AF_INET,
                              .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t len = sizeof(at);
    int door = socket(AF_INET, SOCK_STREAM, 0);

    cr_assert_eq(bind(door, (struct sockaddr *)&at, sizeof(at)), 0);
    cr_assert_eq(listen(door, 1), 0);
    cr_assert_eq(getsockname(door, (struct sockaddr *)&at, &len), 0);
    ends[1] = socket(AF_INET, SOCK_STREAM, 0);
    cr_assert_eq(connect(ends[1], (struct sockaddr *)&at, sizeof(at)), 0);
    ends[0] = accept(door, NULL, NULL);
    cr_assert_geq(ends[0], 0);
    close(door);
    *io = (struct io){ .fd = ends[0], .size = 64 };
}

/* Waits for bytes, takes the first one, and returns how many came. */
static int fill_some(struct io *io)
{
    struct pollfd one = { .fd = io->fd, .events = POLLIN };
    char byte;
    int n;

    cr_assert_eq(poll(&one, 1, 20000), 1);
    n = io_fill(io);
    cr_assert_gt(n, 0);
    cr_assert_eq(io_take(io, &byte, 1), 1u);
    return n;
}

/* Returns the microseconds between two pieces that a client sends after an
 * answer. ACKNOWLEDGE: the server calls io_acknowledge() after the first
 * piece. If the machine is so slow that both come together, returns
 * UINT64_MAX. */
static uint64_t wait_for_second(bool acknowledge)
{
    int ends[2];
    struct io io;
    char byte;
    bool together;
    uint64_t began;

    connect_pair(&io, ends);
    cr_assert_eq(send(ends[1], "1", 1, 0), 1);
    cr_assert_eq(fill_some(&io), 1);
    cr_assert_eq(io_put(&io, "2", 1), 1);
    cr_assert_eq(io_send(&io), 0);
    cr_assert_eq(recv(ends[1], &byte, 1, 0), 1);
    cr_assert_eq(send(ends[1], "3", 1, 0), 1);
    cr_assert_eq(send(ends[1], "4", 1, 0), 1);
    together = fill_some(&io) > 1;
    began = clock_us();
    if (acknowledge)
        io_acknowledge(&io);
    if (!together)
        cr_assert_eq(fill_some(&io), 1);
    began = clock_us() - began;
    end(&io, ends);
    return together ? UINT64_MAX : began;
}

/* Takes the best of several tries, since the machine can be slow at times. */
Test(io, a_second_piece_needn_t_wait)
{
    uint64_t slow = UINT64_MAX, quick = UINT64_MAX;

    for (int i = 0; i < 20; i++) {
        uint64_t without = wait_for_second(false), with = wait_for_second(true);

        slow = without < slow ? without : slow;
        quick = with < quick ? with : quick;
    }
    cr_assert_lt(quick, 20000, "%llu us", (unsigned long long)quick);
    cr_log_info("without: %llu us, with: %llu us\n", (unsigned long long)slow,
                (unsigned long long)quick);
}
