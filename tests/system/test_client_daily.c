/* The client's daily work: totals, filters, sources that are removed, lists of
 * files. */
#include <criterion/criterion.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

#include "desk.h"
#include "support/files.h"
#include "support/wait.h"

static const struct server_user users[] = {
    { .name = "total" },   { .name = "filter" }, { .name = "source" },
    { .name = "list" },    { .name = "mode" },   { .name = "watch" },
    { .name = "busy" },    { .name = "swap" },   { .name = "flood" },
    { .name = "partial" },
};

SERVER_SHARED(.users = users, .user_count = sizeof(users) / sizeof(*users));

/* The closing line of several files names the failures. */
Test(client_daily, totals, .timeout = 60)
{
    struct desk d;

    desk_begin(&d, "total");
    files_write("a", "text", 4, 0644);
    files_write("b", "more", 4, 0644);
    desk_says(&d, 0, "\n2 of 2 files, 8 B\n", "put", "a", "b", "/", NULL);
    /* The server's words about inspection may be a name. */
    static const char inspected[] = "a) kept for inspection; released, it is b";
    files_write(inspected, "text", 4, 0644);
    desk_says(&d, 0, "checksum right", "put", inspected, "/", NULL);
    desk_says(&d, 0, "\n0 of 2 files, 0 B, 2 skipped\n", "put", "--conflict",
              "skip", "a", "b", "/", NULL);
    desk_says(&d, EX_NOINPUT, "\n1 of 2 files, 4 B, 1 failed: gone\n", "get",
              "/b", "/gone", "--conflict", "overwrite", NULL);
    desk_says(&d, EX_NOINPUT,
              "{\"event\":\"total\",\"files\":2,\"done\":1,\"skipped\":0,"
              "\"failed\":1,\"bytes\":4}",
              "put", "--json", "a", "missing", "/", NULL);
    desk_end(&d);
}

static void tree_write(const char *const names[])
{
    for (; *names; names++) {
        char path[256];

        snprintf(path, sizeof(path), "%s", *names);
        for (char *at = path; (at = strchr(at, '/')); at++) {
            *at = '\0';
            mkdir(path, 0755);
            *at = '/';
        }
        files_write(path, *names, strlen(*names), 0644);
    }
}

/* Filters are the same for put, get and sync. What they leave out, --delete
 * leaves there. */
Test(client_daily, filters, .timeout = 60)
{
    static const char *const names[] = { "t/a.txt",       "t/b.tmp",
                                         "t/in/c.tmp",    "t/in/d.txt",
                                         "t/cache/e.txt", NULL };
    struct desk d;
    char home[SERVER_PATH_MAX];

    desk_begin(&d, "filter");
    snprintf(home, sizeof(home), "%s", server_home(&d.server, "filter"));
    tree_write(names);
    desk_says(&d, 0, "2 of 2 files", "put", "-r", "--exclude", "*.tmp",
              "--exclude", "cache/", "t", "/", NULL);
    desk_says(&d, 0, "put t/in/c.tmp", "put", "-r", "--include", "in/*.tmp",
              "t", "/only", NULL);
    desk_says(&d, 0, "b.tmp", "put", "--include", "*.tmp", "t/a.txt", "t/b.tmp",
              "/t", NULL);
    desk_says(&d, 0, NULL, "get", "-r", "--exclude", "in", "/t", "got", NULL);
    cr_expect(files_exists("got/a.txt"));
    cr_expect_not(files_exists("got/in"));
    /* a.txt goes; in/ stays with d.txt alone. */
    files_write("got/b.tmp", "", 0, 0644);
    cr_assert_eq(mkdir("empty", 0755), 0);
    desk_says(&d, 0, "2 removed", "sync", "--delete", "--exclude", "d.txt",
              "empty", "/t", NULL);
    desk_says(&d, 0, "0 downloaded, 0 the same, 0 removed", "sync", "--delete",
              "--exclude", "*.t??", "/t", "got", NULL);
    cr_expect(files_exists("got/a.txt") && files_exists("got/b.tmp"));
    desk_says(&d, EX_USAGE, "--exclude: rm has no such option", "rm",
              "--exclude", "a", "/t", NULL);
    desk_end(&d);
}

