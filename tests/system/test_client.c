/* The client against a real server: which files arrive, what it leaves when it
 * is killed at any moment, which servers it trusts, and what it prints. */
#include <criterion/criterion.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

#include "desk.h"
#include "support/files.h"

#define MIB        (1024 * 1024)
#define ROUNDS     (server_is_long() ? 50 : 12)
#define FILE_BYTES (8 * MIB)

static const struct server_user users[] = {
    { .name = "put" },
    { .name = "tree" },
    { .name = "trust" },
    { .name = "kill" },
    { .name = "stop" },
    { .name = "sync" },
    { .name = "older" },
    { .name = "keeps" },
    { .name = "timeless" },
    { .name = "shell" },
    { .name = "many" },
    { .name = "down" },
    { .name = "beside" },
    { .name = "blind", .keys = "rights=lwo" },
    { .name = "adder", .keys = "on_conflict=rename" },
};

SERVER_SHARED(.settings = "mode_z = yes\n", .users = users,
              .user_count = sizeof(users) / sizeof(*users));

/* The same if only the exit status counts. */
#define CLIENT(d, status, ...) desk_says(d, status, NULL, __VA_ARGS__, NULL)

static void client_z(const struct desk *d, const char *verb, const char *a,
                     const char *b, struct run_result *r)
{
    desk_client(d, 0, r, NULL, verb, "--compress", "--debug", a, b, NULL);
    cr_expect_not_null(strstr(r->text, "checksum right"), "%s", r->text);
}

static void expect_left_out(struct run_result *r)
{
    cr_expect_not_null(strstr(r->text, "t/link: a symbolic link, left out\n"),
                       "%s", r->text);
    cr_expect_not_null(strstr(r->text, "t/pipe: not a regular file, left out"),
                       "%s", r->text);
    run_release(r);
}

Test(client, trees, .timeout = 90)
{
    struct run_result r;
    struct desk d;

    desk_begin(&d, "tree");
    cr_assert_eq(mkdir("t", 0755), 0);
    cr_assert_eq(mkdir("t/empty", 0755), 0);
    cr_assert_eq(mkdir("t/b", 0755), 0);
    cr_assert_eq(mkdir("t/b/c", 0755), 0);
    for (int i = 0; i < 30; i++) {
        char name[64];

        snprintf(name, sizeof(name), "t/b/%sfile %d", i % 2 ? "c/" : "", i);
        desk_noise(name, (size_t)i * 1000);
    }
    CLIENT(&d, EX_USAGE, "put", "t", "/");
    cr_assert_eq(symlink("b", "t/link"), 0);
    cr_assert_eq(mkfifo("t/pipe", 0600), 0);
    desk_client(&d, 0, &r, NULL, "put", "-r", "--parallel", "4", "t", "/",
                NULL);
    expect_left_out(&r);
    desk_client(&d, 0, &r, NULL, "sync", "t", "/t", NULL);
    expect_left_out(&r);
    cr_assert_eq(unlink("t/link"), 0);
    cr_assert_eq(unlink("t/pipe"), 0);
    CLIENT(&d, 0, "get", "-rP4", "/t", "back");
    desk_same("t", "back");
    desk_says(&d, 0, "30 files", "du", "/t", NULL);
    CLIENT(&d, 0, "rm", "-r", "/t");
    desk_client(&d, 0, &r, NULL, "ls", "/", NULL);
    cr_expect_str_eq(r.text, "");
    run_release(&r);
    desk_end(&d);
}

Test(client, the_wrong_password, .timeout = 60)
{
    struct desk d;

    desk_begin(&d, "trust");
    files_write(d.password, "wrong\n", 6, 0600);
    desk_says(&d, EX_NOPERM, "check the user name", "ls", "/", NULL);
    cr_assert_eq(chmod(d.password, 0644), 0);
    desk_says(&d, EX_NOPERM, "chmod 600", "ls", "/", NULL);
    desk_end(&d);
}

/* Starts the client, and kills it when this much of its file has arrived. */
static void kill_at(const struct desk *d, struct desk_growth *g,
                    const char *verb, const char *rate, const char *from,
                    const char *to)
{
    struct running running;
    struct run_result r;

    desk_start(d, &running, desk_has_grown, g, verb, "--limit-rate", rate, from,
               to, NULL);
    kill(running.pid, SIGKILL);
    run_finish(&running, &r);
    run_release(&r);
}

