/* Transfers of all kinds beside reloads and kills. After each 226 the test
 * compares the file; the numbers of processes and descriptors, and the memory,
 * must not grow. The short run makes some hundred transfers, the long run
 * 50,000: a half undisturbed, so that a leak has time, then with reloads, then
 * with reloads and kills. Another test kills the whole server. */
#include "ctl.h"
#include "generation.h"
#include "sallyport/base/clock.h"
#include "soak.h"
#include "support/files.h"
#include "support/long.h"
#include "support/processes.h"
#include "support/served.h"
#include "support/server_log.h"
#include "support/test.h"
#include "support/wait.h"

#define LONG_MS 120000

static const char *const victims[] = { "sallyport: gate", "sallyport: keys",
                                       "sallyport: master", "sallyport: auth",
                                       "sallyport: log" };
#define VICTIMS (sizeof(victims) / sizeof(victims[0]))

static const struct server_plan plan = {
    .settings = "max_sessions = 100\nmax_per_address = 100\nstartups = 100\n",
    .users = soak_users,
    .user_count = SOAK_CLIENTS,
    .troubles = true, /* of kills */
};

/* A part of the run, which ends after its share of the transfers. */
struct part {
    const char *name;
    unsigned share; /* of all transfers, per mille */
    unsigned reloads, kills;
};

static const struct part parts[] = {
    { "first", 100, 0, 0 },          { "undisturbed", 200, 0, 0 },
    { "undisturbed", 200, 0, 0 },    { "reloads", 125, 6, 0 },
    { "reloads", 125, 6, 0 },        { "reloads, kills", 125, 1, 4 },
    { "reloads, kills", 125, 1, 6 },
};
#define PARTS (sizeof(parts) / sizeof(parts[0]))

struct goal {
    struct soak *soak;
    uint64_t transfers;
};

static bool is_reached(void *argument)
{
    const struct goal *g = argument;

    soak_check(g->soak);
    return soak_transfers(g->soak) >= g->transfers;
}

static void wait_for(struct soak *s, uint64_t transfers)
{
    struct goal g = { s, transfers };
    uint64_t before;

    do {
        before = soak_transfers(s);
        if (wait_until(is_reached, &g, LONG_MS))
            return;
    } while (soak_transfers(s) > before);
    cr_assert_fail("nothing moves after %llu transfers",
                   (unsigned long long)before);
}

/* A crash in the middle of an edit of these files must cause no outage, since
 * the settings in force count. */
static const char *const spoilt[] = { "sallyport.conf", "users",
                                      "certificate.pem", "key.pem" };

static void spoil(const struct server *s, struct buf was[4])
{
    for (size_t i = 0; i < 4; i++) {
        buf_init(&was[i], 1 << 20);
        cr_assert(files_read(server_path(s, spoilt[i]), &was[i]));
        cr_assert_eq(unlink(server_path(s, spoilt[i])), 0);
        files_write(server_path(s, spoilt[i]), "nonsense", 8, 0600);
    }
}

static void mend(const struct server *s, struct buf was[4])
{
    for (size_t i = 0; i < 4; i++) {
        files_write(server_path(s, spoilt[i]), was[i].data, was[i].len, 0600);
        buf_release(&was[i]);
    }
}

/* Kills one process in turn. In every second turn of all victims the files on
 * the disk are broken meanwhile. */
static void kill_one(struct soak *soak, struct server *server, unsigned round)
{
    const char *title = victims[round % VICTIMS];
    const bool in_disorder = round / VICTIMS % 2;
    struct buf was[4];

    soak_disturb(soak);
    if (in_disorder)
        spoil(server, was);
    processes_kill(server->pid, title);
    cr_assert(wait_until(session_can_enter, server, LONG_MS),
              "no login after %s", title);
    if (in_disorder)
        mend(server, was);
    generation_wait_at_most(server, 1);
    soak_calm(soak);
}