/* What another call is uploading to a server without hidden uploads. */
Test(client_daily, temporary_names, .timeout = 60)
{
    char there[SERVER_PATH_MAX];
    struct desk d;

    desk_begin(&d, "filter");
    files_make_folder(server_home_file(&d.server, "filter", "parts"), 0755);
    snprintf(there, sizeof(there), "%s",
             server_home_file(&d.server, "filter",
                              "parts/.sallyport-12345678-a.part"));
    files_write(there, "text", 4, 0644);
    files_make_folder("empty", 0755);
    desk_says(&d, 0, "0 downloaded, 0 the same, 0 removed", "sync", "/parts",
              "got", NULL);
    desk_says(&d, 0, "0 uploaded, 0 the same, 0 removed", "sync", "--delete",
              "empty", "/parts", NULL);
    cr_expect(files_exists(there));
    desk_end(&d);
}

/* A file that may still grow waits for the next call. */
Test(client_daily, ages, .timeout = 60)
{
    struct desk d;

    desk_begin(&d, "filter");
    cr_assert_eq(mkdir("ages", 0755), 0);
    files_write("ages/new", "1", 1, 0644);
    files_write("ages/old", "22", 2, 0644);
    files_set_time("ages/old", 1000000000);
    desk_says(&d, 0, "put ages/old", "put", "-r", "-p", "--min-age", "1h",
              "ages", "/", NULL);
    desk_says(&d, 0, NULL, "put", "--min-age", "1h", "ages/new", "/ages/",
              NULL);
    cr_expect_not(
        files_exists(server_home_file(&d.server, "filter", "ages/new")));
    desk_says(&d, 0, NULL, "put", "ages/new", "/ages/", NULL);
    desk_says(&d, 0, "get ages/old", "get", "--min-age=2m", "/ages/*", NULL);
    cr_expect_not(files_exists("new"));
    desk_says(&d, EX_USAGE, "takes a time, such as 30s", "get", "--min-age",
              "2w", "/ages/old", NULL);
    desk_end(&d);
}

/* A source goes after a comparison, and never if it has changed. */
Test(client_daily, removed_sources, .timeout = 60)
{
    char there[SERVER_PATH_MAX];
    struct running running;
    struct run_result r;
    struct desk d;

    desk_begin(&d, "source");
    snprintf(there, sizeof(there), "%s", server_home(&d.server, "source"));
    files_write("a", "text", 4, 0644);
    files_write("b", "text", 4, 0644);
    cr_assert_eq(symlink("b", "link"), 0);
    desk_says(&d, EX_USAGE, "it is a symbolic link", "put", "--remove-source",
              "a", "link", "/", NULL);
    cr_expect(!files_exists("a") && files_exists("link") && files_exists("b"));
    desk_file(server_home_file(&d.server, "source", "a"), "text");
    desk_says(&d, 0, NULL, "get", "--remove-source", "/a", NULL);
    cr_expect(files_exists("a"));
    cr_expect_not(files_exists(server_home_file(&d.server, "source", "a")));
    desk_says(&d, 0, "skipped", "put", "--remove-source", "--conflict", "skip",
              "b", "/link", NULL);
    cr_expect(files_exists("b"));
    desk_says(&d, EX_USAGE, "removes files only", "put", "--remove-source", "-",
              "/c", NULL);
    desk_says(&d, EX_USAGE, "needs a file", "get", "--remove-source", "/link",
              "-", NULL);
    /* A file doesn't replace one of the same call, whose source is gone. */
    cr_assert_eq(mkdir("one", 0755), 0);
    cr_assert_eq(mkdir("two", 0755), 0);
    files_write("one/x", "1", 1, 0644);
    files_write("two/x", "2", 1, 0644);
    desk_says(&d, EX_USAGE, "two/x: another file of this call becomes x", "put",
              "--remove-source", "--conflict=overwrite", "one/x", "two/x", "/",
              NULL);
    desk_file(server_home_file(&d.server, "source", "x"), "1");
    cr_expect(!files_exists("one/x") && files_exists("two/x"));
    /* It grows while it is sent. */
    desk_noise("big", 4 * 1048576);
    desk_start(&d, &running, desk_has_grown,
               &(struct desk_growth){ there, 1048576, "none" }, "put",
               "--remove-source", "--limit-rate", "4M", "big", "/", NULL);
    cr_assert_eq(truncate("big", 5 * 1048576), 0);
    run_finish(&running, &r);
    cr_expect_eq(r.status, EX_TEMPFAIL, "%d: %s", r.status, r.text);
    cr_expect_not_null(strstr(r.text, "it has changed since"), "%s", r.text);
    cr_expect(files_exists("big"));
    run_release(&r);
    desk_end(&d);
}

