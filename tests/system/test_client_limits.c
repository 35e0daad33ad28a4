/* The client with servers that have limits: nothing here or there is lost, and
 * nothing is called complete that isn't. */
#include <criterion/criterion.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

#include "faulty.h"
#include "peer.h"
#include "sallyport/base/clock.h"
#include "support/files.h"
#include "support/wait.h"

#define MANY 150 /* names, of which a listing of Pure-FTPd shows 100 */

static void make_files(const char *dir, int count)
{
    char name[SERVER_PATH_MAX + 32];

    files_make_folder(dir, 0755);
    for (int i = 0; i < count; i++) {
        snprintf(name, sizeof(name), "%s/%d", dir, i);
        files_write(name, "text", 4, 0644);
    }
}

/* A listing that ends at a limit doesn't make a directory complete, and what it
 * lacks isn't removed. */
Test(client_limits, a_listing_of_many_names, .timeout = 120)
{
    char home[SERVER_PATH_MAX + 16];
    struct desk d;

    desk_begin_alone(&d);
    make_files("many", MANY);
    pid_t pid = peer_start(&peers[2], &d, "cut");
    snprintf(home, sizeof(home), "%s/home/many", d.dir);
    make_files(home, MANY);
    files_give_to_owner_of("home", home);
    files_make_folder("in", 0755);
    desk_says(&d, EX_PROTOCOL, "may be cut", "get", "-rq", "/many", "in", NULL);
    desk_says(&d, EX_PROTOCOL, "may be cut", "get", "-q", "/many/*", "in",
              NULL);
    desk_says(&d, EX_PROTOCOL, "may be cut", "sync", "/many", "in", NULL);
    desk_says(&d, EX_PROTOCOL, "may be cut", "ls", "/many", NULL);
    desk_says(&d, EX_PROTOCOL, "may be cut", "du", "/many", NULL);
    files_write("many/surplus", "mine", 4, 0644);
    desk_says(&d, EX_PROTOCOL, "nothing is removed", "sync", "--delete",
              "/many", "many", NULL);
    cr_assert_eq(unlink("many/surplus"), 0);
    desk_same("many", home);
    /* No name that the listing lacks counts as free. */
    desk_says(&d, 0, "0 uploaded, 150 the same", "sync", "many", "/many", NULL);
    desk_same("many", home);
    peer_stop(pid);
    desk_end(&d);
}

/* What waits in an idle connection is its end, and no reply. */
Test(client_limits, an_idle_session, .timeout = 120)
{
    static struct faulty f;

    faulty_begin(&f, "idle", "good");
    desk_says_to(&f.desk, 0, "done",
                 "ls file\n!sleep 3\nls file\n!sleep 3\nls\n!echo done\n", "/",
                 NULL);
    cr_expect_eq(faulty_count("PASS "), 3);
    faulty_end(&f);
}

/* One refused data connection among many costs one login. */
Test(client_limits, one_refused_data_connection, .timeout = 120)
{
    static struct faulty f;

    faulty_begin(&f, "one_425", "good");
    make_files("tree", 8);
    desk_says(&f.desk, 0, NULL, "put", "-r", "tree/.", "/", NULL);
    cr_expect_eq(faulty_count("STOR "), 9);
    cr_expect_eq(faulty_count("PASS "), 2);
    faulty_end(&f);
}

/* A server with one data connection for each control connection: the client
 * learns that. Each new connection begins with the character set. */
Test(client_limits, one_upload_for_each_login, .timeout = 120)
{
    static struct faulty f;

    faulty_begin(&f, "one_each", "good");
    make_files("tree", 8);
    desk_says(&f.desk, 0, NULL, "put", "-r", "--conflict=overwrite",
              "--no-temporary", "tree/.", "/", NULL);
    cr_expect_eq(faulty_count("STOR "), 10);
    cr_expect_eq(faulty_count("stored 4"), 8);
    cr_expect_gt(faulty_count("PASS "), 7);
    cr_expect_eq(faulty_count("OPTS UTF8 ON"), faulty_count("PASS "));
    faulty_end(&f);
}

/* A password that may change, and one that must, are not the same. */
Test(client_limits, advice_about_the_password, .timeout = 120)
{
    static struct faulty f;

    faulty_begin(&f, "advises", "good");
    desk_says(&f.desk, 0, "  file\n", "ls", "/", NULL);
    faulty_end(&f);
}

/* The password changes while files are sent: it is tried once. */
Test(client_limits, a_login_that_is_denied_later, .timeout = 120)
{
    static struct faulty f;

    faulty_begin(&f, "denies", "good");
    make_files("tree", 8);
    desk_says(&f.desk, EX_NOPERM, "530", "put", "-r", "--no-temporary",
              "--conflict=overwrite", "tree/.", "/", NULL);
    cr_expect_eq(faulty_count("PASS "), 2);
    cr_expect_eq(faulty_count("STOR "), 3);
    faulty_end(&f);
}

