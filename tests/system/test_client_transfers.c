/* The client's transfers: cuts that it repairs by itself, times, rates,
 * patterns, implicit TLS, its output. */
#include <criterion/criterion.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

#include "desk.h"
#include "sallyport/base/clock.h"
#include "support/files.h"
#include "support/wait.h"

#define MIB 1048576
#define OLD 1000000000

static const struct server_user users[] = {
    { .name = "cut" },
    { .name = "keep" },
    { .name = "implicit" },
    { .name = "rate" },
    { .name = "print" },
    { .name = "tree" },
    { .name = "six" },
    { .name = "late" },
    { .name = "links" },
    { .name = "length", .keys = "upload_eof=announced" },
};

SERVER_SHARED(.listen = "127.0.0.1:0, [::1]:0, 127.0.0.1:0 tls",
              .settings = "max_file_size = 64M\n", .users = users,
              .user_count = sizeof(users) / sizeof(*users));

static void kick(const struct desk *d)
{
    char conf[SERVER_PATH_MAX];
    struct run_result r;

    snprintf(conf, sizeof(conf), "%s",
             server_path(&d->server, "sallyport.conf"));
    run(&r, NULL, server_program("sallyportctl"), "--config", conf, "kick",
        d->user, NULL);
    cr_expect_eq(r.status, 0, "%s", r.text);
    run_release(&r);
}

static size_t count_of(const char *text, const char *word)
{
    size_t n = 0;

    while ((text = strstr(text, word))) {
        n++;
        text++;
    }
    return n;
}

/* Before the end of the file the server ends the session. The client logs in
 * again and continues where it stopped. After 4 MiB the rest is more than
 * the sockets usually hold, so the server hasn't sent it yet. */
static void cut_once(const struct desk *d, struct desk_growth *g,
                     const char *verb, const char *from, const char *to)
{
    struct running running;
    struct run_result r;

    desk_start(d, &running, desk_has_grown, g, verb, "--debug", "--limit-rate",
               "8M", from, to, NULL);
    kick(d);
    run_finish(&running, &r);
    cr_expect_eq(r.status, 0, "%d: %s", r.status, r.text);
    cr_expect_not_null(strstr(r.text, "trying again in 1 s"), "%s", r.text);
    cr_expect_not_null(
        strstr(r.text, ": the server says \"421 The administrator closed this "
                       "connection.\""),
        "%s", r.text);
    cr_expect_not_null(strstr(r.text, ", resumed at "), "%s", r.text);
    cr_expect_not_null(strstr(r.text, ", checksum right"), "%s", r.text);
    /* Also the try that resumes announces the whole file. */
    size_t announced = count_of(r.text, "> ALLO ");
    cr_expect_eq(announced,
                 count_of(r.text, "> STOR") + count_of(r.text, "> APPE"));
    cr_expect_eq(announced, count_of(r.text, "> ALLO 25165824"), "%s", r.text);
    run_release(&r);
}

Test(client_transfers, a_cut, .timeout = 120)
{
    char home[SERVER_PATH_MAX], there[SERVER_PATH_MAX];
    struct desk d;

    desk_begin(&d, "cut");
    desk_noise("big", 24 * MIB);
    snprintf(home, sizeof(home), "%s", server_home(&d.server, "cut"));
    snprintf(there, sizeof(there), "%s",
             server_home_file(&d.server, "cut", "big"));
    cut_once(&d, &(struct desk_growth){ home, 4 * MIB, there }, "put", "big",
             "/big");
    desk_same("big", there);
    cut_once(&d, &(struct desk_growth){ ".", 4 * MIB, "got" }, "get", "/big",
             "got");
    desk_same("big", "got");
    desk_end(&d);
}

/* Hours may pass between the walk through a tree and a file's transfer. A name
 * that somebody else has taken meanwhile isn't replaced. */