/* Killed in the middle of the file. */
static void kill_upload(const struct desk *d, const char *local,
                        const char *remote, const char *there)
{
    char home[SERVER_PATH_MAX];

    snprintf(home, sizeof(home), "%s", server_home(&d->server, d->user));
    kill_at(d, &(struct desk_growth){ home, FILE_BYTES / 2, there }, "put",
            "8M", local, remote);
}

static void kill_download(const struct desk *d, const char *remote,
                          const char *local)
{
    kill_at(d, &(struct desk_growth){ ".", FILE_BYTES / 2, local }, "get", "8M",
            remote, local);
}

static void change_beginning(const char *path)
{
    FILE *f = fopen(path, "r+");

    cr_assert_not_null(f);
    fputs("another beginning", f);
    fclose(f);
}

/* Runs the client with these words alone, without a server. */
#define PLAIN(r, ...)                                                          \
    run(r, NULL, server_program("sallyport"), __VA_ARGS__, NULL)

/* Without words, and without input, the client prints its usage. */
Test(client, usage, .timeout = 60)
{
    struct run_result r;

    desk_says_alone(EX_USAGE, "usage: sallyport COMMAND", "",
                    (char *const[]){ NULL });
    PLAIN(&r, "put", "--help");
    cr_expect_eq(r.status, 0);
    cr_expect_not_null(strstr(r.text, "--conflict"), "%s", r.text);
    cr_expect_not_null(strstr(r.text, "sallyport put -r -P4 photos"), "%s",
                       r.text);
    cr_expect_null(strstr(r.text, "--delete"), "%s", r.text);
    run_release(&r);
}

static void expect_same_help(const char *command)
{
    struct run_result asked, option;
    char *name = (char *)command;

    PLAIN(&asked, "help", name);
    PLAIN(&option, name, "--help");
    cr_expect_eq(asked.status, 0, "%s: %d", command, asked.status);
    cr_expect_str_eq(asked.text, option.text);
    run_release(&asked);
    run_release(&option);
}

/* "sallyport help" prints the help of all commands; a name after it chooses
 * one, also one that only a session has. */
Test(client, help_of_a_command, .timeout = 60)
{
    struct run_result r;

    expect_same_help("put");
    expect_same_help("download");
    expect_same_help("doctor");
    expect_same_help("help");
    PLAIN(&r, "help");
    cr_expect_eq(r.status, 0, "%d: %s", r.status, r.text);
    cr_expect_not_null(strstr(r.text, "sallyport sync DIR URL"), "%s", r.text);
    cr_expect_not_null(strstr(r.text, "sallyport help [COMMAND]"), "%s",
                       r.text);
    run_release(&r);
    DESK_ALONE(0, "lcd [NAME]", NULL, "help", "lcd");
}

Test(client, help_that_there_is_not, .timeout = 60)
{
    static char *const rows[][4] = {
        { "pt", "a", "b", NULL },       { "lsit", NULL },
        { "help", "mkidr", NULL },      { "help", "nosuch", NULL },
        { "help", "put", "get", NULL }, { "help", "--dry-run", NULL },
        { "help", "--nosuch", NULL },
    };
    static const char *const says[] = {
        "pt: no such command; did you mean put?",
        "lsit: no such command; did you mean ls?",
        "did you mean mkdir?",
        "nosuch: no such command; run",
        "usage: sallyport help [COMMAND]",
        "--dry-run: help has no such option",
        "--nosuch: no such option"
    };

    for (size_t i = 0; i < sizeof(says) / sizeof(says[0]); i++)
        desk_says_alone(EX_USAGE, says[i], NULL, rows[i]);
}

/* A word that isn't a URL would name the login directory. Each command checks
 * all words before it connects. */
Test(client, words_that_are_no_urls, .timeout = 60)
{
    static char a[] = "ftps://anna@127.0.0.1:1/a",
                b[] = "ftps://anna@127.0.0.1:1/b";
    static char *const rows[][6] = {
        { "get", "-r", a, "dir", b, NULL }, { "ls", a, "dir", NULL },
        { "cat", "dir", a, NULL },          { "mkdir", a, "dir", NULL },
        { "rmdir", a, "dir", NULL },        { "rm", "-r", a, "dir", NULL },
        { "du", a, "dir", NULL },           { "hash", a, "dir", NULL },
        { "mv", "dir", a, NULL },           { "put", "dir", a, b, NULL },
        { "put", "dir", a, "dir", NULL },
    };
    struct desk d;

    desk_begin_alone(&d);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        desk_says_alone(EX_USAGE, "; usage: sallyport ", NULL, rows[i]);
    desk_end(&d);
}

