/* Channels against peers that lie. */
#include "sallyport/ipc/channel.h"

#include <stdnoreturn.h>
#include <sys/resource.h>

#include "ipc/codec.h"
#include "sallyport/base/clock.h"
#include "sallyport/base/fd.h"
#include "support/cast.h"
#include "support/test.h"

static struct {
    struct channel here;  /* files, in IDLE */
    struct channel there; /* session */
} p;

static void open_pair(void)
{
    channel_make_both(&p.here, PROCESS_FILES, &p.there, PROCESS_SESSION,
                      PHASE_IDLE);
    p.there.phase = PHASE_ASKED;
}

static void close_pair(void)
{
    channel_close(&p.here);
    channel_close(&p.there);
}

TestSuite(channel, .init = open_pair, .fini = close_pair);

Test(channel, fields_arrive_as_they_were_sent)
{
    struct message in;
    uint32_t request;

    request = channel_next(&p.there);
    cr_assert_eq(SEND(&p.there, rename, request, .from = SLICE("/from"),
                      .to = SLICE("/to\xff")),
                 0);
    cr_assert_eq(channel_receive(&p.here, &in), 1);
    cr_assert_eq(in.kind, MSG_rename);
    cr_assert_eq(in.request, request);
    cr_assert(slice_equal(in.rename.from, SLICE("/from")));
    cr_assert(slice_equal(in.rename.to, SLICE("/to\xff")));
    cr_assert_eq(channel_receive(&p.here, &in), 0);
}

Test(channel, numbers_addresses_and_descriptors)
{
    struct channel gate, session;
    struct message in;
    struct address a;

    channel_make_both(&gate, PROCESS_GATE, &session, PROCESS_SESSION,
                      PHASE_RUN);
    address_parse_port(SLICE("[2001:db8::5]:2121"), &a);
    cr_assert_eq(SEND(&gate, port_is, 1, .address = a, .bound = a,
                      .proxied = true, .listener = 0),
                 0);
    cr_assert_eq(channel_receive(&session, &in), 1);
    cr_assert(address_same_host(&a, &in.port_is.address));
    cr_assert_eq(in.port_is.address.port, 2121);
    cr_assert(in.port_is.proxied);
    cr_assert_eq(fcntl(in.port_is.listener, F_GETFD), FD_CLOEXEC);
    message_close(&in);
    cr_assert_eq(in.port_is.listener, -1);
    channel_close(&gate);
    cr_assert_eq(channel_receive(&session, &in), -EPIPE);
    channel_close(&session);
    cr_assert_eq(channel_receive(&session, &in), -EPIPE);
}

static int enter(struct channel *c, struct slice path)
{
    return SEND(c, directory_enter, 0, .path = path);
}

/* The sender's own end refuses these. */
Test(channel, sender_is_held_to_the_list)
{
    struct channel master;
    struct slice path;
    char bytes[4098];

    memset(bytes, 'a', sizeof(bytes));
    bytes[0] = '/';
    path = (struct slice){ bytes, 4097 };
    cr_assert_eq(SEND(&p.there, done, 0), -EINVAL, "not its");
    cr_assert_eq(enter(&p.there, SLICE("relative")), -EINVAL);
    cr_assert_eq(enter(&p.there, path), -EINVAL);
    cr_assert_eq(enter(&p.there, SLICE("/a\0b")), -EINVAL);
    cr_assert_eq(SEND(&p.there, facts, 1, .path = SLICE("/"),
                      .purpose = FACTS_FOR_COUNT, .directory = false),
                 -EINVAL, "no value of that enum");
    channel_init(&master, dup(p.here.fd), PROCESS_FILES, PROCESS_MASTER,
                 PHASE_START);
    cr_assert_eq(SEND(&master, failed, 0, .error = 4096, .why = SLICE("")),
                 -EINVAL, "no errno");
    channel_close(&master);
    path.len = 4096;
    cr_assert_eq(enter(&p.there, path), 0);
}