/* A private file that is replaced stays private, also while its bytes come. */
Test(client_daily, modes_of_replaced_files, .timeout = 60)
{
    struct desk_growth g = { .dir = "in", .least = 1048576, .done = "none" };
    struct running running;
    struct run_result r;
    struct stat st;
    struct desk d;

    desk_begin(&d, "mode");
    desk_noise("secret", 4 * 1048576);
    desk_says(&d, 0, NULL, "put", "secret", "/secret", NULL);
    files_make_folder("in", 0755);
    files_write("in/secret", "old", 3, 0600);
    cr_assert_eq(chmod("in/secret", 0600), 0);
    desk_start(&d, &running, desk_has_grown, &g, "get", "--limit-rate=4M",
               "--conflict=overwrite", "/secret", "in", NULL);
    run(&r, NULL, "/usr/bin/find", "in", "-name", ".sallyport-*", "-perm",
        "/077", NULL);
    cr_expect_eq(r.len, 0, "%s", r.text);
    run_release(&r);
    run_finish(&running, &r);
    cr_expect_eq(r.status, 0, "%s", r.text);
    run_release(&r);
    cr_assert_eq(stat("in/secret", &st), 0);
    cr_expect_eq(st.st_mode & 0777, 0600);
    cr_expect_eq(st.st_size, 4 * 1048576);
    desk_end(&d);
}

/* Of a file that has changed since, no partial file stays. */
Test(client_daily, partials_of_older_states, .timeout = 60)
{
    struct desk_growth g = { .dir = "in", .least = 1048576, .done = "none" };
    struct running running;
    struct run_result r;
    struct desk d;

    desk_begin(&d, "partial");
    files_make_folder("in", 0755);
    for (size_t i = 0; i < 2; i++) {
        desk_noise("grows", (4 + i) * 1048576);
        desk_says(&d, 0, NULL, "put", "--conflict=overwrite", "grows", "/grows",
                  NULL);
        desk_start(&d, &running, desk_has_grown, &g, "get", "--limit-rate=2M",
                   "/grows", "in", NULL);
        kill(running.pid, SIGKILL);
        run_finish(&running, &r);
        run_release(&r);
    }
    desk_says(&d, 0, NULL, "get", "/grows", "in", NULL);
    run(&r, NULL, "/bin/ls", "-A", "in", NULL);
    cr_expect_str_eq(r.text, "grows\n");
    run_release(&r);
    desk_end(&d);
}

