/* New passwords, which the running server writes to the users file: must_change
 * and SITE PSWD. */
#include <linux/fs.h>

#include "blockdev.h"
#include "ctl.h"
#include "fuse.h"
#include "support/files.h"
#include "support/processes.h"
#include "support/served.h"
#include "support/server_log.h"
#include "support/test.h"

static const struct server_plan for_all = { .settings =
                                                "password_change = yes\n" };

/* Two users and sallyportctl change the users file at the same time. Each
 * change is made completely, or refused with "try again". */
ServerTest(passwords, with_sallyportctl, 300, &for_all)
{
    enum { ROUNDS = 12 };
    char now[2][40] = { SERVER_PASSWORD, SERVER_PASSWORD }, next[40];
    const char *const names[2] = { "anna", "bert" };
    struct session s[2];
    int changed = 0;

    ctl(server, 0, "user add bert", "");
    ctl(server, 0, "user add carl", "");
    for (int u = 0; u < 2; u++) {
        session_arrive(&s[u], server);
        cr_assert_eq(session_try_login(&s[u], names[u], now[u]), 230);
    }
    for (int i = 0; i < ROUNDS; i++) {
        struct running edit;
        struct run_result r;

        ctl_start(server,
                  i % 2 ? "user change carl --comment=odd"
                        : "user change carl --comment=even",
                  &edit);
        snprintf(next, sizeof(next), "password-%d", i);
        for (int u = 0; u < 2; u++)
            session_send(&s[u], "SITE PSWD \"%s\" %s", now[u], next);
        for (int u = 0; u < 2; u++) {
            int code = session_reply(&s[u]);

            cr_assert(code == 200 || code == 450, "%s", s[u].reply.data);
            changed += code == 200;
            if (code == 200)
                snprintf(now[u], sizeof(now[u]), "%s", next);
        }
        run_finish(&edit, &r);
        cr_expect_eq(r.status, 0, "%s", r.text);
        run_release(&r);
    }
    cr_log_info("%d changes", changed);
    cr_expect(changed > 0);
    for (int u = 0; u < 2; u++) {
        session_do(&s[u], "257 {*}", "PWD");
        session_close(&s[u]);
        cr_expect_eq(session_code(server, names[u], now[u]), 230);
    }
    cr_expect_eq(session_code(server, "carl", SERVER_PASSWORD), 230);
    ctl(server, 0, "user list", "");
}

/* Moves the users file into DIRECTORY, and puts a link in its place. */
static void move_users(const struct server *server, const char *directory)
{
    char moved[SERVER_PATH_MAX + 8];
    struct buf text;
    const char *users = server_path(server, "users");

    snprintf(moved, sizeof(moved), "%s/users", directory);
    buf_init(&text, 65536);
    cr_assert(files_read(users, &text) && text.len < 4096);
    files_write(moved, text.data, text.len, 0600);
    buf_release(&text);
    cr_assert(unlink(users) == 0 && symlink(moved, users) == 0);
}

/* A fork of master waits for the frozen disk when it opens the new file, and
 * can't be interrupted. Other sessions are served meanwhile. The user's reply
 * says that it isn't known which password counts. */
Test(passwords, frozen_disk, .timeout = 120)
{
    const struct server_plan plan = {
        USERS({ .name = "anna" }, { .name = "bert" }),
        .settings = "password_change = yes\n",
    };
    struct session s, other, later;
    struct server server;
    struct blockdev disk;
    int at, codes[2];

    fuse_begin();
    server_start(&server, &plan);
    blockdev_make(&disk, &server, "bert", "ext4", 16);
    move_users(&server, disk.home);
    session_enter(&s, &server, "anna");
    session_enter(&other, &server, "anna");
    at = open(disk.home, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    cr_assert_eq(ioctl(at, FIFREEZE, 0), 0, "%m");
    session_send(&s, "SITE PSWD \"" SERVER_PASSWORD "\" another-one");
    session_enter(&later, &server, "anna");
    session_send(&later, "SITE PSWD \"" SERVER_PASSWORD "\" a-third-one");
    session_do(&other, "257 {*}", "PWD");
    for (int i = 0; i < 2; i++)
        codes[i] = session_reply(i == 0 ? &s : &later);
    /* The second of the two sessions gets 450: try again. */
    cr_expect(codes[0] + codes[1] == 450 + 451, "%d %d", codes[0], codes[1]);
    cr_assert_eq(ioctl(at, FITHAW, 0), 0, "%m");
    close(at);
    session_do(&s, "257 {*}", "PWD");
    session_do(&other, "257 {*}", "PWD");
    session_close(&s);
    session_close(&other);
    session_close(&later);
    server_log_expect(&server, 1, "a new password hash can't be written",
                      "the disk doesn't answer", NULL);
    cr_assert_eq(session_code(&server, "anna", SERVER_PASSWORD), 230);
    cr_assert_eq(unlink(server_path(&server, "users")), 0);
    server_stop(&server);
    blockdev_remove(&disk);
}

#ifndef SALLYPORT_SANITIZED /* in that build libcrypt has small pages */

/* Returns the number of page faults of all auth workers so far. */
static unsigned long faults(const struct server *server)
{
    static struct processes p;
    unsigned long all = 0;

    processes_of(server->pid, &p);
    for (size_t i = 0; i < p.count; i++) {
        char path[64];
        unsigned long n = 0;
        struct buf text;

        if (strncmp(p.row[i].title, "sallyport: auth", 15) != 0)
            continue;
        snprintf(path, sizeof(path), "/proc/%d/stat", (int)p.row[i].pid);
        buf_init(&text, 4096);
        cr_assert(files_read(path, &text) && buf_add(&text, "", 1) == 0);
        cr_assert_eq(sscanf(strrchr(text.data, ')'),
                            ") %*c %*d %*d %*d %*d %*d %*u %lu", &n),
                     1);
        buf_release(&text);
        all += n;
    }
    return all;
}

/* Returns the number in a line of /proc/vmstat, or 0 if there is no such
 * line. */
static unsigned long vmstat(const char *name)
{
    unsigned long n = 0;
    struct buf text;
    const char *at;

    buf_init(&text, 1 << 20);
    cr_assert(files_read("/proc/vmstat", &text) && buf_add(&text, "", 1) == 0);
    at = strstr(text.data, name);
    if (at)
        sscanf(at + strlen(name), " %lu", &n);
    buf_release(&text);
    return n;
}

static bool kernel_has_huge_pages(void)
{
    struct buf text;
    bool yes;

    buf_init(&text, 256);
    yes = files_read("/sys/kernel/mm/transparent_hugepage/enabled", &text) &&
          buf_add(&text, "", 1) == 0 && !strstr(text.data, "[never]");
    buf_release(&text);
    return yes;
}

/* A yescrypt hash writes to 16 MiB, which takes 4,112 faults with small pages.
 * The kernel can have no huge page free. */
ServerTest(passwords, a_hash_in_huge_pages, 120, PLAN(0))
{
    const unsigned long failures = vmstat("thp_fault_fallback");
    unsigned long before, took;

    ctl(server, 0, "user add bert --must-change", "");
    before = faults(server);
    cr_expect_eq(session_code(server, "bert", SERVER_PASSWORD), 230);
    took = faults(server) - before;
    cr_expect(took < 2500 || !kernel_has_huge_pages() ||
                  vmstat("thp_fault_fallback") != failures,
              "%lu faults", took);
}
#endif
