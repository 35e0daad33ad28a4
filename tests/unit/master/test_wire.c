/* Wires to log: who gets one, and new ones for all who live when log was
 * started anew. */
#include <criterion/criterion.h>
#include <errno.h>
#include <poll.h>
#include <unistd.h>

#include "sallyport/base/fd.h"
#include "stage.h"

/* USER: whose log must believe it to be; NULL: anybody's. */
static void hear_peer(struct stage *s, enum process process, uint64_t serial,
                      const char *user, int *fd)
{
    for (;;) {
        struct packet p;

        actor_hear(&s->log, MSG_LOG_PEER, &p);
        if (p.value[0].number == process && p.value[1].number == serial) {
            cr_assert(!user || slice_equal(p.value[3].text, slice_from(user)));
            *fd = fd_take(&p.fd[0]);
            return;
        }
        packet_close(&p);
    }
}

/* Bytes that go in at FROM come out at TO. */
static void expect_wire(int from, int to)
{
    struct pollfd one = { .fd = to, .events = POLLIN };
    char byte = 0;

    cr_assert_eq(send(from, "w", 1, MSG_NOSIGNAL), 1);
    cr_assert(poll(&one, 1, STAGE_WAIT_MS) == 1);
    cr_assert(recv(to, &byte, 1, 0) == 1 && byte == 'w');
}

Test(wire, of_session_and_files)
{
    struct stage s;
    struct player p;
    struct actor files;
    int fd;

    stage_open(&s, NULL);
    player_enter(&s, &p, 11);
    hear_peer(&s, PROCESS_SESSION, 11, "", &fd);
    expect_wire(p.log, fd);
    close(fd);
    player_logs_in(&s, &p, &files);
    hear_peer(&s, PROCESS_FILES, 11, "anna", &fd);
    expect_wire(files.log, fd);
    close(fd);
    stage_leave(&s, &p);
}

static void expect_new_wire(struct stage *s, struct channel *c,
                            enum process process, uint64_t serial)
{
    int near, far;

    channel_hear_log(c, &near);
    hear_peer(s, process, serial, serial ? "anna" : "", &far);
    expect_wire(near, far);
    close(near);
    close(far);
}

/* What was said while log was away comes too. */
Test(wire, new_log)
{
    struct stage s;
    struct player p, late;
    struct actor files;
    int fd;

    stage_open(&s, NULL);
    player_enter(&s, &p, 11);
    player_logs_in(&s, &p, &files);
    actor_die(&s.log);
    channel_close(&s.events);
    actor_enter(&s, &s.log, "log"); /* started, not ready */
    player_enter(&s, &late, 12);
    cr_assert_eq(send(late.log, "w", 1, MSG_NOSIGNAL), 1);
    actor_ready(&s, &s.log);
    expect_new_wire(&s, &s.keys.channel, PROCESS_KEYS, 0);
    expect_new_wire(&s, &s.gate.channel, PROCESS_GATE, 0);
    expect_new_wire(&s, &s.auth.channel, PROCESS_AUTH, 0);
    expect_new_wire(&s, &p.channel, PROCESS_SESSION, 11);
    expect_new_wire(&s, &files.channel, PROCESS_FILES, 11);
    hear_peer(&s, PROCESS_SESSION, 12, "", &fd);
    expect_wire(late.log, fd);
    stage_serves(&s);
    player_leave(&p);
    stage_leave(&s, &late);
}

static void patient(struct master *m)
{
    m->settings.max_sessions = 600;
    m->deadlines.stuck = 60000;
}

/* Gate doesn't read when the new log's wire should come: it comes when gate
 * reads again. (The worker's comes behind the try of gate's.) */
Test(wire, new_log_while_gate_sleeps)
{
    struct stage s;
    int fd;

    stage_open(&s, patient);
    for (uint64_t serial = 1; serial <= 320; serial++) {
        struct player p;

        player_enter(&s, &p, serial);
        channel_shout(&p.channel, "garbage", 7, NULL, 0);
        channel_hear_end(&p.channel);
        player_leave(&p);
    }
    actor_die(&s.log);
    channel_close(&s.events);
    actor_enter(&s, &s.log, "log");
    actor_ready(&s, &s.log);
    expect_new_wire(&s, &s.auth.channel, PROCESS_AUTH, 0);
    channel_hear_log(&s.gate.channel, &fd);
    close(fd);
    stage_close(&s);
}

static void garbage(struct actor *a)
{
    channel_shout(&a->channel, "log", 3, NULL, 0);
}

static void event(struct actor *a)
{
    char bytes[8] = { MSG_EVENT };

    channel_shout(&a->channel, bytes, sizeof(bytes), NULL, 0);
}

static const struct {
    const char *what;
    void (*act)(struct actor *a);
} lies[] = {
    { "garbage", garbage },
    { "an event", event },
    { "death", actor_die },
    { "a closed channel", actor_leave },
};

Test(wire, lies_of_log)
{
    for (size_t i = 0; i < sizeof(lies) / sizeof(lies[0]); i++) {
        struct stage s;

        stage_open(&s, NULL);
        lies[i].act(&s.log);
        actor_again(&s, &s.log);
        stage_serves(&s);
        stage_close(&s);
    }
}

static void many(struct master *m)
{
    m->settings.max_sessions = 400;
}

/* A log that reads nothing holds nobody up; once it reads, all wires come. */
Test(wire, slow_log)
{
    static struct player p[400];
    struct stage s;
    struct actor files;
    int fd;

    stage_open(&s, many);
    for (uint64_t i = 0; i < 399; i++)
        player_enter(&s, &p[i], i + 1);
    player_enter(&s, &p[399], 400);
    player_logs_in(&s, &p[399], &files); /* while log sleeps */
    for (uint64_t i = 0; i < 400; i++) {
        hear_peer(&s, PROCESS_SESSION, i + 1, NULL, &fd);
        expect_wire(p[i].log, fd);
        close(fd);
    }
    for (uint64_t i = 0; i < 400; i++)
        player_leave(&p[i]);
    stage_serves(&s);
    stage_close(&s);
}
