/* Tests of the channels to log and keys: each new log or keys gets all
 * channels, as far as there is room, also the channels of sessions that have
 * ended meanwhile. */
#include "caller.h"
#include "sallyport/base/clock.h"
#include "sallyport/base/fd.h"
#include "support/wait.h"

#define ROOM     24 /* for max_sessions = 8 */
#define FOREIGN  (ROOM / 2)
#define TOO_MANY 5
#define LOST     "last events of ended processes lost"

/* Waits until log gets the channel of PROCESS of session SERIAL; *FD gets log's
 * end. USER: the name that must come with it; NULL: any name. */
static void hear_peer(enum process process, uint64_t serial, const char *user,
                      int *fd)
{
    for (;;) {

        EXPECT(&stage.log.channel, speaker);
        if (heard.speaker.process == process &&
            heard.speaker.serial == serial) {
            cr_assert(!user ||
                      slice_equal(heard.speaker.user, slice_from(user)));
            *fd = fd_take(&heard.speaker.end);
            return;
        }
        message_close(&heard);
    }
}

/* Checks that the byte WORD is at the service's end of a channel, and closes
 * that end. */
static void expect_words(int *fd, char word)
{
    char byte = 0;

    cr_assert_eq(recv(*fd, &byte, 1, MSG_DONTWAIT), 1);
    cr_assert_eq(byte, word);
    fd_close(fd);
}

/* Checks that a byte sent to FROM arrives at TO. */
static void expect_channel(int from, int to)
{
    struct pollfd one = { .fd = to, .events = POLLIN };
    char byte = 0;

    cr_assert_eq(send(from, "w", 1, MSG_NOSIGNAL), 1);
    cr_assert(poll(&one, 1, STAGE_WAIT_MS) == 1);
    cr_assert(recv(to, &byte, 1, 0) == 1 && byte == 'w');
}

OpenTest(service, of_session_and_files, NULL)
{
    int fd;

    player_enter(&anna, 11);
    hear_peer(PROCESS_SESSION, 11, "", &fd);
    expect_channel(anna.log, fd);
    close(fd);
    player_logs_in(&anna, &ours);
    hear_peer(PROCESS_FILES, 11, "anna", &fd);
    expect_channel(ours.log, fd);
    close(fd);
    player_leave(&anna);
}

/* The beginning of a path can be another path. */
Test(service, a_report_cuts_no_command)
{
    static struct master m;
    static char path[PATH_MAX];
    struct channel log;
    struct message got;
    struct event_record r;
    int ends[2];

    memset(path, 'x', sizeof(path) - 1);
    cr_assert_eq(fd_pair(ends), 0);
    master_init(&m);
    event_sender_init(&m.events, ends[0], PROCESS_MASTER);
    channel_init(&log, ends[1], PROCESS_LOG, PROCESS_MASTER, PHASE_RUN);
    master_report(&m, EVENT_TROUBLE, PROCESS_MASTER,
                  "reload: it belongs to uid 7; run: chown 0 %s", path);
    cr_assert_eq(channel_receive(&log, &got), 1);
    cr_assert_eq(event_decode(got.event.event, &r), 0);
    cr_expect(slice_equal(r.text[FIELD_REASON],
                          SLICE("reload: it belongs to uid 7; run: ...")));
}

static bool is_reaped(void *actor)
{
    return kill(((struct actor *)actor)->note.pid, 0) < 0;
}

/* If the process files of a user fails, the user isn't logged in, and the next
 * log gets no name. */
AskedTest(service, of_a_session_that_was_denied, NULL)
{
    int fd;

    auth_says(anna.serial, "anna");
    actor_enter(&ours, "files");
    actor_die(&ours);
    player_is_denied(&anna, DENIAL_HOME);
    actor_die(&stage.log);
    actor_again(&stage.log);
    hear_peer(PROCESS_SESSION, anna.serial, "", &fd);
    close(fd);
    /* Wait until the first files is reaped: the session gets no other files
     * before that. */
    cr_assert(wait_until(is_reaped, &ours, STAGE_WAIT_MS));
    player_logs_in(&anna, &ours);
    actor_die(&stage.log);
    actor_again(&stage.log);
    hear_peer(PROCESS_SESSION, anna.serial, "anna", &fd);
    close(fd);
}