/* A key alone would be ignored. The certificate may come from a profile. */
Test(client, a_key_without_a_certificate, .timeout = 60)
{
    static char nowhere[] = "ftps://anna@127.0.0.1:1/";
    static const char profile[] = "[p]\nurl = ftps://anna@127.0.0.1:1/\n"
                                  "cert = nosuch\n";
    static const char says[] = "--key needs --cert FILE";
    struct run_result r;
    struct desk d;

    desk_begin_alone(&d);
    files_write("config", profile, strlen(profile), 0600);
    DESK_ALONE(EX_USAGE, says, NULL, "ls", "--key", "k", nowhere);
    DESK_ALONE(EX_USAGE, says, NULL, "doctor", nowhere, "--key=k");
    DESK_ALONE(EX_USAGE, says, NULL, "--key", "k", nowhere);
    DESK_ALONE(EX_USAGE, says, "open ftps://anna@127.0.0.1:1/\n", "--key", "k");
    PLAIN(&r, "ls", "--key", "k", "--config", "config", "p:");
    cr_expect_neq(r.status, EX_USAGE, "%s", r.text);
    cr_expect_null(strstr(r.text, says), "%s", r.text);
    run_release(&r);
    desk_end(&d);
}

/* A killed call has left bytes, but the file has changed since: the new file
 * must arrive. */
Test(client, an_upload_after_the_file_has_changed, .timeout = 90)
{
    char there[SERVER_PATH_MAX];
    struct desk d;

    desk_begin(&d, "down");
    desk_noise("big", FILE_BYTES);
    snprintf(there, sizeof(there), "%s",
             server_home_file(&d.server, "down", "changed"));
    kill_upload(&d, "big", "/changed", there);
    cr_expect_not(files_exists(there));
    change_beginning("big");
    desk_says(&d, 0, "checksums differ", "put", "big", "/changed", NULL);
    desk_same("big", there);
    desk_end(&d);
}

/* Without the right to read, nobody can compare the checksum of the whole file.
 * Then a part of an earlier call, which may be another file's, isn't
 * continued. */
Test(client, an_upload_that_nobody_can_verify, .timeout = 90)
{
    char there[SERVER_PATH_MAX];
    struct run_result r;
    struct desk d;

    desk_begin(&d, "blind");
    desk_noise("big", FILE_BYTES);
    snprintf(there, sizeof(there), "%s",
             server_home_file(&d.server, "blind", "changed"));
    kill_upload(&d, "big", "/changed", there);
    change_beginning("big");
    desk_client(&d, 0, &r, NULL, "put", "big", "/changed", NULL);
    cr_expect_null(strstr(r.text, "resumed"), "%s", r.text);
    run_release(&r);
    desk_same("big", there);
    desk_end(&d);
}

/* The server keeps the old file, and the client compares the one that it has
 * stored. A name that the client doesn't want to replace may be taken, too. */
Test(client, a_server_that_renames, .timeout = 60)
{
    struct run_result r;
    struct desk d;

    desk_begin(&d, "adder");
    files_write("a", "one", 3, 0644);
    CLIENT(&d, 0, "put", "a", "/");
    files_write("a", "two!", 4, 0644);
    desk_client(&d, EX_CANTCREAT, &r, NULL, "put", "--conflict=overwrite", "a",
                "/", NULL);
    cr_expect_not_null(strstr(r.text, "stored this one as /a (2)"), "%s",
                       r.text);
    cr_expect_null(strstr(r.text, "trying again"), "%s", r.text);
    cr_expect_null(strstr(r.text, "confirmed"), "%s", r.text);
    run_release(&r);
    desk_file(server_home_file(&d.server, "adder", "a"), "one");
    desk_file(server_home_file(&d.server, "adder", "a (2)"), "two!");
    cr_expect_not(files_exists(server_home_file(&d.server, "adder", "a (3)")));
    files_make_folder("tree", 0755);
    files_write("tree/a", "three", 5, 0644);
    desk_says(&d, EX_CANTCREAT, "stored this one as /a (3)", "sync", "tree",
              "/", NULL);
    desk_file(server_home_file(&d.server, "adder", "a (3)"), "three");
    desk_end(&d);
}

/* Its name gets the mix of two files first: the whole one doesn't replace it.
 */