/* A complaint can be longer than a text of a message. */
Test(channel, the_sender_cuts_a_complaint)
{
    static char why[4096];
    struct channel files, master;
    struct message in;

    memset(why, 'a', sizeof(why) - 1);
    channel_make_both(&files, PROCESS_FILES, &master, PROCESS_MASTER,
                      PHASE_START);
    cr_assert_eq(SEND(&files, failed, 0, .error = 1, .why = slice_from(why)),
                 0);
    cr_assert_eq(channel_receive(&master, &in), 1);
    cr_expect_eq(in.failed.why.len, MESSAGE_TEXT_MAX);
    cr_expect(slice_equal((struct slice){ in.failed.why.ptr + 1020, 4 },
                          SLICE("a...")));
    channel_close(&files);
    channel_close(&master);
}

static ssize_t encode_word(struct slice word, char out[MESSAGE_MAX])
{
    return codec_encode(
        MSG_welcome, MESSAGE_BODY(welcome, 1, .version = word, .pid = 1), out);
}

/* A word is shown as it is, so no byte of it may control a terminal; neither
 * its sender nor its receiver accepts one. */
Test(channel, a_word_has_no_control_bytes)
{
    static const struct slice wrong[] = { SLICE(""), SLICE("a\nb"),
                                          SLICE("\x1f"), SLICE("a\x7f"),
                                          SLICE("a\0b") };
    char bytes[MESSAGE_MAX], *at;
    struct message m;

    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
        cr_expect_eq(encode_word(wrong[i], bytes), -EINVAL, "%zu", i);
    ssize_t len = encode_word(SLICE("a b~\xc3\xa4"), bytes);
    cr_assert_gt(len, 0);
    cr_expect_eq(codec_decode(bytes, (size_t)len, &m), 0);
    at = memchr(bytes, '~', (size_t)len);
    cr_assert_not_null(at);
    for (int c = 0; c < 256; c++) {
        bool control = c < 0x20 || c == 0x7f;

        *at = (char)c;
        cr_expect_eq(codec_decode(bytes, (size_t)len, &m),
                     control ? -EPROTO : 0, "%d", c);
    }
}

/* The header: message (2, little endian), zero (2), request (4). */
#define HEAD(m) SLICE(m "\0\0\0\1\0\0\0")

static const struct {
    const char *what;
    struct slice bytes;
} lies[] = {
    { "nothing but a byte", SLICE("x") },
    { "message 0", HEAD("\0") },
    { "unknown message", HEAD("\xf0") },
    { "high byte of the number", SLICE("\x01\x01\0\0\1\0\0\0") },
    { "nonzero zero", SLICE("\x01\0\1\0\1\0\0\0") },
};

static void send_raw(int fd, const char *bytes, size_t len, size_t fds)
{
    static const int standard_input[RAW_FDS];

    cr_assert_eq(raw_send(fd, bytes, len, standard_input, fds), (ssize_t)len);
}

Test(channel, raw_lies)
{
    for (size_t i = 0; i < sizeof(lies) / sizeof(lies[0]); i++) {
        struct message in;

        close_pair();
        open_pair();
        send_raw(p.there.fd, lies[i].bytes.ptr, lies[i].bytes.len, 0);
        cr_assert_eq(channel_receive(&p.here, &in), -EPROTO, "%s",
                     lies[i].what);
        cr_assert_str_eq(p.here.wrong, "an unknown or malformed message", "%s",
                         lies[i].what);
    }
}

static size_t good_bytes(char out[MESSAGE_MAX], struct slice path)
{
    ssize_t n =
        codec_encode(MSG_directory_enter,
                     MESSAGE_BODY(directory_enter, 1, .path = path), out);

    cr_assert_gt(n, 0);
    return (size_t)n;
}

