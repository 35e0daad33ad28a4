/* "invite": the user of a partner, and the letter, which has no password. */
#include <stdio.h>
#include <string.h>

#include "fake_server.h"
#include "support/pki.h"
#include "world.h"

/* A CA, with a certificate for a server. */
static void invite_begin(void)
{
    struct pki *pki;

    world_make();
    pki = pki_new(scratch, "ca");
    pki_issue(pki, &(struct pki_leaf){
                       .name = "leaf",
                       .names = "email:a@b.example,DNS:*.example.org,"
                                "DNS:ftp.example.org,DNS:other.example.org",
                   });
    pki_free(pki);
    world_configure("certificate = %s\nlisten = 0.0.0.0:21\n",
                    in_scratch("leaf.pem"));
    expect_run(0, "", "share add incoming");
    expect_run(0, "", "share add results");
}

TestSuite(invite, .init = invite_begin, .fini = scratch_remove);

/* Another configuration with these listeners, and perhaps the CA's own
 * certificate. */
static void listen_at(const char *listen, const char *certificate)
{
    char text[2048];

    snprintf(text, sizeof(text),
             "users = %s\nhomes = %s\nshares = %s\ncontrol = %s/control\n"
             "listen = %s\ncertificate = %s/%s.pem\n",
             world.users, world.homes, world.shares, scratch, listen, scratch,
             certificate);
    file_write(world.conf, text);
}

static void expect_in(const char *text, const char *part)
{
    cr_expect(strstr(text, part), "no \"%s\" in:\n%s", part, text);
}

Test(invite, a_user_and_a_letter)
{
    const struct run *r =
        expect_run(0, "", "invite acme --to incoming --ttl 90d --comment A");
    char password[32] = "";
    const char *at = strstr(r->err, "by another way: ");

    cr_assert(at && sscanf(at, "by another way: %31s", password) == 1, "%s",
              r->err);
    cr_expect_eq(strlen(password), 24);
    cr_expect_null(strstr(r->out, password));
    expect_in(r->out, "Your access to ftp.example.org\n");
    expect_in(r->out, "    port           21\n");
    expect_in(r->out, "    encryption     explicit TLS, passive mode\n");
    expect_in(r->out, "    directory      /incoming: you can store files, and "
                      "can't see them afterwards\n");
    expect_in(r->out, "    ends           2");
    expect_in(r->out, "\n    curl --ssl-reqd -u acme -T FILE "
                      "ftp://ftp.example.org/incoming/\n");
    expect_in(r->out, "Default remote directory /incoming\n");
    expect_in(r->out, "TLS/SSL Explicit encryption\n");
    cr_expect_null(strstr(r->out, "SHA-256"));
    expect_in(file_text(world.users), ":A:");
    expect_in(file_text(world.users), "::rights=read expires=2");
    expect_in(file_text(world.users), "Z shares=incoming:drop\n");
}

Test(invite, printed_again)
{
    char text[WORLD_TEXT];

    strcpy(text, expect_run(0, "", "invite acme --to incoming")->out);
    cr_expect_str_eq(expect_run(0, "", "invite --show acme")->out, text);
    cr_expect_str_eq(expect_run(0, "", "invite acme --show")->err, "");
    expect_run(0, "", "user lock acme");
    expect_err(0, "", "invite acme --show", "acme is locked, and can't log in");
    expect_run(0, "", "user change acme --must-change");
    expect_out(0, "", "invite acme --show",
               "    first          change the password by the command SITE "
               "PSWD old new;");
    expect_run(0, "", "user change acme --expires 2020-01-01");
    expect_err(0, "", "invite acme --show", "acme has expired, and can't log");
    expect_run(0, "", "user totp acme");
    expect_out(0, "", "invite acme --show", "    code           the app's six");
    expect_run(0, "a good password\n", "user add bert --role lrn");
    expect_out(0, "", "invite bert --show",
               "    directory      /: you can list, read, rename\n");
    expect_run(0, "a good password\n", "user add carl --share results:read");
    expect_out(0, "", "invite carl --show",
               "    directory      /results: you can list, read\n"
               "    directory      /: you can list, read, store, replace, "
               "delete, rename, make directories\n");
}

Test(invite, several_shares)
{
    const struct run *r = expect_run(
        0, "", "invite acme --to results:read,incoming:mine --format text");

    expect_in(file_text(world.users), "shares=incoming:mine,results:read\n");
    expect_in(r->out, "/incoming: you can list, read, store, replace, delete, "
                      "rename; only what is yours\n");
    expect_in(r->out, "/results: you can list, read\n");
    cr_expect_null(strstr(r->out, "    ends "));
}

/* Its key stands for it. */
Test(invite, a_certificate_of_its_own)
{
    const struct run *r;

    listen_at("0.0.0.0:2121", "ca");
    r = expect_run(0, "", "invite acme --to incoming");
    expect_in(r->err, "so the letter has a gap for that of the server: ____");
    expect_in(r->out, "Your access to ________\n");
    expect_in(r->out, "    certificate    SHA-256 ");
    expect_in(r->out, "curl --ssl-reqd -k --pinnedpubkey 'sha256//");
    expect_in(r->out, "=' -u acme -T FILE ftp://________:2121/incoming/\n");
    expect_in(r->out, "compare the SHA-256 fingerprint once");
}

