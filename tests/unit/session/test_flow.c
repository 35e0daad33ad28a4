/* The most that one call of flow.c does, so that a turn of the loop ends,
 * however much or little a stream expands to. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <zlib.h>

#include "sallyport/base/fd.h"
#include "session/chain.h"
#include "session/transfer.h"

#define PIECE  (16u << 10)
#define BUFFER (64u << 10)

static struct session session;

/* Opens a transfer of VERB in MODE Z over a plain stream. Returns the other
 * end. */
static int open_flow(enum verb verb, unsigned conversions)
{
    int ends[2];

    cr_assert_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
    fd_set_nonblock(ends[0], true);
    session.level = 6;
    session.transfer.verb = verb;
    session.transfer.conversions = conversions;
    session.data.stream = stream_plain(ends[0], 512u << 10);
    cr_assert_not_null(session.data.stream);
    cr_assert(flow_open(&session));
    return ends[1];
}

static void close_flow(int end)
{
    flow_close(&session);
    cr_assert_null(session.transfer.flow.chain);
    stream_free(session.data.stream);
    close(end);
}

Test(flow, nothing_to_convert, .timeout = 30)
{
    static char bytes[1u << 20];
    size_t took;
    int end = open_flow(VERB_RETR, 0);

    cr_expect_null(session.transfer.flow.bytes, "memory for nothing");
    cr_expect_eq(flow_rounds(&session, 16), 16);
    cr_assert_eq(flow_write(&session, bytes, sizeof(bytes), &took), STREAM_OK);
    cr_expect_geq(took, 512u << 10);
    cr_expect_null(flow_fault(&session));
    close_flow(end);
}

Test(flow, writes, .timeout = 30)
{
    static char bytes[1u << 20];
    size_t took;

    for (unsigned conversions = 1; conversions < 4; conversions++) {
        int end = open_flow(VERB_RETR, conversions);

        cr_expect_leq(flow_rounds(&session, 16), 4);
        for (int i = 0; i < 8; i++) {
            cr_assert_eq(flow_write(&session, bytes, sizeof(bytes), &took),
                         STREAM_OK);
            cr_expect(took > 0 && took <= PIECE, "%zu", took);
        }
        cr_expect_eq(flow_finish(&session), STREAM_OK);
        close_flow(end);
    }
}

/* The received bytes expand to a GiB of zeros: a call gives no more than its
 * room. For empty blocks it takes no more than a buffer of them. */
Test(flow, reads, .timeout = 30)
{
    static unsigned char zeros[1u << 20], packed[1u << 15], room[1u << 15];
    static unsigned char nothing[5 * 26000 + 2] = { 0x78, 0x9c };
    uLongf len = sizeof(packed);
    size_t got, all = 0;
    enum stream_state state = STREAM_OK;
    int end = open_flow(VERB_STOR, CONVERT_DEFLATE);

    cr_assert_eq(compress(packed, &len, zeros, sizeof(zeros)), Z_OK);
    cr_assert_eq(write(end, packed, len), (ssize_t)len);
    shutdown(end, SHUT_WR);
    for (; state == STREAM_OK; all += got) {
        state = flow_read(&session, room, sizeof(room), &got);
        cr_expect_leq(got, sizeof(room));
    }
    cr_expect_eq(state, STREAM_CLOSED);
    cr_expect_eq(all, sizeof(zeros));
    close_flow(end);

    for (size_t i = 2; i < sizeof(nothing); i += 5)
        memcpy(nothing + i, "\0\0\0\xff\xff", 5);
    end = open_flow(VERB_STOR, CONVERT_DEFLATE | CONVERT_ASCII);
    cr_assert_eq(write(end, nothing, sizeof(nothing)), sizeof(nothing));
    for (all = 0; all < sizeof(nothing); all += BUFFER) {
        cr_assert_eq(flow_read(&session, room, sizeof(room), &got), STREAM_OK);
        cr_expect_eq(got, 0);
    }
    cr_expect_eq(flow_read(&session, room, sizeof(room), &got), STREAM_AGAIN);
    close_flow(end);
}
