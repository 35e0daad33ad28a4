/* Tests the heartbeat: systemd's watchdog, and a master that hangs. */
#include <sys/un.h>

#include "played.h"
#include "sallyport/ipc/generation.h"
#include "support/wait.h"

/* With these deadlines, only systemd's 40 ms make the supervisor look often. */
static void set_up(void)
{
    played_deadlines.look = played_deadlines.silence = 60000;
}

static void counts(void)
{
    if (getenv("WATCHDOG_USEC") || getenv("WATCHDOG_PID"))
        _exit(90); /* only the supervisor gets them */
    played_enter(GENERATION_VERSION);
    played_lead();
    played_count_on();
}

/* Makes a socket like systemd's, with an abstract name, and sets
 * NOTIFY_SOCKET. */
static int listen_as_systemd(void)
{
    struct sockaddr_un a = { .sun_family = AF_UNIX };
    struct timeval wait = { .tv_sec = 20 };
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    char name[64];
    int n = snprintf(name, sizeof(name), "@sallyport-watchdog-%d", getpid());

    memcpy(a.sun_path + 1, name + 1, (size_t)n - 1);
    cr_assert_eq(bind(fd, (struct sockaddr *)&a,
                      (socklen_t)(sizeof(a.sun_family) + (size_t)n)),
                 0);
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof(wait));
    setenv("NOTIFY_SOCKET", name, 1);
    return fd;
}

/* The state that the first look at the board finds. */
#define IDLE "STATUS=serving, 0 sessions, 0 transfers since the start"

static void expect_word(int fd, const char *word)
{
    char got[128] = "";

    cr_assert_gt(recv(fd, got, sizeof(got) - 1, 0), 0, "no %s", word);
    cr_assert_str_eq(got, word);
}

Test(heartbeat, watchdog, .init = set_up, .timeout = 60)
{
    int fd = listen_as_systemd();
    struct played p;

    setenv("WATCHDOG_USEC", "40000", 1);
    played_begin(&p, counts);
    expect_word(fd, "READY=1\nSTATUS=serving");
    expect_word(fd, "WATCHDOG=1"); /* the master leads */
    expect_word(fd, IDLE);
    for (int i = 0; i < 10; i++)
        expect_word(fd, "WATCHDOG=1");
    played_end(&p);
    close(fd);
}

/* If WATCHDOG_USEC is missing or isn't a number, or if WATCHDOG_PID isn't this
 * process, the supervisor sends no WATCHDOG=1. */
static const char *const not_ours[][2] = {
    { NULL, NULL },
    { "no number", NULL },
    { "40000", "1" },
    { "40000", "nobody" },
};

static void asks_for_a_reload(void)
{
    played_heed_term();
    played_enter(GENERATION_VERSION);
    played_lead();
    for (int i = 0; i < 20 && played_is("1"); i++) {
        played_count();
        poll(NULL, 0, 5); /* the supervisor looks some times */
    }
    if (played_is("1"))
        SEND(&played_channel, renew, 1);
    played_stay();
}

Test(heartbeat, nobody_watches, .init = set_up, .timeout = 60)
{
    int fd = listen_as_systemd();

    played_deadlines.look = 20;
    for (size_t i = 0; i < sizeof(not_ours) / sizeof(not_ours[0]); i++) {
        char got[64] = "";
        struct played p;

        unsetenv("WATCHDOG_USEC");
        unsetenv("WATCHDOG_PID");
        if (not_ours[i][0])
            setenv("WATCHDOG_USEC", not_ours[i][0], 1);
        if (not_ours[i][1])
            setenv("WATCHDOG_PID", not_ours[i][1], 1);
        played_begin(&p, asks_for_a_reload);
        expect_word(fd, "READY=1\nSTATUS=serving");
        do {
            cr_assert_gt(recv(fd, got, sizeof(got) - 1, 0), 0);
            cr_expect(strncmp(got, "WATCHDOG=", 9) != 0, "%s", got);
        } while (strncmp(got, "RELOADING=1", 11) != 0);
        played_end(&p);
        while (recv(fd, got, sizeof(got), MSG_DONTWAIT) > 0)
            ;
    }
    close(fd);
}

static void asks_for_a_mistake(void)
{
    played_enter(GENERATION_VERSION);
    if (!played_is("1")) {
        SEND(&played_channel, start_failed, 0, .why = SLICE("a\nmistake"));
        _exit(EX_CONFIG);
    }
    played_heed_term();
    played_lead();
    SEND(&played_channel, renew, 1);
    played_stay();
}

Test(heartbeat, systemd_shows_the_state, .init = set_up, .timeout = 60)
{
    int fd = listen_as_systemd();
    char got[128] = "";
    struct played p;

    unsetenv("WATCHDOG_USEC");
    played_begin(&p, asks_for_a_mistake);
    expect_word(fd, "READY=1\nSTATUS=serving");
    cr_assert_gt(recv(fd, got, sizeof(got) - 1, 0), 0);
    cr_assert_gt(recv(fd, got, sizeof(got) - 1, 0), 0);
    cr_expect(
        strstr(got, "READY=1\nSTATUS=serving; the last reload failed 2") &&
            strstr(got, " UTC, and changed nothing: a"),
        "%s", got);
    played_end(&p);
    close(fd);
}

/* Generation 2 dies when it gets `lead`. A recovery has the settings of
 * generation 1. */