Test(client, a_server_that_renames_after_a_resume, .timeout = 90)
{
    char there[SERVER_PATH_MAX];
    struct desk d;

    desk_begin(&d, "adder");
    desk_noise("big", FILE_BYTES);
    snprintf(there, sizeof(there), "%s",
             server_home_file(&d.server, "adder", "mixed"));
    kill_upload(&d, "big", "/mixed", there);
    change_beginning("big");
    desk_says(&d, EX_CANTCREAT,
              "it kept /mixed, and stored this one as /mixed "
              "(2)",
              "put", "big", "/mixed", NULL);
    desk_same("big", server_home_file(&d.server, "adder", "mixed (2)"));
    desk_end(&d);
}

/* A download in MODE Z continues where it was cut. */
Test(client, a_packed_download_that_is_killed, .timeout = 90)
{
    struct desk d;

    desk_begin(&d, "down");
    desk_noise("big", FILE_BYTES);
    CLIENT(&d, 0, "put", "big", "/");
    kill_download(&d, "/big", "got");
    desk_says(&d, 0, "resumed", "get", "--compress", "/big", "got", NULL);
    desk_same("big", "got");
    desk_end(&d);
}

Test(client, sync, .timeout = 90)
{
    struct desk d;

    desk_begin(&d, "sync");
    cr_assert_eq(mkdir("s", 0755), 0);
    cr_assert_eq(mkdir("s/d", 0755), 0);
    files_write("s/a", "a", 1, 0644);
    files_write("s/d/b", "b", 1, 0644);
    desk_says(&d, 0, "2 to upload, 0 the same, 0 to remove", "sync",
              "--dry-run", "s", "/s", NULL);
    cr_expect_not(files_exists(server_home_file(&d.server, "sync", "s")));
    CLIENT(&d, 0, "sync", "s", "/s");
    desk_same("s", server_home_file(&d.server, "sync", "s"));
    desk_says(&d, 0, "0 uploaded, 2 the same, 0 removed", "sync", "s", "/s",
              NULL);
    files_write("s/d/b", "bb", 2, 0644);
    cr_assert_eq(unlink("s/a"), 0);
    desk_says(&d, 0, "1 uploaded, 0 the same, 0 removed", "sync", "s", "/s",
              NULL);
    desk_file(server_home_file(&d.server, "sync", "s/a"), "a");
    CLIENT(&d, 0, "sync", "--delete", "s", "/s");
    desk_same("s", server_home_file(&d.server, "sync", "s"));
    files_write("s/d/b", "cc", 2, 0644);
    files_set_time("s/d/b", 1000000000);
    desk_says(&d, 0, "1 to upload, 0 the same", "sync", "-n", "s", "/s", NULL);
    desk_says(&d, 0, "1 uploaded, 0 the same", "sync", "s", "/s", NULL);
    desk_same("s", server_home_file(&d.server, "sync", "s"));
    desk_says(&d, 0, "0 uploaded, 1 the same", "sync", "s", "/s", NULL);
    files_write("s/d/b", "dd", 2, 0644);
    files_set_time("s/d/b", 1000000000);
    CLIENT(&d, 0, "sync", "--by-hash", "s", "/s");
    desk_same("s", server_home_file(&d.server, "sync", "s"));
    desk_end(&d);
}

/* An older version that was restored on the server comes, too. */
Test(client, sync_of_an_older_file, .timeout = 60)
{
    const char *there;
    struct desk d;

    desk_begin(&d, "older");
    files_make_folder("s", 0755);
    files_write("s/a", "new", 3, 0644);
    CLIENT(&d, 0, "sync", "s", "/");
    there = server_home_file(&d.server, "older", "a");
    files_write(there, "old", 3, 0644);
    files_set_time(there, 1000000000);
    desk_says(&d, 0, "1 downloaded, 0 the same", "sync", "/", "s", NULL);
    desk_file("s/a", "old");
    desk_says(&d, 0, "0 downloaded, 1 the same", "sync", "/", "s", NULL);
    desk_end(&d);
}

/* A time that can't be kept (here one before 1970, or a later one of a server
 * or a disk that sets its own) isn't sent again for ever: an older file with
 * the same bytes is the same. */
