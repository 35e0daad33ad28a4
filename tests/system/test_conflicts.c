/* Uploads whose name is taken: the replies. tests/unit/files/test_naming.c has
 * ten clients that use one name at the same moment. */
#include <criterion/criterion.h>
#include <string.h>

#include "support/files.h"
#include "support/server_log.h"
#include "support/session.h"

/* The server's setting is reject; some users have another one. */
static const struct server_user users[] = {
    { .name = "reject" },
    { .name = "overwrite", .keys = "on_conflict=overwrite" },
    { .name = "rename", .keys = "rights=lrw on_conflict=rename" },
    { .name = "version", .keys = "on_conflict=version" },
};

SERVER_SHARED(.users = users, .user_count = sizeof(users) / sizeof(*users),
              .settings = "on_conflict = reject\nconflict_name = new\n");

static bool holds(const struct server *server, const char *user,
                  const char *name, const char *bytes)
{
    struct buf got;

    buf_init(&got, 65536);
    bool same = files_read(server_home_file(server, user, name), &got) &&
                got.len == strlen(bytes) &&
                memcmp(got.data, bytes, got.len) == 0;
    buf_release(&got);
    return same;
}

/* Makes an upload and checks its last reply. */
static void store(struct session *s, const char *command, const char *bytes,
                  const char *reply)
{
    struct data d;

    data_open(s, &d, "%s", command);
    data_write(&d, bytes, strlen(bytes));
    data_close(&d);
    session_expect(s, reply);
}

static void refused(struct session *s, const char *command, const char *reply)
{
    struct data d;

    data_connect(s, &d);
    session_do(s, reply, "%s", command);
    data_cut(&d, false);
}

Test(conflicts, reject, .timeout = 60)
{
    struct server server;
    struct session s, other;
    struct data d;

    session_enter_shared(&s, &server, "reject");
    session_enter_shared(&other, &server, "reject");
    store(&s, "STOR f", "one", "226 {*} stored as /f");
    refused(&s, "STOR f", "553 The name is taken{*}");
    refused(&s, "APPE f", "553 The name is taken{*}");
    session_do(&s, "350 {*}", "REST 1");
    refused(&s, "STOR f", "553 The name is taken{*}");
    data_open(&s, &d, "STOR late");
    data_write(&d, "second", 6);
    store(&other, "STOR late", "first", "226 {*}");
    data_close(&d);
    session_expect(&s, "553 The name is taken{*}");
    cr_assert(holds(&server, "reject", "f", "one"));
    cr_assert(holds(&server, "reject", "late", "first"));
    session_close(&s);
    session_close(&other);
}

Test(conflicts, overwrite, .timeout = 60)
{
    struct server server;
    struct session s;

    session_enter_shared(&s, &server, "overwrite");
    store(&s, "STOR f", "one", "226 {*} stored as /f");
    store(&s, "STOR f", "two", "226 {*} stored as /f");
    cr_assert(holds(&server, "overwrite", "f", "two"));
    session_close(&s);
}

/* This user may not replace files. */
Test(conflicts, rename, .timeout = 60)
{
    struct server server;
    struct session s;

    session_enter_shared(&s, &server, "rename");
    store(&s, "STOR f.txt", "one", "226 {*} stored as /f.txt");
    store(&s, "STOR f.txt", "two", "226 {*} stored as /new-f.txt");
    server_log_wait(&server, "/new-f.txt", "user=rename", NULL);
    refused(&s, "APPE f.txt", "553 A file of this name exists{*}");
    session_do(&s, "350 {*}", "REST 2");
    refused(&s, "STOR f.txt", "553 A file of this name exists{*}");
    store(&s, "STOR f.txt", "3", "226 {*} stored as /new-2-f.txt");
    cr_assert(holds(&server, "rename", "f.txt", "one"));
    cr_assert(holds(&server, "rename", "new-f.txt", "two"));
    cr_assert(holds(&server, "rename", "new-2-f.txt", "3"));
    session_close(&s);
}

Test(conflicts, version, .timeout = 60)
{
    struct server server;
    struct session s;

    session_enter_shared(&s, &server, "version");
    store(&s, "STOR f", "one", "226 {*} stored as /f");
    store(&s, "APPE f", "2", "226 {*} stored as /f");
    session_do(&s, "350 {*}", "REST 1");
    store(&s, "STOR f", "x", "226 {*} stored as /f");
    cr_assert(holds(&server, "version", "f", "ox"));
    cr_assert(holds(&server, "version", "f.~1~", "one"));
    cr_assert(holds(&server, "version", "f.~2~", "one2"));
    session_close(&s);
}
