/* Disks of FUSE: files without shared pages, as on network file systems over
 * FUSE; a file that can't be read completely; disks that hang or go away. Root
 * mounts them in a mount namespace that ends with this test. */
#include <sys/mount.h>

#include "ctl.h"
#include "fault.h"
#include "fuse.h"
#include "generation.h"
#include "sallyport/base/clock.h"
#include "support/dimensions.h"
#include "support/files.h"
#include "support/long.h"
#include "support/processes.h"
#include "support/served.h"
#include "support/server_log.h"
#include "support/test.h"
#include "support/wait.h"

#define NUMBERS 75000u /* as in tests/system/fuse.py */

static void expect_numbers(const struct buf *got, uint32_t n)
{
    cr_assert_eq(got->len, n * sizeof(uint32_t));
    for (uint32_t i = 0; i < n; i++) {
        uint32_t number;

        memcpy(&number, got->data + i * sizeof(number), sizeof(number));
        cr_assert_eq(number, i);
    }
}

TestSuite(fuse, .init = fuse_begin);
TestSuite(fuse_young, .init = fuse_begin, IN_LONG_RUN);
TestSuite(fuse_reloaded, .init = fuse_begin, IN_LONG_RUN);

#define OLD_MS 10000 /* by then master has looked at the disks a few times */

/* A test of what the server's looks at the disks find: it runs after OLD_MS
 * with a server that relies on what it has seen, and in the long run with a
 * young server and after a reload, too. PLAN is the address of a struct
 * server_plan. */
