/* An unfinished upload survives each death: a later session of its user
 * continues it, and the file is whole. */
#include <criterion/criterion.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "support/files.h"
#include "support/processes.h"
#include "support/session.h"
#include "support/wait.h"

#define KIB  (1024u)
#define LEN  (600 * KIB)
#define SENT (300 * KIB) /* SIZE reports less: a multiple of 64 KiB */

/* More than 32 MiB, after which files syncs: a part is confirmed before it is
 * killed. */
#define LONG_LEN  (44 * 1024 * KIB)
#define LONG_SENT (40 * 1024 * KIB)

struct sent {
    const struct server *server;
    size_t len;
    bool confirmed; /* some of its bytes count already */
};

static bool is_marked(const char *path)
{
    char mark[16];

    return getxattr(path, "user.sallyport.confirmed", mark, sizeof(mark)) > 0;
}

/* Finds the partial on the disk by its prefix, as its owner would. */
static bool has_arrived(void *argument)
{
    const struct sent *sent = argument;
    char command[SERVER_PATH_MAX], path[4096];
    unsigned long long size = 0;
    FILE *found;

    snprintf(command, sizeof(command),
             "find %s -name '.sallyport-*.part' -printf '%%s %%p\n'",
             server_home(sent->server, "anna"));
    found = popen(command, "r");
    cr_assert(found);
    bool any = fscanf(found, "%llu %4095s", &size, path) == 2;
    pclose(found);
    return any && size >= sent->len && (!sent->confirmed || is_marked(path));
}

/* Kills the session or the files of the upload, or the whole server. */
static void kill_one(struct server *server, const char *title)
{
    const struct process_row *victim;
    static struct processes p;
    struct process_row dead;

    processes_wait(server->pid, "sallyport: files", 1, &p);
    victim = processes_find(&p, title);
    cr_assert(victim, "no %s", title);
    dead = *victim;
    cr_assert_eq(kill(dead.pid, SIGKILL), 0);
    processes_wait(server->pid, "sallyport: files", 0, &p);
}

static unsigned long long told_below(struct session *s, size_t sent)
{
    unsigned long long size = 0;

    session_do(s, "213 {*}", "SIZE big");
    cr_assert_eq(sscanf(s->reply.data, "213 %llu", &size), 1);
    cr_assert_eq(size % (64 * KIB), 0);
    cr_assert(size > 0 && size < sent, "%llu", size);
    return size;
}

static unsigned long long told_size(struct session *s)
{
    return told_below(s, SENT);
}

static void expect_whole(const struct server *server, const void *bytes,
                         size_t len)
{
    struct buf got;

    buf_init(&got, 2 * len);
    cr_assert(files_read(server_home_file(server, "anna", "big"), &got));
    cr_assert_eq(got.len, len, "%zu bytes", got.len);
    cr_assert_eq(memcmp(got.data, bytes, len), 0, "it differs");
    buf_release(&got);
}

/* A new session asks how much is there, and sends the rest. */
static void finish(struct server *server, bool append,
                   const unsigned char *bytes, size_t sent, size_t len)
{
    struct session s;
    unsigned long long at;

    session_enter(&s, server, "anna");
    at = told_below(&s, sent);
    if (!append)
        session_do(&s, "350 {*}", "REST %llu", at);
    session_store(&s, append ? "APPE" : "STOR", "big", bytes + at, len - at);
    expect_whole(server, bytes, len);
    session_do(&s, "550 {*}", "SIZE other");
    session_close(&s);
    cr_assert(!has_arrived(&(struct sent){ .server = server }),
              "a partial is left");
}

static void survive(const char *title, bool append)
{
    const struct server_plan plan = { .troubles = true };
    bool files = title && strstr(title, "files");
    size_t len = files ? LONG_LEN : LEN;
    struct server server;
    struct sent sent = { &server, files ? LONG_SENT : SENT, files };
    unsigned char *bytes = malloc(len);
    struct session s;
    struct data d;

    files_noise(bytes, len, 7);
    session_begin(&s, &server, &plan);
    data_open(&s, &d, "STOR big");
    data_write(&d, bytes, sent.len);
    cr_assert(wait_until(has_arrived, &sent, WAIT_MS), "nothing was written");
    if (title) {
        kill_one(&server, title);
    } else {
        server_kill(&server);
        server_again(&server);
    }
    cr_assert(!files_exists(server_home_file(&server, "anna", "big")));
    finish(&server, append, bytes, sent.len, len);
    data_cut(&d, false);
    session_drop(&s);
    server_stop(&server);
    free(bytes);
}

