/* sallyportctl makes and changes users while the server runs: the next login
 * sees the new file. */
#include <criterion/criterion.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "support/fail.h"
#include "support/files.h"
#include "support/run.h"
#include "support/server_log.h"
#include "support/session.h"
#include "support/wait.h"

#define PASSWORD "a long enough password"
#define ANOTHER  "another good password"

/* Runs sallyportctl user COMMAND NAME. Returns its exit status. */
static int ctl(const struct server *server, const char *command,
               const char *name, const char *password)
{
    char program[SERVER_PATH_MAX], config[SERVER_PATH_MAX];
    char input[256] = "";
    struct run_result r;

    snprintf(program, sizeof(program), "%s", server_program("sallyportctl"));
    snprintf(config, sizeof(config), "%s",
             server_path(server, "sallyport.conf"));
    if (password)
        snprintf(input, sizeof(input), "%s\n", password);
    run(&r, input, program, "--config", config, "user", command, name, NULL);
    cr_assert(!strstr(r.text, PASSWORD) && !strstr(r.text, ANOTHER),
              "a password was said: %s", r.text);
    cr_log_info("user %s %s: %d %s", command, name, r.status, r.text);
    run_release(&r);
    return r.status;
}

static int login(const struct server *server, const char *name,
                 const char *password)
{
    struct session s;
    int code;

    session_init(&s);
    session_connect(&s, server->port);
    session_start_tls(&s);
    code = session_try_login(&s, name, password);
    session_drop(&s);
    return code;
}

/* Capitals count, and the log has the whole name. */
Test(users, an_address_as_the_name, .timeout = 60)
{
    static const char name[] = "Anna.B@example.org";
    struct server server;
    struct session s;

    server_start(&server, &(struct server_plan){ .login_delay = "0" });
    cr_assert_eq(ctl(&server, "add", name, SERVER_PASSWORD), 0);
    session_enter(&s, &server, name);
    session_store(&s, "STOR", "file", "bytes", 5);
    session_close(&s);
    cr_expect(files_exists(server_home_file(&server, name, "file")));
    cr_expect_eq(login(&server, name, ANOTHER), 530);
    cr_expect_eq(login(&server, "anna.b@example.org", SERVER_PASSWORD), 530);
    cr_expect_eq(ctl(&server, "lock", name, NULL), 0);
    server_log_wait(&server, " login ", "user=Anna.B@example.org", NULL);
    server_log_wait(&server, "wrong password", "user=Anna.B@example.org", NULL);
    server_log_wait(&server, "unknown user", "user=?", NULL);
    server_stop(&server);
}

Test(users, life_of_one, .timeout = 120)
{
    const struct server_plan plan = { 0 };
    struct server server;
    struct stat st;

    server_start(&server, &plan);
    cr_assert_eq(login(&server, "bert", PASSWORD), 530);
    cr_assert_eq(ctl(&server, "add", "bert", PASSWORD), 0);
    cr_assert_eq(stat(server_home(&server, "bert"), &st), 0);
    cr_assert_eq(st.st_mode & 07777, 0700);
    cr_assert(geteuid() != 0 || st.st_uid > SERVER_UID_FIRST,
              "the home's uid is %u", st.st_uid);
    cr_assert_eq(login(&server, "bert", PASSWORD), 230);
    cr_assert_eq(login(&server, "bert", ANOTHER), 530);
    cr_assert_neq(ctl(&server, "add", "bert", PASSWORD), 0, "added twice");
    cr_assert_eq(ctl(&server, "passwd", "bert", ANOTHER), 0);
    cr_assert_eq(login(&server, "bert", PASSWORD), 530);
    cr_assert_eq(login(&server, "bert", ANOTHER), 230);
    cr_assert_eq(ctl(&server, "lock", "bert", NULL), 0);
    cr_assert_eq(login(&server, "bert", ANOTHER), 530);
    cr_assert_eq(login(&server, "anna", SERVER_PASSWORD), 230);
    cr_assert_eq(ctl(&server, "unlock", "bert", NULL), 0);
    cr_assert_eq(login(&server, "bert", ANOTHER), 230);
    cr_assert_eq(ctl(&server, "del", "bert", NULL), 0);
    cr_assert_eq(login(&server, "bert", ANOTHER), 530);
    cr_assert(files_exists(server_home(&server, "bert")));
    cr_assert_neq(ctl(&server, "add", "B:x", PASSWORD), 0);
    cr_assert_neq(ctl(&server, "add", "../x", PASSWORD), 0);
    cr_assert_neq(ctl(&server, "passwd", "nobody", PASSWORD), 0);
    cr_assert_eq(ctl(&server, "list", NULL, NULL), 0);
    server_stop(&server);
}

