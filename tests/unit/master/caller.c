/* The messages that a sallyportctl sends and receives. */
#include "caller.h"

#include "sallyport/base/address.h"
#include "sallyport/base/fd.h"
#include "sallyport/ipc/generation.h"

struct caller ctl;

/* Uses a blocking socket, so connect() waits while the queue is full. */
int caller_connect(void)
{
    FD_CLEANUP int folder =
        open(stage.folder, O_PATH | O_DIRECTORY | O_CLOEXEC);
    FD_CLEANUP int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
    struct sockaddr_un at;
    int size = local_address(folder, "control", &at);

    cr_assert_gt(size, 0);
    cr_assert_eq(connect(fd, (struct sockaddr *)&at, (socklen_t)size), 0, "%s",
                 strerror(errno));
    return fd_take(&fd);
}

void caller_hears(struct caller *c, enum message_kind m, struct message *p)
{
    *p = *cast_expect(&c->channel, m);
    heard.kind = MSG_NONE; /* the descriptors are P's */
}

void caller_enter(struct caller *c)
{
    struct message p;

    *c = (struct caller){ 0 };
    channel_init(&c->channel, caller_connect(), PROCESS_CTL, PROCESS_MASTER,
                 PHASE_START);
    caller_hears(c, MSG_welcome, &p);
    cr_assert(slice_equal(p.welcome.version, SLICE(SALLYPORT_VERSION)));
    cr_assert_eq((pid_t)p.welcome.pid, getpid()); /* master's parent */
    c->channel.phase = PHASE_ASKED;
}

void caller_leave(struct caller *c)
{
    channel_close(&c->channel);
}

void caller_asks(struct caller *c, enum message_kind m)
{
    struct message asked = { .kind = m };

    asked.request = c->request = channel_next(&c->channel);
    cr_assert_eq(channel_send(&c->channel, m, &asked.request), 0);
}

void caller_is_refused(struct caller *c, enum refusal why)
{
    struct message p;

    caller_hears(c, MSG_control_refused, &p);
    cr_assert_eq(p.control_refused.refusal, why, "refusal %u: %.*s",
                 (unsigned)p.control_refused.refusal,
                 (int)p.control_refused.why.len, p.control_refused.why.ptr);
    cr_assert_gt(p.control_refused.why.len, 5);
}

void caller_edits(struct caller *c)
{
    c->request = channel_next(&c->channel);
    SAY(&c->channel, users_changed, c->request, .verb = SLICE("user lock"));
}

void caller_looks(struct caller *c, enum showable what, uint64_t place)
{
    c->request = channel_next(&c->channel);
    SAY(&c->channel, show, c->request, .build = slice_from(build_name()),
        .what = what, .place = place);
}

const char *row_value(const struct message *m, const char *name)
{
    static char texts[4][MESSAGE_TEXT_MAX + 1];
    static unsigned next;
    struct slice rest = m->row.values, one, value;
    enum shown_kind kind;
    char *text = texts[next++ % 4];

    text[0] = '\0';
    while (shown_next(&rest, &kind, &one, &value) == 1)
        if (slice_equal(one, slice_from(name)))
            cr_assert_eq(slice_copy(value, text, sizeof(texts[0])), 0);
    return text;
}

const char *caller_reads(struct caller *c, const char *table, const char *name)
{
    const char *found = "";
    struct message m;

    caller_looks(c, SHOW_STATUS, 0);
    do {
        cr_assert_eq(channel_wait(&c->channel, &m, STAGE_WAIT_MS), 1);
        cr_assert_eq(m.request, c->request);
        if (m.kind == MSG_row && slice_equal(m.row.table, slice_from(table)))
            found = row_value(&m, name);
    } while (m.kind == MSG_row);
    cr_assert_eq(m.kind, MSG_end);
    cr_assert_eq(m.end.place, 0);
    return found;
}
