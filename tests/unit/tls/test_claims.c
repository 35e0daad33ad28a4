/* What a client's certificate says of its owner: no two subjects in the same
 * words, whatever blanks and backslashes they have. */
#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "fixture.h"
#include "sallyport/tls/client.h"
#include "support/pki.h"

static char folder[64];
static struct pki *pki;

static void set_up(void)
{
    strcpy(folder, "/tmp/sallyport-claims-XXXXXX");
    cr_assert(mkdtemp(folder));
    pki = pki_new(folder, "ca");
}

static void tear_down(void)
{
    char command[128];

    pki_free(pki);
    snprintf(command, sizeof(command), "rm -rf %s", folder);
    cr_assert_eq(system(command), 0);
}

TestSuite(claims, .init = set_up, .fini = tear_down);

static struct tls_context *make_context(void)
{
    struct tls_context *t = context_make();
    struct complaint c = { "" };
    const struct tls_clients from = {
        CLIENTS_REQUIRE, open(pki_path(pki, "ca.pem"), O_RDONLY | O_CLOEXEC),
        -1, "ca.pem", NULL
    };

    cr_assert_eq(tls_context_clients(t, &from, &c), 0, "%s", c.text);
    close(from.ca_fd);
    return t;
}

/* A handshake in which "anna" is shown. */
static void open_line(struct line *l, struct peer *p)
{
    line_open(l, CONTROL, 0);
    l->context = make_context();
    cr_assert_eq(stream_secure(l->s, l->context, STREAM_CONTROL), 0);
    p->play = play_nothing;
    p->options.certificate = pki_path(pki, "anna.pem");
    p->options.key = pki_path(pki, "anna.key");
    peer_start(p, l);
    cr_assert_eq(line_handshake(l), STREAM_OK, "%s", stream_cause(l->s));
}

static void close_line(struct line *l, struct peer *p)
{
    shutdown(l->near, SHUT_RDWR);
    peer_join(p);
    line_close(l);
}

static const struct {
    const char *cn, *line;
} subjects[] = {
    { " anna", "subject:CN=\\20anna\n" },
    { "\\20anna", "subject:CN=\\\\20anna\n" },
    { "anna ", "subject:CN=anna\\20\n" },
    { "anna\\20", "subject:CN=anna\\\\20\n" },
    { "a b", "subject:CN=a\\20b\n" },
    { "a\\ b", "subject:CN=a\\\\\\20b\n" },
    { " ", "subject:CN=\\20\n" },
    { "a;b", "subject:CN=a\\3Bb\n" },
    { "a\\;b", "subject:CN=a\\\\\\3Bb\n" },
    { "a\\3Bb", "subject:CN=a\\\\3Bb\n" },
    { "anna\\", "subject:CN=anna\\\\\n" },
    { "#anna", "subject:CN=\\#anna\n" },
    { "a\",+<>b", "subject:CN=a\\\"\\,\\+\\<\\>b\n" },
};

Test(claims, subjects)
{
    for (size_t i = 0; i < sizeof(subjects) / sizeof(subjects[0]); i++) {
        struct peer p = { .play = NULL };
        struct slice rest, line;
        struct buf claims;
        struct line l;

        pki_issue(pki, &(struct pki_leaf){ .name = "anna",
                                           .subject = subjects[i].cn });
        open_line(&l, &p);
        buf_init(&claims, CLIENT_CLAIMS_MAX);
        cr_assert_eq(stream_claims(l.s, &claims), 0);
        rest = buf_slice(&claims);
        slice_cut(&rest, '\n', &line); /* the fingerprint */
        cr_expect(slice_equal(rest, slice_from(subjects[i].line)), "'%s': %.*s",
                  subjects[i].cn, (int)rest.len, rest.ptr);
        buf_release(&claims);
        close_line(&l, &p);
    }
}
