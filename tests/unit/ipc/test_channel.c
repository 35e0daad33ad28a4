/* Channels against peers that lie. */
#include "sallyport/ipc/channel.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "ipc/codec.h"
#include "sallyport/base/clock.h"
#include "sallyport/base/fd.h"

struct pair {
    struct channel here;  /* files, in IDLE */
    struct channel there; /* session */
};

static void open_pair(struct pair *p)
{
    int ends[2];

    cr_assert_eq(fd_pair(ends), 0);
    channel_init(&p->here, ends[0], PROCESS_FILES, PROCESS_SESSION, PHASE_IDLE);
    channel_init(&p->there, ends[1], PROCESS_SESSION, PROCESS_FILES,
                 PHASE_ASKED);
}

static void close_pair(struct pair *p)
{
    channel_close(&p->here);
    channel_close(&p->there);
}

static int open_descriptors(void)
{
    int n = 0;

    for (int fd = 0; fd < 256; fd++)
        n += fcntl(fd, F_GETFD) >= 0;
    return n;
}

Test(channel, fields_arrive_as_they_were_sent)
{
    struct pair p;
    struct packet out = { .message = MSG_RENAME,
                          .value = { TEXT(SLICE("/from")),
                                     TEXT(SLICE("/to\xff")) } };
    struct packet in;

    open_pair(&p);
    out.request = channel_next(&p.there);
    cr_assert_eq(channel_send(&p.there, &out), 0);
    cr_assert_eq(channel_receive(&p.here, &in), 1);
    cr_assert_eq(in.message, MSG_RENAME);
    cr_assert_eq(in.request, out.request);
    cr_assert(slice_equal(in.value[0].text, SLICE("/from")));
    cr_assert(slice_equal(in.value[1].text, SLICE("/to\xff")));
    cr_assert_eq(channel_receive(&p.here, &in), 0);
    close_pair(&p);
}

Test(channel, numbers_addresses_and_descriptors)
{
    int ends[2];
    struct channel gate, session;
    struct packet in, out = { .message = MSG_DATA, .fd = { 0, -1 } };
    struct address a;

    cr_assert_eq(fd_pair(ends), 0);
    channel_init(&gate, ends[0], PROCESS_GATE, PROCESS_SESSION, PHASE_RUN);
    channel_init(&session, ends[1], PROCESS_SESSION, PROCESS_GATE, PHASE_RUN);
    address_parse_port(SLICE("[2001:db8::5]:2121"), &a);
    out.value[0].address = a;
    cr_assert_eq(channel_send(&gate, &out), 0);
    cr_assert_eq(channel_receive(&session, &in), 1);
    cr_assert(address_same_host(&a, &in.value[0].address));
    cr_assert_eq(in.value[0].address.port, 2121);
    cr_assert(fcntl(in.fd[0], F_GETFD) & FD_CLOEXEC);
    packet_close(&in);
    channel_close(&gate);
    cr_assert_eq(channel_receive(&session, &in), -EPIPE);
    channel_close(&session);
    cr_assert_eq(channel_receive(&session, &in), -EPIPE);
}

/* What the sender's own side refuses. */
Test(channel, sender_is_held_to_the_list)
{
    char path[4098];
    struct pair p;
    struct packet not_mine = { .message = MSG_FACTS_ARE };
    struct packet bad_path = { .message = MSG_FOLDER_ENTER,
                               .value = { TEXT(SLICE("relative")) } };
    struct packet long_path = { .message = MSG_FOLDER_ENTER };
    struct packet nul = { .message = MSG_FOLDER_ENTER,
                          .value = { TEXT(SLICE("/a\0b")) } };

    memset(path, 'a', sizeof(path));
    path[0] = '/';
    long_path.value[0].text = (struct slice){ path, 4097 };
    open_pair(&p);
    cr_assert_eq(channel_send(&p.there, &not_mine), -EINVAL);
    cr_assert_eq(channel_send(&p.there, &bad_path), -EINVAL);
    cr_assert_eq(channel_send(&p.there, &long_path), -EINVAL);
    cr_assert_eq(channel_send(&p.there, &nul), -EINVAL);
    long_path.value[0].text.len = 4096;
    cr_assert_eq(channel_send(&p.there, &long_path), 0);
    close_pair(&p);
}