Test(client_transfers, a_name_taken_after_the_walk, .timeout = 60)
{
    struct desk_growth g = { .least = MIB };
    struct running running;
    struct run_result r;
    struct desk d;

    desk_begin(&d, "late");
    files_make_folder("one", 0755);
    files_make_folder("two", 0755);
    desk_noise("one/big", 8 * MIB);
    files_write("two/small", "mine", 4, 0644);
    char dir[SERVER_PATH_MAX], small[SERVER_PATH_MAX], new[SERVER_PATH_MAX];
    snprintf(dir, sizeof(dir), "%s",
             server_home_file(&d.server, "late", "one"));
    snprintf(small, sizeof(small), "%s",
             server_home_file(&d.server, "late", "two/small"));
    snprintf(new, sizeof(new), "%s",
             server_home_file(&d.server, "late", "two/new-small"));
    g.dir = dir;
    g.done = new;
    desk_start(&d, &running, desk_has_grown, &g, "put", "-r", "--limit-rate=1M",
               "one", "two", "/", NULL);
    files_write(small, "theirs", 6, 0644);
    run_finish(&running, &r);
    cr_expect_eq(r.status, 0, "%s", r.text);
    run_release(&r);
    desk_file(small, "theirs");
    desk_file(new, "mine");
    desk_end(&d);
}

static time_t modified(const char *path)
{
    struct stat st;

    cr_assert_eq(stat(path, &st), 0, "%s", path);
    return st.st_mtime;
}

/* The server takes only uploads whose length is announced. */
Test(client_transfers, announced, .timeout = 60)
{
    struct desk d;

    desk_begin(&d, "length");
    files_write("empty", "", 0, 0644);
    files_write("a", "text", 4, 0644);
    desk_noise("large", 65 * MIB);
    desk_says(&d, 0, "put empty", "put", "empty", "a", "/", NULL);
    desk_same("a", server_home_file(&d.server, "length", "a"));
    desk_same("empty", server_home_file(&d.server, "length", "empty"));
    desk_says(&d, EX_UNAVAILABLE, "save a stream as a file first", "put", "-",
              "/stream", NULL);
    /* It has bytes, and no length. */
    cr_assert_eq(symlink("/proc/self/status", "status"), 0);
    desk_says(&d, EX_UNAVAILABLE, "save a stream as a file first", "put",
              "status", "/status", NULL);
    desk_says(&d, EX_CANTCREAT, "a limit of size or space is reached", "put",
              "large", "/large", NULL);
    desk_end(&d);
}

Test(client_transfers, times, .timeout = 60)
{
    struct desk d;

    desk_begin(&d, "keep");
    files_write("a", "text", 4, 0644);
    files_set_time("a", OLD);
    desk_says(&d, 0, "put a", "put", "--no-preserve", "a", "/new", NULL);
    desk_says(&d, 0, "put a", "put", "a", "/old", NULL);
    cr_expect_gt(modified(server_home_file(&d.server, "keep", "new")), OLD);
    cr_expect_eq(modified(server_home_file(&d.server, "keep", "old")), OLD);
    desk_says(&d, 0, "get old", "get", "--no-preserve", "/old", "b", NULL);
    desk_says(&d, 0,
              "--preserve: transferred files keep their times without it",
              "get", "-p", "/old", "c", NULL);
    cr_expect_gt(modified("b"), OLD);
    cr_expect_eq(modified("c"), OLD);
    desk_end(&d);
}

/* TLS begins with the first byte. */
Test(client_transfers, implicit, .timeout = 60)
{
    struct run_result r;
    struct desk d;

    desk_begin(&d, "implicit");
    snprintf(d.url, sizeof(d.url), "ftps+implicit://implicit@127.0.0.1:%u",
             d.server.port_tls);
    desk_noise("a", MIB);
    desk_says(&d, 0, "checksum right", "put", "a", "/", NULL);
    desk_says(&d, 0, "checksum right", "get", "/a", "b", NULL);
    desk_same("a", "b");
    desk_client(&d, 0, &r, NULL, "--debug", "ls", "/", NULL);
    cr_expect_null(strstr(r.text, "> AUTH"), "%s", r.text);
    cr_expect_null(strstr(r.text, SERVER_PASSWORD), "%s", r.text);
    run_release(&r);
    desk_end(&d);
}

