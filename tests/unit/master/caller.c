/* The messages that a sallyportctl sends and receives. */
#include "caller.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "sallyport/base/address.h"
#include "sallyport/base/fd.h"
#include "support/messages.h"

/* A full queue isn't an answer: it tries again, as long as a test may take. */
int caller_connect(const struct stage *s)
{
    FD_CLEANUP int folder = open(s->folder, O_PATH | O_DIRECTORY | O_CLOEXEC);
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
    message_hear(&c->channel, m, p);
    cr_assert_eq(p->request, c->request);
}

void caller_enter(const struct stage *s, struct caller *c)
{
    struct message p;

    *c = (struct caller){ 0 };
    channel_init(&c->channel, caller_connect(s), PROCESS_CTL, PROCESS_MASTER,
                 PHASE_START);
    caller_hears(c, MSG_welcome, &p);
    cr_assert(slice_equal(p.welcome.version, SLICE(SALLYPORT_VERSION)));
    cr_assert_eq((pid_t)p.welcome.pid, getpid()); /* its parent */
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

void caller_gets_status(struct caller *c, uint64_t value[6])
{
    struct message p;

    caller_asks(c, MSG_status);
    caller_hears(c, MSG_status_listener, &p);
    cr_assert_eq(p.status_listener.bound.family, 4);
    cr_assert_neq(p.status_listener.bound.port, 0);
    caller_hears(c, MSG_status_certificate, &p);
    caller_hears(c, MSG_status_is, &p);
    value[0] = p.status_is.state;
    value[1] = (uint64_t)p.status_is.since;
    value[2] = p.status_is.sessions;
    value[3] = p.status_is.logged_in;
    value[4] = p.status_is.limit;
    value[5] = p.status_is.users;
}