/* Spreads the disturbances over the part's transfers. */
static void run_part(struct soak *soak, struct server *server,
                     const struct part *p, uint64_t transfers, unsigned scale)
{
    unsigned events = (p->reloads + p->kills) * scale, kills = 0;
    uint64_t from = soak_transfers(soak);

    for (unsigned i = 0; i < events; i++) {
        wait_for(soak, from + transfers * i / events);
        if (i % (p->reloads + p->kills) < p->reloads)
            ctl(server, 0, "reload", "");
        else
            kill_one(soak, server, kills++);
        generation_wait_at_most(server, 4);
    }
    wait_for(soak, from + transfers);
}

static void show(const char *name, uint64_t transfers, uint64_t began,
                 const struct census *c)
{
    printf("soak: %-14s %7llu transfers, %5llu s, %zu processes; descriptors "
           "and kB:",
           name, (unsigned long long)transfers,
           (unsigned long long)((clock_ms() - began) / 1000), c->processes);
    for (size_t i = 0; i < CENSUS_ROWS; i++)
        printf(" %s %zu %llu", census_titles[i] + sizeof("sallyport: ") - 1,
               c->row[i].fds, (unsigned long long)c->row[i].kb);
    printf("\n");
    fflush(stdout);
}

static uint64_t how_many(void)
{
    if (!is_long())
        return 240;
    return server_is_sanitized() ? 5000 : 50000;
}

/* Does the log have a line for each upload that got its 226? It can have more,
 * since a client can lose a reply. */
static bool has_all_lines(void *argument)
{
    const struct soak *s = argument;
    uint64_t count = 0;
    struct buf log;

    server_log(s->server, &log);
    for (const char *at = log.data; (at = strstr(at, " result=226 ")); at++)
        count++;
    buf_release(&log);
    return count >= soak_stored(s);
}

Test(soak, every_226_is_true, .timeout = 7200)
{
    uint64_t all = how_many(), began = clock_ms();
    unsigned scale = is_long() ? 5 : 1;
    uint64_t seed = (uint64_t)time(NULL);
    struct census before, now;
    struct server server;
    struct soak soak;

    printf("soak: seed %llu\n", (unsigned long long)seed);
    server_start(&server, &plan);
    ctl(&server, 0, "reload", "");
    soak_start(&soak, &server, seed);
    for (size_t i = 0; i < PARTS; i++) {
        run_part(&soak, &server, &parts[i], all * parts[i].share / 1000, scale);
        soak_pause(&soak);
        if (i == 0)
            census_take(&server, &before);
        census_expect(&server, &before, &now);
        show(parts[i].name, soak_transfers(&soak), began, &now);
        soak_resume(&soak);
    }
    cr_expect(wait_until(has_all_lines, &soak, WAIT_MS), "lines are missing");
    soak_stop(&soak);
    server_stop(&server);
}

/* Lists the server's processes and stops them. Returns true if all of them were
 * stopped already. */
static bool is_frozen(const struct server *server, struct processes *list)
{
    bool frozen = true;

    processes_of(server->pid, list);
    for (size_t i = 0; i < list->count; i++) {
        frozen = frozen && list->row[i].state == 'T';
        kill(list->row[i].pid, SIGSTOP);
    }
    return frozen;
}

/* Until a process is stopped, it can fork after /proc was read. If all
 * processes of one list were stopped already, the next list has each fork. */
static void freeze(const struct server *server, struct processes *list)
{
    while (!is_frozen(server, list) || !is_frozen(server, list))
        poll(NULL, 0, 1);
}

/* All processes die at a random moment, so that none can report or clean up
 * anything. */
ServerTest(soak, the_whole_server_dies, 3600, &plan)
{
    const unsigned rounds = is_long() ? 50 : 20;
    unsigned seed = (unsigned)clock_ms();
    static struct processes list;
    struct soak soak;

    printf("soak: seed %u\n", seed);
    soak_start(&soak, server, seed);
    for (unsigned round = 0; round < rounds; round++) {
        wait_for(&soak, soak_transfers(&soak) + 5);
        poll(NULL, 0, rand_r(&seed) % 200);
        soak_disturb(&soak);
        freeze(server, &list);
        for (size_t i = 0; i < list.count; i++)
            if (list.row[i].pid != server->pid)
                kill(list.row[i].pid, SIGKILL);
        server_kill(server); /* waits for all its children */
        server_again(server);
        soak_calm(&soak);
    }
    soak_stop(&soak);
}