/* It changes before any file is sent: that is a failure, too. */
Test(client_limits, a_login_that_is_denied_before_the_files, .timeout = 120)
{
    static struct faulty f;

    faulty_begin(&f, "idle_denies", "good");
    make_files("tree", 8);
    desk_says_to(&f.desk, EX_NOPERM, "530",
                 "ls file\n!sleep 3\nput -P4 --conflict=overwrite tree/0 "
                 "tree/1 tree/2 /\n",
                 "/", NULL);
    cr_expect_eq(faulty_count("PASS "), 2);
    cr_expect_eq(faulty_count("STOR "), 0);
    faulty_end(&f);
}

/* Or between two files: the first one is stored, and the others aren't. */
Test(client_limits, a_login_that_is_denied_between_two_files, .timeout = 120)
{
    static struct faulty f;

    faulty_begin(&f, "time_denies", "good");
    make_files("tree", 3);
    desk_says(&f.desk, EX_NOPERM, "not all files were transferred", "put", "-r",
              "--no-temporary", "--conflict=overwrite", "tree/.", "/", NULL);
    cr_expect_eq(faulty_count("PASS "), 2);
    cr_expect_eq(faulty_count("STOR "), 1);
    faulty_end(&f);
}

/* Or before the removals: the sync isn't complete. */
Test(client_limits, a_login_that_is_denied_before_the_removals, .timeout = 120)
{
    static struct faulty f;

    faulty_begin(&f, "time_denies", "good");
    make_files("tree", 1);
    desk_says(&f.desk, EX_NOPERM, "nothing is removed", "sync", "--delete",
              "--no-temporary", "tree", "/", NULL);
    cr_expect_eq(faulty_count("STOR "), 1);
    cr_expect_eq(faulty_count("DELE "), 0);
    faulty_end(&f);
}

/* Nobody can compare what an earlier call has left, but this call continues
 * what it has sent itself. It is cut three times, and each try brings the file
 * forward, so one retry is enough. */
Test(client_limits, a_poor_line_without_checksums, .timeout = 120)
{
    static struct faulty f;

    faulty_begin(&f, "cuts", "good");
    desk_noise("file", 5000000);
    desk_says(&f.desk, EX_TEMPFAIL, NULL, "put", "--retries=0", "file", "/new",
              NULL);
    desk_says(&f.desk, 0, NULL, "put", "--retries=1", "file", "/new", NULL);
    cr_expect_eq(faulty_count("STOR "), 2);
    cr_expect_eq(faulty_count("RNTO new"), 1);
    faulty_end(&f);
}

/* A Sallyport keeps what an earlier call has left until the first byte of
 * another upload: it isn't taken for this call's own. */
Test(client_limits, a_cut_before_the_first_byte, .timeout = 120)
{
    static struct faulty f;

    faulty_begin(&f, "late_cut", "good");
    desk_noise("file", 5000000);
    desk_says(&f.desk, EX_TEMPFAIL, NULL, "put", "--retries=0", "file", "/new",
              NULL);
    desk_noise("file", 5000001);
    desk_says(&f.desk, 0, NULL, "put", "--retries=4", "file", "/new", NULL);
    cr_expect_eq(faulty_count("STOR "), 3);
    cr_expect_eq(faulty_count("APPE "), 0);
    cr_expect_eq(faulty_count("OPTS UTF8"), 0);
    faulty_end(&f);
}

/* A program that writes nothing for longer than --timeout isn't cut. */
Test(client_limits, input_that_is_slow, .timeout = 120)
{
    static struct faulty f;
    struct run_result r;
    char line[2048];

    faulty_begin(&f, "renames", "good");
    snprintf(line, sizeof(line),
             "for i in 1 2 3 4 5; do sleep 3; echo; done | %s put "
             "--timeout=2 --retries=0 "
             "--cacert %s --password-file %s - %s/new",
             server_program("sallyport"), f.desk.ca, f.desk.password,
             f.desk.url);
    run(&r, NULL, "/bin/sh", "-c", line, NULL);
    cr_expect_eq(r.status, 0, "%s", r.text);
    cr_expect_eq(faulty_count("stored 5"), 1);
    run_release(&r);
    faulty_end(&f);
    /* A server that takes no more is noticed, and so is one that ends it. */
    faulty_begin(&f, "takes_nothing", "good");
    snprintf(line, sizeof(line),
             "cat /dev/zero | %s put --timeout=2 --retries=0 --cacert %s "
             "--password-file %s - %s/new",
             server_program("sallyport"), f.desk.ca, f.desk.password,
             f.desk.url);
    run(&r, NULL, "/bin/sh", "-c", line, NULL);
    cr_expect_eq(r.status, EX_TEMPFAIL, "%s", r.text);
    run_release(&r);
    faulty_end(&f);
    faulty_begin(&f, "gives_up", "good");
    snprintf(line, sizeof(line),
             "(echo one; exec sleep 3) | %s put --timeout=9 --retries=0 "
             "--cacert %s --password-file %s - %s/new",
             server_program("sallyport"), f.desk.ca, f.desk.password,
             f.desk.url);
    run(&r, NULL, "/bin/sh", "-c", line, NULL);
    cr_expect_not_null(strstr(r.text, "426 too slow"), "%s", r.text);
    run_release(&r);
    faulty_end(&f);
}

