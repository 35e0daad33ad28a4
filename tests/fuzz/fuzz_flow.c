/* Converts clients' bytes. Whatever the bytes are, and however they are cut
 * into pieces, each call must stay within its room and end, and the result must
 * be the same. Bytes that go to the client and back must be the same as
 * before. */
#include "fuzz.h"

#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "sallyport/base/fd.h"
#include "session/transfer.h"

#define ROOM  300u
#define CALLS 20000 /* for one piece; a piece that grows more isn't checked */

static struct session session;

struct converted {
    enum stream_state last;
    size_t len;
    uint64_t sum; /* of the bytes and their positions */
    bool left;    /* bytes were left after CALLS calls */
};

static void note(struct converted *o, const char *bytes, size_t len)
{
    for (size_t i = 0; i < len; i++)
        o->sum = (o->sum ^ (unsigned char)bytes[i]) * 1099511628211u;
    o->len += len;
}

/* Begins a transfer over a plain stream. Returns the client's end of the
 * stream. */
static int begin(enum verb verb, unsigned conversions)
{
    int ends[2];

    FUZZ_CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0);
    fd_set_nonblock(ends[0], true);
    fd_set_nonblock(ends[1], true);
    session.level = 1;
    session.transfer.verb = verb;
    session.transfer.conversions = conversions;
    session.data.fd = ends[0];
    session.data.stream = stream_plain(ends[0], 1u << 16);
    FUZZ_CHECK(session.data.stream && flow_open(&session));
    return ends[1];
}

static void end(int client)
{
    flow_close(&session);
    stream_free(session.data.stream);
    close(session.data.fd);
    close(client);
}

/* Converts until the whole piece is taken. The output goes into a block of its
 * own, so that the address sanitizer notices an overflow. */
static void take(size_t room, struct converted *o)
{
    o->last = STREAM_OK;
    for (int calls = 0; calls < CALLS && o->last == STREAM_OK; calls++) {
        char *block = malloc(room);
        size_t got = 0;

        o->last = flow_read(&session, block, room, &got);
        FUZZ_CHECK(got <= room);
        note(o, block, got);
        free(block);
    }
    o->left = o->last == STREAM_OK;
}

static struct converted from_client(unsigned conversions, struct slice bytes,
                                    size_t piece, size_t room)
{
    int client = begin(VERB_STOR, conversions);
    struct converted o = { .last = STREAM_AGAIN };

    while (bytes.len > 0 && o.last == STREAM_AGAIN) {
        struct slice next = fuzz_take(&bytes, piece);

        FUZZ_CHECK(write(client, next.ptr, next.len) == (ssize_t)next.len);
        take(room, &o);
    }
    shutdown(client, SHUT_WR);
    if (o.last == STREAM_AGAIN)
        take(room, &o);
    FUZZ_CHECK(o.left || o.last == STREAM_CLOSED ||
               session.transfer.flow.fault);
    end(client);
    return o;
}

/* Reads the bytes that have come to the client. Returns their number. */
static size_t hear(int client, char *wire, size_t room)
{
    ssize_t n = read(client, wire, room);

    return n > 0 ? (size_t)n : 0;
}

static size_t to_client(unsigned conversions, struct slice bytes, size_t piece,
                        char *wire, size_t room)
{
    int client = begin(VERB_RETR, conversions);
    size_t len = 0;

    while (bytes.len > 0) {
        size_t want = piece < bytes.len ? piece : bytes.len, took;
        enum stream_state state = flow_write(&session, bytes.ptr, want, &took);

        FUZZ_CHECK(took <= want &&
                   (state == STREAM_OK || state == STREAM_AGAIN));
        fuzz_take(&bytes, took);
        len += hear(client, wire + len, room - len);
    }
    while (flow_finish(&session) == STREAM_AGAIN)
        len += hear(client, wire + len, room - len);
    len += hear(client, wire + len, room - len);
    end(client);
    return len;
}

/* Do the bytes come back unchanged? Each CR before a LF is lost on the way
 * back, since it counts as a part of the line's end. */
static bool comes_back(struct slice bytes)
{
    return memmem(bytes.ptr, bytes.len, "\r\n", 2) == NULL;
}

static void there_and_back(unsigned conversions, struct slice bytes,
                           size_t piece, size_t room)
{
    size_t most = 3 * bytes.len + 64;
    char *wire = malloc(most);
    struct converted was = { 0 }, back;
    size_t len = to_client(conversions, bytes, piece, wire, most);

    note(&was, bytes.ptr, bytes.len);
    back = from_client(conversions, (struct slice){ wire, len }, piece, room);
    FUZZ_CHECK(back.left || back.last == STREAM_CLOSED);
    if (!back.left && (!(conversions & CONVERT_ASCII) || comes_back(bytes)))
        FUZZ_CHECK(back.len == was.len && back.sum == was.sum);
    free(wire);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice bytes = fuzz_slice(data, size);
    unsigned conversions = 1 + (unsigned)fuzz_number(&bytes, 1) % 3;
    size_t piece = 1 + fuzz_number(&bytes, 1) % ROOM;
    size_t room = 2 + fuzz_number(&bytes, 1) % ROOM;
    struct converted a, b;

    a = from_client(conversions, bytes, piece, room);
    b = from_client(conversions, bytes, ROOM, ROOM);
    if (!a.left && !b.left)
        FUZZ_CHECK(a.last == b.last && (a.last == STREAM_FAILED ||
                                        (a.len == b.len && a.sum == b.sum)));
    there_and_back(conversions, bytes, piece, room);
    return 0;
}
