/* Files whose pages can't be mapped as shared, as on network file systems over
 * FUSE: they are sent all the same. Also a file that can't be read completely.
 * Root mounts them in a mount namespace that ends with this test. */
#include <criterion/criterion.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fuse.h"
#include "generation.h"
#include "sallyport/base/clock.h"
#include "support/processes.h"
#include "support/server_log.h"
#include "support/session.h"
#include "support/wait.h"

#define NUMBERS 75000u /* as in tests/system/fuse.py */

static void expect_numbers(const struct buf *got)
{
    cr_assert_eq(got->len, NUMBERS * sizeof(uint32_t));
    for (uint32_t i = 0; i < NUMBERS; i++) {
        uint32_t number;

        memcpy(&number, got->data + i * sizeof(number), sizeof(number));
        cr_assert_eq(number, i);
    }
}

struct far {
    struct server server;
    struct session s;
    char folder[SERVER_PATH_MAX];
    pid_t fuse;
};

static void begin(struct far *f)
{
    struct stat home;

    if (geteuid() != 0)
        cr_skip_test("needs root");
    fuse_begin();
    server_start(&f->server, &(struct server_plan){ 0 });
    cr_assert_eq(stat(server_home(&f->server, "anna"), &home), 0);
    snprintf(f->folder, sizeof(f->folder), "%s",
             server_home_file(&f->server, "anna", "far"));
    cr_assert_eq(mkdir(f->folder, 0700), 0);
    f->fuse = fuse_mount(f->folder, home.st_uid);
    session_enter(&f->s, &f->server, "anna");
}

static void end(struct far *f)
{
    session_close(&f->s);
    fuse_unmount(f->folder, f->fuse);
    rmdir(f->folder);
    server_stop(&f->server);
}

Test(fuse, a_file_without_shared_pages_is_sent, .timeout = 60)
{
    struct far f;
    struct buf got;

    begin(&f);
    buf_init(&got, 1 << 20);
    session_fetch(&f.s, "RETR far/f", &got);
    expect_numbers(&got);
    buf_release(&got);
    end(&f);
}

/* The readable part is sent; there is no 226, no report that somebody has
 * shortened the file, and the session continues. */
Test(fuse, a_file_that_cannot_be_read_whole, .timeout = 60)
{
    char waste[16384];
    struct far f;
    struct data d;
    long n;

    begin(&f);
    data_open(&f.s, &d, "RETR far/bad");
    while ((n = tls_client_read(d.tls, waste, sizeof(waste))) > 0)
        continue;
    cr_expect_eq(n, TLS_CLIENT_CUT, "it ended with %ld", n);
    data_cut(&d, false);
    session_expect(&f.s, "451 {*}can't read the file{*}");
    server_log_wait(&f.server, "verb=RETR", "far/bad", "can't be read", NULL);
    session_do(&f.s, "200 {*}", "NOOP");
    end(&f);
}

#define ENDS_MS  5000 /* the supervisor kills the rest after 7 s */
#define QUICK_MS 9000 /* a look at a home that hangs takes 10 s */

static bool is_one_check(void *server)
{
    static struct processes list;

    processes_of(((struct server *)server)->pid, &list);
    return processes_count(&list, "sallyport: check") == 1;
}

static bool is_no_check(void *server)
{
    static struct processes list;

    processes_of(((struct server *)server)->pid, &list);
    return processes_count(&list, "sallyport: check") == 0;
}

/* A reload and a recovery don't wait for a home that hangs, and one process at
 * most looks at it. The others log in. */
Test(fuse, a_home_that_hangs, .timeout = 90)
{
    static const struct server_user users[] = { { .name = "anna" },
                                                { .name = "bert" } };
    const struct server_plan two = { .troubles = true,
                                     .users = users,
                                     .user_count = 2 };
    struct server server;
    struct session s;
    struct stat at;
    char home[SERVER_PATH_MAX];
    uint64_t begin;
    pid_t fuse;

    if (geteuid() != 0)
        cr_skip_test("needs root");
    fuse_begin();
    server_start(&server, &two);
    snprintf(home, sizeof(home), "%s", server_home(&server, "bert"));
    cr_assert_eq(stat(home, &at), 0);
    fuse = fuse_mount(home, at.st_uid);
    cr_assert_eq(kill(fuse, SIGSTOP), 0);
    generation_reload(&server, GENERATION_CTL);
    cr_assert(is_one_check(&server), "the reload has waited");
    generation_reload(&server, GENERATION_CTL);
    server_log_wait(&server, "warning: the homes aren't looked at", NULL);
    cr_expect(wait_until(is_no_check, &server, ENDS_MS), "it outlives master");
    begin = clock_ms();
    kill(generation_newest(&server), SIGKILL);
    server_log_wait(&server, "replaces processes that failed", NULL);
    session_enter(&s, &server, "anna");
    cr_expect_leq(clock_ms() - begin, QUICK_MS);
    session_close(&s);
    fuse_unmount(home, fuse);
    server_stop(&server);
}