struct raw {
    const char *what;
    const char *bytes;
    size_t len;
    size_t fds; /* descriptors sent along */
    enum phase phase;
    const char *wrong;
};

/* Header: message (2, little endian), zero (2), request (4). */
#define HEAD(m) m "\0\0\0\1\0\0\0"

static const struct raw lies[] = {
    { "nothing but a byte", "x", 1, 0, PHASE_IDLE,
      "an unknown or malformed message" },
    { "message 0", HEAD("\0"), 8, 0, PHASE_IDLE,
      "an unknown or malformed message" },
    { "unknown message", HEAD("\xf0"), 8, 0, PHASE_IDLE,
      "an unknown or malformed message" },
    { "high byte of the number", "\x01\x01\0\0\1\0\0\0", 8, 0, PHASE_IDLE,
      "an unknown or malformed message" },
    { "nonzero zero", "\x01\0\1\0\1\0\0\0", 8, 0, PHASE_IDLE,
      "an unknown or malformed message" },
};

static void send_raw(int fd, const char *bytes, size_t len, size_t fds)
{
    struct iovec part = { (void *)(uintptr_t)bytes, len };
    char space[CMSG_SPACE(sizeof(int) * 8)] = "";
    struct msghdr m = { .msg_iov = &part, .msg_iovlen = 1 };

    if (fds > 0) {
        struct cmsghdr *h;

        m.msg_control = space;
        m.msg_controllen = CMSG_SPACE(sizeof(int) * fds);
        h = CMSG_FIRSTHDR(&m);
        h->cmsg_level = SOL_SOCKET;
        h->cmsg_type = SCM_RIGHTS;
        h->cmsg_len = CMSG_LEN(sizeof(int) * fds);
        for (size_t i = 0; i < fds; i++)
            ((int *)(void *)CMSG_DATA(h))[i] = 0;
    }
    cr_assert_eq(sendmsg(fd, &m, 0), (ssize_t)len);
}

Test(channel, raw_lies)
{
    for (size_t i = 0; i < sizeof(lies) / sizeof(lies[0]); i++) {
        struct packet in;
        struct pair p;

        open_pair(&p);
        send_raw(p.there.fd, lies[i].bytes, lies[i].len, lies[i].fds);
        cr_assert_eq(channel_receive(&p.here, &in), -EPROTO, "%s",
                     lies[i].what);
        cr_assert_str_eq(p.here.wrong, lies[i].wrong, "%s", lies[i].what);
        close_pair(&p);
    }
}

static size_t good_bytes(char out[PACKET_MAX], enum message m,
                         struct slice text)
{
    struct packet p = { .message = m, .request = 1, .value = { TEXT(text) } };
    ssize_t n = packet_encode(&p, message_row(m), out);

    cr_assert_gt(n, 0);
    return (size_t)n;
}

Test(channel, every_truncation_and_every_extra_byte_is_refused)
{
    char bytes[PACKET_MAX];
    size_t len = good_bytes(bytes, MSG_FOLDER_ENTER, SLICE("/folder"));
    struct packet in;

    cr_assert_eq(packet_decode(bytes, len, &in), 0);
    for (size_t n = 0; n < len; n++)
        cr_assert_eq(packet_decode(bytes, n, &in), -EPROTO, "%zu", n);
    bytes[len] = 0;
    cr_assert_eq(packet_decode(bytes, len + 1, &in), -EPROTO);
}

Test(channel, descriptors_where_none_belong)
{
    char bytes[PACKET_MAX];
    size_t len = good_bytes(bytes, MSG_FOLDER_ENTER, SLICE("/folder"));
    int before = open_descriptors();

    for (size_t fds = 1; fds <= 8; fds++) {
        struct packet in;
        struct pair p;

        open_pair(&p);
        send_raw(p.there.fd, bytes, len, fds);
        cr_assert_eq(channel_receive(&p.here, &in), -EPROTO, "%zu", fds);
        close_pair(&p);
        cr_assert_eq(open_descriptors(), before, "%zu leaked", fds);
    }
}

