/* The messages that the actors send and receive. */
#include <criterion/criterion.h>
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#include "sallyport/base/clock.h"
#include "sallyport/base/fd.h"
#include "stage.h"
#include "support/packet.h"

static const struct address local = { .family = 4,
                                      .bytes = { 192, 0, 2, 1 },
                                      .port = 21 };

/* A restarted gate gets the permission to accept: this ignores it. */
static void hear(struct channel *c, enum message_kind m, struct packet *p)
{
    int r = packet_wait(c, p, STAGE_WAIT_MS);

    if (r == 1 && p->message == MSG_open && m != MSG_open)
        r = packet_wait(c, p, STAGE_WAIT_MS);
    cr_assert_eq(r, 1, "instead of %s: %s%s", message_name(m), strerror(-r),
                 r == -EPROTO ? c->wrong : "");
    cr_assert_eq(p->message, m, "instead of %s: %s", message_name(m),
                 message_name(p->message));
}

void actor_hear(struct actor *a, enum message_kind m, struct packet *p)
{
    hear(&a->channel, m, p);
}

void actor_say(struct actor *a, struct packet p)
{
    int r = packet_send(&a->channel, &p);

    cr_assert_eq(r, 0, "%s: %s", message_name(p.message), strerror(-r));
}

void channel_shout(struct channel *c, const void *bytes, size_t len,
                   const int *fd, size_t fds)
{
    union {
        char bytes[CMSG_SPACE(4 * sizeof(int))];
        struct cmsghdr align;
    } control = { 0 };
    struct iovec part = { (void *)bytes, len };
    struct msghdr m = { .msg_iov = &part, .msg_iovlen = 1 };

    if (fds > 0) {
        struct cmsghdr *head = &control.align;

        m.msg_control = control.bytes;
        m.msg_controllen = CMSG_SPACE(fds * sizeof(int));
        head->cmsg_level = SOL_SOCKET;
        head->cmsg_type = SCM_RIGHTS;
        head->cmsg_len = CMSG_LEN(fds * sizeof(int));
        memcpy(CMSG_DATA(head), fd, fds * sizeof(int));
    }
    cr_assert(sendmsg(c->fd, &m, MSG_NOSIGNAL) == (ssize_t)len);
}

/* Earlier messages don't matter. */
void channel_hear_end(struct channel *c)
{
    struct packet p;
    int r;

    do {
        r = packet_wait(c, &p, STAGE_WAIT_MS);
        packet_close(&p);
    } while (r == 1 || r == -EPROTO);
    cr_assert_eq(r, -EPIPE, "%s instead of the end", strerror(-r));
}

static void take_events(struct stage *s, struct packet *p)
{
    if (p->value[0].number != PROCESS_MASTER)
        return;
    channel_close(&s->events);
    channel_init(&s->events, fd_take(&p->fd[0]), PROCESS_LOG, PROCESS_MASTER,
                 PHASE_RUN);
}

void actor_ready(struct stage *s, struct actor *a)
{
    struct packet p;

    do {
        int r = packet_wait(&a->channel, &p, STAGE_WAIT_MS);

        cr_assert_eq(r, 1, "set-up of %s: %s", a->note.binary, strerror(-r));
        packet_close(&p);
    } while (p.message != MSG_go);
    actor_say(a, (struct packet){ .message = MSG_ready });
    a->channel.phase = PHASE_RUN;
    while (a == &s->log && s->events.fd < 0) {
        actor_hear(a, MSG_log_sender, &p);
        take_events(s, &p);
        packet_close(&p);
    }
}

void actor_again(struct stage *s, struct actor *a)
{
    char binary[sizeof(a->note.binary)];

    strcpy(binary, a->note.binary);
    channel_close(&a->channel);
    if (a == &s->log)
        channel_close(&s->events);
    actor_enter(s, a, binary);
    actor_ready(s, a);
}

void actors_enter(struct stage *s)
{
    actor_enter(s, &s->log, "log");
    actor_enter(s, &s->keys, "keys");
}

/* Log gets its channels when all children are ready. */
void stage_open(struct stage *s, void (*adjust)(struct master *m))
{
    struct packet open;

    stage_raise(s, adjust);
    actors_enter(s);
    actor_enter(s, &s->gate, "gate");
    actor_enter(s, &s->auth, "auth");
    actor_ready(s, &s->keys);
    actor_ready(s, &s->gate);
    actor_ready(s, &s->auth);
    actor_ready(s, &s->log);
    actor_hear(&s->gate, MSG_open, &open);
}

void player_enter(struct stage *s, struct player *p, uint64_t serial)
{
    const struct address own = { .family = 4,
                                 .bytes = { 10, 0, (uint8_t)(serial >> 8),
                                            (uint8_t)serial },
                                 .port = 4711 };

    player_enter_from(s, p, serial, &own);
}

