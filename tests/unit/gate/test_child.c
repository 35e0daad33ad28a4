/* Combines each step of a session with each event that can happen next, and
 * with each failure of gate's messages. The test is gate, and calls gate's
 * callbacks itself, so that no race decides the order. */
#include "gate/gate.h"

#include "sallyport/base/clock.h"
#include "sallyport/base/fd.h"
#include "support/cast.h"
#include "support/settings.h"
#include "support/test.h"

/* The other ends of gate's channels. */
enum peer_end { END_SESSION, END_MASTER, ENDS };

static const struct address client = { .family = 4,
                                       .bytes = { 127, 0, 0, 1 },
                                       .port = 4711 };
static struct gate g;
static struct memory memory;
static struct bans bans;
static struct board board;
static int far[ENDS];
static bool adopts; /* the session was forked by a gate that has ended */
static uint64_t serial;

static void hall_open(void)
{
    int conf = settings_of("ports = auto\n"
                           "max_sessions = 4\nstartups = 4\n");
    struct complaint c = { "" };

    memset(&g, 0, sizeof(g));
    memset(&memory, 0, sizeof(memory));
    g.memory = &memory;
    g.bans = &bans;
    g.board = &board;
    g.row = &board.row[0];
    g.spare_fd = -1;
    g.frame.log_watch.fd = -1;
    event_sender_init(&g.frame.log, -1, PROCESS_GATE);
    cr_assert_eq(settings_take(&g.settings, conf, &c), 0, "%s", c.text);
    g.places = g.settings.max_sessions;
    fd_close(&conf);
    cr_assert_eq(loop_init(&g.frame.loop), 0);
    channel_init(&g.frame.master, channel_ends(&far[END_MASTER]), PROCESS_GATE,
                 PROCESS_MASTER, PHASE_RUN);
    cr_assert_eq(gate_begin(&g), 0);
    tickets_begin(&g);
}

static void hall_close(void)
{
    loop_timer_clear(&g.frame.loop, &g.tally);
    loop_timer_clear(&g.frame.loop, &g.tickets.timer);
    queue_release(&g);
    children_release(&g);
    limits_release(&g.limits);
    channel_close(&g.frame.master);
    for (int i = 0; i < ENDS; i++)
        fd_close(&far[i]);
    fd_close(&g.spare_fd);
    loop_release(&g.frame.loop);
}

/* --- the steps of a session ---------------------------------------------- */

static struct gate_child *enter(bool proxied)
{
    int fd = channel_ends(&far[END_SESSION]);
    struct msg_adopt m = { .serial = 77,
                           .peer = client,
                           .local = client,
                           .server = client,
                           .proxied = proxied,
                           .known = !proxied,
                           .session = fd };
    struct gate_child *c;

    serial = m.serial;
    if (adopts) {
        children_on_adopt(&g, &m);
        return children_find(&g, serial);
    }
    c = children_add(&g, &client, &client, proxied);
    cr_assert_not_null(c);
    serial = c->serial;
    child_born(c, fd);
    return c;
}

static struct gate_child *begun(void)
{
    return enter(false);
}

static struct gate_child *unknown(void)
{
    return enter(true);
}

static struct gate_child *queued(void)
{
    struct gate_child *c = enter(true);

    c->channel.seen[MSG_admit] = true;
    admit_note_client(c, &client, &client);
    cr_assert_eq(queue_add_child(c, 1), LIMIT_NONE);
    return c;
}

static struct gate_child *logged_in(void)
{
    struct gate_child *c = begun();

    child_logged_in(c);
    return c;
}

static struct gate_child *with_a_listener(void)
{
    struct gate_child *c = logged_in();

    cr_assert_eq(lend_on_port(c, &(struct msg_port){ .request = 1 }), 0);
    return c;
}

static struct gate_child *killed(void)
{
    struct gate_child *c = logged_in();

    child_kill(c, ENDING_KICKED);
    return c;
}

static const struct {
    const char *what;
    struct gate_child *(*reach)(void);
} steps[] = {
    { "unknown client", unknown },          { "in the queue", queued },
    { "before its login", begun },          { "logged in", logged_in },
    { "with a listener", with_a_listener }, { "killed", killed },
};

/* --- what happens to a session ------------------------------------------- */