static bool has_refused(void *of)
{
    (void)of;
    return faulty_count("STOR ") >= 4;
}

static bool has_stored(void *of)
{
    (void)of;
    return faulty_count("stored 4") == 2;
}

/* A server whose directory is away for a while says 550. */
Test(client_limits, watched_through_an_outage, .timeout = 120)
{
    static struct faulty f;
    struct running running;
    struct run_result r;

    faulty_begin(&f, "away", "good");
    make_files("tree", 2);
    desk_start(&f.desk, &running, has_refused, NULL, "watch", "--timeout=1",
               "tree", "/", NULL);
    files_write("back", "", 0, 0644);
    cr_expect(wait_until(has_stored, NULL, WAIT_MS));
    kill(running.pid, SIGINT);
    run_finish(&running, &r);
    cr_expect_eq(r.status, 130, "%d: %s", r.status, r.text);
    run_release(&r);
    faulty_end(&f);
}

/* watch ends when the login is denied, and doesn't guess on. */
Test(client_limits, watched_until_the_login_is_denied, .timeout = 120)
{
    static struct faulty f;

    faulty_begin(&f, "denies", "good");
    make_files("tree", 5);
    desk_says(&f.desk, EX_NOPERM, "530", "watch", "--no-temporary",
              "--conflict=overwrite", "tree", "/", NULL);
    cr_expect_eq(faulty_count("PASS "), 2);
    faulty_end(&f);
}

static bool has_stored_five(void *of)
{
    (void)of;
    return faulty_count("stored 4") == 5;
}

/* A home that is away for a while denies logins, too, and ends no watch. */
Test(client_limits, watched_while_the_home_is_away, .timeout = 120)
{
    static struct faulty f;
    struct running running;
    struct run_result r;

    faulty_begin(&f, "no_home", "good");
    make_files("tree", 5);
    desk_start(&f.desk, &running, has_stored_five, NULL, "watch", "--timeout=1",
               "--retries=0", "--no-temporary", "--conflict=overwrite", "tree",
               "/", NULL);
    kill(running.pid, SIGINT);
    run_finish(&running, &r);
    cr_expect_eq(r.status, 130, "%d: %s", r.status, r.text);
    cr_expect_not_null(strstr(r.text, "home can't be entered"), "%s", r.text);
    run_release(&r);
    cr_expect_eq(faulty_count("PASS "), 4);
    faulty_end(&f);
}

static void expect_all_by_fewer(const struct desk *d, const char *threads)
{
    uint64_t begin = clock_ms();
    struct run_result r;

    desk_client(d, 0, &r, NULL, "put", "-r", threads, "--retries=1",
                "--no-temporary", "--conflict=overwrite", "tree/.", "/", NULL);
    cr_expect_null(strstr(r.text, " failed:"), "%s", r.text);
    run_release(&r);
    cr_expect_lt(clock_ms() - begin, 20000);
}

/* A further link that waits for its greeting isn't waited for. */
Test(client_limits, one_session_at_a_time, .timeout = 120)
{
    static struct faulty f;

    faulty_begin(&f, "one_at_a_time", "good");
    make_files("tree", 8);
    expect_all_by_fewer(&f.desk, "-P8");
    cr_expect_eq(faulty_count("stored 4"), 8);
    faulty_end(&f);
}

/* The first link comes back after an idle time, before the others take its
 * place; and one note tells about all that are turned away. */
Test(client_limits, one_session_after_an_idle_time, .timeout = 120)
{
    static struct faulty f;
    struct run_result r;
    const char *note;

    faulty_begin(&f, "one_session", "good");
    make_files("tree", 8);
    desk_client(&f.desk, 0, &r,
                "ls file\n!sleep 3\nput -r -P4 --no-temporary "
                "--conflict=overwrite --retries=0 tree/. /\n",
                "/", NULL);
    note = strstr(r.text, "continues with fewer links");
    cr_expect_not_null(note, "%s", r.text);
    cr_expect(note && !strstr(note + 10, "continues with"), "%s", r.text);
    run_release(&r);
    cr_expect_eq(faulty_count("stored 4"), 8);
    faulty_end(&f);
}

/* A link that is turned away after a cut leaves its file to the others. */
Test(client_limits, fewer_sessions_after_a_cut, .timeout = 120)
{
    static struct faulty f;

    faulty_begin(&f, "fewer", "good");
    make_files("tree", 8);
    expect_all_by_fewer(&f.desk, "-P3");
    cr_expect_eq(faulty_count("stored 4"), 8);
    faulty_end(&f);
}
