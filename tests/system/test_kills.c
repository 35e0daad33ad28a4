/* One process of the server after the other is killed at random moments of
 * uploads, sometimes while the files on the disk are broken. The service is
 * back soon, and each upload that had its 226 is there and has its line in the
 * log. 12 times in the short run, 50 times in the long. */
#include <criterion/criterion.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "batch.h"
#include "generation.h"
#include "sallyport/base/clock.h"
#include "support/files.h"
#include "support/processes.h"
#include "support/server_log.h"
#include "support/session.h"
#include "support/wait.h"

#define KILLS      12
#define KILLS_LONG 50
/* ms. Long, for a machine that runs other tests, and for sanitizers. */
#define AGAIN_MS 30000
#define SOON_MS  1000

static const struct victim {
    const char *title;
    bool in_place; /* master and the other children stay */
} victims[] = {
    { "sallyport: gate", false },   { "sallyport: keys", true },
    { "sallyport: master", false }, { "sallyport: auth", true },
    { "sallyport: log", true },
};
#define VICTIMS (sizeof(victims) / sizeof(victims[0]))

static const struct server_plan plan = { .troubles = true };

static bool can_log_in(void *argument)
{
    const struct server *server = argument;
    struct session s;
    bool ok;

    session_init(&s);
    ok = session_may_open(&s, server, "anna");
    session_drop(&s);
    return ok;
}

/* While this is held, the configuration, the users and the key are broken. */
struct disorder {
    struct buf was[3];
};
static const char *const spoilt[] = { "sallyport.conf", "users", "key.pem" };

static void spoil(const struct server *s, struct disorder *d)
{
    for (size_t i = 0; i < 3; i++) {
        buf_init(&d->was[i], 1 << 20);
        cr_assert(files_read(server_path(s, spoilt[i]), &d->was[i]));
        cr_assert_eq(unlink(server_path(s, spoilt[i])), 0);
        files_write(server_path(s, spoilt[i]), "nonsense", 8, 0600);
    }
}

static void mend(const struct server *s, struct disorder *d)
{
    for (size_t i = 0; i < 3; i++) {
        files_write(server_path(s, spoilt[i]), d->was[i].data, d->was[i].len,
                    0600);
        buf_release(&d->was[i]);
    }
}

/* Returns for how many ms nobody could log in. */
static uint64_t kill_one(struct server *server, const struct victim *v)
{
    pid_t master = generation_newest(server);
    uint64_t began = clock_ms();

    processes_kill(server->pid, v->title);
    cr_assert(wait_until(can_log_in, server, AGAIN_MS), "no login after %s",
              v->title);
    if (v->in_place)
        cr_assert_eq(generation_newest(server), master, "%s", v->title);
    return clock_ms() - began;
}

static uint64_t disturb(struct batch *b, unsigned round, unsigned wait)
{
    const struct victim *v = &victims[round % VICTIMS];
    bool disordered = round / VICTIMS % 2;
    struct running clients[BATCH_CLIENTS];
    struct disorder disorder;
    uint64_t took;

    batch_begin(b, round, clients);
    batch_pause(wait);
    if (disordered)
        spoil(&b->server, &disorder);
    took = kill_one(&b->server, v);
    if (disordered)
        mend(&b->server, &disorder);
    batch_finish(b, round, clients);
    batch_clean(b, round);
    return took;
}

/* Each confirmed upload has at least one line: a client may have failed because
 * it lost the reply. */
static bool has_all_lines(void *argument)
{
    const struct batch *b = argument;
    unsigned count = 0;
    struct buf log;

    server_log(&b->server, &log);
    for (const char *at = log.data; (at = strstr(at, " result=226 ")); at++)
        count++;
    buf_release(&log);
    return count >= b->confirmed;
}

Test(kills, at_random_moments, .timeout = 3600)
{
    unsigned kills = server_is_long() ? KILLS_LONG : KILLS, whole, soon = 0;
    unsigned seed = (unsigned)clock_ms();
    static struct batch b;
    uint64_t longest = 0;

    server_start(&b.server, &plan);
    batch_prepare(&b);
    whole = batch_undisturbed(&b, 0);
    batch_clean(&b, 0);
    for (unsigned round = 0; round < kills; round++) {
        uint64_t took =
            disturb(&b, round, (unsigned)rand_r(&seed) % (whole + 1));

        soon += took < SOON_MS;
        longest = took > longest ? took : longest;
    }
    cr_assert_gt(b.confirmed, 0, "no upload was confirmed");
    cr_expect(wait_until(has_all_lines, &b, WAIT_MS), "lines are missing");
    printf("kills: %u, a login within 1 s after %u of them, the longest after "
           "%llu ms; %u uploads confirmed\n",
           kills, soon, (unsigned long long)longest, b.confirmed);
    batch_undisturbed(&b, kills);
    server_stop(&b.server);
    batch_release(&b);
}