static void die_so_often(struct actor *a, int times)
{
    while (times-- > 0) {
        actor_die(a);
        actor_again(a);
    }
}

static void no_second_burst(struct master *m)
{
    m->deadlines.restart = 60000; /* longer than the test waits for an actor */
}

/* Each service can restart at once CHILD_RESTARTS times, however often others
 * do. */
OpenTest(service, restarts_at_once, no_second_burst)
{
    die_so_often(&stage.keys, CHILD_RESTARTS);
    die_so_often(&stage.log, CHILD_RESTARTS);
    stage_serves();
}

static void slow_restart(struct master *m)
{
    m->deadlines.restart = 1500;
}

OpenTest(service, restarts_are_spaced_after_a_burst, slow_restart)
{
    uint64_t before;

    before = clock_ms();
    die_so_often(&stage.keys, CHILD_RESTARTS + 2);
    cr_assert_geq(clock_ms() - before, 2 * 1500);
    stage_serves();
}

static void log_dies(void)
{
    actor_die(&stage.log);
    channel_close(&stage.events);
    actor_enter(&stage.log, "log"); /* started, not ready */
}

/* A new log gets each channel again, with its unread bytes; the sessions and
 * their files don't notice. */
OpenTest(service, new_log, NULL)
{
    struct player late;
    struct pollfd told = { .events = POLLIN };
    int fd;

    player_enter(&anna, 11);
    player_logs_in(&anna, &ours);
    hear_peer(PROCESS_FILES, 11, "anna", &fd);
    cr_assert_eq(send(ours.log, "w", 1, MSG_NOSIGNAL), 1);
    close(fd); /* log hasn't read that byte */
    log_dies();
    player_enter(&late, 12);
    cr_assert_eq(send(late.log, "w", 1, MSG_NOSIGNAL), 1);
    cr_assert_eq(send(anna.log, "w", 1, MSG_NOSIGNAL), 1);
    actor_ready(&stage.log);
    stage_reports(EVENT_CHILD, "ended by signal 9; it may have had an event "
                               "that has no line");
    hear_peer(PROCESS_SESSION, 11, "anna", &fd);
    expect_words(&fd, 'w');
    hear_peer(PROCESS_FILES, 11, "anna", &fd);
    expect_words(&fd, 'w');
    hear_peer(PROCESS_SESSION, 12, "", &fd);
    expect_words(&fd, 'w');
    stage_serves();
    told.fd = anna.channel.fd;
    cr_expect_eq(poll(&told, 1, 0), 0, "the session was told");
    told.fd = ours.channel.fd;
    cr_expect_eq(poll(&told, 1, 0), 0, "its files was told");
    player_leave(&anna);
    player_leave(&late);
}

OpenTest(service, new_log_hears_of_all_children, NULL)
{
    int fd;

    actor_die(&stage.log);
    actor_again(&stage.log);
    for (int i = 0; i < 3; i++) {
        const enum process of[] = { PROCESS_KEYS, PROCESS_AUTH, PROCESS_GATE };

        /* The channels come in the order of the children's starts, after
         * master's own. */
        hear_peer(of[i], 0, "", &fd);
        close(fd);
    }
}

/* A session asks for a signature while keys restarts: the new keys gets the
 * request. */
GreetedTest(service, new_keys, NULL)
{
    struct pollfd end = { .events = POLLIN };
    int fd;

    EXPECT(&stage.keys.channel, speaker); /* the channel of gate */
    message_close(&heard);
    EXPECT(&stage.keys.channel, speaker);
    cr_assert_eq(heard.speaker.serial, anna.serial);
    message_close(&heard);
    actor_die(&stage.keys);
    actor_enter(&stage.keys, "keys");
    end.fd = anna.keys;
    cr_assert_eq(poll(&end, 1, 0), 0, "the session sees an end");
    cr_assert_eq(send(anna.keys, "k", 1, MSG_NOSIGNAL), 1);
    actor_ready(&stage.keys);
    do {
        EXPECT(&stage.keys.channel, speaker);
        fd = fd_take(&heard.speaker.end);
        if (heard.speaker.serial != anna.serial)
            close(fd);
    } while (heard.speaker.serial != anna.serial);
    expect_words(&fd, 'k');
}

