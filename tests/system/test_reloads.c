/* The changes that a reload makes, and what stays as it was after a mistake in
 * the new configuration. */
#include "ctl.h"
#include "generation.h"
#include "support/files.h"
#include "support/processes.h"
#include "support/served.h"
#include "support/server_log.h"
#include "support/test.h"
#include "support/wait.h"

#define STAYS "reload: the old configuration and certificates stay: "

static const struct server_plan plan = { .listen = "127.0.0.1:0, 127.0.0.1:0" };

static void reload(const struct server *server, const char *key,
                   const char *value)
{
    server_set(server, key, value);
    generation_reload(server, GENERATION_CTL);
}

/* sallyportctl itself refuses a text that isn't a configuration. */
static const struct mistake {
    const char *key, *value, *words;
    int status;
} mistakes[] = {
    { "max_sessions", "many", "max_sessions = many", EX_CONFIG },
    { "ports", "1-2000000", "ports = 1-2000000", EX_CONFIG },
    { "listen", "192.0.2.1:0", "listen = 192.0.2.1:0", EX_DATAERR },
    { "users", "/nowhere/users", "/nowhere/users", EX_DATAERR },
    { "key", "/nowhere/key.pem", "/nowhere/key.pem", EX_DATAERR },
};
#define MISTAKES (sizeof(mistakes) / sizeof(mistakes[0]))

static void take_back(const struct server *server, const struct buf *good)
{
    files_write(server_path(server, "sallyport.conf"), good->data, good->len,
                0600);
}

/* The caller learns of it: in the log after a signal, otherwise from
 * sallyportctl. */
static void make_mistake(const struct server *server, const struct mistake *m)
{
    server_set(server, m->key, m->value);
    cr_assert_eq(kill(server->pid, SIGHUP), 0);
    server_log_wait(server, STAYS, m->words, NULL);
    generation_ask(server, m->status, m->words);
}

/* The same processes continue to serve, the old session and new ones. */
ServerTest(reloads, mistakes, 180, &plan)
{
    struct session s, other;
    pid_t master, gate;
    struct buf good;

    master = generation_newest(server);
    gate = generation_child(server, "sallyport: gate");
    buf_init(&good, 1 << 20);
    cr_assert(files_read(server_path(server, "sallyport.conf"), &good));
    session_enter(&s, server, "anna");
    for (size_t i = 0; i < MISTAKES; i++) {
        make_mistake(server, &mistakes[i]);
        take_back(server, &good);
        cr_assert_eq(generation_newest(server), master);
        cr_assert_eq(generation_child(server, "sallyport: gate"), gate);
        session_store(&s, "STOR", "f", "bytes", 5);
        session_enter(&other, server, "anna");
        session_close(&other);
    }
    generation_reload(server, GENERATION_CTL);
    cr_assert_neq(generation_newest(server), master);
    session_close(&s);
    buf_release(&good);
}

static bool is_refused(void *port)
{
    struct session s;
    bool refused;

    session_init(&s);
    refused = !session_may_connect(&s, *(unsigned *)port);
    session_drop(&s);
    return refused;
}

/* A process that ends has no title before its sockets are closed. */
static void expect_refused(unsigned port)
{
    cr_expect(wait_until(is_refused, &port, WAIT_MS), "%u is open", port);
}

/* One port is removed, and another address is added. The remaining port is the
 * same one, and the session on the removed one continues. */
ServerTest(reloads, listeners, 120, &plan)
{
    struct session by_other, s;
    char listen[64];

    session_init(&by_other);
    session_connect(&by_other, server->port_other);
    session_expect(&by_other, "220 {*}");
    snprintf(listen, sizeof(listen), "127.0.0.1:0, 127.0.0.3:%u", server->port);
    reload(server, "listen", listen);
    expect_refused(server->port_other);
    session_do(&by_other, "{*}", "NOOP");
    session_drop(&by_other);
    for (int i = 0; i < 2; i++) {
        session_init(&s);
        strcpy(s.host, i ? "127.0.0.3" : "127.0.0.1");
        session_open(&s, server, "anna");
        session_store(&s, "STOR", "f", "bytes", 5);
        session_close(&s);
    }
}

#define CROWD 6

/* Sessions of users u0 to u5, the first half of them in an upload. */
struct crowd {
    struct session session[CROWD];
    struct data upload[CROWD / 2];
};

static void crowd_enter(struct crowd *c, const struct server *server)
{
    char name[8];

    for (unsigned i = 0; i < CROWD; i++) {
        snprintf(name, sizeof(name), "u%u", i);
        session_enter(&c->session[i], server, name);
        if (i < CROWD / 2)
            data_open(&c->session[i], &c->upload[i], "STOR f");
    }
}

static void crowd_expect_listed(const struct server *server)
{
    char name[8];

    for (unsigned i = 0; i < CROWD; i++) {
        snprintf(name, sizeof(name), " u%u ", i);
        ctl(server, 0, "who", name);
    }
}

/* Max_sessions below the sessions that live: none of them ends, each is listed,
 * and a lock of its user ends it. */