Test(client, sync_without_times, .timeout = 60)
{
    const char *there;
    struct desk d;

    desk_begin(&d, "timeless");
    files_make_folder("s", 0755);
    files_write("s/a", "old", 3, 0644);
    files_set_time("s/a", 0);
    there = server_home_file(&d.server, "timeless", "a");
    desk_says(&d, 0, "1 uploaded", "sync", "s", "/", NULL);
    desk_says(&d, 0, "0 uploaded, 1 the same", "sync", "s", "/", NULL);
    files_set_time(there, 1000000000);
    files_set_time("s/a", 900000000);
    desk_says(&d, 0, "0 uploaded, 1 the same", "sync", "s", "/", NULL);
    files_set_time("s/a", 1100000000);
    desk_says(&d, 0, "0 downloaded, 1 the same", "sync", "/", "s", NULL);
    files_set_time("s/a", 999999998);
    desk_says(&d, 0, "0 downloaded, 1 the same", "sync", "/", "s", NULL);
    files_write("s/a", "new", 3, 0644);
    files_set_time("s/a", 900000000);
    desk_says(&d, 0, "1 uploaded", "sync", "s", "/", NULL);
    desk_file(there, "new");
    desk_end(&d);
}

/* A profile without times has none for sync: it would send all files again,
 * each time. */
Test(client, sync_keeps_times, .timeout = 60)
{
    static const char *const keys[] = { "preserve = no", "no-preserve = yes" };
    char config[3 * SERVER_PATH_MAX];
    struct desk d;

    desk_begin(&d, "keeps");
    files_make_folder("s", 0755);
    for (size_t i = 0; i < 2; i++) {
        files_write("s/a", keys[i], 8 + i, 0644);
        files_set_time("s/a", 1000000000);
        snprintf(config, sizeof(config),
                 "[p]\nurl = %s/\ncacert = %s\npassword-file = %s\n%s\n", d.url,
                 d.ca, d.password, keys[i]);
        files_write("config", config, strlen(config), 0600);
        DESK_ALONE(0, "1 uploaded", NULL, "--config", "config", "sync", "s",
                   "p:/s");
        DESK_ALONE(0, "0 uploaded", NULL, "--config", "config", "sync", "s",
                   "p:/s");
        cr_assert_eq(unlink("s/a"), 0);
        DESK_ALONE(0, "1 downloaded", NULL, "--config", "config", "sync",
                   "p:/s", "s");
        DESK_ALONE(0, "0 downloaded", NULL, "--config", "config", "sync",
                   "p:/s", "s");
    }
    desk_end(&d);
}

/* The other way round: what is newer there comes, and --delete removes here. */
Test(client, sync_from_the_server, .timeout = 90)
{
    struct desk d;

    desk_begin(&d, "down");
    files_make_folder("s", 0755);
    files_make_folder("s/d", 0755);
    files_write("s/a", "a", 1, 0644);
    files_write("s/d/b", "b", 1, 0644);
    CLIENT(&d, 0, "sync", "s", "/s");
    desk_says(&d, 0, "2 to download, 0 the same, 0 to remove", "sync", "-n",
              "/s", "t", NULL);
    cr_expect_not(files_exists("t"));
    CLIENT(&d, 0, "sync", "/s", "t");
    desk_same("s", "t");
    files_write("t/a", "aa", 2, 0644);
    files_make_folder("t/surplus", 0755);
    files_write("t/surplus/c", "c", 1, 0644);
    cr_assert_eq(symlink("/etc", "t/surplus/link"), 0);
    desk_says(&d, 0, "1 downloaded, 1 the same, 0 removed", "sync", "/s", "t",
              NULL);
    cr_expect(files_exists("t/surplus/c"));
    CLIENT(&d, 0, "sync", "--delete", "/s", "t");
    desk_same("s", "t");
    cr_expect(files_exists("/etc/passwd"));
    CLIENT(&d, EX_USAGE, "sync", "/s", "/t");
    CLIENT(&d, EX_NOINPUT, "sync", "/wrong", "u");
    cr_expect_not(files_exists("u"));
    desk_end(&d);
}

/* A path that is too long for the server or for this system. */
Test(client, sync_of_names_too_long, .timeout = 90)
{
    char name[201];
    struct desk d;

    desk_begin(&d, "down");
    memset(name, 'x', sizeof(name) - 1);
    name[sizeof(name) - 1] = '\0';
    files_make_folder("deep", 0755);
    cr_assert_eq(chdir("deep"), 0);
    for (int i = 0; i < 21; i++) {
        cr_assert_eq(mkdir(name, 0755), 0);
        cr_assert_eq(chdir(name), 0);
    }
    cr_assert_eq(chdir(d.dir), 0);
    desk_says(&d, EX_DATAERR, "1 left out", "sync", "-n", "deep", "/deep",
              NULL);
    desk_end(&d);
}

