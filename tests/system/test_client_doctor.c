/* doctor, and transfers, against servers that each do one thing wrong:
 * tests/system/peers/faulty_server.py. */
#include <criterion/criterion.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

#include "desk.h"
#include "sallyport/base/buf.h"
#include "support/files.h"
#include "support/pki.h"
#include "support/wait.h"

#define DAY 86400L

struct faulty {
    struct desk desk;
    struct pki *pki;
    pid_t pid;
};

static bool port_is_there(void *of)
{
    return files_exists(of);
}

/* CERTIFICATE: one of those that every desk has. */
static void faulty_begin(struct faulty *f, const char *fault,
                         const char *certificate)
{
    const struct pki_leaf leaves[] = {
        { .name = "good", .names = "IP:127.0.0.1", .server = true },
        { .name = "late",
          .names = "IP:127.0.0.1",
          .from = -2 * DAY,
          .to = -DAY,
          .server = true },
        { .name = "other", .names = "DNS:other.example", .server = true },
    };
    struct buf port;

    desk_begin_alone(&f->desk);
    f->pki = pki_new(f->desk.dir, "ca");
    for (size_t i = 0; i < sizeof(leaves) / sizeof(leaves[0]); i++)
        pki_issue(f->pki, &leaves[i]);
    snprintf(f->desk.ca, sizeof(f->desk.ca), "%s", pki_path(f->pki, "ca.pem"));
    f->pid = fork();
    if (f->pid == 0) {
        char pem[16], key[16];

        prctl(PR_SET_PDEATHSIG, SIGKILL);
        snprintf(pem, sizeof(pem), "%s.pem", certificate);
        snprintf(key, sizeof(key), "%s.key", certificate);
        execl("/usr/bin/python3", "python3", "-Wignore",
              server_source("tests/system/peers/faulty_server.py"), fault, pem,
              key, "port", (char *)NULL);
        _exit(127);
    }
    cr_assert(wait_until(port_is_there, "port", WAIT_MS), "%s", fault);
    buf_init(&port, 16);
    files_read("port", &port);
    snprintf(f->desk.url, sizeof(f->desk.url), "ftps://anna@127.0.0.1:%.*s",
             (int)port.len, port.data);
    buf_release(&port);
}

static void faulty_end(struct faulty *f)
{
    kill(f->pid, SIGKILL);
    waitpid(f->pid, NULL, 0);
    pki_free(f->pki);
    desk_end(&f->desk);
}

struct finding {
    const char *fault, *certificate;
    int status;
    const char *line;
};

static void expect_findings(const struct finding *rows, size_t n)
{
    static struct faulty f;

    for (size_t i = 0; i < n; i++) {
        struct run_result r;

        faulty_begin(&f, rows[i].fault, rows[i].certificate);
        desk_client(&f.desk, rows[i].status, &r, NULL, "doctor", "--timeout",
                    "10", "/", NULL);
        cr_expect_not_null(strstr(r.text, rows[i].line), "%s: no \"%s\" in\n%s",
                           rows[i].fault, rows[i].line, r.text);
        run_release(&r);
        faulty_end(&f);
    }
}

#define EXPECT_FINDINGS(rows)                                                  \
    expect_findings(rows, sizeof(rows) / sizeof((rows)[0]))

Test(doctor, before_the_login, .timeout = 200)
{
    static const struct finding rows[] = {
        { "no_tls", "good", EX_UNAVAILABLE,
          "bad      neither TLS 1.2 nor TLS 1.3 is spoken" },
        { "old_tls", "good", EX_UNAVAILABLE, "bad      TLS 1.1 is spoken" },
        { "none", "late", EX_UNAVAILABLE, "renew the certificate" },
        { "none", "other", EX_UNAVAILABLE,
          "bad      it doesn't name 127.0.0.1" },
        { "wrong_alpn", "good", EX_UNAVAILABLE,
          "bad      the server says by ALPN that it speaks HTTP" },
        { "plain_login", "good", EX_UNAVAILABLE,
          "bad      USER is taken without TLS" },
        { "backdoor", "good", EX_UNAVAILABLE, "CVE-2011-2523" },
        { "pyftpdlib", "good", 0, "before 1.5.8 it cuts" },
        { "injection", "good", EX_UNAVAILABLE, "the TLS handshake failed" },
    };

    EXPECT_FINDINGS(rows);
}