Test(channel, every_truncation_and_every_extra_byte_is_refused)
{
    char bytes[MESSAGE_MAX];
    size_t len = good_bytes(bytes, SLICE("/directory"));
    struct message in;

    cr_assert_eq(codec_decode(bytes, len, &in), 0);
    for (size_t n = 0; n < len; n++)
        cr_assert_eq(codec_decode(bytes, n, &in), -EPROTO, "%zu", n);
    bytes[len] = 0;
    cr_assert_eq(codec_decode(bytes, len + 1, &in), -EPROTO);
}

static const struct message_field *field_of(enum message_kind kind,
                                            const char *name)
{
    const struct message_field *f = message_row(kind)->fields();

    while (strcmp(f->name, name) != 0)
        f++;
    return f;
}

/* A number at the end of a message: one more than its limit is refused. */
static void check_limit(enum message_kind kind, const void *body,
                        const char *last)
{
    char bytes[MESSAGE_MAX];
    ssize_t len = codec_encode(kind, body, bytes);
    uint64_t most = field_of(kind, last)->count - 1;
    struct message in;

    cr_assert_gt(len, 0);
    memcpy(bytes + len - 8, &most, 8);
    cr_expect_eq(codec_decode(bytes, (size_t)len, &in), 0, "%s", last);
    most++;
    memcpy(bytes + len - 8, &most, 8);
    cr_expect_eq(codec_decode(bytes, (size_t)len, &in), -EPROTO, "%s", last);
    most = UINT64_MAX;
    memcpy(bytes + len - 8, &most, 8);
    cr_expect_eq(codec_decode(bytes, (size_t)len, &in), -EPROTO, "%s", last);
}

Test(channel, flags_enums_and_errnos_have_limits)
{
    check_limit(MSG_file_abort, MESSAGE_BODY(file_abort, 1, .worthless = true),
                "worthless");
    check_limit(MSG_directory_listed,
                MESSAGE_BODY(directory_listed, 1, .outcome = OUTCOME_OK),
                "outcome");
    check_limit(MSG_port_none, MESSAGE_BODY(port_none, 1, .error = 5), "error");
}

Test(channel, times_before_1970_arrive)
{
    char bytes[MESSAGE_MAX];
    struct message in;
    ssize_t len =
        codec_encode(MSG_times,
                     MESSAGE_BODY(times, 1, .path = SLICE("/a"), .access = -1,
                                  .modify = -86400, .directory = false),
                     bytes);

    cr_assert_eq(codec_decode(bytes, (size_t)len, &in), 0);
    cr_expect_eq(in.times.access, -1);
    cr_expect_eq(in.times.modify, -86400);
}

Test(channel, descriptors_where_none_belong)
{
    char bytes[MESSAGE_MAX];
    size_t len = good_bytes(bytes, SLICE("/directory"));
    size_t before = open_descriptors();

    for (size_t fds = 1; fds <= 8; fds++) {
        struct message in;

        close_pair();
        open_pair();
        send_raw(p.there.fd, bytes, len, fds);
        cr_assert_eq(channel_receive(&p.here, &in), -EPROTO, "%zu", fds);
        cr_assert_eq(open_descriptors(), before, "%zu leaked", fds);
    }
}

Test(channel, a_descriptor_is_missing)
{
    char bytes[MESSAGE_MAX];
    ssize_t len =
        codec_encode(MSG_directory_pipe,
                     MESSAGE_BODY(directory_pipe, 1, .listing = 0), bytes);
    struct message in;

    send_raw(p.here.fd, bytes, (size_t)len, 0);
    cr_assert_eq(channel_receive(&p.there, &in), -EPROTO);
    cr_assert_str_eq(p.there.wrong, "a wrong number of descriptors");
}

/* So that COUNT more can be opened. Returns the limit before. */
static struct rlimit leave_descriptors(rlim_t count)
{
    struct rlimit before, now;
    int last = -1, fd;

    cr_assert_eq(getrlimit(RLIMIT_NOFILE, &before), 0);
    for (rlim_t n = 0; n <= count; n++) {
        for (fd = last + 1; fcntl(fd, F_GETFD) >= 0; fd++)
            ;
        last = fd;
    }
    now = (struct rlimit){ (rlim_t)last, before.rlim_max };
    cr_assert_eq(setrlimit(RLIMIT_NOFILE, &now), 0);
    return before;
}

