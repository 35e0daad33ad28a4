/* Kills or stops one process of the server at a random moment, while 60 clients
 * are in all states of a session. Only the session of this process may end, or
 * after master's death the sessions of its generation. All other clients carry
 * on, each file with a 226 is kept, and a new client is served soon. The test
 * doesn't depend on how the processes talk to each other. */
#include <sys/time.h>

#include "fault.h"
#include "generation.h"
#include "sallyport/base/clock.h"
#include "sallyport/base/fd.h"
#include "support/files.h"
#include "support/long.h"
#include "support/processes.h"
#include "support/session.h"
#include "support/test.h"
#include "support/wait.h"

#define EACH        6 /* clients in each state */
#define ROUNDS      7
#define ROUNDS_LONG 300
#define STOPS       1
#define STOPS_LONG  10
/* After deaths the supervisor starts ten generations at once, then one in 10 s.
 * After so many rounds the test starts a new server, so only the last rounds of
 * each server wait. */
#define ROUNDS_EACH 42
#define SMALL       (200u << 10)
#define BIG         (6u << 20) /* more than the sockets hold */
/* After a burst of deaths the next generation waits up to 10 s. */
#define AGAIN_MS 40000
#define SOON_MS  2000
#define PORT_MS  10000

struct guest {
    const struct state *state;
    unsigned number;
    char name[16]; /* of its file */
    struct session s;
    struct data d;
    uint64_t asked; /* time of its EPSV; the port closes after 10 s */
};

static unsigned char *small, *big;

/* .enter() brings a client to the state, and must succeed. Then .carry_on()
 * goes on; it returns false if the server has cut the client off. The server's
 * replies must be right even then. */
struct state {
    const char *name;
    void (*enter)(struct guest *g);
    bool (*carry_on)(struct guest *g);
    bool needs_auth; /* its password is still to be verified */
};

static bool may(struct guest *g, const char *code, const char *verb)
{
    char line[64];

    snprintf(line, sizeof(line), "%s%s", verb, g->name);
    return session_may_do(&g->s, code, line);
}

static bool logs_in(struct guest *g)
{
    return session_may_log_in(&g->s, "anna");
}

static void be_greeted(struct guest *g)
{
    (void)g;
}

static bool starts_tls(struct guest *g)
{
    return session_may_secure(&g->s) && logs_in(g);
}

static void start_tls(struct guest *g)
{
    session_do(&g->s, "234 {*}", "AUTH TLS");
    session_secure(&g->s);
}

static void name_user(struct guest *g)
{
    start_tls(g);
    session_do(&g->s, "331 {*}", "USER anna");
}

static bool sends_password(struct guest *g)
{
    return session_may_do(&g->s, "230", "PASS " SERVER_PASSWORD);
}

static void log_in(struct guest *g)
{
    start_tls(g);
    cr_assert(logs_in(g), "%s", g->s.reply.data);
}

static bool is_answered(struct guest *g)
{
    return session_may_do(&g->s, "200", "NOOP");
}

static void name_old(struct guest *g)
{
    log_in(g);
    session_do(&g->s, "257 {*}", "MKD d%s", g->name);
    session_do(&g->s, "350 {*}", "RNFR d%s", g->name);
}

static bool renames(struct guest *g)
{
    return may(g, "250", "RNTO e") && may(g, "250", "RMD e");
}

static void ask_port(struct guest *g)
{
    log_in(g);
    session_do(&g->s, "229 {*}(|||{port}|){*}", "EPSV");
    g->asked = clock_ms();
}

static bool ends_upload(struct guest *g, size_t from)
{
    return data_may_write(&g->d, small + from, SMALL - from) &&
           data_may_close(&g->d) && session_may_reply(&g->s, "226");
}

static bool connects_late(struct guest *g)
{
    /* On a busy machine the other clients can take so long that the port has
     * closed, so ask for another one. */
    if (clock_ms() - g->asked > PORT_MS / 2 &&
        !(session_may_do(&g->s, "229", "EPSV") &&
          sscanf(g->s.reply.data, "%*[^|]|||%u|", &g->s.port) == 1))
        return false;
    return data_may_connect(&g->s, &g->d) && may(g, "150", "STOR ") &&
           data_may_secure(&g->s, &g->d) && ends_upload(g, 0);
}

static void connect_data(struct guest *g)
{
    ask_port(g);
    data_connect_to(&g->s, &g->d, g->s.port);
    session_do(&g->s, "150 {*}", "STOR %s", g->name);
}

static bool secures_late(struct guest *g)
{
    return data_may_secure(&g->s, &g->d) && ends_upload(g, 0);
}

