/* Transfers that are refused or broken off, in both orders: with the data
 * connection made before the command, and after its reply. And curl, which
 * takes the end of a data connection for a broken port, sends PASV, and is one
 * reply late from then on. It runs in its own mount namespace, for the full
 * disk. */
#include <sys/mount.h>

#include "fault.h"
#include "parting.h"
#include "support/files.h"
#include "support/run.h"
#include "support/served.h"
#include "support/test.h"
#include "support/wait.h"

#define LEN 40000
/* Runs of the script, and the rounds in a row of the long test. */
#define ROUNDS 4
#define RUNS   25

static const char *const cases[] = {
    "missing", "denied",    "taken", "several", "unbound",
    "stalled", "shortened", "full",  "large",
};
#define CASES (sizeof(cases) / sizeof(cases[0]))

ReportHook(PRE_ALL)(struct criterion_test_set *set)
{
    static struct server_user users[CASES + 3] = { { .name = "anna" },
                                                   { .name = "bert" },
                                                   { .name = "carl" } };
    const struct server_plan plan = { .users = users,
                                      .user_count = CASES + 3,
                                      .settings = "on_conflict = reject\n"
                                                  "stall_timeout = 1s\n"
                                                  "max_file_size = 2M\n" };

    (void)set;
    for (size_t i = 0; i < CASES; i++)
        users[i + 3].name = cases[i];
    server_share(&plan);
    files_write(server_path(server_of_runner(), "password"), SERVER_PASSWORD,
                strlen(SERVER_PASSWORD), 0600);
}

static void put(const struct server *server, const char *user, const char *name,
                const char *bytes, size_t len)
{
    const char *path = server_home_file(server, user, name);
    files_write(path, bytes, len, 0600);
    files_give_to_owner_of(server_home(server, user), path);
}

static const struct refused {
    const char *line, *reply;
} refusals[] = {
    { "RETR none", "550 {*}" },     { "STOR taken", "553 {*}" },
    { "LIST none", "550 {*}" },     { "MLSD none", "550 {*}" },
    { "APPE /", "550 {*}" },        { "RETR", "501 {*}" },
    { "STOR closed/x", "550 {*}" },
};
#define REFUSALS (sizeof(refusals) / sizeof(refusals[0]))

static void make_home(const struct server *server, const char *user)
{
    char text[LEN];

    memset(text, 'x', sizeof(text));
    put(server, user, "taken", text, sizeof(text));
    put(server, user, "n1", text, 30000);
    put(server, user, "n2", text, 20000);
    put(server, user, "k1", "what was there\n", 15);
    const char *closed = server_home_file(server, user, "closed");
    files_make_folder(closed, 0555);
    files_give_to_owner_of(server_home(server, user), closed);
}

static void expect_open(const struct data *d, const char *line)
{
    struct pollfd p = { .fd = d->fd, .events = POLLIN };

    cr_expect_eq(poll(&p, 1, 50), 0, "%s: the end came with the reply", line);
}

/* The reply comes first. A new port ends the old connection, and serves the
 * next transfer. */
SharedSessionTest(refusals, client_is_connected, 60, "anna")
{
    make_home(server, "anna");
    for (size_t i = 0; i < REFUSALS; i++) {
        struct data d;
        char name[16];

        data_connect(s, &d);
        session_do(s, refusals[i].reply, "%s", refusals[i].line);
        expect_open(&d, refusals[i].line);
        session_do(s, "229 {*}", "EPSV");
        parting_expect_data(&d, PARTING_BARE);
        snprintf(name, sizeof(name), "new-%zu", i);
        session_store(s, "STOR", name, "whole", 5);
    }
}

