/* Cuts uploads after their last byte and before the 226. If a client then
 * resumes, as curl -C - and lftp's put -c do, the file is whole in the end,
 * whether it was committed before or not. A client that ends both connections
 * in the middle of a file, as at the file's end, stores no file. */
#include "fault.h"
#include "support/fail.h"
#include "support/files.h"
#include "support/run.h"
#include "support/served.h"
#include "support/server_log.h"
#include "support/test.h"
#include "support/wait.h"

/* Lengths for which SIZE reports a whole partial as shorter than it is. */
static const size_t lengths[] = { 256 * FAULT_KIB, 300001 };

enum moment {
    FILES_IS_KILLED,  /* all bytes are there, and no process commits */
    FILES_COMES_LATE, /* the client has gone when files has synced the file */
    ANSWER_IS_LOST, /* the file is committed, and the client doesn't read 226 */
    REPLY_IS_NOT_READ, /* any of the three above can happen */
};

struct row {
    char user[16];
    enum moment moment;
    size_t len;
    bool lftp;
};

static struct row rows[16];

static void fill_rows(void)
{
    for (unsigned i = 0; i < 16; i++) {
        snprintf(rows[i].user, sizeof(rows[i].user), "user%u", i);
        rows[i].moment = (enum moment)(i % 4);
        rows[i].len = lengths[i / 4 % 2];
        rows[i].lftp = i >= 8;
    }
}

ReportHook(PRE_ALL)(struct criterion_test_set *set)
{
    struct server_user users[17] = { [16] = { .name = "bare" } };

    (void)set;
    fill_rows();
    for (unsigned i = 0; i < 16; i++)
        users[i].name = rows[i].user;
    server_share(PLAN(.users = users, .user_count = 17,
                      .troubles = true)); /* files is killed */
}

struct visible {
    const struct server *server;
    const char *user;
};

static bool is_visible(void *argument)
{
    struct visible *v = argument;

    return files_exists(server_home_file(v->server, v->user, "f"));
}

/* Sends all bytes and the close_notify, and cuts the upload at the row's
 * moment. */
static void cut(struct server *server, const struct row *row,
                const unsigned char *bytes)
{
    struct visible visible = { server, row->user };
    int files;
    struct session s;
    struct data d;

    server_shared(server);
    session_enter(&s, server, row->user);
    files = fault_process(server, row->user, "sallyport: files");
    data_open(&s, &d, "STOR f");
    data_write(&d, bytes, row->len);
    if (row->moment <= FILES_COMES_LATE)
        kill(files, SIGSTOP);
    if (row->moment == REPLY_IS_NOT_READ)
        tls_client_shutdown(d.tls);
    else
        data_close(&d); /* now the session has all bytes, and asks files */
    if (row->moment == FILES_IS_KILLED)
        kill(files, SIGKILL);
    if (row->moment == ANSWER_IS_LOST)
        cr_assert(wait_until(is_visible, &visible, WAIT_MS));
    session_drop(&s);
    if (row->moment == FILES_COMES_LATE)
        kill(files, SIGCONT);
    if (row->moment == REPLY_IS_NOT_READ)
        data_cut(&d, false);
    fault_wait_gone(server, row->user);
}

/* The log must report if files has made the file visible, even if the client
 * has gone. */
static void expect_told(const struct server *server, const struct row *row)
{
    char who[32];

    snprintf(who, sizeof(who), " user=%s ", row->user);
    if (row->moment == FILES_COMES_LATE) {
        fault_expect_absent(server, row->user, "f");
        server_log_wait(server, "transfer ", who, " path=/f ", " result=0",
                        "before the upload was stored", NULL);
    }
    if (row->moment == ANSWER_IS_LOST) {
        cr_assert(files_exists(server_home_file(server, row->user, "f")));
        server_log_wait(server, "transfer ", who, " path=/f ", " to=/f ",
                        " result=226", NULL);
    }
}