static void garbage(struct actor *a)
{
    cast_shout(&a->channel, "log", 3, NULL, 0);
}

static const struct {
    const char *what;
    void (*act)(struct actor *a);
} lies[] = {
    { "garbage", garbage },
    { "death", actor_die },
    { "a closed channel", actor_leave },
};

OpenTest(service, lies_of_log, NULL)
{
    for (size_t i = 0; i < sizeof(lies) / sizeof(lies[0]); i++) {
        lies[i].act(&stage.log);
        actor_again(&stage.log);
        stage_serves();
    }
}

static void many(struct master *m)
{
    m->settings.max_sessions = 400;
}

/* A log that reads nothing delays no session. When it reads, it gets all
 * channels. */
OpenTest(service, slow_log, many)
{
    static struct player p[400];
    int fd, rope;
    const pid_t pid = stage_bear(&rope);

    for (uint64_t i = 0; i < 399; i++)
        player_enter_as(&p[i], i + 1, pid);
    player_enter(&p[399], 400);
    player_logs_in(&p[399], &ours); /* while log reads nothing */
    for (uint64_t i = 0; i < 400; i++) {
        hear_peer(PROCESS_SESSION, i + 1, NULL, &fd);
        expect_channel(p[i].log, fd);
        close(fd);
    }
    close(rope);
    for (uint64_t i = 0; i < 400; i++)
        player_leave(&p[i]);
    stage_serves();
}

static void say_word(int fd, char word)
{
    cr_assert_eq(send(fd, &word, 1, MSG_NOSIGNAL), 1);
}

/* Receives the next channel that log gets from a session or its files. It must
 * be the channel of PROCESS of session SERIAL, with the byte WORD. */
static void expect_next(enum process process, uint64_t serial, char word)
{
    char byte = 0;

    EXPECT(&stage.log.channel, speaker);
    while (heard.speaker.serial == 0) {
        message_close(&heard);
        EXPECT(&stage.log.channel, speaker);
    }
    cr_assert_eq(heard.speaker.process, process);
    cr_assert_eq(heard.speaker.serial, serial, "session %llu, not %llu",
                 (unsigned long long)heard.speaker.serial,
                 (unsigned long long)serial);
    cr_assert_eq(recv(heard.speaker.end, &byte, 1, MSG_DONTWAIT), 1,
                 "session %llu", (unsigned long long)serial);
    cr_assert_eq(byte, word);
    message_close(&heard);
}

/* Breaks a rule, so master ends the session. */
static void end_player(struct player *p)
{
    cast_shout(&p->channel, "garbage", 7, NULL, 0);
    cast_skip_to_end(&p->channel);
    gate_hears(MSG_reaped, p->serial);
    player_leave(p);
}

Test(service, words_of_the_ended)
{
    struct player late, silent;

    stage_logged_in(NULL, &anna, &ours);
    log_dies();
    say_word(anna.log, 'w');
    end_player(&anna);
    player_enter(&silent, 12);
    end_player(&silent);
    player_enter(&late, 13);
    say_word(late.log, 'l');
    end_player(&late);
    cast_skip_to_end(&ours.channel);
    say_word(ours.log, 'f'); /* about an upload under way */
    actor_ready(&stage.log);
    expect_next(PROCESS_SESSION, anna.serial, 'w');
    expect_next(PROCESS_FILES, anna.serial, 'f');
    expect_next(PROCESS_SESSION, 13, 'l');
    close(ours.log);
    stage_close();
}

/* Ended sessions without a login leave room for the sessions of users. */
OpenTest(service, the_ended_are_bounded, NULL)
{
    log_dies();
    for (uint64_t serial = 1; serial <= FOREIGN + TOO_MANY; serial++) {
        player_enter(&anna, serial);
        say_word(anna.log, 'n');
        end_player(&anna);
    }
    player_enter(&anna, 100);
    player_logs_in(&anna, &ours);
    say_word(anna.log, 'u');
    end_player(&anna);
    actor_ready(&stage.log);
    for (uint64_t serial = 1; serial <= FOREIGN; serial++)
        expect_next(PROCESS_SESSION, serial, 'n');
    expect_next(PROCESS_SESSION, 100, 'u');
    cr_assert_eq(stage_reports(EVENT_TROUBLE, LOST), TOO_MANY);
}