/* Runs sallyportctl user with up to six words, NULL after them. */
static void ctl_says(const struct server *server, struct run_result *r,
                     const char *const word[6])
{
    char program[SERVER_PATH_MAX], config[SERVER_PATH_MAX];

    snprintf(program, sizeof(program), "%s", server_program("sallyportctl"));
    snprintf(config, sizeof(config), "%s",
             server_path(server, "sallyport.conf"));
    run(r, "", program, "--config", config, "user", word[0], word[1], word[2],
        word[3], word[4], word[5], NULL);
    cr_assert_eq(r->status, 0, "%s %s", word[0], r->text);
}

static void take_password(const struct run_result *r, char out[64])
{
    static const char words[] = "\npassword: ";
    const char *at = strstr(r->text, words);

    cr_assert(at, "%s", r->text);
    at += strlen(words);
    snprintf(out, 64, "%.*s", (int)strcspn(at, "\n"), at);
}

/* One command makes the account of a partner. An export brings it back, with
 * the same password and home. */
Test(users, of_a_partner, .timeout = 120)
{
    static const char *const add[6] = { "add", "partner", "--role=read",
                                        "--ttl=7d", "--print-password" };
    static const char *const export[6] = { "export" };
    const struct server_plan plan = { 0 };
    char password[64], file[SERVER_PATH_MAX];
    const char *const import[6] = { "import", file, "--format=sallyport" };
    struct server server;
    struct run_result r;

    server_start(&server, &plan);
    ctl_says(&server, &r, add);
    take_password(&r, password);
    run_release(&r);
    cr_assert_eq(login(&server, "partner", password), 230);
    ctl_says(&server, &r, export);
    snprintf(file, sizeof(file), "%s", server_path(&server, "exported"));
    files_write(file, r.text, r.len, 0600);
    run_release(&r);
    cr_assert_eq(ctl(&server, "del", "partner", NULL), 0);
    cr_assert_eq(login(&server, "partner", password), 530);
    ctl_says(&server, &r, import);
    cr_expect(strstr(r.text, "1 imported, 1 skipped"), "%s", r.text);
    run_release(&r);
    cr_assert_eq(login(&server, "partner", password), 230);
    server_stop(&server);
}

/* Reads the reply to a login that fails. */
static void login_reply(const struct server *server, const char *name,
                        const char *password, char *out, size_t size)
{
    struct session s;

    session_init(&s);
    session_connect(&s, server->port);
    session_start_tls(&s);
    cr_assert_eq(session_try_login(&s, name, password), 530, "%s", name);
    snprintf(out, size, "%s", s.reply.data);
    session_drop(&s);
}

/* Nobody learns who is locked, nor that a password is right; but the log has
 * it. */
Test(users, locked_is_like_wrong, .timeout = 60)
{
    const struct server_plan plan = { 0 };
    char wrong[256], locked[256], nobody[256];
    struct server server;

    server_start(&server, &plan);
    cr_assert_eq(ctl(&server, "add", "bert", PASSWORD), 0);
    login_reply(&server, "bert", ANOTHER, wrong, sizeof(wrong));
    login_reply(&server, "carl", PASSWORD, nobody, sizeof(nobody));
    cr_assert_eq(ctl(&server, "lock", "bert", NULL), 0);
    login_reply(&server, "bert", PASSWORD, locked, sizeof(locked));
    cr_assert_str_eq(wrong, "530 Login incorrect.");
    cr_assert_str_eq(locked, wrong);
    cr_assert_str_eq(nobody, wrong);
    login_reply(&server, "bert", ANOTHER, locked, sizeof(locked));
    cr_assert_str_eq(locked, wrong);
    server_log_wait(&server, "login-failed", "user=bert", "wrong password",
                    NULL);
    server_log_wait(&server, "login-failed", "user=carl", "unknown user", NULL);
    server_log_wait(&server, "login-failed", "user=bert", "is locked", NULL);
    server_stop(&server);
}

