/* "invite" while a server runs; cases/invite.txt has the rest of the letter. */
#include "played.h"
#include "support/run.h"
#include "world.h"

static void invite_begin(void)
{
    world_make();
    world_configure("listen = 0.0.0.0:21\n");
    expect_run(0, "", "share add incoming");
}

TestSuite(invite, .init = invite_begin, .fini = scratch_remove);

static const struct run *invited(const char *name, const char *own,
                                 const char *words)
{
    const struct run *r;
    char script[1024], row[256];

    snprintf(row, sizeof(row),
             "-> ROW +certificates file=/c.pem name=%s ?self_signed=%s "
             "sha256=AB:CD pin=sha256//",
             name, own);
    snprintf(script, sizeof(script),
             "ON users_changed verb=\"user add\" to=\"acme --role read --share "
             "incoming:drop\" -> control_done sessions=1\n"
             "ON show -> ROW all state=running\n %sx+/= %sy -> end\n",
             row, row);
    played_server(script);
    r = expect_run(0, "", words);
    played_end();
    return r;
}

#define URL "ftp://ftp.example.org/incoming/\n"

/* The letter has a command with the pin, too, which works if the client doesn't
 * know the CA. */
Test(invite, what_the_server_says)
{
    const struct run *r =
        invited("ftp.example.org", "0", "invite acme --share incoming:drop");

    cr_expect_eq(strncmp(r->out, "Your access to ftp.example.org\n", 31), 0,
                 "%s", r->out);
    cr_expect(strstr(r->out, "    certificate    SHA-256 AB:CD\n"), "%s",
              r->out);
    cr_expect(strstr(r->out, "    curl --ssl-reqd -u acme -T FILE " URL), "%s",
              r->out);
    cr_expect(strstr(r->out, "    curl --ssl-reqd -k --pinnedpubkey "
                             "\"sha256//x+/=;sha256//y\" -u acme -T FILE " URL),
              "%s", r->out);
    cr_expect(strstr(r->err, "1 session ended\n"), "%s", r->err);
}

Test(invite, a_certificate_of_its_own)
{
    const struct run *r =
        invited("ftp.example.org", "1", "invite acme --share incoming:drop");

    cr_expect_not(strstr(r->out, "curl --ssl-reqd -u"), "%s", r->out);
    cr_expect(strstr(r->out, "-k --pinnedpubkey"), "%s", r->out);
}

/* Other networks can't reach a name without a dot, so the letter doesn't have
 * it. */
Test(invite, a_name_without_a_dot)
{
    const struct run *r =
        invited("drop", "1", "invite acme --share incoming:drop");

    cr_expect(strstr(r->out, "Your access to ________\n"), "%s", r->out);
    cr_expect(strstr(r->err, "no certificate has a full host name"), "%s",
              r->err);
}

/* Splits the line as Windows' programs do, which know only double quotes: one
 * word in each line. */
static void split_windows(const char *line, char *out)
{
    for (bool quoted = false; *line; line++)
        if (*line == '"')
            quoted = !quoted;
        else
            *out++ = *line == ' ' && !quoted ? '\n' : *line;
    strcpy(out, "\n");
}

Test(invite, each_shell_reads_the_same_words)
{
    static const char *const shells[] = { "/bin/sh", "/bin/bash" };
    const struct run *r =
        invited("ftp.example.org", "0", "invite acme --share incoming:drop");
    char text[WORLD_TEXT], words[WORLD_TEXT];
    size_t lines = 0;

    snprintf(text, sizeof(text), "%s", r->out);
    for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n"))
        for (size_t i = 0; i < 2 && strstr(line, "    curl --"); i++, lines++) {
            char script[1024];
            struct run_result words_of;

            split_windows(line + 4, words);
            snprintf(script, sizeof(script), "printf '%%s\n' %s", line + 4);
            run(&words_of, NULL, shells[i], "-c", script, NULL);
            cr_expect_str_eq(words_of.text, words, "%s", shells[i]);
            run_release(&words_of);
        }
    cr_expect_eq(lines, 4);
}