Test(invite, without_a_port)
{
    static const char *const listens[] = { "0.0.0.0:0", "0.0.0.0:21 proxy" };

    expect_run(0, "", "invite acme --to results:read");
    for (size_t i = 0; i < 2; i++) {
        listen_at(listens[i], "leaf");
        if (i == 1)
            world_configure("proxies = 10.0.0.1\n");
        const struct run *r = expect_run(0, "", "invite acme --show");
        expect_in(r->err, "listen says no port that clients connect to, so the "
                          "letter has a gap for it: _______\n");
        expect_in(r->out, "    port           _______\n");
        expect_in(r->out, "ftp://ftp.example.org:_______/results/FILE\n");
    }
    listen_at("127.0.0.1:2121, [::1]:2121, 0.0.0.0:21", "leaf");
    expect_out(0, "", "invite acme --show", "    port           21\n");
    listen_at("0.0.0.0:0, 127.0.0.1:2121", "leaf");
    expect_out(0, "", "invite acme --show", "    port           2121\n");
    listen_at("0.0.0.0:0, 0.0.0.0:990 tls", "leaf");
    expect_out(0, "", "invite acme --show",
               "\n    curl -u acme -O ftps://ftp.example.org/results/FILE\n");
    expect_out(0, "", "invite acme --show", "implicit TLS, passive mode\n");
    expect_out(0, "", "invite acme --show", "Require implicit FTP over TLS\n");
}

Test(invite, as_a_page)
{
    const struct run *r =
        expect_run(0, "", "invite acme --to incoming --format html");

    expect_in(r->out, "<!DOCTYPE html>\n");
    expect_in(r->out, "<tr><th>server</th><td>ftp.example.org</td></tr>\n");
    expect_in(r->out, "<pre>curl --ssl-reqd -u acme -T FILE ftp://");
    expect_in(r->out, "</table>\n</body></html>\n");
    cr_expect_null(strstr(r->out, "    "));
}

/* Those who need a certificate. */
Test(invite, a_client_with_a_certificate)
{
    expect_run(0, "", "invite acme --to incoming");
    expect_run(0, "", "user change acme --certificate dns:acme.example");
    expect_out(0, "", "invite acme --show", " -u acme --cert YOURS.pem -T ");
    expect_out(0, "", "invite acme --show", "asks for your client certificate");
}

Test(invite, refused)
{
    static const char *const usages[] = {
        "invite acme",
        "invite acme --show --to incoming",
        "invite acme --show --ttl 7d",
        "invite acme --to incoming --format pdf",
        "invite acme --to incoming:nothing",
        "invite acme --to incoming --ttl 7d --expires 2030-01-01",
        "invite acme --to incoming --ttl soon",
        "invite acme bert --to incoming",
        "invite --to incoming",
    };

    for (size_t i = 0; i < sizeof(usages) / sizeof(usages[0]); i++)
        expect_run(EX_USAGE, "", usages[i]);
    expect_err(EX_NOUSER, "", "invite acme --to else", "no share else;");
    expect_err(EX_NOUSER, "", "invite acme --to incoming,", "no share ;");
    expect_err(EX_NOUSER, "", "invite acme --show", "no user acme;");
    expect_err(EX_DATAERR, "", "invite ../a --to incoming", "is a bad name");
    cr_expect_null(strstr(file_text(world.users), "acme"));
    expect_run(0, "", "invite acme --to incoming");
    expect_err(EX_DATAERR, "", "invite acme --to results",
               "is there already; for the letter run: sallyportctl invite acme "
               "--show");
    expect_err(EX_USAGE, "", "invite bert --to incoming:nothing",
               "--to incoming:nothing: expected");
}

/* The name goes into a command line. */
Test(invite, a_certificate_with_odd_names)
{
    struct pki *pki = pki_open(scratch, "ca");

    pki_issue(pki, &(struct pki_leaf){
                       .name = "odd",
                       .names = "DNS:a`id`.example,DNS:<b>.example,DNS:a b,"
                                "DNS:-K.example,DNS:Ftp_2.example",
                   });
    pki_free(pki);
    listen_at("0.0.0.0:21", "odd");
    expect_out(0, "", "invite acme --to incoming",
               "Your access to Ftp_2.example\n");
}

static void ends_one(struct channel *c)
{
    struct message m;

    fake_welcome(c);
    if (fake_hears(c, &m) && m.kind == MSG_users_changed &&
        slice_equal(m.users_changed.verb, SLICE("user add")) &&
        slice_equal(m.users_changed.to,
                    SLICE("acme --role read --share incoming:drop "
                          "--to incoming --format html")))
        FAKE_SAYS(c, &m, ended, .sessions = 1);
}

Test(invite, nothing_but_the_letter_on_standard_output)
{
    const struct run *r;

    fake_begin(ends_one);
    r = expect_run(0, "", "invite acme --to incoming --format html");
    fake_end();
    cr_expect_eq(strncmp(r->out, "<!DOCTYPE html>", 15), 0, "%s", r->out);
    expect_in(r->err, "1 session ended\n");
}