/* A user that sallyportctl made can put a file there and get it back. */
Test(users, transfer, .timeout = 60)
{
    const struct server_plan plan = { 0 };
    struct server server;
    struct session s;
    struct buf got;

    server_start(&server, &plan);
    cr_assert_eq(ctl(&server, "add", "bert", SERVER_PASSWORD), 0);
    session_enter(&s, &server, "bert");
    session_store(&s, "STOR", "f", "bytes", 5);
    buf_init(&got, 4096 * 1024);
    session_fetch(&s, "RETR f", &got);
    cr_assert(got.len == 5 && memcmp(got.data, "bytes", 5) == 0);
    buf_release(&got);
    session_end(&s, &server);
}

/* The users file becomes bad: nobody gets in by it, master continues, and the
 * good one counts again. */
Test(users, file_goes_bad, .timeout = 60)
{
    const struct server_plan plan = { 0 };
    char users[SERVER_PATH_MAX];
    struct server server;
    struct buf good;

    server_start(&server, &plan);
    strcpy(users, server_path(&server, "users"));
    buf_init(&good, 1 << 20);
    cr_assert(files_read(users, &good));
    cr_assert_eq(login(&server, "anna", SERVER_PASSWORD), 230);
    files_write(users, "anna::70000:70000::/::\n", 23, 0600);
    server_log_wait(&server, "the old users stay", NULL);
    cr_assert_eq(login(&server, "anna", ""), 530);
    cr_assert_eq(login(&server, "anna", SERVER_PASSWORD), 230);
    files_write(users, good.data, good.len, 0600);
    cr_assert_eq(login(&server, "anna", SERVER_PASSWORD), 230);
    buf_release(&good);
    server_stop(&server);
}

#define TOTP " totp=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"

/* A line that is cut gives the user other rights: without the second factor. So
 * nobody gets in by it, nor by a file that somebody still writes. A file that
 * becomes empty ends no session, and locks out nobody. */
Test(users, half_written, .timeout = 120)
{
    const struct server_user users[] = { { .name = "bert" },
                                         { .name = "anna" } };
    const struct server_plan plan = { .users = users, .user_count = 2 };
    char path[SERVER_PATH_MAX];
    struct server server;
    struct session s;
    struct buf text;
    size_t half;
    int fd;

    server_start(&server, &plan);
    strcpy(path, server_path(&server, "users"));
    buf_init(&text, 1 << 20);
    cr_assert(files_read(path, &text));
    half = --text.len; /* anna's line, the last one, without its options */
    cr_assert_eq(buf_add_text(&text, TOTP "\n"), 0);
    files_write(path, text.data, text.len, 0600);
    session_enter(&s, &server, "bert");
    server_log_wait(&server, "users file read: edition 2", NULL);
    cr_expect_eq(login(&server, "anna", SERVER_PASSWORD), 530);
    fd = open(path, O_WRONLY | O_TRUNC | O_CLOEXEC);
    cr_assert_eq(write(fd, text.data, half + 1), (ssize_t)half + 1);
    server_log_wait(&server, "the old users stay", "its last line isn't ended",
                    NULL);
    cr_assert_eq(pwrite(fd, "\n", 1, (off_t)half), 1);
    server_log_wait(&server, "the old users stay", "open for writing", NULL);
    cr_expect_eq(login(&server, "anna", SERVER_PASSWORD), 530);
    cr_assert_eq(ftruncate(fd, 0), 0);
    close(fd);
    server_log_wait(&server, "the old users stay", "no users now", NULL);
    session_do(&s, "257 {*}", "PWD");
    cr_expect_eq(login(&server, "bert", SERVER_PASSWORD), 230);
    cr_expect_eq(login(&server, "anna", SERVER_PASSWORD), 530);
    session_close(&s);
    buf_release(&text);
    server_stop(&server);
}

