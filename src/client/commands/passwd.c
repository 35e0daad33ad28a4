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

static int passwd_ask_new(const struct url *url, struct secret *new,
                          struct failure *why)
{
    SECRET_CLEANUP struct secret again = { 0 };

    if (passwd_ask("New", url, new, why) < 0 ||
        passwd_ask("Again: new", url, &again, why) < 0)
        return -1;
    if (again.len != new->len ||
        !secret_equal(again.bytes, new->bytes, new->len))
        return fail(why, EX_DATAERR, "the two new passwords differ");
    return 0;
}

static int passwd_send(struct link *l, const struct secret *old,
                       const struct secret *new, struct failure *why)
{
    char quoted[2][2 * SECRET_MAX + 3];
    struct retry retry = { 0 };
    int r;

    passwd_quote(old, quoted[0]);
    passwd_quote(new, quoted[1]);
    do {
        r = link_command(l, why, "SITE PSWD %s %s", quoted[0], quoted[1]);
        link_wipe(l);
        /* 450: another user's change is being written, and nothing has changed.
         * After a cut that isn't known. */
    } while (r < 0 && why->reply == 450 &&
             link_again(l, &retry, "passwd", why));
    explicit_bzero(quoted, sizeof(quoted));
    return r;
}

/* Changes the password. If OLD is empty, asks the user for it. */
static int passwd_change(struct client *c, struct secret *old)
{
    SECRET_CLEANUP struct secret new = { 0 };
    struct failure why;

    if ((old->len == 0 && passwd_ask("Old", &c->site.url, old, &why) < 0) ||
        passwd_ask_new(&c->site.url, &new, &why) < 0 ||
        passwd_send(&c->link, old, &new, &why) < 0)
        return client_error("passwd", &why);
    c->site.password = new; /* for the next connection of this session */
    c->link.must_change = false;
    c->link.renew = true;
    /* A stored password isn't changed: only the user knows which programs read
     * it. */
    if (!c->site.place)
        progress_note("the password is changed");
    else
        progress_note("the password is changed; %s still has the old one, so "
                      "write the new one there",
                      c->site.place);
    return 0;
}

/* Doesn't ask again for a password that the user has just typed. */
int cmd_passwd(struct client *c, struct word *w, int n)
{
    SECRET_CLEANUP struct secret old = { 0 };

    (void)w;
    (void)n;
    if (!c->interactive && c->site.typed)
        old = c->site.password;
    return passwd_change(c, &old);
}

int passwd_demanded(struct client *c)
{
    SECRET_CLEANUP struct secret old = c->site.password;

    if (!c->link.must_change)
        return 0;
    if (!tty_there() || c->options.json)
        return client_refuse(c->site.url.host, EX_NOPERM,
                             "the server wants a new password before anything "
                             "else; on a terminal run sallyport passwd with "
                             "the same URL and options");
    progress_note("%s wants a new password before anything else.",
                  c->site.url.host);
    return passwd_change(c, &old);
}