/* A receiver without descriptors loses the message, and only that. It isn't the
 * sender's mistake, unless the message may have none. */
Test(channel, no_descriptor_is_left)
{
    const char status[] = { MSG_kill, 0, 0, 0, 0, 0, 0, 0, 7, 0, 0, 0,
                            0,        0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0 };

    for (rlim_t left = 0; left < 3; left++) {
        size_t before = open_descriptors();
        struct channel gate, master;
        struct rlimit limit;
        struct message in;

        channel_make_both(&gate, PROCESS_GATE, &master, PROCESS_MASTER,
                          PHASE_RUN);
        cr_assert_eq(SEND(&gate, session, 0, .serial = 7, .pid = 0,
                          .peer = { 0 }, .local = { 0 }, .listener = 0,
                          .master = 0, .log = 0, .keys = 0),
                     0);
        cr_assert_eq(SEND(&gate, kill, 0, .serial = 7, .why = 0), 0);
        send_raw(gate.fd, status, sizeof(status), 3);
        limit = leave_descriptors(left);
        cr_expect_eq(channel_receive(&master, &in), -EMFILE);
        cr_expect_eq(channel_receive(&master, &in), 1);
        cr_expect_eq(in.kind, MSG_kill);
        cr_expect_eq(channel_receive(&master, &in), -EPROTO);
        cr_assert_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
        channel_close(&gate);
        channel_close(&master);
        cr_expect_eq(open_descriptors(), before);
    }
}

/* Gives each field of the message a permitted value. */
static void fill(struct message *m)
{
    static const char key[80];
    const struct message_field *f;

    for (f = message_row(m->kind)->fields(); f->type != TYPE_END; f++) {
        struct slice text = SLICE("x");

        if (f->type == TYPE_KEY)
            text = (struct slice){ key, sizeof(key) };
        else if (f->type == TYPE_PATH)
            text = SLICE("/x");
        if (f->type >= TYPE_WORD && f->type <= TYPE_BYTES)
            memcpy((char *)&m->request + f->offset, &text, sizeof(text));
    }
}

static size_t filled(enum message_kind kind, char out[MESSAGE_MAX])
{
    struct message m;
    ssize_t len;

    memset(&m, 0, sizeof(m));
    m.kind = kind;
    fill(&m);
    len = codec_encode(kind, &m.request, out);
    cr_assert_gt(len, 0, "%s", message_name(kind));
    return (size_t)len;
}

static bool passes(enum message_kind kind, unsigned from, unsigned to,
                   unsigned phase)
{
    const struct message_row *row = message_row(kind);
    bool may = (row->from & 1U << from) && (row->to & 1U << to) &&
               (row->phases & phase);
    char bytes[MESSAGE_MAX];
    size_t len = filled(kind, bytes);
    struct message in;
    struct channel c;
    int far = channel_make(&c, (enum process)to, (enum process)from, phase);

    send_raw(far, bytes, len, message_count(row, TYPE_FD));
    cr_assert_eq(channel_receive(&c, &in), may ? 1 : -EPROTO,
                 "%s from %u to %u in %u", row->name, from, to, phase);
    message_close(&in);
    channel_close(&c);
    close(far);
    return may;
}

/* The number of a message that is gone means nothing. */
static void check_retired(unsigned m)
{
    char head[MESSAGE_HEAD];
    struct message in;

    message_head(head, m, 0);
    cr_assert_eq(codec_decode(head, sizeof(head), &in), -EPROTO, "%u", m);
}

/* Every message of the list, in every phase, from every process: only those
 * that the row permits get through. */
