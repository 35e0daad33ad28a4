/* The server refuses transfers or breaks them off. curl must not take the end
 * of a data connection for a broken port: it would send PASV, and be one reply
 * late from then on. The program runs in its own mount namespace, for the full
 * disk. */
#include <sys/mount.h>

#include "fault.h"
#include "support/files.h"
#include "support/long.h"
#include "support/run.h"
#include "support/served.h"
#include "support/test.h"

#define LEN 40000
/* The rounds in each run of the script, and its runs in the long test. */
#define ROUNDS 4
#define RUNS   25

static const char *const cases[] = {
    "missing", "denied",    "taken", "several", "unbound",
    "stalled", "shortened", "full",  "large",
};
#define CASES (sizeof(cases) / sizeof(cases[0]))

ReportHook(PRE_ALL)(struct criterion_test_set *set)
{
    static struct server_user users[CASES];
    const struct server_plan plan = { .users = users,
                                      .user_count = CASES,
                                      .settings = "on_conflict = reject\n"
                                                  "stall_timeout = 3s\n"
                                                  "max_file_size = 2M\n" };

    (void)set;
    for (size_t i = 0; i < CASES; i++)
        users[i].name = cases[i];
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

/* Mounts a file system with little more room than the test's files need. */
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
    const char *script = in_source("tests/system/refusals.sh");

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
    for (int i = 0; i < (is_long() ? RUNS : 1); i++)
        play(&server, name, i);
    if (strcmp(name, "full") == 0)
        umount2(server_home(&server, name), MNT_DETACH);
}