static void dies_taking_over(void)
{
    played_enter(GENERATION_VERSION);
    played_heed_term();
    if (!played_is("2")) {
        played_lead();
        if (played_is("1"))
            SEND(&played_channel, renew, 1);
        played_stay();
    }
    SEND(&played_channel, up, 0);
    EXPECT(&played_channel, lead);
    raise(SIGKILL);
}

Test(heartbeat, systemd_shows_what_a_takeover_has_changed, .init = set_up,
     .timeout = 60)
{
    int fd = listen_as_systemd();
    char got[256];
    struct played p;

    unsetenv("WATCHDOG_USEC");
    played_begin(&p, dies_taking_over);
    do {
        ssize_t n = recv(fd, got, sizeof(got) - 1, 0);

        cr_assert_gt(n, 0);
        got[n] = '\0';
    } while (!strstr(got, "the last reload failed"));
    cr_expect(strstr(got, " UTC: the takeover failed (master ended by signal "
                          "9); a recovery continues with the old "
                          "configuration"),
              "%s", got);
    played_end(&p);
    close(fd);
}

/* The number of transfers that the played master reports. The test sets it. */
static uint64_t *transfers;

static void is_loaded(void)
{
    struct board_row *row;
    played_enter(GENERATION_VERSION);
    played_heed_term();
    row = played_row();
    board_set(&row->sessions, 9); /* not shown: it doesn't lead yet */
    SEND(&played_channel, up, 0);
    played_count();
    EXPECT(&played_channel, lead);
    board_set(&row->sessions, 1);
    SEND(&played_channel, leading, 0);
    for (;;) {
        board_set(&row->transfers, board_get(transfers));
        played_count();
        poll(NULL, 0, 5);
    }
}

/* systemd gets the numbers when they change. */
Test(heartbeat, systemd_shows_the_load, .init = set_up, .timeout = 60)
{
    int fd = listen_as_systemd();
    struct played p;

    transfers = mmap(NULL, sizeof(*transfers), PROT_READ | PROT_WRITE,
                     MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    cr_assert_neq(transfers, MAP_FAILED);
    unsetenv("WATCHDOG_USEC");
    played_deadlines.look = 20;
    played_begin(&p, is_loaded);
    expect_word(fd, "READY=1\nSTATUS=serving");
    expect_word(fd, "STATUS=serving, 1 session, 0 transfers since the start");
    board_set(transfers, 1);
    expect_word(fd, "STATUS=serving, 1 session, 1 transfer since the start");
    played_end(&p);
    close(fd);
}

/* Plays a master that hangs. Its recovery counts. */
static void hangs_once(void)
{
    played_enter(GENERATION_VERSION);
    played_lead();
    if (!played_recovers())
        played_stay();
    (void)!write(STDOUT_FILENO, "r", 1);
    played_count_on();
}

Test(heartbeat, a_master_that_hangs, .init = set_up, .timeout = 60)
{
    struct played p;

    played_deadlines.look = 20;
    played_deadlines.silence = 200;
    played_begin(&p, hangs_once);
    cr_assert_eq(played_byte(p.output), 'r');
    played_end(&p);
}

/* Generation 1 counts until it is replaced. Then it writes its pid, and
 * hangs. */
static void hangs_when_old(void)
{
    const pid_t own = getpid();

    played_enter(GENERATION_VERSION);
    played_lead();
    if (!played_is("1"))
        played_count_on();
    SEND(&played_channel, renew, 5);
    while (heard.kind != MSG_replaced) {
        played_count();
        channel_wait(&played_channel, &heard, 5);
    }
    (void)!write(STDOUT_FILENO, &own, sizeof(own));
    played_stay();
}

static bool has_ended(void *pid)
{
    return kill(*(pid_t *)pid, 0) < 0;
}

/* If the master of an older generation hangs, nobody can end its sessions. */
Test(heartbeat, an_older_master_that_hangs, .init = set_up, .timeout = 60)
{
    struct played p;
    pid_t older;

    played_deadlines.look = 20;
    played_deadlines.silence = 2000;
    played_begin(&p, hangs_when_old);
    cr_assert_eq(read(p.output, &older, sizeof(older)), sizeof(older));
    cr_expect(wait_until(has_ended, &older, 20000));
    played_end(&p);
}

/* Writes its pid, and then counts. */
static void says_who_it_is(void)
{
    const pid_t own = getpid();

    played_enter(GENERATION_VERSION);
    played_lead();
    (void)!write(STDOUT_FILENO, &own, sizeof(own));
    played_count_on();
}

/* After a pause of the machine, which is longer than a master may be silent,
 * the supervisor continues before the master does. It must give the master more
 * time. */
Test(heartbeat, a_pause_of_the_machine, .init = set_up, .timeout = 60)
{
    struct pollfd one;
    struct played p;
    pid_t master;

    played_deadlines.look = 100;
    played_deadlines.silence = 4000;
    played_begin(&p, says_who_it_is);
    one = (struct pollfd){ .fd = p.output, .events = POLLIN };
    cr_assert_eq(poll(&one, 1, 20000), 1);
    cr_assert_eq(read(p.output, &master, sizeof(master)), sizeof(master));
    kill(master, SIGSTOP);
    kill(p.supervisor, SIGSTOP);
    poll(NULL, 0, 5000);
    kill(p.supervisor, SIGCONT);
    poll(NULL, 0, 200);
    kill(master, SIGCONT);
    cr_expect_eq(poll(&one, 1, 5000), 0, "a recovery has begun");
    played_end(&p);
}