Test(channel, a_descriptor_is_missing)
{
    struct packet out = { .message = MSG_FOLDER_PIPE, .request = 1 };
    char bytes[PACKET_MAX];
    ssize_t len = packet_encode(&out, message_row(MSG_FOLDER_PIPE), bytes);
    struct packet in;
    struct pair p;

    open_pair(&p);
    send_raw(p.here.fd, bytes, (size_t)len, 0);
    cr_assert_eq(channel_receive(&p.there, &in), -EPROTO);
    cr_assert_str_eq(p.there.wrong, "a wrong number of descriptors");
    close_pair(&p);
}

/* What a field of this letter may hold. */
static struct slice sample_text(char letter)
{
    static const char key[80];

    if (letter == 'k')
        return (struct slice){ key, sizeof(key) };
    return letter == 'p' ? SLICE("/x") : SLICE("x");
}

/* Every message of the list, in every phase, from every process: only what the
 * row permits gets through. */
Test(channel, the_whole_matrix)
{
    static const unsigned phases[] = { 1, 2, 4, 8, 16, 32, 64, 128 };
    size_t passed = 0;

    for (unsigned m = 1; m < MSG_COUNT; m++)
        for (unsigned from = 0; from < PROCESS_COUNT; from++)
            for (unsigned to = 0; to < PROCESS_COUNT; to++)
                for (size_t i = 0; i < 8; i++) {
                    const struct message_row *row = message_row(m);
                    struct packet p = { .message = (enum message)m };
                    bool may = (row->from & 1U << from) &&
                               (row->to & 1U << to) &&
                               (row->phases & phases[i]);
                    char bytes[PACKET_MAX];
                    struct packet in;
                    struct channel c;
                    int ends[2];
                    ssize_t len;

                    for (size_t f = 0; row->fields[f]; f++)
                        p.value[f].text = sample_text(row->fields[f]);
                    len = packet_encode(&p, row, bytes);
                    cr_assert_gt(len, 0, "%s", row->name);
                    cr_assert_eq(fd_pair(ends), 0);
                    channel_init(&c, ends[0], (enum process)to,
                                 (enum process)from, phases[i]);
                    send_raw(ends[1], bytes, (size_t)len, row->fds);
                    cr_assert_eq(channel_receive(&c, &in), may ? 1 : -EPROTO,
                                 "%s from %u to %u in %u", row->name, from, to,
                                 phases[i]);
                    passed += may;
                    packet_close(&in);
                    channel_close(&c);
                    close(ends[1]);
                }
    cr_assert_gt(passed, MSG_COUNT);
}

Test(channel, once_means_once)
{
    struct packet out = { .message = MSG_GO }, in;
    struct channel master, gate;
    int ends[2];

    cr_assert_eq(fd_pair(ends), 0);
    channel_init(&master, ends[0], PROCESS_MASTER, PROCESS_GATE, PHASE_START);
    channel_init(&gate, ends[1], PROCESS_GATE, PROCESS_MASTER, PHASE_START);
    cr_assert_eq(channel_send(&master, &out), 0);
    cr_assert_eq(channel_send(&master, &out), 0);
    cr_assert_eq(channel_receive(&gate, &in), 1);
    cr_assert_eq(channel_receive(&gate, &in), -EPROTO);
    cr_assert_str_eq(gate.wrong, "a message for the second time");
    channel_close(&master);
    channel_close(&gate);
}

Test(channel, a_peer_that_does_not_read_is_told_by_eagain)
{
    struct packet out = { .message = MSG_FOLDER_ENTER,
                          .value = { TEXT(SLICE("/a")) } };
    struct pair p;
    int r, n = 0;

    open_pair(&p);
    do
        r = channel_send(&p.there, &out);
    while (r == 0 && ++n < 1000000);
    cr_assert_eq(r, -EAGAIN);
    cr_assert_gt(n, 0);
    close_pair(&p);
}