Test(channel, the_whole_matrix)
{
    static const unsigned phases[] = { 1, 2, 4, 8, 16, 32, 64, 128 };
    size_t messages = 0, passed = 0;

    for (unsigned m = 1; m < MSG_COUNT; m++) {
        if (!message_row(m)) {
            check_retired(m);
            continue;
        }
        messages++;
        for (unsigned from = 0; from < PROCESS_COUNT; from++)
            for (unsigned to = 0; to < PROCESS_COUNT; to++)
                for (size_t i = 0; i < 8; i++)
                    passed += passes((enum message_kind)m, from, to, phases[i]);
    }
    cr_assert_gt(passed, messages);
}

Test(channel, once_means_once)
{
    struct message in;
    struct channel master, gate;

    channel_make_both(&master, PROCESS_MASTER, &gate, PROCESS_GATE,
                      PHASE_START);
    cr_assert_eq(SEND(&gate, ready, 0), 0);
    cr_assert_eq(SEND(&gate, ready, 0), 0);
    cr_assert_eq(channel_receive(&master, &in), 1);
    cr_assert_eq(channel_receive(&master, &in), -EPROTO);
    cr_assert_str_eq(master.wrong, "a message for the second time");
    channel_close(&master);
    channel_close(&gate);
}

Test(channel, a_peer_that_does_not_read_is_told_by_eagain)
{
    int r, n = 0;

    do
        r = enter(&p.there, SLICE("/a"));
    while (r == 0 && ++n < 1000000);
    cr_assert_eq(r, -EAGAIN);
    cr_assert_gt(n, 0);
}

/* The peer says why it leaves, and leaves a message unread. */
Test(channel, last_words_of_a_peer_that_did_not_read)
{
    struct message in;

    cr_assert_eq(write(p.here.fd, "unread", 6), 6);
    cr_assert_eq(enter(&p.there, SLICE("/a")), 0);
    channel_close(&p.there);
    cr_expect_eq(channel_receive(&p.here, &in), 1);
    cr_expect_eq(in.kind, MSG_directory_enter);
    cr_expect_eq(channel_receive(&p.here, &in), -EPIPE);
}

Test(channel, a_peer_that_is_gone)
{
    channel_close(&p.here);
    cr_expect_eq(enter(&p.there, SLICE("/a")), -EPIPE);
    cr_expect_eq(enter(&p.there, SLICE("/a")), -EPIPE, "again");
}

Test(channel, wait_has_a_deadline)
{
    uint64_t before = clock_ms();
    struct message in;

    cr_assert_eq(channel_wait(&p.here, &in, 30), -ETIMEDOUT);
    cr_assert_geq(clock_ms() - before, 29);
}

/* Too many descriptors are under way: poll(2) reports room all the time. */
static noreturn void send_descriptors(struct channel *to)
{
    const struct rlimit few = { 16, 16 };
    uint64_t end = clock_ms() + 100;
    int r = 0;

    if (setrlimit(RLIMIT_NOFILE, &few) < 0 || (geteuid() == 0 && setuid(1) < 0))
        _exit(1);
    for (int i = 0; i < 100 && r == 0; i++)
        r = channel_send_by(to, MSG_keep,
                            MESSAGE_BODY(keep, 0, .name = SLICE("a file"),
                                         .file = STDERR_FILENO),
                            end);
    _exit(r == -EAGAIN && clock_ms() >= end ? 0 : 2);
}

Test(channel, sending_has_a_deadline)
{
    struct channel to;
    int status, far;
    pid_t pid;

    far = channel_make(&to, PROCESS_MASTER, PROCESS_SUPERVISOR, PHASE_RUN);
    pid = fork();
    if (pid == 0)
        send_descriptors(&to);
    cr_assert_eq(waitpid(pid, &status, 0), pid);
    cr_expect_eq(status, 0);
    channel_close(&to);
    close(far);
}

static int on_enter(void *owner, struct msg_directory_enter *m)
{
    int *calls = owner;

    cr_expect(slice_equal(m->path, SLICE("/a")));
    return ++*calls == 3 ? -1000 : 0;
}