static void upload_half(struct guest *g)
{
    log_in(g);
    data_open(&g->s, &g->d, "STOR %s", g->name);
    data_write(&g->d, small, SMALL / 2);
}

static bool uploads_rest(struct guest *g)
{
    return ends_upload(g, SMALL / 2);
}

static void download_some(struct guest *g)
{
    char some[100];

    log_in(g);
    data_open(&g->s, &g->d, "RETR big");
    cr_assert(data_may_read(&g->d, some, sizeof(some)));
    cr_assert_eq(memcmp(some, big, sizeof(some)), 0);
}

static bool downloads_rest(struct guest *g)
{
    struct buf rest;
    bool whole;

    buf_init(&rest, BIG + (1 << 20));
    whole = data_may_read_all(&g->d, &rest);
    cr_expect_leq(rest.len, BIG - 100);
    cr_expect_eq(memcmp(rest.data ? rest.data : "", big + 100, rest.len), 0);
    cr_expect(!whole || rest.len == BIG - 100, "a close_notify after %zu bytes",
              rest.len);
    buf_release(&rest);
    return whole && data_may_close(&g->d) && session_may_reply(&g->s, "226");
}

static void list(struct guest *g)
{
    log_in(g);
    data_open(&g->s, &g->d, "MLSD");
}

static bool reads_list(struct guest *g)
{
    struct buf lines;
    bool whole;

    buf_init(&lines, 1 << 20);
    whole = data_may_read_all(&g->d, &lines);
    buf_release(&lines);
    return whole && data_may_close(&g->d) && session_may_reply(&g->s, "226");
}

static const struct state states[] = {
    { "greeted", be_greeted, starts_tls, true },
    { "in TLS", start_tls, logs_in, true },
    { "before its password", name_user, sends_password, true },
    { "idle", log_in, is_answered, false },
    { "between RNFR and RNTO", name_old, renames, false },
    { "between EPSV and its connection", ask_port, connects_late, false },
    { "before its data handshake", connect_data, secures_late, false },
    { "uploading", upload_half, uploads_rest, false },
    { "downloading", download_some, downloads_rest, false },
    { "listing", list, reads_list, false },
};
#define STATES (sizeof(states) / sizeof(states[0]))
#define GUESTS (STATES * EACH)

/* A login fails if auth dies while it verifies the password: master doesn't
 * have the password, so it can't ask another auth. The clients carry on one
 * after the other, so there is one such login at most. */
enum reach { REACH_NOBODY, REACH_ONE, REACH_LOGIN, REACH_ALL };

static const struct victim {
    const char *title;
    enum reach reach;
    bool may_stop; /* another process notices that it hangs, and replaces it */
} victims[] = {
    { "sallyport: session", REACH_ONE, false },
    { "sallyport: gate", REACH_NOBODY, true },
    { "sallyport: keys", REACH_NOBODY, false },
    { "sallyport: files", REACH_ONE, false },
    { "sallyport: master", REACH_ALL, true },
    { "sallyport: auth", REACH_LOGIN, false },
    { "sallyport: log", REACH_NOBODY, false },
};
#define VICTIMS (sizeof(victims) / sizeof(victims[0]))

static struct guest guests[GUESTS];
static unsigned seed;

/* Lets a client wait longer than a process that hangs can hold it up. */
static void patience(int fd)
{
    const struct timeval limit = { .tv_sec = AGAIN_MS / 1000 };

    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
}

static void guest_enter(struct guest *g, const struct server *server)
{
    session_init(&g->s);
    g->d = (struct data){ .fd = -1 };
    session_connect(&g->s, server->port);
    patience(g->s.fd);
    session_expect(&g->s, "220 {*}");
    g->state->enter(g);
}

static void guest_leave(struct guest *g)
{
    if (g->d.fd >= 0)
        data_cut(&g->d, true);
    session_drop(&g->s);
}

static pid_t victim_pid(const struct server *server, const char *title)
{
    static struct processes p;
    size_t nth = 0;

    processes_of(server->pid, &p);
    const size_t count = processes_count(&p, title);
    cr_assert_gt(count, 0, "no %s", title);
    const size_t wanted = (size_t)rand_r(&seed) % count;
    for (size_t i = 0; i < p.count; i++)
        if (strncmp(p.row[i].title, title, strlen(title)) == 0 &&
            nth++ == wanted)
            return p.row[i].pid;
    return 0;
}

/* Forks a process that sends the signal after MS, while the clients carry on.
 * Returns its pid. */
