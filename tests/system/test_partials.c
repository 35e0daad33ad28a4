/* The requests of sallyportctl to a running server: many at once, and the
 * rights of the process that looks for unfinished uploads. */

#include "ctl.h"
#include "support/files.h"
#include "support/processes.h"
#include "support/served.h"
#include "support/test.h"
#include "support/wait.h"

#define KIB  (1024u)
#define SENT (300 * KIB)
#define LEN  (600 * KIB)

static const struct server_plan plan = { USERS({ .name = "anna" },
                                               { .name = "bert" }) };

static size_t count(const struct server *server, const char *words,
                    const char *what)
{
    struct running running;
    struct run_result r;
    size_t n = 0;

    ctl_start(server, words, &running);
    run_finish(&running, &r);
    cr_assert_eq(r.status, 0, "%s: %d\n%s", words, r.status, r.text);
    for (const char *at = r.text; (at = strstr(at, what)); at++)
        n++;
    run_release(&r);
    return n;
}

struct arrival {
    const struct server *server;
    const char *user, *state;
    size_t len;
};

/* Looks with sallyportctl itself. */
static bool has_arrived(void *argument)
{
    const struct arrival *a = argument;
    char words[64], wanted[64];

    snprintf(words, sizeof(words), "partials list %s --json", a->user);
    snprintf(wanted, sizeof(wanted), "\"bytes\": %zu,", a->len);
    return count(a->server, words, wanted) > 0 &&
           count(a->server, words, a->state) > 0;
}

static void wait_for(const struct server *server, const char *user, size_t len,
                     const char *state)
{
    struct arrival a = { server, user, state, len };

    cr_assert(wait_until(has_arrived, &a, WAIT_MS), "%s: no %zu %s", user, len,
              state);
}

/* Begins an upload of SENT bytes that continues. */
static void begin(struct session *s, struct data *d,
                  const struct server *server, const char *user,
                  const char *name)
{
    unsigned char *bytes = malloc(SENT);

    files_noise(bytes, SENT, 7);
    session_enter(s, server, user);
    data_open(s, d, "STOR %s", name);
    data_write(d, bytes, SENT);
    wait_for(server, user, SENT, "\"uploading\"");
    free(bytes);
}

static void cut(struct session *s, struct data *d)
{
    data_cut(d, true);
    session_expect(s, "426 {*}");
}

static void cut_one(const struct server *server, const char *user,
                    const char *name)
{
    struct session s;
    struct data d;

    begin(&s, &d, server, user, name);
    cut(&s, &d);
    session_close(&s);
}

/* Many ask at once, while uploads continue. */
ServerTest(partials, many_at_once, 60, &plan)
{
    enum { ASKING = 6, UPLOADS = 4 };
    struct running running[ASKING];
    unsigned char *bytes = malloc(LEN);
    struct session s;

    files_noise(bytes, LEN, 7);
    cut_one(server, "anna", "left");
    for (int round = 0; round < UPLOADS; round++) {
        struct data d;

        session_enter(&s, server, round % 2 ? "bert" : "anna");
        data_open(&s, &d, "STOR file%d", round);
        for (int i = 0; i < ASKING; i++)
            ctl_start(server, "retention run", &running[i]);
        data_finish(&s, &d, bytes, LEN, "226 {*}");
        for (int i = 0; i < ASKING; i++) {
            struct run_result r;

            run_finish(&running[i], &r);
            cr_expect_eq(r.status, 0, "%s", r.text);
            run_release(&r);
        }
        session_close(&s);
    }
    cr_expect_eq(count(server, "partials list", " waiting "), 1);
    free(bytes);
}

/* More partials than all buffers on the way can hold: so the process that finds
 * them waits, and can be examined. */
static void fill(const struct server *server, const char *user, int n)
{
    for (int i = 0; i < n; i++) {
        char name[128];
        const char *path;

        snprintf(name, sizeof(name), ".sallyport-%032x.part", (unsigned)i);
        path = server_home_file(server, user, name);
        files_write(path, "1", 1, 0600);
        files_give_to_owner_of(server_home(server, user), path);
    }
}

static void expect_status(pid_t pid, const char *name, const char *wanted)
{
    char got[256];

    process_status(pid, name, got, sizeof(got));
    cr_expect_str_eq(got, wanted, "%s: %s", name, got);
}

static bool is_gone(void *row)
{
    return !process_lives(row);
}

/* Starts a list that can't end, since nobody reads its output, and waits until
 * it has begun. */
static pid_t list_to_nobody(const char *config, int nobody[2])
{
    struct pollfd first = { .events = POLLIN };
    pid_t pid;

    cr_assert_eq(pipe2(nobody, O_CLOEXEC), 0);
    cr_assert_geq(fcntl(nobody[0], F_SETPIPE_SZ, 4096), 0);
    pid = fork();
    if (pid == 0) {
        dup2(nobody[1], STDOUT_FILENO);
        execl(server_program("sallyportctl"), "sallyportctl", "--config",
              config, "partials", "list", "bert", "--csv", NULL);
        _exit(127);
    }
    cr_assert_geq(pid, 0);
    first.fd = nobody[0];
    cr_assert_eq(poll(&first, 1, WAIT_MS), 1);
    return pid;
}

/* A process of that user does the walk in its sandbox, and it ends with its
 * caller. */
ServerTest(partials, process_of_the_user, 120, &plan)
{
    static struct processes p;
    char ids[64];
    int nobody[2];
    unsigned uid = geteuid() == 0 ? SERVER_UID_FIRST + 1 : geteuid();
    const struct process_row *row;
    struct process_row files;
    const char *config = server_path(server, "sallyport.conf");

    fill(server, "bert", 3000);
    pid_t list = list_to_nobody(config, nobody);
    processes_wait(list, "sallyport: files (bert, for sallyportctl)", 1, &p);
    row = processes_find(&p, "sallyport: files (bert, for sallyportctl)");
    cr_assert(row);
    files = *row;
    snprintf(ids, sizeof(ids), "%u\t%u\t%u\t%u", uid, uid, uid, uid);
    expect_status(row->pid, "Uid", ids);
    expect_status(row->pid, "CapEff", "0000000000000000");
    expect_status(row->pid, "NoNewPrivs", "1");
    if (!server_is_sanitized())
        expect_status(row->pid, "Seccomp", "2");
    if (geteuid() == 0) {
        char link[64], root[PATH_MAX], home[PATH_MAX];
        ssize_t n;

        snprintf(link, sizeof(link), "/proc/%d/root", (int)row->pid);
        n = readlink(link, root, sizeof(root) - 1);
        cr_assert_gt(n, 0);
        root[n] = '\0';
        cr_assert(realpath(server_home(server, "bert"), home));
        cr_expect_str_eq(root, home);
    }
    ctl(server, 0, "status", "running"); /* no other caller has to wait */
    kill(list, SIGKILL);
    cr_expect(wait_until(is_gone, &files, WAIT_MS));
    cr_expect_eq(waitpid(list, NULL, 0), list);
    close(nobody[0]);
    close(nobody[1]);
}