Test(channel, dispatch)
{
    static const struct handler table[] = { ON(directory_enter, on_enter) };
    int calls = 0;

    cr_assert_eq(channel_dispatch(&p.here, table, 1, &calls, DISPATCH_MAX), 0);
    for (int i = 0; i < 4; i++)
        cr_assert_eq(enter(&p.there, SLICE("/a")), 0);
    cr_assert_eq(channel_dispatch(&p.here, table, 1, &calls, DISPATCH_MAX),
                 -1000);
    cr_assert_eq(calls, 3);
    cr_assert_eq(channel_dispatch(&p.here, table, 1, &calls, DISPATCH_MAX), 0);
    cr_assert_eq(SEND(&p.there, directory_make, 0, .path = SLICE("/a")), 0);
    cr_assert_eq(channel_dispatch(&p.here, table, 1, &calls, DISPATCH_MAX),
                 -EPROTO);
    channel_close(&p.there);
    cr_assert_eq(channel_dispatch(&p.here, table, 1, &calls, DISPATCH_MAX),
                 -EPIPE);
}

static int on_verdict(void *owner, struct msg_verdict *m)
{
    cr_expect(slice_equal(m->hash, SLICE("$y$hash")));
    *(const char **)owner = m->hash.ptr;
    return 0;
}

/* Master forks a user's files later, which inherits all of its memory. */
Test(channel, no_hash_stays_in_the_buffer)
{
    static const struct handler table[] = { ON(verdict, on_verdict) };
    struct channel auth, master;
    const char *hash = NULL;

    channel_make_both(&auth, PROCESS_AUTH, &master, PROCESS_MASTER, PHASE_RUN);
    cr_assert_eq(SEND(&auth, verdict, 0, .serial = 1, .accepted = true,
                      .user = SLICE("anna"), .version = 1, .failed = false,
                      .name = 0, .step = 0, .fault = PASSWORD_OK,
                      .hash = SLICE("$y$hash")),
                 0);
    cr_assert_eq(channel_dispatch(&master, table, 1, &hash, DISPATCH_MAX), 0);
    cr_assert_not_null(hash);
    cr_expect_eq(memcmp(hash, (const char[7]){ 0 }, 7), 0);
    channel_close(&auth);
    channel_close(&master);
}

/* The child of a fork wipes all that was received before, not only what the
 * last message has overwritten. */
Test(channel, nothing_stays_in_the_buffer)
{
    static char path[4096];
    const struct slice longest = { path, sizeof(path) };
    struct message in;
    const char *text;

    memset(path, 'a', sizeof(path));
    path[0] = '/';
    cr_assert_eq(SEND(&p.there, rename, 1, .from = longest, .to = longest), 0);
    cr_assert_eq(channel_receive(&p.here, &in), 1);
    text = in.rename.to.ptr;
    cr_assert_eq(enter(&p.there, SLICE("/a")), 0);
    cr_assert_eq(channel_receive(&p.here, &in), 1);
    cr_assert_eq(memcmp(text, path, sizeof(path)), 0);
    channel_forget();
    for (size_t i = 0; i < sizeof(path); i++)
        cr_assert_eq(text[i], 0);
}

static int on_any_enter(void *owner, struct msg_directory_enter *m)
{
    (void)m;
    ++*(int *)owner;
    return 0;
}

/* The peer has ended: there is no next time. */
Test(channel, drain)
{
    static const struct handler table[] = { ON(directory_enter, on_any_enter) };
    int calls = 0;

    for (int i = 0; i < 150; i++)
        cr_assert_eq(enter(&p.there, SLICE("/a")), 0);
    channel_close(&p.there);
    cr_assert_eq(channel_dispatch(&p.here, table, 1, &calls, DISPATCH_MAX), 0);
    cr_assert_eq(calls, 64);
    cr_assert_eq(channel_dispatch(&p.here, table, 1, &calls, DISPATCH_ALL),
                 -EPIPE);
    cr_assert_eq(calls, 150);
}