Test(doctor, after_the_login, .timeout = 200)
{
    static const struct finding rows[] = {
        { "none", "good", 0,
          "note     of 5 transfers one after another 1 resume" },
        { "pasv_private", "good", 0, "PASV gives 10.1.2.3, but the server is" },
        { "pasv_private", "good", 0, "it is behind NAT" },
        { "pasv_foreign", "good", 0, "warning  PASV gives 203.0.113.9" },
        { "closed_ports", "good", EX_UNAVAILABLE,
          "let the passive ports through the firewall" },
        { "no_resumption", "good", 0, "resumes no TLS session there" },
        { "resumption_required", "good", 0,
          "good     a data connection without resumption is refused" },
        { "no_close_notify", "good", 0, "warning  no close_notify" },
        { "no_mlsd", "good", 0, "warning  no MLSD" },
        { "no_rest", "good", 0, "warning  no REST" },
    };

    EXPECT_FINDINGS(rows);
}

/* Ten logins of six seconds would take a minute; --timeout bounds them. */
Test(doctor, logins_that_take_long, .timeout = 100)
{
    static const struct finding rows[] = {
        { "slow_login", "good", 0, "note     2 sessions at once took 10 s" },
    };

    EXPECT_FINDINGS(rows);
}

/* Nobody vouches for the server: it gets no password. */
Test(doctor, untrusted, .timeout = 60)
{
    static struct faulty f;
    struct run_result r;

    faulty_begin(&f, "none", "good");
    char *words[] = { (char *)server_program("sallyport"),
                      "doctor",
                      "--password-file",
                      f.desk.password,
                      f.desk.url,
                      NULL };
    run_arguments(&r, NULL, words);
    cr_expect_eq(r.status, 0, "%s", r.text);
    cr_expect_not_null(strstr(r.text, "no password is sent to a server that "
                                      "isn't trusted"),
                       "%s", r.text);
    cr_expect_null(strstr(r.text, "logged in"), "%s", r.text);
    run_release(&r);
    faulty_end(&f);
}

/* What a lying server may not do to the directory and the terminal. */
Test(liar, names, .timeout = 60)
{
    static struct faulty f;
    struct run_result r;

    faulty_begin(&f, "names", "good");
    files_make_folder("in", 0755);
    desk_client(&f.desk, EX_PROTOCOL, &r, NULL, "get", "-r", "--retries", "0",
                "/", "in", NULL);
    cr_expect_not_null(strstr(r.text, "names that no file here may have"), "%s",
                       r.text);
    cr_expect_null(strchr(r.text, '\033'), "%s", r.text);
    run_release(&r);
    cr_expect(files_exists("in/good"));
    cr_expect_not(files_exists("escaped"));
    faulty_end(&f);
}

Test(liar, sizes, .timeout = 100)
{
    static struct faulty f;
    struct run_result r;

    faulty_begin(&f, "size_too_small", "good");
    desk_client(&f.desk, EX_DATAERR, &r, NULL, "get", "/file", NULL);
    cr_expect_not_null(strstr(r.text, "more bytes come than the 3"), "%s",
                       r.text);
    run_release(&r);
    cr_expect_not(files_exists("file"));
    faulty_end(&f);
    faulty_begin(&f, "size_too_large", "good");
    desk_client(&f.desk, EX_TEMPFAIL, &r, NULL, "get", "--retries", "0",
                "/file", NULL);
    cr_expect_not_null(strstr(r.text, "40 bytes came where 4000"), "%s",
                       r.text);
    run_release(&r);
    cr_expect_not(files_exists("file"));
    faulty_end(&f);
}

/* No lie, but another form: what IIS lists, since it has no MLSD. */
Test(liar, a_listing_of_dos, .timeout = 60)
{
    static struct faulty f;
    struct run_result r;

    faulty_begin(&f, "dos_list", "good");
    desk_client(&f.desk, 0, &r, NULL, "ls", "/", NULL);
    cr_expect_not_null(strstr(r.text, "  file\n"), "%s", r.text);
    run_release(&r);
    desk_client(&f.desk, 0, &r, NULL, "get", "-r", "/", "in", NULL);
    run_release(&r);
    cr_expect(files_exists("in/file"));
    faulty_end(&f);
}

Test(liar, a_listing_without_an_end, .timeout = 60)
{
    static struct faulty f;
    struct run_result r;

    faulty_begin(&f, "endless_list", "good");
    desk_client(&f.desk, EX_PROTOCOL, &r, NULL, "ls", "/", NULL);
    cr_expect_not_null(strstr(r.text, "can't be used"), "%s", r.text);
    run_release(&r);
    faulty_end(&f);
}