/* HEAD, N further rows, and TAIL, by a rename. */
static void put_rows(const struct server *server, struct slice head, unsigned n,
                     const char *tail)
{
    char path[SERVER_PATH_MAX], made[SERVER_PATH_MAX];
    FILE *f;

    strcpy(made, server_path(server, "users.new"));
    strcpy(path, server_path(server, "users"));
    f = fopen(made, "w");
    cr_assert(f && fchmod(fileno(f), 0600) == 0);
    fwrite(head.ptr, 1, head.len, f);
    for (unsigned i = 0; i < n; i++)
        fprintf(f, "row%u:!:%u:70000::/home/row%u::\n", i, 100000 + i, i);
    fputs(tail, f);
    cr_assert_eq(fclose(f), 0);
    cr_assert_eq(rename(made, path), 0);
}

static void change_all_the_time(const struct server *server, struct slice head)
{
    for (unsigned i = 0;; i++) {
        char tail[64];

        snprintf(tail, sizeof(tail), "# change %u\n", i);
        put_rows(server, head, 10000, tail);
    }
}

struct becoming {
    const struct server *server;
    const char *name;
    int code;
};

static bool is_answered(void *argument)
{
    const struct becoming *b = argument;

    return login(b->server, b->name, SERVER_PASSWORD) == b->code;
}

/* A change by hand counts once the file has been quiet for a moment. */
static void becomes(const struct server *server, const char *name, int code)
{
    struct becoming b = { server, name, code };

    cr_expect(wait_until(is_answered, &b, 20000), "%s: never %d", name, code);
}

/* A large file is another one at each login, and nobody is kept out. Once it
 * rests, its last row counts. */
Test(users, large_file_changes, .timeout = 120)
{
    const struct server_user users[] = { { .name = "anna" },
                                         { .name = "bert" } };
    const struct server_plan plan = { .users = users, .user_count = 2 };
    struct slice anna, bert;
    struct server server;
    struct buf good;
    pid_t editor;

    server_start(&server, &plan);
    buf_init(&good, 1 << 20);
    cr_assert(files_read(server_path(&server, "users"), &good));
    cr_assert_eq(buf_add(&good, "", 1), 0);
    bert = slice_from(strstr(good.data, "\nbert:") + 1);
    anna = (struct slice){ good.data, (size_t)(bert.ptr - good.data) };
    editor = fork();
    if (editor == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        change_all_the_time(&server, anna);
    }
    for (int i = 0; i < 20; i++)
        cr_expect_eq(login(&server, "anna", SERVER_PASSWORD), 230, "%d", i);
    kill(editor, SIGKILL);
    waitpid(editor, NULL, 0);
    put_rows(&server, anna, 10000, "");
    becomes(&server, "bert", 530);
    put_rows(&server, anna, 10000, bert.ptr);
    becomes(&server, "bert", 230);
    buf_release(&good);
    server_stop(&server);
}

/* As root: a user whose uid is outside the range can't log in. */
Test(users, uid_out_of_range, .timeout = 60)
{
    const struct server_plan plan = { .settings = "uid_first = 70000\n"
                                                  "uid_last = 70000\n" };
    const struct server_user users[] = { { .name = "anna" },
                                         { .name = "bert" } };
    struct server_plan two = plan;
    struct server server;

    two.users = users;
    two.user_count = 2;
    server_start(&server, &two);
    cr_assert_eq(login(&server, "anna", SERVER_PASSWORD), 230);
    cr_assert_eq(login(&server, "bert", SERVER_PASSWORD),
                 geteuid() == 0 ? 530 : 230);
    server_stop(&server);
}