/* Lets SERVICES_UNREAD sessions of anna end before log reads a word of them. FD
 * gets log's ends of their channels. */
static void leave_unread(int fd[SERVICES_UNREAD])
{
    for (uint64_t serial = 1; serial <= SERVICES_UNREAD; serial++) {
        player_enter(&anna, serial);
        player_logs_in(&anna, &ours);
        say_word(anna.log, 'w');
        end_player(&anna);
        actor_die(&ours);
        fd_close(&ours.log);
        cr_assert(wait_until(is_reaped, &ours, STAGE_WAIT_MS));
        hear_peer(PROCESS_SESSION, serial, "", &fd[serial - 1]);
    }
}

static bool is_answered(void *player)
{
    return channel_waits(((struct player *)player)->channel.fd) > 0;
}

/* Nobody who waits for the end of a drain stops a log with lines unread. */
OpenTest(service, unread_sessions_are_left, NULL)
{
    int fd[SERVICES_UNREAD];

    leave_unread(fd);
    caller_enter(&ctl);
    for (unsigned left = SERVICES_UNREAD;; left = 0) {
        REQUEST(&ctl, drain, .order = DRAIN_ASK);
        cr_expect_eq(EXPECT(&ctl, drain_is)->sessions, left);
        if (left == 0)
            break;
        for (int i = 0; i < SERVICES_UNREAD; i++)
            expect_words(&fd[i], 'w');
    }
    channel_close(&ctl);
}

/* A login waits while SERVICES_UNREAD ended sessions of its user wait for log:
 * log keeps places for other users. */
OpenTest(service, one_user_leaves_room_in_log, NULL)
{
    int fd[SERVICES_UNREAD];

    leave_unread(fd);
    player_enter(&anna, 100);
    player_asks(&anna);
    auth_says(100, "anna");
    cr_assert(!wait_until(is_answered, &anna, 100), "no wait for log");
    expect_words(&fd[0], 'w');
    actor_enter(&ours, "files");
    player_is_let_in(&anna, &ours);
    for (int i = 1; i < SERVICES_UNREAD; i++)
        fd_close(&fd[i]);
    player_leave(&anna);
}

static void impatient(struct master *m)
{
    m->settings.login_timeout = 1000;
}

OpenTest(service, a_login_waits_for_log_in_vain, impatient)
{
    int fd[SERVICES_UNREAD];

    leave_unread(fd);
    player_enter(&anna, 100);
    player_asks(&anna);
    auth_says(100, "anna");
    player_is_denied(&anna, DENIAL_BUSY);
    for (int i = 0; i < SERVICES_UNREAD; i++)
        fd_close(&fd[i]);
    player_leave(&anna);
}

static void forgetful(struct master *m)
{
    m->deadlines.unread = 1;
}

/* Log closes channels without reading them, if it has no places for them. The
 * sessions delay their user only for a while. */
OpenTest(service, log_drops_channels_of_one_user, forgetful)
{
    int fd[SERVICES_UNREAD];
    uint64_t lost = 0;

    leave_unread(fd);
    for (int i = 0; i < SERVICES_UNREAD; i++)
        fd_close(&fd[i]);
    player_enter(&anna, 100);
    player_logs_in(&anna, &ours);
    while (lost < SERVICES_UNREAD)
        lost += stage_reports(EVENT_TROUBLE, LOST);
    cr_assert_eq(lost, SERVICES_UNREAD);
    player_leave(&anna);
}

/* The service stops while there is no log. */
Test(service, no_log_at_the_stop)
{
    stage_open(NULL);
    log_dies();
    player_enter(&anna, 1);
    say_word(anna.log, 'n');
    end_player(&anna);
    stage_close(); /* and no descriptor leaks */
}
