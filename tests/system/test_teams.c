/* A local program without root collects what users store; and an invitation,
 * which curl follows. */
#include <criterion/criterion.h>
#include <grp.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ctl.h"
#include "support/files.h"
#include "support/run.h"
#include "support/session.h"

static const struct server_plan plan = { 0 };

static const char *share_file(const struct server *server, const char *name)
{
    static char path[SERVER_PATH_MAX];

    snprintf(path, sizeof(path), "%s/%s", server_path(server, "shares"), name);
    return path;
}

/* A group of the machine that isn't Debian's own. */
static const struct group *local_group(void)
{
    const struct group *g;

    setgrent();
    while ((g = getgrent()) && g->gr_gid < 100)
        ;
    return g;
}

/* As a local program of the group, without root: reads, moves, deletes a file
 * of the directory. */
static void collect(const char *directory, gid_t gid)
{
    char from[SERVER_PATH_MAX], to[SERVER_PATH_MAX];
    struct buf got;
    pid_t pid = fork();
    int status;

    if (pid == 0) {
        snprintf(from, sizeof(from), "%s/f", directory);
        snprintf(to, sizeof(to), "%s/moved", directory);
        buf_init(&got, 1 << 20);
        if (setgroups(1, &gid) || setresgid(gid, gid, gid) ||
            setresuid(60123, 60123, 60123))
            _exit(1);
        if (!files_read(from, &got) || got.len != 5)
            _exit(2);
        if (rename(from, to) || unlink(to))
            _exit(3);
        _exit(0);
    }
    cr_assert_eq(waitpid(pid, &status, 0), pid);
    cr_expect_eq(status, 0, "%#x", status);
}

Test(teams, a_local_program_collects_without_root, .timeout = 120)
{
    const struct group *g = local_group();
    struct server server;
    struct session s;
    char words[128];

    if (geteuid() != 0 || !g)
        cr_skip_test("only root can give a directory to any group");
    server_start(&server, &plan);
    snprintf(words, sizeof(words), "share add invoices --local-group %u",
             g->gr_gid);
    ctl(&server, 0, words, "");
    ctl(&server, 0, "share grant invoices anna", "");
    session_enter(&s, &server, "anna");
    session_store(&s, "STOR", "/invoices/f", "bytes", 5);
    collect(share_file(&server, "invoices"), g->gr_gid);
    session_do(&s, "550 {*}", "DELE /invoices/f");
    session_close(&s);
    ctl(&server, 0, "share del invoices --purge --yes", ""); /* for its group */
    snprintf(words, sizeof(words), "user add dora --local-group %u", g->gr_gid);
    ctl(&server, 0, words, "");
    session_enter(&s, &server, "dora");
    session_do(&s, "257 {*}", "MKD sub");
    session_store(&s, "STOR", "f", "bytes", 5);
    session_store(&s, "STOR", "sub/f", "bytes", 5);
    collect(server_home(&server, "dora"), g->gr_gid);
    collect(server_home_file(&server, "dora", "sub"), g->gr_gid);
    session_close(&s);
    server_stop(&server);
}

/* The configuration with the port that the kernel chose, as an administrator
 * would have written it. */
static void write_fixed_port(const struct server *server)
{
    struct buf text, fixed;
    struct slice rest, line;

    buf_init(&text, 1 << 20);
    buf_init(&fixed, 1 << 20);
    cr_assert(files_read(server_path(server, "sallyport.conf"), &text));
    rest = buf_slice(&text);
    while (slice_cut(&rest, '\n', &line))
        if (slice_starts(line, SLICE("listen")))
            buf_add_format(&fixed, "listen = 127.0.0.1:%u\n", server->port);
        else
            buf_add_format(&fixed, "%.*s\n", (int)line.len, line.ptr);
    files_write(server_path(server, "fixed.conf"), fixed.data, fixed.len, 0600);
    buf_release(&text);
    buf_release(&fixed);
}

/* Puts INTO the line of curl, with FILE and the password written out. */
static void take_curl_line(const char *letter, const char *file,
                           char into[2048])
{
    const char *line = strstr(letter, "    curl "),
               *made = strstr(letter, "by another way: ");
    char head[1024], tail[512], password[64];

    cr_assert(line && made, "%s", letter);
    cr_assert_eq(sscanf(made, "by another way: %63s", password), 1);
    cr_assert_eq(sscanf(line, "%1023[^\n]", head), 1);
    char *name = strstr(head, " -u acme"), *place = strstr(head, "-T FILE");
    cr_assert(name && place, "%s", head);
    snprintf(tail, sizeof(tail), "%s", place + strlen("-T FILE"));
    *name = '\0';
    snprintf(into, 2048, "%s -sS -u 'acme:%s' -T %s%s", head, password, file,
             tail);
}

/* A partner who has only the letter and the password. */
Test(teams, an_invitation_that_curl_follows, .timeout = 120)
{
    char config[SERVER_PATH_MAX], file[SERVER_PATH_MAX], line[2048];
    struct server server;
    struct run_result r;

    server_start(&server, &plan);
    ctl(&server, 0, "share add incoming", "");
    write_fixed_port(&server);
    snprintf(config, sizeof(config), "%s", server_path(&server, "fixed.conf"));
    snprintf(file, sizeof(file), "%s", server_path(&server, "report"));
    files_write(file, "bytes", 5, 0644);
    run(&r, NULL, server_program("sallyportctl"), "--config", config, "invite",
        "acme", "--to", "incoming", "--ttl", "90d", NULL);
    cr_assert_eq(r.status, 0, "%s", r.text);
    take_curl_line(r.text, file, line);
    run_release(&r);
    run(&r, NULL, "/bin/sh", "-c", line, NULL);
    cr_assert_eq(r.status, 0, "%s: %s", line, r.text);
    run_release(&r);
    snprintf(line, sizeof(line), "cat %s/report.*",
             share_file(&server, "incoming"));
    run(&r, NULL, "/bin/sh", "-c", line, NULL);
    cr_expect_str_eq(r.text, "bytes");
    run_release(&r);
    server_stop(&server);
}
