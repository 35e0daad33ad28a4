/* Transfers of all kinds beside reloads and kills: each 226 is compared with
 * the file, and processes, descriptors and memory stay flat. Some hundred
 * transfers in the short run, 50,000 in the long: a half undisturbed, so that
 * a leak has time, then reloads, then reloads and kills. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <time.h>

#include "generation.h"
#include "sallyport/base/clock.h"
#include "soak.h"
#include "support/processes.h"
#include "support/session.h"
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

/* One part of the run, which ends after this many transfers in all. */
struct part {
    const char *name;
    unsigned share; /* of all transfers, per mille */
    unsigned reloads, kills;
};

static const struct part parts[] = {
    { "first", 100, 0, 0 },          { "undisturbed", 200, 0, 0 },
    { "undisturbed", 200, 0, 0 },    { "reloads", 125, 1, 0 },
    { "reloads", 125, 1, 0 },        { "reloads, kills", 125, 1, 2 },
    { "reloads, kills", 125, 1, 3 },
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

static bool can_log_in(void *argument)
{
    struct session s;
    bool ok;

    session_init(&s);
    ok = session_may_open(&s, argument, "anna");
    session_drop(&s);
    return ok;
}

static void kill_one(struct soak *soak, struct server *server, unsigned round)
{
    const char *title = victims[round % VICTIMS];

    soak_disturb(soak);
    processes_kill(server->pid, title);
    cr_assert(wait_until(can_log_in, server, LONG_MS), "no login after %s",
              title);
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
            generation_reload(server,
                              i % 2 ? GENERATION_CTL : GENERATION_SIGNAL);
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
    if (!server_is_long())
        return 240;
    return server_is_sanitized() ? 5000 : 50000;
}

Test(soak, every_226_is_true, .timeout = 7200)
{
    uint64_t all = how_many(), began = clock_ms();
    unsigned scale = server_is_long() ? 5 : 1;
    uint64_t seed = (uint64_t)time(NULL);
    struct census before, now;
    struct server server;
    struct soak soak;

    printf("soak: seed %llu\n", (unsigned long long)seed);
    server_start(&server, &plan);
    generation_reload(&server, GENERATION_CTL);
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
    soak_stop(&soak);
    server_stop(&server);
}