ServerTest(reloads, a_lower_max_sessions, 120,
           PLAN(USERS({ .name = "u0" }, { .name = "u1" }, { .name = "u2" },
                      { .name = "u3" }, { .name = "u4" }, { .name = "u5" }),
                .settings = "max_sessions = 20\n"))
{
    struct session late;
    struct crowd c;
    char command[32];

    crowd_enter(&c, server);
    for (int i = 0; i < 2; i++) {
        reload(server, "max_sessions", "2");
        crowd_expect_listed(server);
        for (unsigned j = CROWD / 2; j < CROWD; j++)
            session_do(&c.session[j], "200 {*}", "NOOP");
        session_reach(&late, server);
        session_expect(&late, "421 {*}");
        session_drop(&late);
    }
    data_finish(&c.session[0], &c.upload[0], "bytes", 5, "226 {*}");
    for (unsigned i = 0; i < CROWD; i++) {
        snprintf(command, sizeof(command), "user lock u%u", i);
        ctl(server, 0, command, "");
        session_expect(&c.session[i], "530 Your account was locked.");
        if (i > 0 && i < CROWD / 2)
            data_cut(&c.upload[i], false);
        session_drop(&c.session[i]);
    }
}

static bool is_free(unsigned port)
{
    struct sockaddr_in a = { .sin_family = AF_INET,
                             .sin_port = htons((uint16_t)port),
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool ok = fd >= 0 && bind(fd, (struct sockaddr *)&a, sizeof(a)) == 0;

    close(fd);
    return ok;
}

/* Returns a range below the ports that the kernel gives away by itself. */
static unsigned free_range(void)
{
    unsigned first = 20000 + (unsigned)getpid() % 5000 * 2;

    while (!is_free(first) || !is_free(first + 1))
        first += 2;
    return first;
}

/* Only a restart can replace a listener by another that overlaps it. */
Test(reloads, overlapping_listener, .timeout = 120)
{
    struct server server;
    struct session s;
    char one[32], any[32];
    unsigned port = free_range();

    snprintf(one, sizeof(one), "127.0.0.1:%u", port);
    session_begin(&s, &server, &(struct server_plan){ .listen = one });
    snprintf(any, sizeof(any), "0.0.0.0:%u", port);
    server_set(&server, "listen", any);
    generation_ask(&server, EX_DATAERR, "restart the server");
    session_store(&s, "STOR", "f", "bytes", 5);
    session_close(&s);
    server_kill(&server);
    server_again(&server);
    session_enter(&s, &server, "anna");
    session_end(&s, &server);
}

/* A port that was announced works for that client, and then it is closed. The
 * session gets further ports of its configuration, and a new session ports of
 * the new one. */
SessionTest(reloads, ports, 120, &plan)
{
    unsigned first = free_range(), told;
    struct data d;
    struct session fresh;
    char ports[32];

    session_do(s, "229 {*}(|||{port}|){*}", "EPSV");
    told = s->port;
    snprintf(ports, sizeof(ports), "%u-%u", first, first + 1);
    reload(server, "ports", ports);
    data_connect_to(s, &d, told);
    session_do(s, "150 {*}", "STOR f");
    data_secure(s, &d);
    data_finish(s, &d, "bytes", 5, "226 {*}");
    expect_refused(told);
    session_store(s, "STOR", "g", "bytes", 5);
    session_enter(&fresh, server, "anna");
    session_do(&fresh, "229 {*}(|||{port}|){*}", "EPSV");
    cr_expect(fresh.port == first || fresh.port == first + 1, "%u", fresh.port);
    session_close(&fresh);
}

/* A user with a uid or home that isn't permitted any more can't log in. */
ServerTest(reloads, who_may_log_in, 120, &plan)
{
    bool root = geteuid() == 0;
    const char *other = server_path(server, "other");

    files_make_folder(other, 0711);
    reload(server, root ? "uid_first" : "homes", root ? "70001" : other);
    cr_expect_neq(session_code(server, "anna", SERVER_PASSWORD), 230);
    reload(server, root ? "uid_first" : "homes",
           root ? "70000" : server->homes);
    cr_expect_eq(session_code(server, "anna", SERVER_PASSWORD), 230);
}

/* The lock is announced to the generation that leads. The next one, which has
 * read the file before, knows it, too. */
ServerTest(reloads, a_lock_during_a_reload, 120, &plan)
{
    for (int i = 0; i < 10; i++) {
        cr_assert_eq(kill(server->pid, SIGHUP), 0);
        ctl(server, 0, "user lock anna", "");
        cr_expect_neq(session_code(server, "anna", SERVER_PASSWORD), 230, "%d",
                      i);
        generation_wait_at_most(server, 1);
        cr_expect_neq(session_code(server, "anna", SERVER_PASSWORD), 230,
                      "%d: after the reload", i);
        ctl(server, 0, "user unlock anna", "");
        cr_expect_eq(session_code(server, "anna", SERVER_PASSWORD), 230,
                     "%d: unlocked", i);
    }
}

static const struct {
    const char *title;
    int uid;
} accounts[] = {
    { "sallyport: gate", SERVER_UID_GATE },
    { "sallyport: auth", SERVER_UID_AUTH },
    { "sallyport: keys", SERVER_UID_KEYS },
    { "sallyport: log", SERVER_UID_LOG },
};
#define ACCOUNTS (sizeof(accounts) / sizeof(accounts[0]))

Test(reloads, accounts, .timeout = 120)
{
    char uids[128], number[16];
    struct server server;

    if (geteuid() != 0)
        cr_skip_test("root's part");
    server_start(&server, &plan);
    snprintf(number, sizeof(number), "%d", SERVER_UID_GATE - 100);
    server_set(&server, "accounts", number);
    generation_reload(&server, GENERATION_CTL);
    for (size_t i = 0; i < ACCOUNTS; i++) {
        process_status(generation_child(&server, accounts[i].title), "Uid",
                       uids, sizeof(uids));
        cr_expect_eq(atoi(uids), accounts[i].uid - 100, "%s: %s",
                     accounts[i].title, uids);
    }
    cr_expect_eq(session_code(&server, "anna", SERVER_PASSWORD), 230);
    server_stop(&server);
}
