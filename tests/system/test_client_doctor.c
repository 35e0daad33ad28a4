/* doctor against servers that each do one thing wrong. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>

#include "faulty.h"

struct finding {
    const char *fault, *certificate;
    int status;
    const char *line;
};

static void expect_findings(const struct finding *rows, size_t n)
{
    static struct faulty f;

    for (size_t i = 0; i < n; i++) {
        faulty_begin(&f, rows[i].fault, rows[i].certificate);
        desk_says(&f.desk, rows[i].status, rows[i].line, "doctor", "--timeout",
                  "10", "/", NULL);
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

/* Where every handshake fails, a failure says nothing about ALPN. */
Test(doctor, alpn_without_tls, .timeout = 100)
{
    static const char *const faults[] = { "no_tls", "old_tls", "injection" };
    static struct faulty f;
    struct run_result r;

    for (size_t i = 0; i < 3; i++) {
        faulty_begin(&f, faults[i], "good");
        desk_client(&f.desk, EX_UNAVAILABLE, &r, NULL, "doctor", "--timeout",
                    "10", "/", NULL);
        cr_expect_not_null(strstr(r.text, "\nALPN             note     not "
                                          "tested"),
                           "%s: %s", faults[i], r.text);
        cr_expect_null(strstr(r.text, "by ALPN"), "%s: %s", faults[i], r.text);
        run_release(&r);
        faulty_end(&f);
    }
}

Test(doctor, after_the_login, .timeout = 200)
{
    static const struct finding rows[] = {
        { "none", "good", 0,
          "good     of 5 transfers one after another 5 resume" },
        { "ticket_of_login", "good", 0,
          "note     of 5 transfers one after another 1 resume" },
        { "none", "good", 0, "good     IPv4: connects to 127.0.0.1" },
        { "none", "good", 0, "note     IPv6: 127.0.0.1 has no IPv6 address\n" },
        { "none", "good", 0,
          "good     data connections without TLS are refused" },
        { "prot_clear", "good", 0,
          "warning  data connections without TLS are possible" },
        { "prot_refused", "good", EX_UNAVAILABLE, "PROT P is refused" },
        { "pasv_private", "good", 0, "PASV gives 10.1.2.3, but the server is" },
        { "pasv_private", "good", 0, "it is behind NAT" },
        { "pasv_foreign", "good", 0, "warning  PASV gives 203.0.113.9" },
        { "closed_ports", "good", EX_UNAVAILABLE,
          "let the passive ports through the firewall" },
        { "no_resumption", "good", 0, "resumes no TLS session there" },
        { "resumption_required", "good", 0,
          "good     a data connection without resumption is refused" },
        { "no_close_notify", "good", 0, "warning  no close_notify" },
        { "done_250", "good", 0, "good     MLSD transfers" },
        { "done_250", "good", 0,
          "warning  a data connection needs no resumpt" },
        { "no_mlsd", "good", 0, "warning  no MLSD" },
        { "no_rest", "good", 0, "warning  no REST" },
    };

    EXPECT_FINDINGS(rows);
}

/* Ten logins of six seconds would take a minute; --timeout limits them. */
Test(doctor, logins_that_take_long, .timeout = 100)
{
    static const struct finding rows[] = {
        { "slow_login", "good", 0, "note     2 sessions at once took 10 s" },
    };

    EXPECT_FINDINGS(rows);
}

/* If there is no server, doctor reports nothing else. */
Test(doctor, unreachable, .timeout = 60)
{
    static struct faulty f;

    faulty_begin(&f, "none", "good");
    snprintf(f.desk.url, sizeof(f.desk.url), "ftps://anna@127.0.0.1:1");
    desk_says(&f.desk, EX_UNAVAILABLE,
              "no address can be reached\n"
              "                            check the name, the port and the "
              "firewall\n\n1 bad, 1 warning, 0 good",
              "doctor", "/", NULL);
    faulty_end(&f);
}

/* Nobody vouches for the server: it gets no password. */
Test(doctor, untrusted, .timeout = 60)
{
    static struct faulty f;
    struct run_result r;

    faulty_begin(&f, "none", "good");
    run(&r, NULL, server_program("sallyport"), "doctor", "--password-file",
        f.desk.password, f.desk.url, NULL);
    cr_expect_eq(r.status, 0, "%s", r.text);
    cr_expect_not_null(strstr(r.text, "no password is sent to a server that "
                                      "isn't trusted"),
                       "%s", r.text);
    cr_expect_null(strstr(r.text, "logged in"), "%s", r.text);
    run_release(&r);
    /* --yes is for a server that is trusted, but has faults. */
    DESK_ALONE(0, "isn't trusted", NULL, "doctor", "--yes", "--password-file",
               f.desk.password, f.desk.url);
    faulty_end(&f);
    faulty_begin(&f, "none", "other");
    desk_says(&f.desk, EX_UNAVAILABLE, "isn't trusted", "doctor", "--yes", "/",
              NULL);
    cr_expect_eq(faulty_count("PASS "), 0);
    faulty_end(&f);
}

/* Where the server turns it away, one finding says so. */
Test(doctor, turned_away, .timeout = 60)
{
    static struct faulty f;

    faulty_begin(&f, "banned", "good");
    desk_says(&f.desk, EX_UNAVAILABLE,
              "the server turns this client away: 421 not you", "doctor", "/",
              NULL);
    desk_says(&f.desk, EX_UNAVAILABLE, "\n1 bad, ", "doctor", "/", NULL);
    cr_expect_eq(faulty_count("AUTH"), 0);
    faulty_end(&f);
}