static void go_on_with_curl(const struct server *server, const char *user,
                            const char *file)
{
    char url[128], config[128];
    struct run_result r;

    snprintf(url, sizeof(url), "ftp://127.0.0.1:%u/f", server->port);
    snprintf(config, sizeof(config), "user=\"%s:%s\"\n", user, SERVER_PASSWORD);
    run(&r, config, "curl", "--config", "-", "--silent", "--show-error",
        "--insecure", "--ssl-reqd", "-C", "-", "-T", file, url, NULL);
    cr_assert_eq(r.status, 0, "curl: %d: %s", r.status, r.text);
    run_release(&r);
}

static void go_on_with_lftp(const struct server *server, const char *user,
                            const char *file)
{
    char script[1024];
    struct run_result r;

    snprintf(script, sizeof(script),
             "set cmd:fail-exit yes\nset ftp:ssl-force yes\n"
             "set ssl:verify-certificate no\nset net:max-retries 2\n"
             "set ftp:ssl-protect-data yes\n"
             "open -p %u 127.0.0.1\nuser %s \"%s\"\n"
             "put -c \"%s\" -o f\nbye\n",
             server->port, user, SERVER_PASSWORD, file);
    run(&r, script, "lftp", "--norc", NULL);
    cr_assert_eq(r.status, 0, "lftp: %d: %s", r.status, r.text);
    run_release(&r);
}

ParameterizedTestParameters(last_moment, cut_and_gone_on_with)
{
    fill_rows();
    return cr_make_param_array(struct row, rows, 16);
}

ParameterizedTest(struct row *row, last_moment, cut_and_gone_on_with,
                  .timeout = 90)
{
    unsigned char *bytes = fault_noise(row->len);
    struct server server;

    fail_context("%s %d %zu: ", row->lftp ? "lftp" : "curl", (int)row->moment,
                 row->len);
    server_shared(&server);
    const char *file = server_path(&server, row->user);
    files_write(file, bytes, row->len, 0600);
    cut(&server, row, bytes);
    expect_told(&server, row);
    if (files_exists(server_home_file(&server, row->user, "f")))
        fault_expect_whole(&server, row->user, "f", bytes, row->len);
    if (row->lftp)
        go_on_with_lftp(&server, row->user, file);
    else
        go_on_with_curl(&server, row->user, file);
    fault_expect_whole(&server, row->user, "f", bytes, row->len);
    cr_assert_eq(fault_count_partials(&server, row->user), 0);
    free(bytes);
}

#define WHOLE (4 * FAULT_MIB)
#define HALF  (2 * FAULT_MIB)

/* Sends a half of the file. The session gets all these bytes, and then sees the
 * ends of both connections at once. */
static void send_half(const struct server *server, const unsigned char *bytes)
{
    struct server same = *server;
    struct session s;
    struct data d;
    int process;

    server_shared(&same);
    session_enter(&s, &same, "bare");
    data_open(&s, &d, "STOR f");
    data_write(&d, bytes, HALF);
    fault_wait_partial(server, "bare", HALF);
    process = fault_process(server, "bare", "sallyport: session");
    cr_assert_eq(kill(process, SIGSTOP), 0);
    cr_assert(tls_client_shutdown(d.tls));
    session_drop(&s);
    data_cut(&d, false);
    cr_assert_eq(kill(process, SIGCONT), 0);
    fault_wait_gone(server, "bare");
}

/* The first time no file has the name, and the client can resume. The second
 * time the whole file is there, and must stay. */
SharedTest(last_moment, half_a_file, 90)
{
    unsigned char *bytes = fault_noise(WHOLE);
    const char *file = server_path(server, "bare");

    files_write(file, bytes, WHOLE, 0600);
    send_half(server, bytes);
    fault_expect_absent(server, "bare", "f");
    cr_assert_eq(fault_count_partials(server, "bare"), 1);
    server_log_wait(server, "transfer ", " user=bare ", " path=/f ",
                    " result=0", "closed by the client", NULL);
    go_on_with_curl(server, "bare", file);
    fault_expect_whole(server, "bare", "f", bytes, WHOLE);
    send_half(server, bytes + HALF);
    fault_expect_whole(server, "bare", "f", bytes, WHOLE);
    free(bytes);
}