void player_enter_from(struct stage *s, struct player *p, uint64_t serial,
                       const struct address *peer)
{
    int master[2], log[2], keys[2];
    struct packet session = { .message = MSG_session,
                              .value = { NUMBER(serial), ADDRESS(*peer),
                                         ADDRESS(local), NUMBER(0) } };

    cr_assert(fd_pair(master) == 0 && fd_pair(log) == 0 && fd_pair(keys) == 0);
    session.fd[0] = master[1];
    session.fd[1] = log[1];
    session.fd[2] = keys[1];
    actor_say(&s->gate, session);
    packet_close(&session);
    *p = (struct player){ .serial = serial, .log = log[0], .keys = keys[0] };
    channel_init(&p->channel, master[0], PROCESS_SESSION, PROCESS_MASTER,
                 PHASE_GREETED);
}

void player_leave(struct player *p)
{
    channel_close(&p->channel);
    fd_close(&p->log);
    fd_close(&p->keys);
}

void player_hear(struct player *p, enum message_kind m, struct packet *packet)
{
    hear(&p->channel, m, packet);
}

void player_asks(struct stage *s, struct player *p)
{
    struct packet login = { .message = MSG_login };

    login.request = p->request = channel_next(&p->channel);
    cr_assert_eq(packet_send(&p->channel, &login), 0);
    p->channel.phase = PHASE_VERIFY;
    player_is_asked_about(s, p);
}

void player_is_asked_about(struct stage *s, struct player *p)
{
    struct packet got;

    do {
        cr_assert_eq(packet_wait(&s->auth.channel, &got, STAGE_WAIT_MS), 1);
        packet_close(&got);
    } while (got.message == MSG_users || got.message == MSG_certificate);
    cr_assert_eq(got.message, MSG_verify);
    cr_assert_eq(got.value[0].number, p->serial);
    player_hear(p, MSG_login_channel, &got);
    cr_assert_eq(got.request, p->request);
    packet_close(&got);
}

void auth_says(struct stage *s, uint64_t serial, uint64_t generation,
               uint64_t row, uint64_t yes)
{
    actor_say(
        &s->auth,
        (struct packet){ .message = MSG_verdict,
                         .value = { NUMBER(serial), NUMBER(generation),
                                    NUMBER(row), NUMBER(yes), NUMBER(77) } });
}

uint64_t gate_hears(struct stage *s, enum message_kind m, uint64_t serial)
{
    uint64_t second = 0;
    struct packet p;

    actor_hear(&s->gate, m, &p);
    cr_assert_eq(p.value[0].number, serial);
    if (m == MSG_logged_in)
        second = p.value[1].number;
    packet_close(&p);
    return second;
}

void player_logs_in(struct stage *s, struct player *p, struct actor *files)
{
    struct packet got;

    player_asks(s, p);
    auth_says(s, p->serial, 1, 0, 1);
    actor_enter(s, files, "files");
    actor_say(files, (struct packet){ .message = MSG_files_ready });
    files->channel.phase = PHASE_RUN;
    player_hear(p, MSG_granted, &got);
    cr_assert_eq(got.request, p->request);
    cr_assert(slice_equal(got.value[0].text, SLICE("anna")));
    cr_assert_eq(got.value[1].number, files->note.rights);
    packet_close(&got);
    p->channel.phase = PHASE_USER;
    p->user = gate_hears(s, MSG_logged_in, p->serial);
}

void player_is_denied(struct player *p, enum denial why)
{
    struct packet got;

    player_hear(p, MSG_denied, &got);
    cr_assert_eq(got.request, p->request);
    cr_assert_eq(got.value[0].number, why, "denial %u",
                 (unsigned)got.value[0].number);
    p->channel.phase = PHASE_GREETED;
}

void gate_reaps(struct stage *s, uint64_t serial, int status)
{
    actor_say(&s->gate,
              (struct packet){ .message = MSG_session_gone,
                               .value = { NUMBER(serial), NUMBER(status) } });
}

void stage_serves(struct stage *s)
{
    static uint64_t serial = 1ULL << 40;
    struct player p;
    struct actor files;

    player_enter(s, &p, ++serial);
    player_logs_in(s, &p, &files);
    player_leave(&p);
    gate_reaps(s, p.serial, 0);
    channel_hear_end(&files.channel);
    channel_close(&files.channel);
    close(files.session);
    close(files.log);
}

void stage_reports(struct stage *s, enum event e, const char *words)
{
    for (;;) {
        struct event_record r;
        char text[512] = "";
        struct packet p;

        hear(&s->events, MSG_event, &p);
        cr_assert_eq(event_decode(p.value[0].text, &r), 0);
        cr_assert(r.text[FIELD_REASON].len < sizeof(text));
        memcpy(text, r.text[FIELD_REASON].ptr, r.text[FIELD_REASON].len);
        if (r.event == e && strstr(text, words))
            return;
    }
}

void stage_with(struct stage *s, void (*adjust)(struct master *m),
                struct player *p)
{
    stage_open(s, adjust);
    player_enter(s, p, 1);
}

void stage_asked(struct stage *s, void (*adjust)(struct master *m),
                 struct player *p)
{
    stage_with(s, adjust, p);
    player_asks(s, p);
}

void stage_logged_in(struct stage *s, void (*adjust)(struct master *m),
                     struct player *p, struct actor *files)
{
    stage_with(s, adjust, p);
    player_logs_in(s, p, files);
}

void stage_leave(struct stage *s, struct player *p)
{
    player_leave(p);
    stage_close(s);
}