Test(client, json, .timeout = 60)
{
    struct run_result r;
    struct desk d;

    desk_begin(&d, "put");
    files_write("j", "text", 4, 0644);
    desk_client(&d, 0, &r, NULL, "put", "--json", "--conflict", "overwrite",
                "j", "/", NULL);
    cr_expect_not_null(strstr(r.text, "{\"event\":\"done\",\"command\":\"put\","
                                      "\"name\":\"j\",\"bytes\":4"),
                       "%s", r.text);
    cr_expect_not_null(strstr(r.text, "\"verified\":true"), "%s", r.text);
    run_release(&r);
    desk_client(&d, EX_NOINPUT, &r, NULL, "get", "--json", "/nosuch", NULL);
    cr_expect_not_null(strstr(r.text, "\"event\":\"failed\""), "%s", r.text);
    cr_expect_not_null(strstr(r.text, "\"code\":66"), "%s", r.text);
    run_release(&r);
    desk_end(&d);
}

static void expect_events(const char *input, const char *wanted,
                          char *const words[])
{
    char *arguments[DESK_ARGUMENTS] = { (char *)server_program("sallyport") };
    struct run_result r;

    for (size_t i = 0; words[i]; i++)
        arguments[i + 1] = words[i];
    run_arguments(&r, input, arguments);
    cr_expect_eq(r.text[0], '{', "%s", r.text);
    cr_expect_not_null(strstr(r.text, wanted), "%s", r.text);
    run_release(&r);
}

#define EVENTS(input, wanted, ...)                                             \
    expect_events(input, wanted, (char *const[]){ __VA_ARGS__, NULL })

/* With --json mistakes are objects too, and so is what a session prints. */
Test(client, json_of_mistakes, .timeout = 60)
{
    EVENTS(NULL, "\"code\":64", "--json", "nosuch", "a");
    EVENTS(NULL, "\"code\":64", "put", "--json");
    EVENTS(NULL, "\"code\":64", "put", "--nosuch", "--json", "a");
    EVENTS(NULL, "\"code\":64", "rm", "--json", "a");
    EVENTS("nosuch\n", "\"code\":64", "--json");
    EVENTS("put \"a\n", "\"code\":64", "--json");
    EVENTS("status\n", "{\"open\":false}", "--json");
}

/* If standard output gets a file, the objects go to standard error. */
Test(client, json_beside_a_file, .timeout = 60)
{
    static const char *const rows[][3] = { { "cat", "f", "" },
                                           { "get", "f", "-" },
                                           { "get", "nosuch", "-" } };
    struct run_result r;
    char line[2048];
    struct desk d;

    desk_begin(&d, "beside");
    files_write("f", "text", 4, 0644);
    CLIENT(&d, 0, "put", "f", "/");
    for (size_t i = 0; i < 3; i++) {
        snprintf(line, sizeof(line),
                 "%s %s --json --cacert %s --password-file %s %s/%s %s 2>e",
                 server_program("sallyport"), rows[i][0], d.ca, d.password,
                 d.url, rows[i][1], rows[i][2]);
        run(&r, NULL, "/bin/sh", "-c", line, NULL);
        cr_expect_str_eq(r.text, i < 2 ? "text" : "");
        run_release(&r);
        run(&r, NULL, "/bin/cat", "e", NULL);
        cr_expect_eq(r.len > 0 && r.text[0] == '{', i == 2, "%s", r.text);
        run_release(&r);
    }
    desk_says_to(&d, 0, "{\"path\":\"/\"}\n{\"open\":true,\"user\":\"beside\"",
                 "pwd\nstatus\n", "--json", "/", NULL);
    desk_end(&d);
}

/* Profiles, and the settings of servers that are opened one after another. */
Test(client, servers_opened_in_a_session, .timeout = 90)
{
    char config[2 * SERVER_PATH_MAX + 256], script[3 * SERVER_PATH_MAX];
    struct desk d;

    desk_begin(&d, "shell");
    snprintf(config, sizeof(config),
             "[drop]\nurl = ftps://shell@127.0.0.1:%u/dir\ncacert = %s\n"
             "password-file = %s\n[empty]\nquiet = yes\n",
             d.server.port, d.ca, d.password);
    files_write("config", config, strlen(config), 0600);
    files_write("one", "1", 1, 0644);
    snprintf(script, sizeof(script),
             "open drop:..\nmkdir dir\nopen drop:\npwd\nput one\nls\n"
             "open --cacert '%s' --password-file '%s' %s/\n"
             "put --conflict skip one two\nls\n",
             d.ca, d.password, d.url);
    DESK_ALONE(0, "/dir\n", script, "--config", "config");
    DESK_ALONE(0, "refuses options of open: give --cacert to sallyport", script,
               "--config", "config", "--conflict", "skip");
    desk_file(server_home_file(&d.server, "shell", "dir/one"), "1");
    desk_file(server_home_file(&d.server, "shell", "two"), "1");
    DESK_ALONE(EX_USAGE, "no such profile", "open nosuch:\n", "--config",
               "config");
    DESK_ALONE(EX_CONFIG, NULL, "open empty:\n", "--config", "config");
    DESK_ALONE(0, NULL, NULL, "--config", "config", "rm", "drop:one",
               "drop:../two");
    cr_expect_not(files_exists(server_home_file(&d.server, "shell", "two")));
    desk_end(&d);
}

