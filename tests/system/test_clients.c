/* Real clients: runs each script of clients/ against one server, as a user of
 * its own and in a directory of its own. tests/table runs this program once for
 * each build and user that it names. SALLYPORT_CLIENT=NAME selects one
 * script. */

#include "support/files.h"
#include "support/rows.h"
#include "support/run.h"
#include "support/server_log.h"
#include "support/test.h"

enum resumes { ALWAYS, NEVER, EITHER };

#define ADDRESS "data_binding=address"

#define SESSION "data_binding=session"

/* Clients that never resume TLS sessions, or resume them only in some of the
 * ways that their scripts try; and clients that always resume the session of
 * their own control connection. All other clients always resume a session of
 * their user, as the server's default data_binding demands.
 * docs/admin/clients.md has the same table. */
static const struct exception {
    const char *name;
    const char *keys; /* the user's last column */
    enum resumes tls12, tls13;
    bool refused;
} exceptions[] = {
    { "basic-ftp-tickets", SESSION, ALWAYS, ALWAYS, false },
    { "commons-net-plain", ADDRESS, NEVER, NEVER, false },
    { "commons-net-refused", NULL, NEVER, NEVER, true },
    { "commons-net-tickets", SESSION, ALWAYS, ALWAYS, false },
    { "filezilla-tickets", SESSION, ALWAYS, ALWAYS, false },
    { "ftplib", ADDRESS, EITHER, EITHER,
      false }, /* with and without resumption */
    { "ftplib-tickets", SESSION, ALWAYS, ALWAYS, false },
    { "lftp-tickets", SESSION, ALWAYS, ALWAYS, false },
    /* with curl's help */
    { "perl", ADDRESS, EITHER, EITHER, false },
    { "perl-tickets", ADDRESS, NEVER, NEVER, false },
    /* without the right to delete */
    { "rclone-without-d", "rights=lrwonm", ALWAYS, ALWAYS, false },
    { "wget", ADDRESS, EITHER, EITHER, false },
}, newer_perl = { "perl-tickets", SESSION, ALWAYS, ALWAYS, false };

/* Net::FTP 3.15 (Perl 5.38) and later resume sessions. */
static bool perl_resumes(void)
{
    static int status = -1;
    struct run_result r;

    if (status < 0) {
        run(&r, NULL, "perl", "-MNet::FTP", "-e",
            "exit(Net::FTP->VERSION < 3.15)", NULL);
        status = r.status;
        run_release(&r);
    }
    return status == 0;
}

static const struct exception *exception_of(const char *name)
{
    static const struct exception none = { NULL, NULL, ALWAYS, ALWAYS, false };

    if (strcmp(name, newer_perl.name) == 0 && perl_resumes())
        return &newer_perl;
    for (size_t i = 0; i < sizeof(exceptions) / sizeof(exceptions[0]); i++)
        if (strcmp(exceptions[i].name, name) == 0)
            return &exceptions[i];
    return &none;
}

static const char *keys(const char *name)
{
    return exception_of(name)->keys;
}

static struct rows rows = { .folder = "tests/system/clients",
                            .suffix = ".sh",
                            .keys = keys,
                            .only = "SALLYPORT_CLIENT" };

ReportHook(PRE_ALL)(struct criterion_test_set *set)
{
    (void)set;
    rows_share(&rows,
               PLAN(.listen = "127.0.0.1:0, 127.0.0.1:0 tls", .ports = "auto"));
    files_write(server_path(server_of_runner(), "password"), SERVER_PASSWORD,
                strlen(SERVER_PASSWORD), 0600);
}

ParameterizedTestParameters(clients, play)
{
    rows_find(&rows);
    return cr_make_param_array(struct row, rows.row, rows.count);
}

static void expect_line(const struct exception *e, const char *line)
{
    const char *tls = strstr(line, " tls=\"");
    enum resumes wanted = tls && strstr(tls, "TLSv1.2 ") ? e->tls12 : e->tls13;
    bool resumed = tls && strstr(tls, " resumed\"");
    bool refused = strstr(line, " result=425 ");

    cr_expect(!tls || wanted == EITHER || resumed == (wanted == ALWAYS), "%s",
              line);
    cr_expect_eq(refused, e->refused, "%s", line);
}

/* Each data connection of the user with TLS must have resumed a session, or
 * not, and must have been refused, or not, as the exceptions say. */
static void expect_resumed(const struct server *server, const char *user)
{
    char word[64], *line, *rest;
    struct buf log;

    snprintf(word, sizeof(word), " user=%s ", user);
    server_log(server, &log);
    rest = log.data;
    while ((line = strsep(&rest, "\n"))) {
        if (!strstr(line, " transfer ") || !strstr(line, word))
            continue;
        expect_line(exception_of(user), line);
    }
    buf_release(&log);
}

/* Arguments: SCRIPT HOST PORT USER PASSFILE CACERT WORKDIR MASTER IMPLICIT
 * HOME, see clients/opening. */
ParameterizedTest(struct row *row, clients, play, .timeout = 600)
{
    char port[16], implicit[16], master[16];
    char work[SERVER_PATH_MAX];
    struct server server;
    struct run_result r;

    server_shared(&server);
    snprintf(port, sizeof(port), "%u", server.port);
    snprintf(implicit, sizeof(implicit), "%u", server.port_tls);
    snprintf(master, sizeof(master), "%d", (int)server.pid);
    const char *password = server_path(&server, "password");
    const char *certificate = server_path(&server, "certificate.pem");
    snprintf(work, sizeof(work), "%.400s/work-%s", server.folder, row->name);
    files_make_folder(work, 0700);
    run(&r, NULL, "bash", rows_file(&rows, row), "127.0.0.1", port, row->name,
        password, certificate, work, master, implicit,
        server_home(&server, row->name), NULL);
    cr_assert_eq(r.status, 0, "%s.sh: exit status %d:\n%s", row->name, r.status,
                 r.text);
    run_release(&r);
    expect_resumed(&server, row->name);
}
