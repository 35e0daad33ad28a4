/* The users file changes while the server runs: half-written, and with
 * thousands of rows. transcripts/server/ has the changes that sallyportctl
 * makes. */
#include "support/files.h"
#include "support/served.h"
#include "support/server_log.h"
#include "support/test.h"
#include "support/wait.h"

#define TOTP " totp=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"

/* A line that is cut gives its user other rights: a login without the second
 * factor. So the server uses neither a file with a cut line nor a file that a
 * program is still writing. A file that becomes empty ends no session, and
 * locks out no user. */
ServerTest(users, half_written, 120,
           PLAN(USERS({ .name = "bert" }, { .name = "anna" })))
{
    char path[SERVER_PATH_MAX];
    struct session s;
    struct buf text;
    size_t half;
    int fd;

    strcpy(path, server_path(server, "users"));
    buf_init(&text, 1 << 20);
    cr_assert(files_read(path, &text));
    half = --text.len; /* anna's line, the last one, without its options */
    cr_assert_eq(buf_add_text(&text, TOTP "\n"), 0);
    files_write(path, text.data, text.len, 0600);
    session_enter(&s, server, "bert");
    server_log_wait(server, "users file read: edition 2", NULL);
    cr_expect_eq(session_code(server, "anna", SERVER_PASSWORD), 530);
    fd = open(path, O_WRONLY | O_TRUNC | O_CLOEXEC);
    cr_assert_eq(write(fd, text.data, half + 1), (ssize_t)half + 1);
    server_log_wait(server, "the old users stay", "its last line isn't ended",
                    NULL);
    cr_assert_eq(pwrite(fd, "\n", 1, (off_t)half), 1);
    server_log_wait(server, "the old users stay", "open for writing", NULL);
    cr_expect_eq(session_code(server, "anna", SERVER_PASSWORD), 421);
    cr_assert_eq(ftruncate(fd, 0), 0);
    close(fd);
    server_log_wait(server, "the old users stay", "no users now", NULL);
    session_do(&s, "257 {*}", "PWD");
    cr_expect_eq(session_code(server, "bert", SERVER_PASSWORD), 230);
    cr_expect_eq(session_code(server, "anna", SERVER_PASSWORD), 530);
    session_close(&s);
    buf_release(&text);
}

/* Replaces the users file, by a rename: HEAD, N further rows, and TAIL. */
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

    return session_code(b->server, b->name, SERVER_PASSWORD) == b->code;
}

/* Waits until a login of NAME gets CODE. The server uses a change by hand once
 * the file has been quiet for a moment. */
static void becomes(const struct server *server, const char *name, int code)
{
    struct becoming b = { server, name, code };

    cr_expect(wait_until(is_answered, &b, 20000), "%s: never %d", name, code);
}

/* A large users file is replaced all the time, and each login succeeds. Once
 * the changes end, the file's last row counts. */
ServerTest(users, large_file_changes, 120,
           PLAN(USERS({ .name = "anna" }, { .name = "bert" })))
{
    struct slice anna, bert;
    struct buf good;
    pid_t editor;

    buf_init(&good, 1 << 20);
    cr_assert(files_read(server_path(server, "users"), &good));
    cr_assert_eq(buf_add(&good, "", 1), 0);
    bert = slice_from(strstr(good.data, "\nbert:") + 1);
    anna = (struct slice){ good.data, (size_t)(bert.ptr - good.data) };
    editor = fork();
    if (editor == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        change_all_the_time(server, anna);
    }
    for (int i = 0; i < 20; i++)
        cr_expect_eq(session_code(server, "anna", SERVER_PASSWORD), 230, "%d",
                     i);
    kill(editor, SIGKILL);
    waitpid(editor, NULL, 0);
    put_rows(server, anna, 10000, "");
    becomes(server, "bert", 530);
    put_rows(server, anna, 10000, bert.ptr);
    becomes(server, "bert", 230);
    buf_release(&good);
}