/* The files of a list keep their directories. */
Test(client_daily, lists, .timeout = 60)
{
    static const char *const names[] = { "l/a", "l/in/deep/b", "l/c d*",
                                         "l/other", NULL };
    static const char list[] = "./a\n\nin/deep/b\nc d*\n";
    struct desk d;

    desk_begin(&d, "list");
    tree_write(names);
    files_write("list", list, strlen(list), 0644);
    cr_assert_eq(chdir("l"), 0);
    desk_says(&d, 0, "\n3 of 3 files", "put", "--files-from", "../list", "/new",
              "-r", NULL);
    cr_assert_eq(chdir(".."), 0);
    desk_says_to(&d, 0, "\n3 of 3 files", list, "get", "--files-from", "-",
                 "/new", NULL);
    desk_file("in/deep/b", "l/in/deep/b");
    desk_file("c d*", "l/c d*");
    cr_assert_eq(mkdir("there", 0755), 0);
    desk_says_to(&d, EX_NOINPUT, "\n1 of 2 files, 11 B, 1 failed",
                 "gone\nin/deep/b", "get", "--files-from=-", "/new", "there",
                 NULL);
    desk_file("there/in/deep/b", "l/in/deep/b");
    desk_says_to(&d, 0, "get new/a", "in/deep/b\na\n", "get", "--exclude",
                 "in/", "--files-from=-", "--conflict=overwrite", "/new",
                 "there", NULL);
    desk_says_to(&d, EX_DATAERR, "can't be \"-\"", "-", "put", "--files-from=-",
                 "/new", NULL);
    desk_says_to(&d, EX_DATAERR, "a relative path without \"..\"", "a/../../b",
                 "get", "--files-from=-", "/new", NULL);
    desk_says_to(&d, EX_DATAERR, "a relative path without", "/etc/hosts", "put",
                 "--files-from=-", "/new", NULL);
    desk_says(&d, EX_NOINPUT, "missing: No such file", "put",
              "--files-from=missing", "/new", NULL);
    desk_says(&d, EX_USAGE, "a URL, where a local name belongs", "put", "/new",
              NULL);
    desk_end(&d);
}

/* --max-delete counts before it changes anything. */
Test(client_daily, a_limit_of_removals, .timeout = 60)
{
    static const char *const names[] = { "m/a", "m/b", "m/in/c", NULL };
    struct desk d;

    desk_begin(&d, "list");
    tree_write(names);
    desk_says(&d, 0, "3 uploaded", "sync", "m", "/m", NULL);
    cr_assert_eq(mkdir("n", 0755), 0);
    files_write("n/new", "1", 1, 0644);
    desk_says(&d, EX_DATAERR,
              "4 files and directories would be removed, more "
              "than 3",
              "sync", "--delete", "--max-delete", "3", "n", "/m", NULL);
    desk_same("m", server_home_file(&d.server, "list", "m"));
    desk_says(&d, EX_DATAERR, "1 files and directories would be removed, more",
              "sync", "--delete", "--max-delete=0", "/m", "n", NULL);
    cr_expect(files_exists("n/new") && !files_exists("n/a"));
    cr_expect_eq(rmdir("n/in"), 0, "the walk makes empty directories");
    desk_says(&d, 0, "1 uploaded, 0 the same, 4 removed", "sync", "--delete",
              "--max-delete", "4", "n", "/m", NULL);
    desk_same("n", server_home_file(&d.server, "list", "m"));
    desk_end(&d);
}

Test(client_daily, modes_and_trees, .timeout = 60)
{
    static const char *const names[] = { "t/in/file", "t/.in/hidden", NULL };
    struct stat st;
    struct desk d;

    desk_begin(&d, "mode");
    tree_write(names);
    desk_noise("t/in/large", 3 * 524288);
    desk_says(&d, 0, NULL, "put", "-r", "t", "/", NULL);
    desk_says(&d, 0, NULL, "chmod", "604", "/t/in/file", "/t/in/large", NULL);
    cr_assert_eq(stat(server_home_file(&d.server, "mode", "t/in/large"), &st),
                 0);
    cr_expect_eq(st.st_mode & 0777, 0604);
    desk_says(&d, EX_USAGE, "three or four digits", "chmod", "u+x", "/t", NULL);
    desk_says(&d, EX_USAGE, "no server is named", "chmod", "640", "t", NULL);
    desk_says(&d, EX_NOINPUT, "gone:", "chmod", "640", "/gone", NULL);
    desk_says(&d, 0, "  1.5 MiB  ", "ls", "-rH", "/t", NULL);
    desk_says(&d, 0, "  t/in/file\n", "ls", "-r", "/t", NULL);
    desk_says(&d, 0, "  t/.in/hidden\n", "ls", "-ra", "/t", NULL);
    desk_says_to(&d, 0, "large", "lls t/in\n", "/", NULL);
    desk_end(&d);
}

