/* The whole server dies at random moments of uploads: every upload that got its
 * 226 is there, whole, and nothing partial is visible. 20 times in the short
 * run, 200 times in the long. */
#include <criterion/criterion.h>
#include <dirent.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "fault.h"
#include "sallyport/base/clock.h"
#include "support/files.h"
#include "support/processes.h"
#include "support/run.h"
#include "support/wait.h"

#define FILES       12
#define CLIENTS     2
#define RETRY_EVERY 10 /* rounds: the same files again */

/* Sizes from one byte to some blocks, so that every part of an upload takes its
 * share of the time. */
static const size_t sizes[FILES] = {
    1,      100,     65536,  70000,   300000, 1 << 20,
    524288, 1500000, 524289, 3000000, 17,     2000000,
};

struct work {
    struct server server;
    char folder[SERVER_PATH_MAX]; /* the files to be sent */
    unsigned char *bytes[FILES];
    unsigned confirmed; /* of all rounds */
};

static void prepare(struct work *w)
{
    char name[32], path[SERVER_PATH_MAX + 32];

    snprintf(w->folder, sizeof(w->folder), "%s",
             server_path(&w->server, "from"));
    files_make_folder(w->folder, 0700);
    for (unsigned i = 0; i < FILES; i++) {
        w->bytes[i] = fault_noise(sizes[i]);
        snprintf(name, sizeof(name), "f%u", i);
        snprintf(path, sizeof(path), "%s/%s", w->folder, name);
        files_write(path, w->bytes[i], sizes[i], 0600);
    }
}

/* All files, one after the other, by one session; says "226 f0" for each that
 * is confirmed. */
static void start_client(const struct work *w, unsigned round, unsigned client,
                         struct running *ret)
{
    char url[128], files[SERVER_PATH_MAX + 32], config[512];

    snprintf(url, sizeof(url), "ftp://127.0.0.1:%u/r%u-%u/", w->server.port,
             round, client);
    snprintf(files, sizeof(files), "%s/f[0-%u]", w->folder, FILES - 1);
    snprintf(config, sizeof(config),
             "user=\"anna:%s\"\nssl-reqd\ninsecure\nsilent\nftp-create-dirs\n"
             "write-out=\"%%{response_code} %%{filename_effective} "
             "%%{url_effective}\\n\"\n",
             SERVER_PASSWORD);
    run_start(ret, config,
              (char *[]){ "curl", "--config", "-", "--max-time", "60", "-T",
                          files, url, NULL });
}

/* No process gets to say or to clean anything. */
static void kill_all(struct server *server)
{
    static struct processes list;

    processes_of(server->pid, &list);
    for (size_t i = 0; i < list.count; i++)
        kill(list.row[i].pid, SIGKILL);
    server_kill(server);
}

static void pause_ms(unsigned ms)
{
    const struct timespec t = { .tv_sec = ms / 1000,
                                .tv_nsec = (long)(ms % 1000) * 1000000 };

    nanosleep(&t, NULL);
}

static void expect_confirmed(struct work *w, const char *folder,
                             const char *said)
{
    for (unsigned i = 0; i < FILES; i++) {
        char name[128], line[SERVER_PATH_MAX + 64];

        snprintf(name, sizeof(name), "/f%u\n", i);
        for (const char *at = said; (at = strstr(at, "226 ")) != NULL; at++) {
            snprintf(line, sizeof(line), "%.*s", (int)strcspn(at, "\n") + 1,
                     at);
            if (!strstr(line, name))
                continue;
            snprintf(name, sizeof(name), "%s/f%u", folder, i);
            fault_expect_whole(&w->server, "anna", name, w->bytes[i], sizes[i]);
            w->confirmed++;
            break;
        }
    }
}

/* What can be seen has a name that was sent, and all of its bytes. */
static void expect_no_part(const struct work *w, const char *folder)
{
    DIR *d = opendir(server_home_file(&w->server, "anna", folder));
    struct dirent *e;
    unsigned i;

    while (d && (e = readdir(d)) != NULL) {
        char name[512];

        if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0 ||
            strncmp(e->d_name, ".sallyport-", 11) == 0)
            continue;
        cr_assert(sscanf(e->d_name, "f%u", &i) == 1 && i < FILES, "%s",
                  e->d_name);
        snprintf(name, sizeof(name), "%s/%s", folder, e->d_name);
        fault_expect_whole(&w->server, "anna", name, w->bytes[i], sizes[i]);
    }
    if (d)
        closedir(d);
}

static unsigned finish_round(struct work *w, unsigned round,
                             struct running clients[CLIENTS])
{
    unsigned before = w->confirmed;
    struct run_result r;
    char folder[64];

    for (unsigned i = 0; i < CLIENTS; i++) {
        snprintf(folder, sizeof(folder), "r%u-%u", round, i);
        run_finish(&clients[i], &r);
        expect_confirmed(w, folder, r.text);
        expect_no_part(w, folder);
        run_release(&r);
    }
    return w->confirmed - before;
}

/* When nobody dies all of it is confirmed; how long it takes. Also over what a
 * death has left behind. */
static unsigned undisturbed(struct work *w, unsigned round)
{
    struct running clients[CLIENTS];
    uint64_t began = clock_ms();
    unsigned confirmed = w->confirmed;

    for (unsigned i = 0; i < CLIENTS; i++)
        start_client(w, round, i, &clients[i]);
    cr_assert_eq(finish_round(w, round, clients), CLIENTS * FILES);
    w->confirmed = confirmed;
    return (unsigned)(clock_ms() - began);
}

static void clean(const struct work *w, unsigned round)
{
    char path[SERVER_PATH_MAX], name[64];
    struct run_result r;

    for (unsigned i = 0; i < CLIENTS; i++) {
        snprintf(name, sizeof(name), "r%u-%u", round, i);
        snprintf(path, sizeof(path), "%s",
                 server_home_file(&w->server, "anna", name));
        run(&r, NULL, "rm", "-rf", path, NULL);
        cr_assert_eq(r.status, 0);
        run_release(&r);
    }
}

Test(crash, at_random_moments, .timeout = 1200)
{
    const struct server_plan plan = { .troubles = true };
    unsigned rounds = server_is_long() ? 200 : 20, whole;
    unsigned seed = (unsigned)clock_ms();
    const char *given = getenv("SALLYPORT_SEED");
    static struct work w;

    if (given)
        seed = (unsigned)strtoul(given, NULL, 10);
    printf("crash: SALLYPORT_SEED=%u repeats these moments\n", seed);
    fflush(stdout); /* a test that fails prints nothing more */
    server_start(&w.server, &plan);
    prepare(&w);
    whole = undisturbed(&w, 0);
    clean(&w, 0);
    for (unsigned round = 1; round <= rounds; round++) {
        struct running clients[CLIENTS];

        for (unsigned i = 0; i < CLIENTS; i++)
            start_client(&w, round, i, &clients[i]);
        pause_ms((unsigned)rand_r(&seed) % (whole + 1));
        kill_all(&w.server);
        finish_round(&w, round, clients);
        server_again(&w.server);
        if (round % RETRY_EVERY == 0)
            undisturbed(&w, round);
        clean(&w, round);
    }
    cr_assert(w.confirmed > 0, "no upload was confirmed before a death");
    cr_assert(w.confirmed < rounds * CLIENTS * FILES, "no death came in time");
    printf("crash: %u deaths within %u ms, %u uploads confirmed before\n",
           rounds, whole, w.confirmed);
    server_stop(&w.server);
    for (unsigned i = 0; i < FILES; i++)
        free(w.bytes[i]);
}
