/* What README says of the processes, read from /proc of a running server with
 * two users logged in; and what each program links. */
#include <criterion/criterion.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "support/processes.h"
#include "support/run.h"
#include "support/session.h"

static const struct server_user users[] = { { .name = "anna" },
                                            { .name = "bert" } };

static const struct expected {
    const char *title;
    unsigned uid;  /* when run by root */
    bool confined; /* to a folder, when run by root */
    size_t count;  /* 0: one or more */
} expected[] = {
    { "sallyportd: master", 0, false, 1 },
    { "sallyport: gate", SERVER_UID_GATE, true, 1 },
    { "sallyport: auth", SERVER_UID_AUTH, true, 0 },
    { "sallyport: log", SERVER_UID_LOG, true, 1 },
    { "sallyport: session", SERVER_UID_GATE, true, 2 },
    { "sallyport: files", SERVER_UID_FIRST, true, 2 },
};
#define KINDS (sizeof(expected) / sizeof(*expected))

static const struct expected *kind_of(const struct process_row *row)
{
    for (size_t i = 0; i < KINDS; i++)
        if (strncmp(row->title, expected[i].title, strlen(expected[i].title)) ==
            0)
            return &expected[i];
    return NULL;
}

static void expect_status(const struct process_row *row, const char *name,
                          const char *wanted)
{
    char got[256];

    process_status(row->pid, name, got, sizeof(got));
    cr_expect_str_eq(got, wanted, "%s: %s is %s, not %s", row->title, name, got,
                     wanted);
}

/* All four: real, effective, saved, of the file system. */
static void expect_ids(const struct process_row *row, const char *name,
                       unsigned id)
{
    char wanted[128];

    snprintf(wanted, sizeof(wanted), "%u\t%u\t%u\t%u", id, id, id, id);
    expect_status(row, name, wanted);
}

static unsigned uid_of(const struct process_row *row,
                       const struct expected *kind)
{
    if (geteuid() != 0)
        return geteuid();
    return kind->uid +
           (strstr(row->title, "files") && strstr(row->title, "bert") ? 1 : 0);
}

static void expect_rights(const struct process_row *row,
                          const struct expected *kind)
{
    static const char *const sets[] = { "CapInh", "CapPrm", "CapEff",
                                        "CapAmb" };
    bool master = strcmp(kind->title, "sallyportd: master") == 0;

    expect_ids(row, "Uid", uid_of(row, kind));
    expect_status(row, "NoNewPrivs", "1");
    if (!server_is_sanitized())
        expect_status(row, "Seccomp", "2");
    for (size_t i = 0; i < 4 && (!master || geteuid() != 0); i++)
        expect_status(row, sets[i], "0000000000000000");
    if (geteuid() == 0 && !master) {
        expect_ids(row, "Gid", uid_of(row, kind));
        expect_status(row, "Groups", "");
    }
}

static void expect_root_folder(const struct server *server,
                               const struct process_row *row,
                               const struct expected *kind)
{
    char path[64], root[SERVER_PATH_MAX] = "", user[16] = "";
    const char *wanted = "/";
    ssize_t n;

    snprintf(path, sizeof(path), "/proc/%d/root", (int)row->pid);
    n = readlink(path, root, sizeof(root) - 1);
    cr_assert(n > 0, "%s: %s", row->title, path);
    root[n] = '\0';
    if (strstr(row->title, "files")) {
        snprintf(user, sizeof(user), "%s",
                 strstr(row->title, "bert") ? "bert" : "anna");
        wanted = server_home(server, user);
    } else if (kind->confined) {
        wanted = server_path(server, "empty");
    }
    cr_expect_str_eq(root, wanted, "%s: its root is %s", row->title, root);
}

/* Sockets, pipes and the like: nothing that has a name, but /dev/null and where
 * log lines go. */
static void expect_no_files(const struct server *server,
                            const struct process_row *row)
{
    char path[64], target[SERVER_PATH_MAX];
    struct dirent *e;
    DIR *dir;

    snprintf(path, sizeof(path), "/proc/%d/fd", (int)row->pid);
    dir = opendir(path);
    cr_assert(dir, "%s", path);
    while ((e = readdir(dir)) != NULL) {
        ssize_t n =
            readlinkat(dirfd(dir), e->d_name, target, sizeof(target) - 1);

        if (n <= 0)
            continue;
        target[n] = '\0';
        cr_expect(target[0] != '/' || strcmp(target, "/dev/null") == 0 ||
                      strncmp(target, "/memfd:", 7) == 0 ||
                      strcmp(target, server_path(server, "log")) == 0,
                  "%s holds %s", row->title, target);
    }
    closedir(dir);
}

static void print(const struct process_row *row)
{
    char uid[256];

    process_status(row->pid, "Uid", uid, sizeof(uid));
    *strchrnul(uid, '\t') = '\0';
    printf("%7s %7d %7d  %s\n", uid, (int)row->parent, (int)row->pid,
           row->title);
}

Test(processes, two_users, .timeout = 60)
{
    const struct server_plan plan = { .users = users, .user_count = 2 };
    static struct processes p;
    struct server server;
    struct session s[2];

    server_start(&server, &plan);
    for (int i = 0; i < 2; i++) {
        session_init(&s[i]);
        session_open(&s[i], &server, users[i].name);
    }
    for (size_t i = 0; i < KINDS; i++)
        if (expected[i].count)
            processes_wait(server.pid, expected[i].title, expected[i].count,
                           &p);
    cr_assert(processes_count(&p, "sallyport: auth") >= 1);
    for (size_t i = 0; i < p.count; i++) {
        const struct expected *kind = kind_of(&p.row[i]);

        print(&p.row[i]);
        cr_assert(kind, "an unknown process: %s", p.row[i].title);
        expect_rights(&p.row[i], kind);
        if (geteuid() == 0)
            expect_root_folder(&server, &p.row[i], kind);
        if (geteuid() == 0 && strstr(p.row[i].title, "session"))
            expect_no_files(&server, &p.row[i]);
    }
    for (int i = 0; i < 2; i++)
        session_close(&s[i]);
    server_stop(&server);
}

static const struct links {
    const char *program;
    const char *never[6];
} links[] = {
    { "sallyportd", { "libssl", "libcrypto", "libcrypt", "libsystemd" } },
    { "gate", { "libcrypt.", "libsystemd" } },
    { "auth", { "libssl", "libsystemd", "libinih" } },
    { "log", { "libssl", "libcrypt." } },
};

/* A program can't do what isn't in its address space. */
Test(processes, ldd, .timeout = 60)
{
    for (size_t i = 0; i < sizeof(links) / sizeof(*links); i++) {
        struct run_result r;

        run(&r, NULL, "ldd", server_program(links[i].program), NULL);
        cr_assert_eq(r.status, 0, "ldd %s: %s", links[i].program, r.text);
        for (const char *const *no = links[i].never; *no; no++)
            cr_expect(!strstr(r.text, *no), "%s links %s:\n%s",
                      links[i].program, *no, r.text);
        run_release(&r);
    }
}