/* A profile's CA and password are for its own server. */
Test(client, a_profile_ends_with_its_server, .timeout = 60)
{
    char config[2 * SERVER_PATH_MAX + 256], script[2 * SERVER_PATH_MAX];
    static const char *const reasons[] = { "there is no password",
                                           "isn't trusted" };
    struct desk d;

    desk_begin(&d, "shell");
    snprintf(config, sizeof(config),
             "[drop]\nurl = ftps://shell@127.0.0.1:%u/\ncacert = %s\n"
             "password-file = %s\n",
             d.server.port, d.ca, d.password);
    files_write("config", config, strlen(config), 0600);
    for (size_t i = 0; i < 2; i++) {
        snprintf(script, sizeof(script), "pwd\nopen %s %s %s/\npwd\n",
                 i > 0 ? "--password-file" : "--cacert",
                 i > 0 ? d.password : d.ca, d.url);
        DESK_ALONE(EX_NOPERM, reasons[i], script, "--config", "config",
                   "drop:");
    }
    desk_end(&d);
}

/* Compressed on the way, the same on both sides; later listings are plain. */
Test(client, compress, .timeout = 60)
{
    static char text[4 * MIB];
    struct run_result r;
    struct desk d;

    desk_begin(&d, "many");
    memset(text, 'a', sizeof(text));
    files_noise(text, 10000, 5);
    files_write("z", text, sizeof(text), 0644);
    client_z(&d, "put", "z", "/", &r);
    cr_expect_not_null(strstr(r.text, "> MODE Z"), "%s", r.text);
    cr_expect_not_null(strstr(r.text, "4.0 MiB"), "%s", r.text);
    run_release(&r);
    desk_same("z", server_home_file(&d.server, "many", "z"));
    client_z(&d, "get", "/z", "back", &r);
    run_release(&r);
    desk_same("z", "back");
    files_write("empty", "", 0, 0644);
    client_z(&d, "put", "empty", "/", &r);
    run_release(&r);
    desk_file(server_home_file(&d.server, "many", "empty"), "");
    desk_client(&d, 0, &r, "put --compress z y\nls\n", "--debug", "/", NULL);
    cr_expect_not_null(strstr(r.text, "> MODE S"), "%s", r.text);
    cr_expect_not_null(strstr(r.text, "  y\n"), "%s", r.text);
    run_release(&r);
    desk_end(&d);
}

Test(client, doctor, .timeout = 60)
{
    static const char *const lines[] = {
        "good     USER without TLS is refused",
        "good     TLS 1.3 is spoken",
        "good     data connections without TLS are refused",
        "good     it names 127.0.0.1",
        "good     the data connection resumes the TLS session",
        "good     its end is marked by close_notify",
        "good     a data connection without resumption is refused",
        "good     of 5 transfers one after another 5 resume",
        "good     10 sessions at once",
        "0 bad, 0 warnings",
    };
    struct run_result r;
    struct desk d;

    desk_begin(&d, "trust");
    desk_client(&d, 0, &r, NULL, "doctor", "/", NULL);
    for (size_t i = 0; i < sizeof(lines) / sizeof(*lines); i++)
        cr_expect_not_null(strstr(r.text, lines[i]), "%s isn't in %s", lines[i],
                           r.text);
    run_release(&r);
    desk_says(&d, 0,
              "{\"check\":\"binding\",\"finding\":"
              "\"good\"",
              "doctor", "--json", "/", NULL);
    files_write(d.password, "wrong\n", 6, 0600);
    desk_says(&d, EX_UNAVAILABLE, "530 Login incorrect", "doctor", "/", NULL);
    desk_end(&d);
}