#define AgedTest(suite, name, seconds, plan)                                   \
    static void name##_at_any_age(struct server *server);                      \
    ServerTest(suite, name, seconds, plan)                                     \
    {                                                                          \
        grow(server, HOW_LONG_SILENT);                                         \
        name##_at_any_age(server);                                             \
    }                                                                          \
    ServerTest(suite##_young, name, seconds, plan)                             \
    {                                                                          \
        grow(server, HOW_LONG_YOUNG);                                          \
        name##_at_any_age(server);                                             \
    }                                                                          \
    ServerTest(suite##_reloaded, name, seconds, plan)                          \
    {                                                                          \
        grow(server, HOW_LONG_RELOADED);                                       \
        name##_at_any_age(server);                                             \
    }                                                                          \
    static void name##_at_any_age(struct server *server)

static void grow_old(void)
{
    for (const uint64_t begin = clock_ms(); clock_ms() - begin < OLD_MS;)
        poll(NULL, 0, 200);
}

static void grow(const struct server *server, enum how_long age)
{
    switch (age) {
    case HOW_LONG_YOUNG:
    case HOW_LONG_COUNT:
        return;
    case HOW_LONG_SILENT:
        grow_old();
        return;
    case HOW_LONG_RELOADED:
        ctl(server, 0, "reload", "");
        return;
    }
}

/* Mounts a FUSE disk on the directory "far" of anna's home. */
static pid_t mount_far(const struct server *server)
{
    const char *far = server_home_file(server, "anna", "far");

    cr_assert_eq(mkdir(far, 0700), 0);
    files_give_to_owner_of(server_home(server, "anna"), far);
    return fuse_mount(far);
}

static void unmount_far(const struct server *server, pid_t fuse)
{
    fuse_unmount(server_home_file(server, "anna", "far"), fuse);
}

/* Downloads a whole file, and so few bytes that the server reads them without a
 * mapping. If the server can't read a file completely, it sends the readable
 * part and no 226, doesn't report that the file was cut short, and continues
 * the session. */
SessionTest(fuse, files_without_shared_pages, 60, PLAN(0))
{
    static const struct {
        const char *command;
        uint32_t numbers;
    } rows[] = { { "RETR far/f", NUMBERS },
                 { "RETR far/f", 4000 },
                 { "RETR far/bad", 4000 } };
    char waste[16384];
    struct data d;
    long n;

    const pid_t fuse = mount_far(server);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct buf got;

        buf_init(&got, 1 << 20);
        if (rows[i].numbers < NUMBERS)
            session_do(s, "350 {*}", "RANG 0 15999");
        session_fetch(s, rows[i].command, &got);
        expect_numbers(&got, rows[i].numbers);
        buf_release(&got);
    }
    data_open(s, &d, "RETR far/bad");
    while ((n = tls_client_read(d.tls, waste, sizeof(waste))) > 0)
        continue;
    cr_expect_eq(n, TLS_CLIENT_CUT, "it ended with %ld", n);
    data_cut(&d, false);
    session_expect(s, "451 {*}can't read the file{*}");
    server_log_wait(server, "verb=RETR", "far/bad", "read failed", NULL);
    session_do(s, "200 {*}", "NOOP");
    unmount_far(server, fuse);
}

#define ENDS_MS   6500  /* the supervisor kills the rest after 7 s */
#define SURVEY_MS 15000 /* master gives a check up after 10 s */
#define QUICK_MS  9000  /* a look at a home that hangs takes 10 s */

static bool is_one_check(void *server)
{
    static struct processes list;

    processes_of(((struct server *)server)->pid, &list);
    return processes_count(&list, "sallyport: check") == 1;
}

static bool is_no_check(void *server)
{
    static struct processes list;

    processes_of(((struct server *)server)->pid, &list);
    return processes_count(&list, "sallyport: check") == 0;
}

/* A reload and a recovery don't wait for a home that hangs, and at most one
 * process looks at it. Other users log in. */
ServerTest(fuse, a_home_that_hangs, 90,
           PLAN(USERS({ .name = "anna" }, { .name = "bert" }),
                .troubles = true))
{
    struct session s;
    uint64_t begin;
    pid_t fuse;

    const char *home = server_home(server, "bert");
    fuse = fuse_mount(home);
    cr_assert_eq(kill(fuse, SIGSTOP), 0);
    ctl(server, 0, "reload", "");
    cr_assert(wait_until(is_one_check, server, ENDS_MS),
              "the reload has waited");
    ctl(server, 0, "reload", "");
    /* If this reload took longer than a check may, the first one is over. */
    const bool over = server_log_has(server, "weren't all looked at in time");
    if (!over)
        server_log_wait(server, "warning: the homes aren't checked", NULL);
    cr_expect(wait_until(is_no_check, server, over ? SURVEY_MS : ENDS_MS),
              "it outlives master");
    begin = clock_ms();
    kill(generation_newest(server), SIGKILL);
    server_log_wait(server, "replaces processes that failed", NULL);
    session_enter(&s, server, "anna");
    cr_expect_leq(clock_ms() - begin, QUICK_MS);
    session_close(&s);
    fuse_unmount(home, fuse);
}

#define LATE_MS   9000 /* the server gives up a directory after 10 s */
#define TRIES     20
#define AT_MOST   3    /* processes that wait for the share */
#define TRIED_MS  4000 /* by then the server has tried again, after 1 s */
#define BACK_MS   20000
#define SEARCH_MS 12000 /* sallyportctl gives a disk up after 8 s */
#define PIPE_MS   40000

static const struct server_plan plan = {
    USERS({ .name = "anna", .keys = "shares=contracts:full" },
          { .name = "bert", .keys = "shares=contracts:full" },
          { .name = "carl", .keys = "rights=lrwodnmi" }),
    SHARES({ .name = "contracts" }),
    .troubles = true,
};

static uint64_t logs_in(const struct server *server, const char *name, int code)
{
    uint64_t begin = clock_ms();
    struct session s;

    session_arrive(&s, server);
    session_do(&s, "331 {*}", "USER %s", name);
    session_send(&s, "PASS %s", SERVER_PASSWORD);
    cr_assert_eq(session_reply(&s), code, "%s: %s", name, s.reply.data);
    session_drop(&s);
    return clock_ms() - begin;
}

static size_t files_of(const struct server *server, const char *name)
{
    static struct processes list;
    char title[64];

    snprintf(title, sizeof(title), "sallyport: files (%s", name);
    processes_of(server->pid, &list);
    return processes_count(&list, title);
}

static struct server *of_members;

static bool share_is_there(void *name)
{
    struct session s;
    int code;

    session_enter(&s, of_members, name);
    session_send(&s, "CWD /contracts");
    code = session_reply(&s);
    session_close(&s);
    return code == 250;
}

static bool few_wait(void *server)
{
    return files_of(server, "") <= AT_MOST;
}

/* A share hangs. Its members log in, but can't enter it. The first login waits
 * until the server gives up the share. Later logins don't, not even while the
 * server tries the share again. Once the disk is back, the members can enter
 * the share. */
AgedTest(fuse, a_share_that_hangs, 120, &plan)
{
    struct session s;
    struct buf list;
    const char *share = server_share_path(server, "/contracts");
    pid_t fuse = fuse_mount_hung(share);

    cr_expect_geq(logs_in(server, "anna", 230), LATE_MS);
    server_log_wait(server, "share /contracts at ", share, " doesn't answer",
                    NULL);
    for (int i = 0; i < TRIES; i++)
        cr_expect_leq(logs_in(server, i % 2 ? "anna" : "bert", 230), LATE_MS);
    cr_expect(wait_until(few_wait, server, WAIT_MS), "%zu",
              files_of(server, ""));
    session_enter(&s, server, "bert");
    session_store(&s, "STOR", "f", "bytes", 5);
    session_do(&s, "451 {*}", "CWD /contracts");
    buf_init(&list, 1 << 20);
    session_fetch(&s, "LIST", &list);
    buf_release(&list);
    session_close(&s);
    /* Log in so slowly that log keeps up: otherwise further logins get 421. */
    for (uint64_t begin = clock_ms(); clock_ms() - begin < TRIED_MS;) {
        cr_expect_leq(logs_in(server, "anna", 230), LATE_MS);
        poll(NULL, 0, 200);
    }
    fuse_unmount(share, fuse);
    of_members = server;
    cr_expect(wait_until(share_is_there, "anna", BACK_MS));
    server_log_wait(server, share, "its disk answers again", NULL);
}

static bool is_away(void *home)
{
    struct stat at;

    return stat(home, &at) < 0 && errno == ENOTCONN;
}

/* The server of a network disk has gone. Logins get 421 until the disk is
 * back. */
AgedTest(fuse, a_home_that_is_away, 120, &plan)
{
    const char *home = server_home(server, "anna");
    pid_t fuse = fuse_mount(home);

    cr_assert_eq(kill(fuse, SIGKILL), 0);
    cr_assert(wait_until(is_away, (void *)home, WAIT_MS));
    logs_in(server, "anna", 421);
    server_log_wait(server, "home ", home, strerror(ENOTCONN), NULL);
    logs_in(server, "carl", 230);
    fuse_unmount(home, fuse);
    logs_in(server, "anna", 230);
}

/* Runs sallyportctl, and reads its output from a pipe to the end: a process
 * that hangs must not keep the pipe open. */
static void expect_end(const struct server *server, const char *words,
                       const char *said)
{
    struct pollfd one = { .events = POLLIN };
    char command[2 * SERVER_PATH_MAX], text[16384] = "";
    uint64_t begin = clock_ms();
    size_t len = 0;
    ssize_t n = 1;

    snprintf(command, sizeof(command), "%s --config %s/sallyport.conf %s 2>&1",
             server_program("sallyportctl"), server->folder, words);
    FILE *pipe = popen(command, "re");
    cr_assert_not_null(pipe);
    one.fd = fileno(pipe);
    while (n > 0 && clock_ms() - begin < PIPE_MS)
        if (poll(&one, 1, 100) == 1) {
            n = read(one.fd, text + len, sizeof(text) - 1 - len);
            len += n > 0 ? (size_t)n : 0;
        }
    cr_expect_eq(n, 0, "%s: no end: %s", words, text);
    cr_expect(strstr(text, said), "%s: %s", words, text);
    if (n == 0)
        pclose(pipe);
}

/* Commands that search all homes and shares list the ones that answer, and
 * report the others. */
ServerTest(fuse, a_search_beside_a_share_that_hangs, 120, &plan)
{
    struct session s;
    struct data d;
    char id[17], order[64];
    uint64_t begin;
    pid_t fuse;

    files_make_folder(server_home_file(server, "carl", "in"), 0777);
    session_enter(&s, server, "carl");
    data_open(&s, &d, "STOR in/f");
    data_finish(&s, &d, "bytes", 5, "226 {*}");
    snprintf(id, sizeof(id), "%s", strstr(s.reply.data, "(id ") + 4);
    session_close(&s);
    const char *share = server_share_path(server, "/contracts");
    fuse = fuse_mount_hung(share);
    begin = clock_ms();
    ctl(server, 75, "inspect list --all", id);
    ctl(server, 75, "inspect list --all --json", id);
    ctl(server, 75, "inspect list --all", share);
    cr_expect_leq(clock_ms() - begin, 3 * SEARCH_MS);
    expect_end(server, "inspect list --all", share);
    expect_end(server, "retention run", share);
    snprintf(order, sizeof(order), "inspect release %s", id);
    ctl(server, 0, order, "/in/f");
    expect_end(server, "share del contracts --purge --yes --waiting", share);
    fuse_unmount(share, fuse);
}

/* The directory of all homes hangs. */
ServerTest(fuse, commands_beside_homes_that_hang, 120, &plan)
{
    const char *homes = server->homes;
    pid_t fuse = fuse_mount_hung(homes);

    expect_end(server, "user del carl --purge --yes --waiting", homes);
    expect_end(server, "retention run", homes);
    fuse_unmount(homes, fuse);
}

/* A lock ends a user's access although the disks of a share, of a home and of
 * the state don't answer. */
AgedTest(fuse, a_lock_beside_dead_disks, 120, &plan)
{
    char place[3][SERVER_PATH_MAX];
    struct session s;
    uint64_t begin;
    pid_t fuse[3];

    strcpy(place[0], server_share_path(server, "/contracts"));
    strcpy(place[1], server_home(server, "bert"));
    strcpy(place[2], server_path(server, "state"));
    /* A mount over the share would end the session by itself. */
    fuse[0] = fuse_mount(place[0]);
    session_enter(&s, server, "anna");
    fuse_hang(fuse[0]);
    for (size_t i = 1; i < 3; i++)
        fuse[i] = fuse_mount_hung(place[i]);
    begin = clock_ms();
    ctl(server, 0, "user lock anna", "1 session ended\nuser anna: locked\n");
    session_expect(&s, "530 Your account was locked{*}");
    cr_expect_leq(logs_in(server, "anna", 530), LATE_MS);
    cr_expect_leq(clock_ms() - begin, LATE_MS);
    session_drop(&s);
    for (size_t i = 0; i < 3; i++)
        fuse_unmount(place[i], fuse[i]);
}

static void link_users(const struct server *server, const char *target)
{
    const char *path = server_path(server, "users");
    const char *made = server_path(server, "users.link");
    cr_assert_eq(symlink(target, made), 0);
    cr_assert_eq(rename(made, path), 0);
}

#define BRIEF_MS 9000 /* a login waits 0.2 s; a look is given up after 10 s */
#define AWAY     "421 The server can't reach its files now. Try again later."
#define LOST_MS  10000 /* within this time the greeting is 421 */

static bool greets_with_421(void *server)
{
    struct session s;
    int code;

    session_init(&s);
    session_connect(&s, ((struct server *)server)->port);
    code = session_reply(&s);
    if (code == 421)
        cr_expect_str_eq(s.reply.data, AWAY);
    session_drop(&s);
    return code == 421;
}

static bool greets_with_220(void *server)
{
    return !greets_with_421(server);
}

static bool is_locked_out(void *server)
{
    struct session s;
    int code;

    session_init(&s);
    session_connect(&s, ((struct server *)server)->port);
    session_start_tls(&s);
    session_do(&s, "331 {*}", "USER anna");
    session_send(&s, "PASS %s", SERVER_PASSWORD);
    code = session_reply(&s);
    session_drop(&s);
    return code == 530;
}

/* The disk of the users file hangs. At first the users that master knows log
 * in, sessions go on, and the server answers an administrator's commands. Then
 * new clients get 421. When the disk is back, the server uses a change that
 * another machine has made meanwhile. */
AgedTest(fuse, a_users_file_that_hangs, 150, &plan)
{
    struct session s, t, late;
    uint64_t begin;
    pid_t fuse;

    session_enter(&s, server, "bert");
    session_enter(&t, server, "carl");
    session_arrive(&late, server);
    const char *path = server_path(server, "users");
    const char *away = server_path(server, "users.away");
    const char *disk = server_path(server, "disk");
    cr_assert_eq(mkdir(disk, 0700), 0);
    cr_assert_eq(link(path, away), 0);
    fuse = fuse_mount_hung(disk);
    link_users(server, "disk/f");
    for (int i = 0; i < 2; i++)
        cr_expect_leq(logs_in(server, "anna", 230), BRIEF_MS);
    begin = clock_ms();
    ctl(server, 0, "who", "bert");
    ctl(server, 0, "kick bert", "");
    session_drop(&s);
    cr_expect_leq(clock_ms() - begin, BRIEF_MS);
    cr_expect(wait_until(greets_with_421, server, LOST_MS));
    server_log_wait(server, "new clients get 421", path, "no answer", NULL);
    ctl(server, 0, "status", "new clients get 421");
    session_do(&late, "331 {*}", "USER anna");
    session_do(&late, AWAY, "PASS %s", SERVER_PASSWORD);
    session_drop(&late);
    ctl(server, 2, "check", "critical new clients get 421");
    session_store(&t, "STOR", "f", "bytes", 5);
    session_close(&t);
    fuse_unmount(disk, fuse);
    rmdir(disk);
    files_change(away, "anna:", "anna:!", true);
    cr_assert_eq(rename(away, path), 0);
    cr_expect(wait_until(greets_with_220, server, LOST_MS));
    cr_expect(wait_until(is_locked_out, server, LOST_MS));
    logs_in(server, "bert", 230);
}

static const struct server_plan troubled = { .troubles = true };

static void homes_of(const struct server *server, char homes[SERVER_PATH_MAX])
{
    snprintf(homes, SERVER_PATH_MAX, "%s", server_home(server, "anna"));
    *strrchr(homes, '/') = '\0';
}

/* All homes are on a volume, and the volume's daemon ends. Within 10 s a health
 * check sees this by the greeting, and later that the volume is back. The log
 * has one line for each change, and none for a check. */
AgedTest(fuse, a_volume_that_goes, 120, &troubled)
{
    char homes[SERVER_PATH_MAX];
    pid_t fuse;

    homes_of(server, homes);
    cr_expect(greets_with_220(server));
    fuse = fuse_mount(homes);
    cr_assert_eq(kill(fuse, SIGKILL), 0);
    cr_expect(wait_until(greets_with_421, server, LOST_MS));
    for (int i = 0; i < TRIES; i++)
        cr_expect(greets_with_421(server));
    server_log_wait(server, "new clients get 421", homes, strerror(ENOTCONN),
                    NULL);
    fuse_unmount(homes, fuse);
    cr_expect(wait_until(greets_with_220, server, LOST_MS));
    server_log_wait(server, "can be reached again", NULL);
    logs_in(server, "anna", 230);
    server_log_expect(server, 1, "new clients get 421", NULL);
    server_log_expect(server, 0, "files away", NULL);
}

/* The volume is unmounted, and mounted again some looks later. */
AgedTest(fuse, a_volume_that_goes_after_it_came_back, 120, &troubled)
{
    char homes[SERVER_PATH_MAX];
    pid_t fuse;

    homes_of(server, homes);
    fuse_unmount(homes, fuse_mount(homes));
    grow_old();
    fuse = fuse_mount(homes);
    cr_assert_eq(kill(fuse, SIGKILL), 0);
    cr_expect(wait_until(greets_with_421, server, LOST_MS));
    fuse_unmount(homes, fuse);
    cr_expect(wait_until(greets_with_220, server, LOST_MS));
}

/* The disk of all homes isn't mounted: the directory below it is empty. A
 * restart finds the same, and `mount` ends it. */
AgedTest(fuse, a_volume_that_is_not_mounted, 120, &troubled)
{
    char homes[SERVER_PATH_MAX], lock[SERVER_PATH_MAX + 32];

    homes_of(server, homes);
    for (int restarts = 0; restarts < 2; restarts++) {
        cr_assert_eq(mount("tmpfs", homes, "tmpfs", 0, "mode=0711"), 0);
        snprintf(lock, sizeof(lock), "%s/.sallyport-retention", homes);
        files_write(lock, "", 0, 0600); /* as sallyport-retention.service */
        if (restarts > 0) {
            server_halt(server);
            server_again(server);
        }
        cr_expect(wait_until(greets_with_421, server, LOST_MS));
        server_log_wait(server, "new clients get 421: 1 of 1 homes in ", homes,
                        " are missing; is a disk not mounted", NULL);
        ctl(server, 0, "status", "is a disk not mounted");
        ctl(server, 2, "check", "if its disk is mounted, run: install -d");
        ctl(server, 78, "user add bert", "is a disk not mounted");
        cr_assert_eq(umount2(homes, MNT_DETACH), 0);
        cr_expect(wait_until(greets_with_220, server, LOST_MS));
        logs_in(server, "anna", 230);
    }
}

/* The disk asks for the uid of each caller, and the session's uid isn't the
 * user's. */
ServerTest(fuse, a_disk_that_asks_who_calls, 60, PLAN(0))
{
    static const char bytes[5000];
    struct session s;
    struct buf got;
    const char *home = server_home(server, "anna");
    pid_t fuse = fuse_mount_without(home, "strangers");

    session_enter(&s, server, "anna");
    session_store(&s, "STOR", "a", bytes, sizeof(bytes));
    buf_init(&got, 1 << 20);
    session_fetch(&s, "RETR f", &got);
    expect_numbers(&got, NUMBERS);
    buf_release(&got);
    session_close(&s);
    fuse_unmount(home, fuse);
}

#define SMALL_REQUESTS 30

/* A small upload must make few requests, since each request to a network disk
 * takes as long as the way to the disk and back. */
ServerTest(fuse, a_small_upload_asks_a_remote_disk_little, 60, PLAN(0))
{
    static const char bytes[4096];
    struct session s;
    unsigned before, took;
    const char *home = server_home(server, "anna");
    pid_t fuse = fuse_mount_remote(home);

    session_enter(&s, server, "anna");
    session_store(&s, "STOR", "a", bytes, sizeof(bytes));
    before = fuse_requests(home, NULL);
    session_store(&s, "STOR", "b", bytes, sizeof(bytes));
    took = fuse_requests(home, NULL) - before;
    cr_expect_leq(took, SMALL_REQUESTS, "%u", took);
    cr_expect_eq(fuse_requests(home, "SETXATTR"), 0);
    cr_expect_eq(fuse_requests(home, "REMOVEXATTR"), 0);
    session_close(&s);
    fuse_unmount(home, fuse);
}

/* How an upload ends, and the reply if the client still hears one. */
static const struct {
    const char *command, *reply;
    enum { WHOLE, DATA_CUT, CONTROL_CUT } end;
} lossy[] = { { "STOR new", "452 {*}", WHOLE },
              { "APPE new", "452 {*}", WHOLE },
              { "STOR new", "426 {*}", DATA_CUT },
              { "STOR new", NULL, CONTROL_CUT } };

/* The disk reports lost writes only when the file is closed, and forgets them
 * then. No client gets a 226, nobody sees the file, and no client resumes it.
 */
static void expect_no_file(struct server *server, const char *setting)
{
    static const char bytes[300000];
    const char *home = server_home(server, "anna");
    pid_t fuse = fuse_mount_without(home, "room");

    for (size_t i = 0; i < sizeof(lossy) / sizeof(lossy[0]); i++) {
        struct session s;
        struct data d;

        cr_log_info("%s, row %zu", setting, i);
        session_enter(&s, server, "anna");
        data_open(&s, &d, "%s", lossy[i].command);
        if (lossy[i].end == WHOLE) {
            data_finish(&s, &d, bytes, sizeof(bytes), lossy[i].reply);
        } else {
            data_write(&d, bytes, sizeof(bytes));
            fault_wait_partial(server, "anna", 200000);
        }
        if (lossy[i].end == DATA_CUT) {
            data_cut(&d, false);
            session_expect(&s, lossy[i].reply);
        }
        if (lossy[i].end == CONTROL_CUT) {
            session_drop(&s);
            data_cut(&d, false);
            session_enter(&s, server, "anna");
        }
        session_do(&s, "550 {*}", "SIZE new");
        session_do(&s, "550 {*}", "MLST new");
        session_close(&s);
    }
    fuse_unmount(home, fuse);
}

ServerTest(fuse, a_disk_that_is_full_at_the_close, 60, PLAN(.troubles = true))
{
    expect_no_file(server, "fsync = yes");
}

ServerTest(fuse, a_disk_that_is_full_at_the_close_without_fsync, 60,
           PLAN(.settings = "fsync = no\n", .troubles = true))
{
    expect_no_file(server, "fsync = no");
}
