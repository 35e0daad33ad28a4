/* The command passwd: the user's password, by SITE PSWD. It asks for the
 * passwords on the terminal, and nowhere else. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>

#include "client.h"

/* Writes the password in quotes; a quote in it is doubled. */
static void passwd_quote(const struct secret *s, char out[2 * SECRET_MAX + 3])
{
    *out++ = '"';
    for (size_t i = 0; i < s->len; i++) {
        if (s->bytes[i] == '"')
            *out++ = '"';
        *out++ = s->bytes[i];
    }
    memcpy(out, "\"", 2);
}

static int passwd_ask(const char *which, const struct url *url,
                      struct secret *ret, struct failure *why)
{
    char prompt[2 * URL_PART_MAX + 64];

    snprintf(prompt, sizeof(prompt), "%s password of %s at %s: ", which,
             url->user, url->host);
    int r = tty_secret(prompt, ret);
    if (r == -ENOTTY)
        return fail(why, EX_USAGE, "asks for passwords on a terminal only");
    return r < 0 ? fail(why, EX_TEMPFAIL, "no password was given") : 0;
}

static int passwd_ask_all(const struct url *url, struct secret *old,
                          struct secret *new, struct failure *why)
{
    SECRET_CLEANUP struct secret again = { 0 };

    if (passwd_ask("Old", url, old, why) < 0 ||
        passwd_ask("New", url, new, why) < 0 ||
        passwd_ask("Again: new", url, &again, why) < 0)
        return -1;
    if (again.len != new->len ||
        !secret_equal(again.bytes, new->bytes, new->len))
        return fail(why, EX_DATAERR, "the two new passwords differ");
    return 0;
}

int cmd_passwd(struct client *c, struct word *w, int n)
{
    SECRET_CLEANUP struct secret old = { 0 }, new = { 0 };
    char quoted[2][2 * SECRET_MAX + 3];
    struct failure why;

    (void)w;
    (void)n;
    int r = passwd_ask_all(&c->site.url, &old, &new, &why);
    if (r == 0) {
        passwd_quote(&old, quoted[0]);
        passwd_quote(&new, quoted[1]);
        r = link_command(&c->link, &why, "SITE PSWD %s %s", quoted[0],
                         quoted[1]);
        explicit_bzero(quoted, sizeof(quoted));
        link_wipe(&c->link);
    }
    if (r < 0)
        return client_error("passwd", &why);
    c->site.password = new; /* for the next connection of this session */
    progress_note("the password is changed");
    return 0;
}
