/* The whole server dies at random moments of uploads: each upload that got its
 * 226 is there and whole, and no partial file is visible. 20 times in the short
 * run, 50 times in the long. */
#include <criterion/criterion.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include "batch.h"
#include "sallyport/base/clock.h"
#include "support/processes.h"

#define RETRY_EVERY 10 /* rounds until the same files are sent again */

/* No process can report or clean up anything. */
static void kill_all(struct server *server)
{
    static struct processes list;

    processes_of(server->pid, &list);
    for (size_t i = 0; i < list.count; i++)
        kill(list.row[i].pid, SIGKILL);
    server_kill(server);
}

Test(crash, at_random_moments, .timeout = 3600)
{
    const struct server_plan plan = { .troubles = true };
    unsigned rounds = server_is_long() ? 50 : 20, whole;
    unsigned seed = (unsigned)clock_ms();
    const char *given = getenv("SALLYPORT_SEED");
    static struct batch w;

    if (given)
        seed = (unsigned)strtoul(given, NULL, 10);
    printf("crash: SALLYPORT_SEED=%u repeats these moments\n", seed);
    fflush(stdout); /* a failing test prints nothing more */
    server_start(&w.server, &plan);
    batch_prepare(&w);
    whole = batch_undisturbed(&w, 0);
    batch_clean(&w, 0);
    for (unsigned round = 1; round <= rounds; round++) {
        struct running clients[BATCH_CLIENTS];

        batch_begin(&w, round, clients);
        batch_pause((unsigned)rand_r(&seed) % (whole + 1));
        kill_all(&w.server);
        batch_finish(&w, round, clients);
        server_again(&w.server);
        if (round % RETRY_EVERY == 0)
            batch_undisturbed(&w, round);
        batch_clean(&w, round);
    }
    cr_assert(w.confirmed > 0, "no upload was confirmed before a death");
    cr_assert(w.confirmed < rounds * BATCH_CLIENTS * BATCH_FILES,
              "no death came in time");
    printf("crash: %u deaths within %u ms, %u uploads confirmed before\n",
           rounds, whole, w.confirmed);
    server_stop(&w.server);
    batch_release(&w);
}
