/* See batch.h. */
#include "batch.h"

#include <criterion/criterion.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "fault.h"
#include "sallyport/base/clock.h"
#include "support/files.h"

/* Sizes from one byte to several blocks, so that the disturbance meets every
 * part of an upload. */
static const size_t sizes[BATCH_FILES] = {
    1,      100,     65536,  70000,   300000, 1 << 20,
    524288, 1500000, 524289, 3000000, 17,     2000000,
};

void batch_prepare(struct batch *b)
{
    char name[32], path[SERVER_PATH_MAX + 32];

    snprintf(b->folder, sizeof(b->folder), "%s",
             server_path(&b->server, "from"));
    files_make_folder(b->folder, 0700);
    for (unsigned i = 0; i < BATCH_FILES; i++) {
        b->bytes[i] = fault_noise(sizes[i]);
        snprintf(name, sizeof(name), "f%u", i);
        snprintf(path, sizeof(path), "%s/%s", b->folder, name);
        files_write(path, b->bytes[i], sizes[i], 0600);
    }
}

void batch_release(struct batch *b)
{
    for (unsigned i = 0; i < BATCH_FILES; i++)
        free(b->bytes[i]);
}

/* The client uploads all files, one after the other, in one session. It prints
 * "226 exit=0 f0" for each file that is confirmed. A 226 with another exit
 * status belongs to the file before: if a data connection breaks after curl has
 * sent TYPE, curl 7.88 takes its 200 for the reply to PASV, fails with 13, and
 * reads each later reply of the session one too late. */
static void start_client(const struct batch *b, unsigned round, unsigned client,
                         struct running *ret)
{
    char url[128], files[SERVER_PATH_MAX + 32], config[512];

    snprintf(url, sizeof(url), "ftp://127.0.0.1:%u/r%u-%u/", b->server.port,
             round, client);
    snprintf(files, sizeof(files), "%s/f[0-%u]", b->folder, BATCH_FILES - 1);
    snprintf(config, sizeof(config),
             "user=\"anna:%s\"\nssl-reqd\ninsecure\nsilent\nftp-"
             "create-dirs\n"
             "write-out=\"%%{response_code} exit=%%{exitcode} "
             "%%{filename_effective} %%{url_effective}\\n\"\n",
             SERVER_PASSWORD);
    run_start(ret, config,
              (char *[]){ "curl", "--config", "-", "--max-time", "60", "-T",
                          files, url, NULL });
}

void batch_begin(const struct batch *b, unsigned round,
                 struct running clients[BATCH_CLIENTS])
{
    for (unsigned i = 0; i < BATCH_CLIENTS; i++)
        start_client(b, round, i, &clients[i]);
}

void batch_pause(unsigned ms)
{
    const struct timespec t = { .tv_sec = ms / 1000,
                                .tv_nsec = (long)(ms % 1000) * 1000000 };

    nanosleep(&t, NULL);
}

static void expect_confirmed(struct batch *b, const char *folder,
                             const char *said)
{
    for (unsigned i = 0; i < BATCH_FILES; i++) {
        char name[128], line[SERVER_PATH_MAX + 64];

        snprintf(name, sizeof(name), "/f%u\n", i);
        for (const char *at = said; (at = strstr(at, "226 exit=0 ")); at++) {
            snprintf(line, sizeof(line), "%.*s", (int)strcspn(at, "\n") + 1,
                     at);
            if (!strstr(line, name))
                continue;
            snprintf(name, sizeof(name), "%s/f%u", folder, i);
            fault_expect_whole(&b->server, "anna", name, b->bytes[i], sizes[i]);
            b->confirmed++;
            break;
        }
    }
}

/* Each visible file must have a name that was sent, and all of its bytes. */
static void expect_no_part(const struct batch *b, const char *folder)
{
    DIR *d = opendir(server_home_file(&b->server, "anna", folder));
    struct dirent *e;
    unsigned i;

    while (d && (e = readdir(d)) != NULL) {
        char name[512];

        if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0 ||
            strncmp(e->d_name, ".sallyport-", 11) == 0)
            continue;
        cr_assert(sscanf(e->d_name, "f%u", &i) == 1 && i < BATCH_FILES, "%s",
                  e->d_name);
        snprintf(name, sizeof(name), "%s/%s", folder, e->d_name);
        fault_expect_whole(&b->server, "anna", name, b->bytes[i], sizes[i]);
    }
    if (d)
        closedir(d);
}

unsigned batch_finish(struct batch *b, unsigned round,
                      struct running clients[BATCH_CLIENTS])
{
    unsigned before = b->confirmed;
    struct run_result r;
    char folder[64];

    for (unsigned i = 0; i < BATCH_CLIENTS; i++) {
        snprintf(folder, sizeof(folder), "r%u-%u", round, i);
        run_finish(&clients[i], &r);
        expect_confirmed(b, folder, r.text);
        expect_no_part(b, folder);
        run_release(&r);
    }
    return b->confirmed - before;
}

unsigned batch_undisturbed(struct batch *b, unsigned round)
{
    struct running clients[BATCH_CLIENTS];
    uint64_t began = clock_ms();
    unsigned confirmed = b->confirmed;

    batch_begin(b, round, clients);
    cr_assert_eq(batch_finish(b, round, clients), BATCH_CLIENTS * BATCH_FILES);
    b->confirmed = confirmed;
    return (unsigned)(clock_ms() - began);
}

void batch_clean(const struct batch *b, unsigned round)
{
    char path[SERVER_PATH_MAX], name[64];
    struct run_result r;

    for (unsigned i = 0; i < BATCH_CLIENTS; i++) {
        snprintf(name, sizeof(name), "r%u-%u", round, i);
        snprintf(path, sizeof(path), "%s",
                 server_home_file(&b->server, "anna", name));
        run(&r, NULL, "rm", "-rf", path, NULL);
        cr_assert_eq(r.status, 0);
        run_release(&r);
    }
}