static void says(struct gate_child *c, enum message_kind kind, const void *body)
{
    struct channel session = { .fd = far[END_SESSION],
                               .self = PROCESS_SESSION,
                               .peer = PROCESS_GATE,
                               .phase = PHASE_RUN };

    channel_send(&session, kind, body);
    if (c->watch.added)
        c->watch.on_ready(c, EPOLLIN);
}

#define SAYS(c, name, ...) says(c, MSG_##name, MESSAGE_BODY(name, __VA_ARGS__))

static void channel_closes(struct gate_child *c)
{
    channel_cut(&far[END_SESSION]);
    if (c->watch.added)
        c->watch.on_ready(c, EPOLLHUP);
}

static void time_is_over(struct gate_child *c)
{
    if (!c->timer.armed)
        return;
    loop_timer_clear(&g.frame.loop, &c->timer);
    c->timer.on_timer(c);
}

static void is_reaped(struct gate_child *c)
{
    (void)c;
    children_on_reaped(
        &g, &(struct msg_reaped){ .serial = serial, .fruitless = true });
}

static void is_killed(struct gate_child *c)
{
    child_kill(c, ENDING_KICKED);
}

static void logs_in(struct gate_child *c)
{
    child_logged_in(c);
}

static void asks_to_enter(struct gate_child *c)
{
    SAYS(c, admit, 1, .client = client, .server = client);
}

static void asks_for_a_port(struct gate_child *c)
{
    SAYS(c, port, 1);
}

static void lies(struct gate_child *c)
{
    send(far[END_SESSION], "nonsense", 8, MSG_NOSIGNAL);
    if (c->watch.added)
        c->watch.on_ready(c, EPOLLIN);
}

static void queue_is_served(struct gate_child *c)
{
    (void)c;
    g.queue.timer.on_timer(&g);
}

static void queue_is_over(struct gate_child *c)
{
    (void)c;
    g.settings.login_timeout = 0;
    g.queue.timer.on_timer(&g);
}

static void keys_turn(struct gate_child *c)
{
    (void)c;
    g.tickets.timer.on_timer(&g);
}

static void makes_room(struct gate_child *c)
{
    const struct address other = { .family = 4, .bytes = { 192, 0, 2, 99 } };

    const struct prefixes n = limits_prefixes(&g.limits, &other);
    struct gate_child *room = children_room(&g, &n, clock_ms());

    (void)c;
    if (room)
        child_kill(room, ENDING_CROWDED);
}

static const struct {
    const char *what;
    void (*happen)(struct gate_child *c);
} events[] = {
    { "its channel closes", channel_closes },
    { "its time is over", time_is_over },
    { "it is reaped", is_reaped },
    { "it is killed", is_killed },
    { "it logs in", logs_in },
    { "it asks to enter", asks_to_enter },
    { "it asks for a port", asks_for_a_port },
    { "it lies", lies },
    { "the queue is served", queue_is_served },
    { "the queue's time is over", queue_is_over },
    { "new ticket keys", keys_turn },
    { "others need room", makes_room },
};

/* --- which messages fail ------------------------------------------------- */

/* The session's record must keep its place until master has reaped the
 * session. */
static void expect_over(struct gate_child *c, bool reaped, const char *step,
                        const char *event)
{
    cr_assert_eq(c->gate, reaped ? NULL : &g, "%s, %s: freed", step, event);
    is_reaped(c);
    cr_expect_null(children_find(&g, serial), "%s, %s: there", step, event);
    cr_expect_null(c->gate, "%s, %s: kept", step, event);
    cr_expect(g.limits.total == 0 && g.limits.unknown == 0 &&
                  g.limits.waiting == 0 && g.queue.count == 0 &&
                  TAILQ_EMPTY(&g.children.waiting),
              "%s, %s", step, event);
    cr_expect_not(c->timer.armed || c->watch.added, "%s, %s", step, event);
}

/* Reaches STEP, spoils the channel to END with FAULT, and lets EVENT happen.
 * END ENDS: no channel is spoiled. */
static void check(size_t step, size_t event, enum peer_end end,
                  enum fault fault)
{
    size_t before = open_descriptors();
    struct gate_child *c;

    hall_open();
    c = steps[step].reach();
    if (end < ENDS)
        channel_spoil(end == END_SESSION ? c->channel.fd : g.frame.master.fd,
                      &far[end], fault);
    events[event].happen(c);
    expect_over(c, events[event].happen == is_reaped, steps[step].what,
                events[event].what);
    hall_close();
    cr_expect_eq(open_descriptors(), before, "%s, %s: descriptors",
                 steps[step].what, events[event].what);
}

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