static bool is_there(void *of)
{
    return files_exists(of);
}

static bool is_gone(void *of)
{
    return !files_exists(of);
}

/* A file with a second name in another directory, where the end of the writer
 * is an event. Returns the writer. */
static int watched_elsewhere(void)
{
    int fd = open("elsewhere", O_WRONLY | O_CREAT | O_CLOEXEC, 0644);

    cr_assert_eq(link("elsewhere", "second"), 0);
    cr_assert_eq(rename("second", "out/e"), 0);
    return fd;
}

/* It sends what is closed or renamed, and no file that somebody writes. */
Test(client_daily, watched, .timeout = 60)
{
    char a[SERVER_PATH_MAX], b[SERVER_PATH_MAX], c[SERVER_PATH_MAX];
    char e[SERVER_PATH_MAX];
    struct running running;
    struct run_result r;
    struct desk d;

    desk_begin(&d, "watch");
    snprintf(a, sizeof(a), "%s", server_home_file(&d.server, "watch", "a"));
    snprintf(b, sizeof(b), "%s", server_home_file(&d.server, "watch", "b"));
    snprintf(c, sizeof(c), "%s", server_home_file(&d.server, "watch", "c"));
    snprintf(e, sizeof(e), "%s", server_home_file(&d.server, "watch", "e"));
    cr_assert_eq(mkdir("out", 0755), 0);
    files_write("out/a", "here", 4, 0644);
    desk_says(&d, EX_NOINPUT, "No such file or directory", "watch", "out",
              "/none", NULL);
    int open_file = open("out/b", O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
    cr_assert_eq(write(open_file, "ha", 2), 2);
    desk_start(&d, &running, is_there, a, "watch", "--remove-source",
               "--timeout=2", "out", "/", NULL);
    int second = watched_elsewhere();
    files_write("out/.c", "renamed", 7, 0644);
    cr_assert_eq(rename("out/.c", "out/c"), 0);
    cr_expect(wait_until(is_there, c, WAIT_MS));
    cr_expect_not(files_exists(b));
    cr_expect_not(files_exists(e));
    close(second);
    cr_assert_eq(write(open_file, "lf", 2), 2);
    close(open_file);
    cr_expect(wait_until(is_there, e, WAIT_MS));
    cr_expect(wait_until(is_there, b, WAIT_MS));
    cr_expect(wait_until(is_gone, "out/b", WAIT_MS));
    cr_expect(wait_until(is_gone, "out/e", WAIT_MS)); /* in any order */
    desk_file(a, "here");
    desk_file(b, "half");
    desk_file(c, "renamed");
    kill(running.pid, SIGINT);
    run_finish(&running, &r);
    cr_expect_eq(r.status, 130, "%d: %s", r.status, r.text);
    run_release(&r);
    files_write("out/d", "last", 4, 0644);
    snprintf(a, sizeof(a), "%s", server_home_file(&d.server, "watch", "d"));
    desk_start(&d, &running, is_there, a, "watch", "out", "/", NULL);
    cr_assert_eq(unlink("out/d"), 0);
    cr_assert_eq(rmdir("out"), 0);
    run_finish(&running, &r);
    cr_expect_eq(r.status, EX_NOINPUT, "%d: %s", r.status, r.text);
    cr_expect_not_null(strstr(r.text, "the directory is gone"), "%s", r.text);
    run_release(&r);
    desk_end(&d);
}

/* Ends the client by Ctrl-C. */
static void watch_end(struct running *running)
{
    struct run_result r;

    kill(running->pid, SIGINT);
    run_finish(running, &r);
    cr_expect_eq(r.status, 130, "%d: %s", r.status, r.text);
    run_release(&r);
}

/* A program that opens a file while it is sent waits until the upload has
 * ended, and nothing of that is published. */
Test(client_daily, watched_with_a_writer, .timeout = 90)
{
    char home[SERVER_PATH_MAX], there[SERVER_PATH_MAX], *bytes;
    struct running running;
    struct desk d;

    desk_begin(&d, "busy");
    snprintf(home, sizeof(home), "%s", server_home(&d.server, "busy"));
    snprintf(there, sizeof(there), "%s",
             server_home_file(&d.server, "busy", "big"));
    cr_assert_eq(mkdir("out", 0755), 0);
    desk_noise("out/big", 8 * 1048576);
    bytes = calloc(1, 8 * 1048576);
    cr_assert_not_null(bytes);
    desk_start(&d, &running, desk_has_grown,
               &(struct desk_growth){ home, 1048576, "none" }, "watch",
               "--limit-rate", "4M", "out", "/", NULL);
    int fd = open("out/big", O_WRONLY | O_CLOEXEC);
    cr_assert_eq(pwrite(fd, bytes, 8 * 1048576, 0), 8 * 1048576);
    close(fd);
    cr_expect(wait_until(is_there, there, WAIT_MS));
    desk_same("out/big", there);
    files_write("out/last", "1", 1, 0644);
    cr_expect(wait_until(is_there,
                         (char *)server_home_file(&d.server, "busy", "last"),
                         WAIT_MS));
    cr_expect_not(files_exists(server_home_file(&d.server, "busy", "new-big")));
    watch_end(&running);
    free(bytes);
    desk_end(&d);
}

/* Nothing is sent from a directory that has got the name later. */
Test(client_daily, watched_by_its_name, .timeout = 60)
{
    char there[SERVER_PATH_MAX];
    struct running running;
    struct run_result r;
    struct desk d;

    desk_begin(&d, "swap");
    tree_write((const char *const[]){ "p/out/a", "other/out/x", NULL });
    snprintf(there, sizeof(there), "%s",
             server_home_file(&d.server, "swap", "a"));
    desk_start(&d, &running, is_there, there, "watch", "p/out", "/", NULL);
    cr_assert_eq(rename("p", "q"), 0);
    cr_assert_eq(symlink("other", "p"), 0);
    files_write("q/out/x", "right", 5, 0644);
    run_finish(&running, &r);
    cr_expect_eq(r.status, EX_NOINPUT, "%d: %s", r.status, r.text);
    cr_expect_not_null(strstr(r.text, "the directory is gone"), "%s", r.text);
    run_release(&r);
    cr_expect_not(files_exists(server_home_file(&d.server, "swap", "x")));
    desk_end(&d);
}

/* Makes more events than the kernel keeps. */
static void watch_flood(void)
{
    static const char *const names[] = { "out/.x", "out/.y" };
    FILE *f = fopen("/proc/sys/fs/inotify/max_queued_events", "re");
    long most = 0;

    cr_assert(f && fscanf(f, "%ld", &most) == 1);
    fclose(f);
    if (most > 1000000)
        cr_skip_test("the kernel keeps a million events");
    for (long i = 0; i < most + 100; i++)
        close(open(names[i % 2], O_WRONLY | O_CREAT | O_CLOEXEC, 0644));
}

/* After lost events only what has changed since is sent. */
Test(client_daily, watched_with_lost_events, .timeout = 60)
{
    char there[3][SERVER_PATH_MAX];
    static const char *const names[] = { "a", "b", "c" };
    struct running running;
    struct desk d;

    desk_begin(&d, "flood");
    for (size_t i = 0; i < 3; i++)
        snprintf(there[i], sizeof(there[i]), "%s",
                 server_home_file(&d.server, "flood", names[i]));
    cr_assert_eq(mkdir("out", 0755), 0);
    files_write("out/a", "1", 1, 0644);
    desk_start(&d, &running, is_there, there[0], "watch", "out", "/", NULL);
    kill(running.pid, SIGSTOP);
    watch_flood();
    files_write("out/b", "2", 1, 0644);
    kill(running.pid, SIGCONT);
    cr_expect(wait_until(is_there, there[1], WAIT_MS));
    files_write("out/c", "3", 1, 0644);
    cr_expect(wait_until(is_there, there[2], WAIT_MS));
    cr_expect_not(files_exists(server_home_file(&d.server, "flood", "new-a")));
    watch_end(&running);
    desk_end(&d);
}