Test(client_transfers, ipv6, .timeout = 60)
{
    struct run_result r;
    struct desk d;

    desk_begin(&d, "six");
    snprintf(d.url, sizeof(d.url), "ftps://six@[::1]:%u", d.server.port_other);
    desk_noise("a", MIB);
    desk_says(&d, 0, "checksum right", "put", "a", "/", NULL);
    desk_says(&d, 0, "checksum right", "get", "/a", "b", NULL);
    desk_same("a", "b");
    desk_client(&d, 0, &r, NULL, "doctor", "/", NULL);
    cr_expect_not_null(strstr(r.text, "good     IPv6: connects to ::1"), "%s",
                       r.text);
    cr_expect_not_null(strstr(r.text, "0 bad, 0 warnings"), "%s", r.text);
    run_release(&r);
    desk_end(&d);
}

/* What another download has begun isn't a file yet. */
Test(client_transfers, no_partials, .timeout = 60)
{
    static const char part[] =
        "tree/.sallyport-00112233445566778899aabbccddeeff.part";
    struct desk d;

    desk_begin(&d, "print");
    files_make_folder("tree", 0755);
    files_write("tree/a", "text", 4, 0644);
    files_write(part, "te", 2, 0600);
    desk_says(&d, 0, "put tree/a", "put", "-r", "tree", "/", NULL);
    desk_says(&d, 0, "0 uploaded, 1 the same", "sync", "tree", "/tree", NULL);
    desk_says(&d, 0, "1 files", "du", "/tree", NULL);
    desk_says(&d, 0, "0 removed", "sync", "--delete", "/tree", "tree", NULL);
    cr_expect(files_exists(part));
    desk_end(&d);
}

static void expect_debug(const struct desk *d, const char *option,
                         const char *unwanted, const char *a, const char *b)
{
    struct run_result r;

    desk_client(d, 0, &r, NULL, "put", "--debug", option, a, b, NULL);
    cr_expect_null(strstr(r.text, unwanted), "%s: %s", option, r.text);
    run_release(&r);
}

/* What the server lacks, or nobody wants, isn't asked for. */
Test(client_transfers, left_out, .timeout = 60)
{
    struct desk d;

    desk_begin(&d, "print");
    files_write("a", "text", 4, 0644);
    desk_says(&d, 0, "> HASH ", "put", "--debug", "a", "/hashed", NULL);
    expect_debug(&d, "--no-verify", "> HASH", "a", "/unhashed");
    expect_debug(&d, "--compress", "> MODE", "a", "/plain");
    desk_end(&d);
}

/* The rate is never exceeded, whatever the number of links. */
static void expect_slow(const struct desk *d, const char *verb, const char *a,
                        const char *b)
{
    uint64_t begin = clock_ms();

    desk_says(d, 0, NULL, verb, "-r", "--limit-rate", "2M", "-P4",
              "--no-verify", a, b, NULL);
    cr_expect_gt(clock_ms() - begin, 1900, "%s took %llu ms", verb,
                 (unsigned long long)(clock_ms() - begin));
}

Test(client_transfers, rate, .timeout = 60)
{
    char name[16];
    struct desk d;

    desk_begin(&d, "rate");
    files_make_folder("t", 0755);
    for (int i = 0; i < 4; i++) {
        snprintf(name, sizeof(name), "t/%d", i);
        desk_noise(name, MIB);
    }
    expect_slow(&d, "put", "t", "/t");
    expect_slow(&d, "get", "/t", "back");
    desk_same("t", "back");
    desk_end(&d);
}

/* The output is plain lines, nothing, or events; each line of events is an
 * object. */