static void check_all(enum peer_end end, enum fault fault)
{
    for (size_t i = 0; i < COUNT(steps); i++)
        for (size_t k = 0; k < COUNT(events); k++)
            for (int adopted = 0; adopted <= 1; adopted++) {
                adopts = adopted;
                check(i, k, end, fault);
            }
}

Test(child, ends_at_each_step)
{
    check_all(ENDS, CLOSED);
}

Test(child, a_message_fails)
{
    for (int end = 0; end < ENDS; end++)
        for (int fault = 0; fault < FAULTS; fault++)
            check_all((enum peer_end)end, (enum fault)fault);
}

/* Runs gate in a fork, since sessions become children of gate's parent, which
 * must be this process, and not Criterion. The fork exits with 0, or with the
 * number of the line that failed. */
static void in_a_fork(void (*run)(enum fault fault), enum fault fault)
{
    pid_t pid = fork();
    int status;

    if (pid == 0) {
        run(fault);
        _exit(0);
    }
    cr_assert_eq(waitpid(pid, &status, 0), pid);
    cr_expect_eq(status, 0, "line %d or %d", WEXITSTATUS(status),
                 WEXITSTATUS(status) + 256);
}

#define CHECK(condition)                                                       \
    do                                                                         \
        if (!(condition))                                                      \
            _exit(__LINE__ & 255);                                             \
    while (0)

static enum limit begin_a_session(void)
{
    struct accepted e = { .peer = client,
                          .local = client,
                          .at = &g.listener[0] };
    int pair[2];
    enum limit limit;

    CHECK(fd_pair(pair) == 0);
    e.control = pair[0];
    limit = entry_begin(&g, &e);
    close(pair[0]);
    close(pair[1]);
    return limit;
}

static void without_master(enum fault fault)
{
    struct channel session;
    struct message got;
    struct gate_child *c;

    (void)fault;
    hall_open();
    c = unknown();
    channel_cut(&far[END_MASTER]);
    CHECK(begin_a_session() == LIMIT_MASTER);
    asks_to_enter(c);
    channel_init(&session, dup(far[END_SESSION]), PROCESS_SESSION, PROCESS_GATE,
                 PHASE_RUN);
    CHECK(channel_receive(&session, &got) == 1 && got.kind == MSG_not_admitted);
    CHECK(slice_equal(got.not_admitted.why,
                      slice_from(limit_texts[LIMIT_MASTER].words)));
}

/* If master has just gone, gate still tells a client why it can't enter, before
 * gate itself ends in its next turn. */
Test(child, master_has_gone)
{
    in_a_fork(without_master, CLOSED);
}

/* Reads the bytes that stuffed the channel, and the messages behind them.
 * Returns the number of messages. */
static int real_messages(int fd)
{
    char text[256];
    ssize_t len;
    int n = 0;

    while ((len = recv(fd, text, sizeof(text), MSG_DONTWAIT)) > 0)
        n += len > 1;
    return n;
}

/* If gate can't tell master of a new session, the session leaves no trace: no
 * event, no message, no fruitless session. The caller of entry_begin() refuses
 * the connection, and logs the refusal. */
static void unheard(enum fault fault)
{
    int log;

    hall_open();
    g.settings.max_fruitless = 1;
    g.accepts = true;
    event_sender_init(&g.frame.log, channel_ends(&log), PROCESS_GATE);
    channel_spoil(g.frame.master.fd, &far[END_MASTER], fault);
    CHECK(begin_a_session() != LIMIT_NONE);
    for (size_t i = 0; i < g.children.size; i++)
        CHECK(!g.children.slot[i].gate);
    CHECK(g.limits.total == 0);
    CHECK(real_messages(far[END_MASTER]) == 0);
    CHECK(real_messages(log) == 0);
    CHECK(!fruitless_too_many(&memory.fruitless, &client, 1, clock_ms()));
}

Test(child, master_never_heard_of_it)
{
    for (int fault = 0; fault < FAULTS; fault++)
        in_a_fork(unheard, (enum fault)fault);
}

/* Gate can't watch the session's channel. Gate tells master of the session
 * before it asks master to kill the session. */