Test(resume, session_killed_rest, .timeout = 90)
{
    survive("sallyport: session", false);
}

Test(resume, session_killed_appe, .timeout = 90)
{
    survive("sallyport: session", true);
}

Test(resume, files_killed_rest, .timeout = 90)
{
    survive("sallyport: files", false);
}

Test(resume, files_killed_appe, .timeout = 90)
{
    survive("sallyport: files", true);
}

Test(resume, master_killed_rest, .timeout = 90)
{
    survive(NULL, false);
}

Test(resume, master_killed_appe, .timeout = 90)
{
    survive(NULL, true);
}

/* Makes a cut upload of LEN bytes that have arrived. */
static void cut(struct session *s, const char *command,
                const unsigned char *bytes, size_t len)
{
    struct data d;

    data_open(s, &d, "%s", command);
    data_write(&d, bytes, len);
    data_cut(&d, false);
    session_expect(s, "426 {*}");
}

/* The next upload of "big" continues it there: by REST and STOR, or by APPE. */
static const char *continue_at(struct session *s, bool append,
                               unsigned long long at)
{
    if (!append)
        session_do(s, "350 {*}", "REST %llu", at);
    return append ? "APPE big" : "STOR big";
}

/* A client that fails before the first byte of the rest, for any reason, loses
 * no one's partial: the data connection, its own ABOR, the check of its owner.
 */
Test(resume, nothing_is_lost_before_a_byte, .timeout = 90)
{
    const struct server_plan plan = { .troubles = true };
    unsigned char *bytes = malloc(LEN);
    struct server server;
    struct session s;
    struct data d;

    files_noise(bytes, LEN, 9);
    session_begin(&s, &server, &plan);
    cut(&s, "STOR big", bytes, SENT);
    for (int i = 0; i < 2; i++) {
        unsigned long long at = told_size(&s);

        data_connect(&s, &d);
        session_do(&s, "150 {*}", "%s", continue_at(&s, i, at));
        data_cut(&d, true);
        session_expect(&s, "425 {*}");
        session_do(&s, "229 {*}", "EPSV");
        session_do(&s, "150 {*}", "%s", continue_at(&s, i, at));
        session_do(&s, "426 {*}", "ABOR");
        session_expect(&s, "226 {*}");
        s.anew = true; /* like a stranger */
        data_open(&s, &d, "%s", continue_at(&s, i, at));
        session_expect(&s, "425 {*}");
        data_cut(&d, false);
        s.anew = false;
        data_open(&s, &d, "%s", continue_at(&s, i, at));
        data_cut(&d, false);
        session_expect(&s, "426 {*}");
        cr_assert_eq(told_size(&s), at, "round %d", i);
    }
    finish(&server, true, bytes, SENT, LEN);
    session_end(&s, &server);
    free(bytes);
}

/* Two servers, as of two machines: each has its own directory `state`, and they
 * have the users, the homes and the file of the key in common. */
static void begin_pair(struct server pair[2])
{
    const struct server_plan plan = { .troubles = true };
    char key[SERVER_PATH_MAX], users[SERVER_PATH_MAX];

    server_prepare(&pair[0], &plan);
    server_prepare(&pair[1], &plan);
    snprintf(key, sizeof(key), "%s", server_path(&pair[0], "common.key"));
    snprintf(users, sizeof(users), "%s", server_path(&pair[0], "users"));
    strcpy(pair[1].homes, pair[0].homes);
    server_set(&pair[1], "homes", pair[0].homes);
    server_set(&pair[1], "users", users);
    for (int i = 0; i < 2; i++) {
        server_set(&pair[i], "partials_key", key);
        server_again(&pair[i]);
    }
}

/* An upload that was cut on one machine is continued on the other. */
Test(resume, on_another_machine, .timeout = 180)
{
    unsigned char *bytes = malloc(LEN);
    struct server pair[2];
    struct session s;

    files_noise(bytes, LEN, 12);
    begin_pair(pair);
    for (int i = 0; i < 2; i++) {
        session_enter(&s, &pair[i], "anna");
        cut(&s, "STOR big", bytes, SENT);
        session_close(&s);
        finish(&pair[!i], i, bytes, SENT, LEN);
        cr_assert_eq(unlink(server_home_file(&pair[0], "anna", "big")), 0);
        cr_assert(!files_exists(server_path(&pair[i], "state/partials.key")));
    }
    server_stop(&pair[1]);
    server_stop(&pair[0]);
    free(bytes);
}