/* It says why it goes, and leaves a message of ours unread. */
Test(channel, last_words_of_a_peer_that_did_not_read)
{
    struct packet out = { .message = MSG_FOLDER_ENTER,
                          .value = { TEXT(SLICE("/a")) } };
    struct packet in;
    struct pair p;

    open_pair(&p);
    cr_assert_eq(write(p.here.fd, "unread", 6), 6);
    cr_assert_eq(channel_send(&p.there, &out), 0);
    channel_close(&p.there);
    cr_expect_eq(channel_receive(&p.here, &in), 1);
    cr_expect_eq(in.message, MSG_FOLDER_ENTER);
    cr_expect_eq(channel_receive(&p.here, &in), -EPIPE);
    close_pair(&p);
}

Test(channel, wait_has_a_deadline)
{
    uint64_t before = clock_ms();
    struct packet in;
    struct pair p;

    open_pair(&p);
    cr_assert_eq(channel_wait(&p.here, &in, 30), -ETIMEDOUT);
    cr_assert_geq(clock_ms() - before, 29);
    close_pair(&p);
}

static int calls;

static int take(void *owner, struct packet *p)
{
    (void)owner;
    (void)p;
    return ++calls == 3 ? -1000 : 0;
}

Test(channel, dispatch)
{
    static const struct handler table[] = { { MSG_FOLDER_ENTER, take } };
    struct packet enter = { .message = MSG_FOLDER_ENTER,
                            .value = { TEXT(SLICE("/a")) } };
    struct packet make = { .message = MSG_FOLDER_MAKE,
                           .value = { TEXT(SLICE("/a")) } };
    struct pair p;

    open_pair(&p);
    cr_assert_eq(channel_dispatch(&p.here, table, 1, NULL), 0);
    for (int i = 0; i < 4; i++)
        cr_assert_eq(channel_send(&p.there, &enter), 0);
    cr_assert_eq(channel_dispatch(&p.here, table, 1, NULL), -1000);
    cr_assert_eq(calls, 3);
    cr_assert_eq(channel_dispatch(&p.here, table, 1, NULL), 0);
    cr_assert_eq(channel_send(&p.there, &make), 0);
    cr_assert_eq(channel_dispatch(&p.here, table, 1, NULL), -EPROTO);
    channel_close(&p.there);
    cr_assert_eq(channel_dispatch(&p.here, table, 1, NULL), -EPIPE);
    close_pair(&p);
}

static int nothing(void *owner, struct packet *p)
{
    (void)p;
    ++*(int *)owner;
    return 0;
}

/* A child's set-up ends at GO: what comes behind it is the loop's. */
Test(channel, setup_ends_at_go)
{
    static const struct handler table[] = { { MSG_CAGE, nothing } };
    struct packet cage = { .message = MSG_CAGE, .fd = { 0, -1 } };
    struct packet go = { .message = MSG_GO };
    struct packet users = { .message = MSG_USERS, .fd = { 0, -1 } }, in;
    struct channel master, auth;
    struct complaint c = { "" };
    int ends[2], handled = 0;

    cr_assert_eq(fd_pair(ends), 0);
    channel_init(&master, ends[0], PROCESS_MASTER, PROCESS_AUTH, PHASE_START);
    channel_init(&auth, ends[1], PROCESS_AUTH, PROCESS_MASTER, PHASE_START);
    cr_assert_eq(channel_setup(&auth, table, 1, &handled, 20, &c), -ETIMEDOUT);
    cr_assert_str_eq(c.text, "auth: set-up: Connection timed out");
    c.text[0] = 0;
    cr_assert_eq(channel_send(&master, &cage), 0);
    cr_assert_eq(channel_send(&master, &go), 0);
    cr_assert_eq(channel_send(&master, &users), 0);
    cr_assert_eq(channel_setup(&auth, table, 1, &handled, 1000, &c), 0);
    cr_assert_str_eq(c.text, "");
    cr_assert_eq(handled, 1);
    cr_assert_eq(channel_receive(&auth, &in), 1);
    cr_assert_eq(in.message, MSG_USERS);
    packet_close(&in);
    cr_assert_eq(channel_send(&master, &users), 0);
    cr_assert_eq(channel_setup(&auth, table, 1, &handled, 1000, &c), -EPROTO);
    cr_assert_str_eq(c.text,
                     "auth: set-up: a message that nobody handles here");
    channel_close(&master);
    cr_assert_eq(channel_setup(&auth, table, 1, &handled, 1000, &c), -EPIPE);
    channel_close(&auth);
}