/* After Ctrl-C the bytes so far stay for the next call. */
Test(client, an_interrupt, .timeout = 120)
{
    struct desk_growth g = { ".", 4 * MIB, "got" };
    char home[SERVER_PATH_MAX];
    struct running running;
    struct run_result r;
    struct desk d;

    desk_begin(&d, "stop");
    desk_noise("big", 8 * MIB);
    desk_says(&d, 0, NULL, "put", "-q", "big", "/", NULL);
    desk_start(&d, &running, desk_has_grown, &g, "get", "--limit-rate=4M",
               "/big", "got", NULL);
    kill(running.pid, SIGINT);
    run_finish(&running, &r);
    cr_expect_eq(r.status, 130, "%d: %s", r.status, r.text);
    cr_expect_not_null(strstr(r.text,
                              "interrupted; run the same command again: "
                              "it can go on at about "),
                       "%s", r.text);
    run_release(&r);
    cr_expect_not(files_exists("got"));
    desk_says(&d, 0, ", resumed at ", "get", "/big", "got", NULL);
    desk_same("big", "got");
    g = (struct desk_growth){ home, 4 * MIB, "none" };
    snprintf(home, sizeof(home), "%s", server_home(&d.server, "stop"));
    desk_start(&d, &running, desk_has_grown, &g, "put", "--limit-rate=4M",
               "big", "/again", NULL);
    kill(running.pid, SIGINT);
    run_finish(&running, &r);
    cr_expect_eq(r.status, 130, "%d: %s", r.status, r.text);
    cr_expect_not_null(strstr(r.text,
                              "interrupted; run the same command again: "
                              "it can go on at about "),
                       "%s", r.text);
    run_release(&r);
    desk_says(&d, 0, ", resumed at ", "put", "big", "/again", NULL);
    desk_end(&d);
}

/* Besides temporary names there is either the whole file or none. */
static void expect_whole_or_none(const char *name, const char *whole)
{
    struct stat a, b;

    if (stat(name, &a) < 0)
        return;
    cr_assert_eq(stat(whole, &b), 0);
    cr_expect_eq(a.st_size, b.st_size, "%s is a part", name);
}

/* Returns a different part of the file in each round, in no order; the first
 * and the last byte are among them. After the last byte come checksum and
 * rename. */
static off_t moment(int round)
{
    return (off_t)(round * 83 % ROUNDS) * FILE_BYTES / (ROUNDS - 1);
}

Test(client, a_download_that_is_killed, .timeout = 2000)
{
    struct run_result r;
    struct desk d;
    int resumed = 0;

    desk_begin(&d, "kill");
    desk_noise("big", FILE_BYTES);
    CLIENT(&d, 0, "put", "big", "/");
    for (int i = 0; i < ROUNDS; i++) {
        struct desk_growth g = { ".", moment(i), "got" };

        kill_at(&d, &g, "get", "16M", "/big", "got");
        expect_whole_or_none("got", "big");
        if (!files_exists("got")) {
            desk_client(&d, 0, &r, NULL, "get", "/big", "got", NULL);
            resumed += strstr(r.text, "resumed") != NULL;
            run_release(&r);
        }
        desk_same("big", "got");
        cr_assert_eq(unlink("got"), 0);
    }
    cr_expect_gt(resumed, ROUNDS / 2, "only %d were continued", resumed);
    desk_end(&d);
}

Test(client, an_upload_that_is_killed, .timeout = 2000)
{
    struct run_result r;
    struct desk d;
    int resumed = 0;

    desk_begin(&d, "kill");
    desk_noise("big", FILE_BYTES);
    for (int i = 0; i < ROUNDS; i++) {
        char name[32], home[SERVER_PATH_MAX], there[SERVER_PATH_MAX];

        snprintf(name, sizeof(name), "/up%d", i);
        snprintf(home, sizeof(home), "%s", server_home(&d.server, "kill"));
        snprintf(there, sizeof(there), "%s",
                 server_home_file(&d.server, "kill", name + 1));
        struct desk_growth g = { home, moment(i), there };

        kill_at(&d, &g, "put", "16M", "big", name);
        expect_whole_or_none(there, "big");
        desk_client(&d, 0, &r, NULL, "put", "--conflict", "skip", "big", name,
                    NULL);
        resumed += strstr(r.text, "resumed") != NULL;
        run_release(&r);
        desk_same("big", there);
        cr_assert_eq(unlink(there), 0);
    }
    cr_expect_gt(resumed, ROUNDS / 2, "only %d were continued", resumed);
    desk_end(&d);
}
