/* A build with another version is installed over the running programs, and a
 * reload starts it. Transfers under way continue in the old processes to their
 * end. */
#include "ctl.h"
#include "fault.h"
#include "generation.h"
#include "installed.h"
#include "support/files.h"
#include "support/processes.h"
#include "support/served.h"
#include "support/server_log.h"
#include "support/test.h"

#define TRANSFERS 20
#define IDLE      50

TestSuite(versions, .init = installed_begin, .fini = installed_end);

static const struct server_plan plan = {
    .settings = "max_sessions = 200\nmax_per_address = 200\n"
                "max_per_user = 200\nstartups = 200\n",
};

/* A data connection shows the ticket of an old session: it has the same user,
 * so it is valid. */
static void expect_ticket(const struct server *server, struct session *old)
{
    struct tls_session *ticket = tls_client_session(old->tls);
    struct session s;
    struct data d;

    cr_assert(ticket, "no ticket");
    session_enter(&s, server, "anna");
    s.show = ticket;
    data_open(&s, &d, "STOR ticket");
    cr_expect(tls_client_resumed(d.tls), "it was not resumed");
    data_finish(&s, &d, "bytes", 5, "226 {*}");
    session_close(&s);
    tls_session_free(ticket);
}

/* The program that asks is of the new build, too. */
static void expect_status(const struct server *server)
{
    char words[128];

    snprintf(words, sizeof(words), "\nversion:  %s\npid:      %d\n",
             installed_version(), (int)server->pid);
    ctl(server, 0, "status", words);
}

#define BIG  (20u << 20)
#define PART 100000

/* A transfer of anna that is kept under way. Even numbers are uploads; odd
 * numbers download the file "big", which is larger than all buffers on the
 * way. */
struct pending {
    const struct server *server;
    const unsigned char *bytes; /* of "big" */
    int number;
    char name[16];
    struct session s;
    struct data d;
};

/* The caller frees the bytes of "big". */
static unsigned char *pending_prepare(const struct server *server)
{
    const char *path = server_home_file(server, "anna", "big");
    unsigned char *bytes = fault_noise(BIG);

    files_write(path, bytes, BIG, 0600);
    files_give_to_owner_of(server_home(server, "anna"), path);
    return bytes;
}

static bool stores(const struct pending *p)
{
    return p->number % 2 == 0;
}

static void pending_begin(struct pending *p, int number,
                          const struct server *server,
                          const unsigned char *bytes)
{
    p->server = server;
    p->bytes = bytes;
    p->number = number;
    snprintf(p->name, sizeof(p->name), "f-%d", number);
    session_enter(&p->s, server, "anna");
    if (stores(p)) {
        data_open(&p->s, &p->d, "STOR %s", p->name);
        data_write(&p->d, bytes, PART);
    } else {
        data_open(&p->s, &p->d, "RETR big");
    }
}

static void expect_big(struct pending *p)
{
    struct buf got;

    buf_init(&got, BIG + (1 << 20));
    data_read_all(&p->d, &got);
    cr_assert(got.len == BIG && memcmp(got.data, p->bytes, BIG) == 0,
              "other bytes than were stored");
    buf_release(&got);
}

static void pending_finish(struct pending *p)
{
    if (stores(p))
        data_write(&p->d, p->bytes + PART, PART);
    else
        expect_big(p);
    data_close(&p->d);
    session_expect(&p->s, "226 {*}");
    if (stores(p))
        fault_expect_whole(p->server, "anna", p->name, p->bytes, 2 * PART);
    session_close(&p->s);
}

static struct pending transfers[TRANSFERS];
static struct session idle[IDLE];

static void begin_all(const struct server *server, const unsigned char *bytes)
{
    for (int i = 0; i < IDLE; i++) {
        session_enter(&idle[i], server, "anna");
    }
    for (int i = 0; i < TRANSFERS; i++)
        pending_begin(&transfers[i], i, server, bytes);
}

/* The old sessions end, one after the other; their generation lives until
 * then. */
static void finish_all(pid_t old)
{
    for (int i = 0; i < TRANSFERS; i++)
        pending_finish(&transfers[i]);
    for (int i = 0; i < IDLE; i++) {
        session_do(&idle[i], "200 {*}", "NOOP");
        if (i % 10 == 0)
            session_store(&idle[i], "STOR", "idle", "bytes", 5);
        cr_assert_eq(kill(old, 0), 0, "the old generation has ended");
        session_close(&idle[i]);
    }
}

ServerTest(versions, an_upgrade_under_load, 300, &plan)
{
    static struct processes p;
    unsigned char *bytes;
    pid_t old;

    old = generation_newest(server);
    bytes = pending_prepare(server);
    begin_all(server, bytes);
    installed_upgrade();
    ctl(server, 0, "reload", "");
    server_log_wait(server, "started, version", installed_version(), NULL);
    expect_status(server);
    expect_ticket(server, &idle[0]);
    processes_wait(server->pid, "sallyport: session", TRANSFERS + IDLE, &p);
    finish_all(old);
    generation_wait_at_most(server, 1);
    cr_assert_neq(generation_newest(server), old);
    free(bytes);
}