Test(client_transfers, what_is_printed, .timeout = 60)
{
    char name[512] = "";
    struct run_result r;
    struct desk d;

    desk_begin(&d, "print");
    desk_noise("a", 3 * MIB);
    files_write("x\302\205", "text", 4, 0644);
    for (int i = 0; i < 150; i++)
        strcat(name, "./");
    strcat(name, "x\302\205");
    desk_says(&d, 0, "/./x\\u0085\",\"bytes\":4", "put", "--json", name, "/x",
              NULL);
    desk_says(&d, 0, "put a  3.0 MiB, ", "put", "a", "/", NULL);
    desk_client(&d, 0, &r, NULL, "put", "--quiet", "a", "/b", NULL);
    cr_expect_str_eq(r.text, "");
    run_release(&r);
    desk_client(&d, 0, &r, NULL, "get", "--json", "--limit-rate", "1M", "/a",
                "c", NULL);
    cr_expect_gt(count_of(r.text, "{\"event\":\"progress\",\"command\":\"get\","
                                  "\"name\":\"a\",\"bytes\":"),
                 0, "%s", r.text);
    cr_expect_eq(count_of(r.text, "\n"), count_of(r.text, "{\"event\":"), "%s",
                 r.text);
    cr_expect_eq(count_of(r.text, "}\n"), count_of(r.text, "\n"), "%s", r.text);
    cr_expect_eq(count_of(r.text, "\"total\":3145728"),
                 count_of(r.text, "\"event\":\"progress\""), "%s", r.text);
    cr_expect_eq(count_of(r.text, "{\"event\":\"done\""), 1, "%s", r.text);
    run_release(&r);
    desk_end(&d);
}

#define TREE_FILES 60

static bool half_is_there(void *of)
{
    char name[64];

    (void)of;
    snprintf(name, sizeof(name), "t/%d", TREE_FILES / 2);
    return files_exists(name);
}

/* The client is killed between the files of a tree and in them: existing files
 * are whole, and the next call gets the rest. */
Test(client_transfers, a_tree_that_is_killed, .timeout = 120)
{
    char name[64], whole[64];
    struct running running;
    struct run_result r;
    struct desk d;

    desk_begin(&d, "tree");
    files_make_folder("t", 0755);
    for (int i = 0; i < TREE_FILES; i++) {
        snprintf(name, sizeof(name), "t/%d", i);
        desk_noise(name, 100000 + (size_t)i);
    }
    desk_says(&d, 0, "", "put", "-rqP4", "t", "/t", NULL);
    cr_assert_eq(rename("t", "all"), 0);
    desk_start(&d, &running, half_is_there, NULL, "get", "-rP4", "/t", NULL);
    kill(running.pid, SIGKILL);
    run_finish(&running, &r);
    run_release(&r);
    for (int i = 0; i < TREE_FILES; i++) {
        snprintf(name, sizeof(name), "t/%d", i);
        snprintf(whole, sizeof(whole), "all/%d", i);
        if (files_exists(name))
            desk_same(whole, name);
    }
    desk_says(&d, 0, "skipped", "get", "-rP4", "--conflict", "skip", "/t",
              NULL);
    desk_same("all", "t");
    desk_end(&d);
}

/* Another user owns the local tree and exchanges what the walk has seen for
 * links. */
static void exchange(const char *name)
{
    char old[64];

    snprintf(old, sizeof(old), "%s.old", name);
    cr_assert_eq(rename(name, old), 0);
    cr_assert_eq(symlink("../outside", name), 0);
}

static bool one_has_begun(void *of)
{
    bool yes = false;

    for (int c = 'd'; c <= 'e'; c++) {
        char dir[SERVER_PATH_MAX], done[SERVER_PATH_MAX];

        snprintf(dir, sizeof(dir), "%.500s/%c", (const char *)of, c);
        snprintf(done, sizeof(done), "%.500s/%c/c", (const char *)of, c);
        yes |= desk_has_grown(&(struct desk_growth){ dir, 1, done });
    }
    return yes;
}