/* The port to which nobody has connected serves the next transfer. */
SharedSessionTest(refusals, client_is_not_connected_yet, 60, "bert")
{
    struct buf bytes;

    make_home(server, "bert");
    for (size_t i = 0; i < REFUSALS; i++) {
        struct data d;

        session_do(s, "229 {*}(|||{port}|){*}", "EPSV");
        session_do(s, refusals[i].reply, "%s", refusals[i].line);
        session_do(s, refusals[i].reply, "%s", refusals[i].line);
        data_connect_to(s, &d, s->port);
        session_do(s, "150 {*}", "RETR n1");
        data_secure(s, &d);
        buf_init(&bytes, FAULT_MIB);
        data_read_all(&d, &bytes);
        session_expect(s, "226 {*}");
        cr_expect_eq(bytes.len, 30000);
        buf_release(&bytes);
        data_close(&d);
    }
}

/* A client that comes late for a refused transfer never counts as the client of
 * the next port: that one gets the whole file. */
SharedSessionTest(refusals, client_connects_too_late, 60, "carl")
{
    make_home(server, "carl");
    for (int i = 0; i < 20; i++) {
        struct data late, right;
        struct buf bytes;
        unsigned port;

        session_do(s, "229 {*}(|||{port}|){*}", "EPSV");
        port = s->port;
        session_do(s, "550 {*}", "RETR none");
        session_send(s, "EPSV");
        data_connect_to(s, &late, port);
        session_expect(s, "229 {*}(|||{port}|){*}");
        data_connect_to(s, &right, s->port);
        if (s->port ==
            port) { /* both are good: chance decides which comes first */
            data_cut(&late, false);
            data_cut(&right, false);
            continue;
        }
        session_do(s, "150 {*}", "RETR n1");
        data_secure(s, &right);
        buf_init(&bytes, FAULT_MIB);
        data_read_all(&right, &bytes);
        session_expect(s, "226 {*}");
        cr_expect_eq(bytes.len, 30000);
        buf_release(&bytes);
        data_close(&right);
        data_cut(&late, false);
    }
}

/* Mounts a file system that holds little more than the present files. */
static void make_small(const struct server *server, const char *user)
{
    const char *home = server_home(server, user);
    char options[128];
    struct stat st;

    cr_assert_eq(stat(home, &st), 0);
    snprintf(options, sizeof(options), "size=1m,mode=0700,uid=%u,gid=%u",
             (unsigned)st.st_uid, (unsigned)st.st_gid);
    cr_assert_eq(mount("tmpfs", home, "tmpfs", 0, options), 0, "%s", options);
}

static void play(const struct server *server, const char *name, int number)
{
    char port[16];
    char work[SERVER_PATH_MAX];
    char rounds[16];
    struct run_result r;
    const char *script = server_source("tests/system/refusals.sh");

    snprintf(port, sizeof(port), "%u", server->port);
    const char *password = server_path(server, "password");
    const char *certificate = server_path(server, "certificate.pem");
    snprintf(work, sizeof(work), "%.400s/work-%s-%d", server->folder, name,
             number);
    const char *home = server_home(server, name);
    const char *log = server_path(server, "log");
    snprintf(rounds, sizeof(rounds), "%d", ROUNDS);
    files_make_folder(work, 0700);
    run(&r, NULL, "bash", script, name, "127.0.0.1", port, name, password,
        certificate, work, home, log, rounds, NULL);
    cr_assert_eq(r.status, 0, "exit status %d:\n%s", r.status, r.text);
    run_release(&r);
}

ParameterizedTestParameters(refusals, curl)
{
    static char names[CASES][16];

    for (size_t i = 0; i < CASES; i++)
        snprintf(names[i], sizeof(names[i]), "%s", cases[i]);
    return cr_make_param_array(char[16], names, CASES);
}

ParameterizedTest(const char *name, refusals, curl, .timeout = 1000)
{
    struct server server;

    if (strcmp(name, "full") == 0 && geteuid() != 0)
        cr_skip_test("needs root");
    server_shared(&server);
    if (strcmp(name, "full") == 0)
        make_small(&server, name);
    make_home(&server, name);
    for (int i = 0; i < (server_is_long() ? RUNS : 1); i++)
        play(&server, name, i);
    if (strcmp(name, "full") == 0)
        umount2(server_home(&server, name), MNT_DETACH);
}
