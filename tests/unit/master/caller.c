/* The messages that a sallyportctl sends and receives. */
#include "caller.h"

#include "sallyport/base/address.h"
#include "sallyport/base/fd.h"
#include "sallyport/ipc/generation.h"

struct channel ctl;

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

void caller_enter(struct channel *c)
{
    channel_init(c, caller_connect(), PROCESS_CTL, PROCESS_MASTER, PHASE_START);
    EXPECT(c, welcome);
    cr_assert(slice_equal(heard.welcome.version, SLICE(SALLYPORT_VERSION)));
    cr_assert_eq((pid_t)heard.welcome.pid, getpid()); /* master's parent */
    c->phase = PHASE_ASKED;
}

void caller_is_refused(struct channel *c, enum refusal why)
{
    EXPECT(c, control_refused);
    cr_assert_eq(heard.control_refused.refusal, why, "refusal %u: %.*s",
                 (unsigned)heard.control_refused.refusal,
                 (int)heard.control_refused.why.len,
                 heard.control_refused.why.ptr);
    cr_assert_gt(heard.control_refused.why.len, 5);
}

void caller_edits(struct channel *c)
{
    REQUEST(c, users_changed, .verb = SLICE("user lock"));
}

void caller_looks(struct channel *c, enum showable what, uint64_t place)
{
    REQUEST(c, show, .build = slice_from(build_name()), .what = what,
            .place = place);
}

const char *row_value(const char *name)
{
    static char texts[4][MESSAGE_TEXT_MAX + 1];
    static unsigned next;
    struct slice rest = heard.row.values, one, value;
    enum shown_kind kind;
    char *text = texts[next++ % 4];

    text[0] = '\0';
    while (shown_next(&rest, &kind, &one, &value) == 1)
        if (slice_equal(one, slice_from(name)))
            cr_assert_eq(slice_copy(value, text, sizeof(texts[0])), 0);
    return text;
}

const char *caller_reads(struct channel *c, const char *table, const char *name)
{
    const char *found = "";

    caller_looks(c, SHOW_STATUS, 0);
    while (cast_hear(c) == MSG_row) {
        cr_assert_eq(heard.request, c->last_request);
        if (slice_equal(heard.row.table, slice_from(table)))
            found = row_value(name);
    }
    cr_assert_eq(heard.kind, MSG_end);
    cr_assert_eq(heard.end.place, 0);
    return found;
}