static void unwatched(enum fault fault)
{
    struct channel master;
    struct message got;

    (void)fault;
    hall_open();
    close(g.frame.loop.epoll_fd);
    CHECK(begin_a_session() == LIMIT_NONE);
    channel_init(&master, far[END_MASTER], PROCESS_MASTER, PROCESS_GATE,
                 PHASE_RUN);
    CHECK(channel_receive(&master, &got) == 1 && got.kind == MSG_session);
    CHECK(channel_receive(&master, &got) == 1 && got.kind == MSG_kill);
}

Test(child, is_killed_once_master_knows_it)
{
    in_a_fork(unwatched, CLOSED);
}

static struct gate_child *enter_from(const char *from, uint64_t age)
{
    struct gate_child *c;
    struct address a;

    cr_assert_eq(address_parse(slice_from(from), &a), 0);
    c = children_add(&g, &a, &a, false);
    cr_assert_not_null(c);
    c->waits -= age;
    return c;
}

/* Sessions without a login, the oldest first, and their ages in quarters of
 * login_timeout; a newcomer; and the number of the session that makes room. -1:
 * none does. */
static const struct {
    const char *from[4];
    int quarters;
    const char *newcomer;
    int ends;
} rooms[] = {
    { { "192.0.2.1", "192.0.2.1", "192.0.2.2", "192.0.2.1" },
      0,
      "192.0.2.3",
      0 },
    { { "192.0.2.2", "192.0.2.1", "192.0.2.1", "192.0.2.1" },
      0,
      "192.0.2.2",
      1 },
    { { "192.0.2.1", "192.0.2.1", "192.0.2.1", "192.0.2.2" },
      0,
      "192.0.2.1",
      -1 },
    { { "192.0.2.2", "192.0.2.1", "192.0.2.1", "192.0.2.2" },
      1,
      "192.0.2.2",
      -1 },
    { { "192.0.2.4", "192.0.2.1", "192.0.2.2", "192.0.2.3" },
      0,
      "192.0.2.5",
      -1 },
    { { "192.0.2.4", "192.0.2.1", "192.0.2.2", "192.0.2.3" },
      1,
      "192.0.2.5",
      0 },
    { { "192.0.2.4", "2001:db8::1", "2001:db8:0:1::1", "2001:db8:0:ff00::1" },
      0,
      "2001:db8:1::1",
      1 },
    { { "192.0.2.4", "2001:db8::1", "2001:db8:0:1::1", "2001:db8:0:ff00::1" },
      0,
      "2001:db8:0:2::1",
      -1 },
    { { "192.0.2.4", "2001:db8::1", "2001:db8:0:1::1", "2001:db8:0:ff00::1" },
      1,
      "2001:db8:0:2::1",
      1 },
    /* In a /48 the /56 decide, and in a /56 the /64. */
    { { "192.0.2.4", "2001:db8:0:100::1", "2001:db8::1", "2001:db8:0:1::1" },
      0,
      "2001:db8:0:ff00::1",
      2 },
    { { "2001:db8:0:ff00::1", "2001:db8:0:1::1", "2001:db8::1", "2001:db8::2" },
      0,
      "2001:db8:0:2::1",
      2 },
    { { "2001:db8:1::1", "2001:db8:1::1", "2001:db8:0:ff00::1",
        "2001:db8:0:ff00::1" },
      0,
      "2001:db8::1",
      2 },
    { { "2001:db8::1", "2001:db8::1", "2001:db8::1", "2001:db8:1::1" },
      1,
      "2001:db8::2",
      -1 },
};

Test(child, makes_room)
{
    for (size_t i = 0; i < sizeof(rooms) / sizeof(rooms[0]); i++) {
        struct gate_child *c[4];
        struct address a;

        hall_open();
        for (size_t k = 0; k < 4; k++)
            c[k] =
                enter_from(rooms[i].from[k], g.settings.login_timeout / 4 *
                                                 (uint64_t)rooms[i].quarters);
        cr_assert_eq(address_parse(slice_from(rooms[i].newcomer), &a), 0);
        const struct prefixes n = limits_prefixes(&g.limits, &a);
        cr_expect_eq(children_room(&g, &n, clock_ms()),
                     rooms[i].ends < 0 ? NULL : c[rooms[i].ends], "%zu", i);
        hall_close();
    }
}
