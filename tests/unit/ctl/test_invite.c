/* "invite" while a server runs; cases/invite.txt has the letter. */
#include <stdio.h>
#include <string.h>

#include "fake_server.h"
#include "support/pki.h"
#include "world.h"

static void invite_begin(void)
{
    struct pki *pki;

    world_make();
    pki = pki_new(scratch, "ca");
    pki_issue(pki, &(struct pki_leaf){
                       .name = "leaf",
                       .names = "DNS:ftp.example.org",
                   });
    pki_free(pki);
    world_configure("certificate = %s\nlisten = 0.0.0.0:21\n",
                    in_scratch("leaf.pem"));
    expect_run(0, "", "share add incoming");
}

TestSuite(invite, .init = invite_begin, .fini = scratch_remove);

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
    cr_expect(strstr(r->err, "1 session ended\n"), "%s", r->err);
}