static pid_t strike_later(pid_t victim, int signal, unsigned ms)
{
    const pid_t pid = fork();

    cr_assert_geq(pid, 0);
    if (pid > 0)
        return pid;
    poll(NULL, 0, (int)ms);
    _exit(kill(victim, signal) == 0 ? 0 : 1);
}

static void judge(const struct victim *v, const struct guest *g)
{
    const bool may_end = v->reach == REACH_ALL || v->reach == REACH_ONE ||
                         (v->reach == REACH_LOGIN && g->state->needs_auth);

    cr_expect(may_end, "%s has ended a client that was %s: %s", v->title,
              g->state->name, g->s.reply.data ? g->s.reply.data : "");
}

/* Lets all clients carry on, in an order that begins at random. Returns how
 * many clients the server has cut off. */
static unsigned all_carry_on(const struct server *server,
                             const struct victim *v)
{
    unsigned cut = 0, first = (unsigned)rand_r(&seed) % GUESTS;

    for (unsigned i = 0; i < GUESTS; i++) {
        struct guest *g = &guests[(first + i * 7) % GUESTS];

        if (!g->state->carry_on(g)) {
            cut++;
            judge(v, g);
        } else if (g->state >= &states[5] && g->state <= &states[7]) {
            fault_expect_whole(server, "anna", g->name, small, SMALL);
        }
        guest_leave(g);
    }
    if (v->reach == REACH_ONE || v->reach == REACH_LOGIN)
        cr_expect_leq(cut, 1, "%s has ended %u clients", v->title, cut);
    return cut;
}

struct tally {
    unsigned cut[VICTIMS], rounds, soon;
    uint64_t longest;
};

static void play(struct server *server, const struct victim *v, int signal,
                 struct tally *t)
{
    int status;

    for (unsigned i = 0; i < GUESTS; i++) {
        snprintf(guests[i].name, sizeof(guests[i].name), "%u-%u", t->rounds, i);
        guests[i].state = &states[i % STATES];
        guest_enter(&guests[i], server);
    }
    const pid_t killer = strike_later(victim_pid(server, v->title), signal,
                                      (unsigned)rand_r(&seed) % 60);
    const uint64_t began = clock_ms();
    t->cut[v - victims] += all_carry_on(server, v);
    cr_assert(wait_exit(killer, &status, WAIT_MS));
    cr_assert(wait_until(session_can_enter, server, AGAIN_MS),
              "no login after %s", v->title);
    const uint64_t took = clock_ms() - began;
    t->rounds++;
    t->soon += took < SOON_MS;
    t->longest = took > t->longest ? took : t->longest;
}

/* Starts a server with a long connect_timeout. The clients come and carry on
 * one after the other, and each can wait until the server has noticed a process
 * that hangs. All this takes longer than a data connection may take by
 * default. */
static void prepare(struct server *server)
{
    const struct server_plan plan = {
        .settings = "max_sessions = 400\n"
                    "max_per_address = 400\n"
                    "max_per_user = 400\nstartups = 400\n"
                    "connect_timeout = 2min\n",
        .troubles = true,
    };

    server_start(server, &plan);
    server_put(server, "anna", "big", big, BIG);
}

static void report(const struct tally *t)
{
    printf("%u rounds with %zu clients", t->rounds, GUESTS);
    for (size_t i = 0; i < VICTIMS; i++)
        printf(", %s: %u ended", victims[i].title + 11, t->cut[i]);
    printf("; all served and a new login within 2 s in %u, the longest %llu "
           "ms\n",
           t->soon, (unsigned long long)t->longest);
}

static const struct victim *next_victim(unsigned *next, int signal)
{
    const struct victim *v;

    do
        v = &victims[(*next)++ % VICTIMS];
    while (signal == SIGSTOP && !v->may_stop);
    return v;
}

static void play_all(unsigned rounds, int signal)
{
    struct tally t = { 0 };
    struct server server;
    unsigned next = 0;

    seed = (unsigned)clock_ms();
    small = fault_noise(SMALL);
    big = fault_noise(BIG);
    while (t.rounds < rounds) {
        prepare(&server);
        do
            play(&server, next_victim(&next, signal), signal, &t);
        while (t.rounds < rounds && t.rounds % ROUNDS_EACH != 0);
        server_stop(&server);
    }
    report(&t);
    free(small);
    free(big);
}

Test(any_death, killed, .timeout = 7200)
{
    play_all(is_long() ? ROUNDS_LONG : ROUNDS, SIGKILL);
}

Test(any_death, stopped, .timeout = 7200)
{
    play_all(is_long() ? STOPS_LONG : STOPS, SIGSTOP);
}