/* WHERE: the tree that grows. */
static void exchange_in_a_transfer(const struct desk *d, const char *where,
                                   const char *verb, const char *from,
                                   const char *to)
{
    struct running running;
    struct run_result r;

    desk_start(d, &running, one_has_begun, (void *)where, verb, "-r",
               "--limit-rate=2M", from, to, NULL);
    exchange(verb[0] == 'g' ? "in/d" : "t/d");
    exchange(verb[0] == 'g' ? "in/e" : "t/e");
    run_finish(&running, &r);
    cr_expect_neq(r.status, 0, "%s", r.text);
    run_release(&r);
}

/* The transfers come after the walk: they follow no link either. */
Test(client_transfers, links_after_the_walk, .timeout = 60)
{
    char there[SERVER_PATH_MAX];
    struct desk d;

    desk_begin(&d, "links");
    files_make_folder("outside", 0755);
    files_make_folder("t", 0755);
    files_make_folder("t/d", 0755);
    files_make_folder("t/e", 0755);
    desk_noise("t/d/c", 2 * MIB);
    desk_noise("t/e/c", 2 * MIB);
    desk_says(&d, 0, NULL, "put", "-r", "t", "/t", NULL);
    exchange_in_a_transfer(&d, "in", "get", "/t", "in");
    cr_expect_not(files_exists("outside/c"));
    files_write("outside/c", "secret", 6, 0644);
    snprintf(there, sizeof(there), "%s",
             server_home_file(&d.server, "links", "u"));
    exchange_in_a_transfer(&d, there, "put", "t", "/u");
    desk_says(&d, 0, "       1 files  /u\n", "du", "/u", NULL);
    desk_end(&d);
}

static bool half_is_listed(void *of)
{
    (void)of;
    return files_exists("in/d/100");
}

/* The surplus of a directory that is a link now stays. */
Test(client_transfers, a_link_before_the_removal, .timeout = 60)
{
    char name[16];
    struct running running;
    struct run_result r;
    struct desk d;

    desk_begin(&d, "links");
    files_make_folder("t", 0755);
    files_make_folder("t/d", 0755);
    for (int i = 100; i < 300; i++) {
        snprintf(name, sizeof(name), "t/d/%d", i);
        files_make_folder(name, 0755);
    }
    desk_says(&d, 0, NULL, "put", "-r", "t", "/many", NULL);
    files_make_folder("outside", 0755);
    files_write("outside/mine", "mine", 4, 0644);
    desk_start(&d, &running, half_is_listed, NULL, "sync", "--delete", "/many",
               "in", NULL);
    exchange("in/d");
    run_finish(&running, &r);
    cr_expect_neq(r.status, 0, "%s", r.text);
    run_release(&r);
    cr_expect(files_exists("outside/mine"));
    cr_expect_not(files_exists("outside/299"));
    desk_end(&d);
}

/* A server permits two sessions per user: the other links of --parallel are
 * left out, and no file waits for them. */
Test(client_transfers, fewer_sessions, .timeout = 120)
{
    const struct server_plan plan = { .settings = "max_per_user = 2\n" };
    struct server server;
    struct run_result r;
    char name[32];
    struct desk d;

    desk_begin(&d, "tree");
    server_start(&server, &plan);
    snprintf(d.url, sizeof(d.url), "ftps://anna@127.0.0.1:%u", server.port);
    snprintf(d.ca, sizeof(d.ca), "%s", server_path(&server, "certificate.pem"));
    files_make_folder("t", 0755);
    for (int i = 0; i < TREE_FILES; i++) {
        snprintf(name, sizeof(name), "t/%d", i);
        desk_noise(name, 100000);
    }
    desk_client(&d, 0, &r, NULL, "put", "-rP5", "t", "/t", NULL);
    cr_expect_not_null(strstr(r.text, "continues with fewer links"), "%s",
                       r.text);
    cr_expect_null(strstr(r.text, "trying again"), "%s", r.text);
    run_release(&r);
    desk_same("t", server_home_file(&server, "anna", "t"));
    server_stop(&server);
    desk_end(&d);
}
