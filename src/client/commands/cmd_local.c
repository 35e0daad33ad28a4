/* The commands cd, lcd, pwd, status, bye and passwd. */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "commands.h"

int cmd_cd(struct client *c, struct word *w, int n)
{
    const char *path = n > 0 ? w[0].path : "";
    struct failure why;
    struct listing_entry e;
    enum presence r = remote_look(&c->link, path, LOOK_KIND, &e, &why);

    if (r == PRESENT && e.kind != LISTED_DIRECTORY)
        r = ABSENT;
    if (r == ABSENT)
        fail(&why, EX_NOINPUT, "there is no such directory");
    if (r != PRESENT)
        return client_error(path, &why);
    snprintf(c->cwd, sizeof(c->cwd), "%s", path);
    return 0;
}

int cmd_lcd(struct client *c, struct word *w, int n)
{
    const char *home = getenv("HOME");
    char path[PATH_MAX];
    const char *to = n > 0 ? w[0].text : "~";
    struct failure why;

    (void)c;
    if (to[0] == '~' && (to[1] == '\0' || to[1] == '/') && home) {
        snprintf(path, sizeof(path), "%s%s", home, to + 1);
        to = path;
    }
    if (chdir(to) == 0)
        return 0;
    fail_errno(&why, errno, to);
    return client_error("lcd", &why);
}

int cmd_pwd(struct client *c, struct word *w, int n)
{
    char path[URL_PATH_MAX + 1], safe[URL_PATH_MAX];

    (void)w;
    (void)n;
    snprintf(path, sizeof(path), "/%s", c->cwd);
    if (c->options.json)
        event_print(json_pack("{s:o}", "path", event_text(path)));
    else
        puts(show_text(path, safe, sizeof(safe)));
    return 0;
}

int cmd_status(struct client *c, struct word *w, int n)
{
    const struct site *s = &c->site;
    const char *tls = s->url.implicit ? "implicit" : "explicit";
    static const char form[] = "Quota: ";
    char safe[SHOW_MAX], *quota;
    struct failure why;

    (void)w;
    (void)n;
    if (c->options.json)
        return client_refuse("status", EX_USAGE, "has no JSON");
    if (!c->open)
        puts("no server is open");
    else
        printf("%s@%s port %u, %s TLS\ntrusted by: %s\nchecksums: %s\n"
               "parallel: %llu\n",
               s->url.user, s->url.host, s->url.port, tls,
               s->trust.pin[0] ? "its key" : "its CA",
               c->options.no_verify ? "off" : s->hash,
               (unsigned long long)c->options.parallel);
    if (c->open &&
        link_command(&c->link, &why, "SITE QUOTA%s%s", c->cwd[0] ? " " : "",
                     c->cwd) == 0 &&
        (quota = strstr(c->link.text, form)))
        printf("quota: %s\n",
               show_text(quota + strlen(form), safe, sizeof(safe)));
    return 0;
}

int cmd_bye(struct client *c, struct word *w, int n)
{
    (void)w;
    (void)n;
    c->leave = true;
    return 0;
}

/* The command passwd changes the user's password, by SITE PSWD. It asks for
 * passwords on the terminal only. */

/* Writes the password in quotes, and doubles each quote in the password. */
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
    return r < 0 ? tty_blame(r, why) : 0;
}

/* Changes the password. If OLD is empty, asks the user for it. */
static int passwd_change(struct client *c, struct secret *old)
{
    SECRET_CLEANUP struct secret new = { 0 }, again = { 0 };
    char quoted[2][2 * SECRET_MAX + 3];
    struct link *l = &c->link;
    struct retry retry = { 0 };
    struct failure why;
    int r;

    if ((old->len == 0 && passwd_ask("Old", &c->site.url, old, &why) < 0) ||
        passwd_ask("New", &c->site.url, &new, &why) < 0 ||
        passwd_ask("Again: new", &c->site.url, &again, &why) < 0)
        return client_error("passwd", &why);
    if (again.len != new.len || !secret_equal(again.bytes, new.bytes, new.len))
        return client_refuse("passwd", EX_DATAERR,
                             "the two new passwords differ");
    passwd_quote(old, quoted[0]);
    passwd_quote(&new, quoted[1]);
    do {
        r = link_command(l, &why, "SITE PSWD %s %s", quoted[0], quoted[1]);
        link_wipe(l);
        /* 450: the server is writing another user's change, and hasn't changed
         * this password. */
    } while (r < 0 && why.reply == 450 &&
             link_again(l, &retry, "passwd", &why));
    explicit_bzero(quoted, sizeof(quoted));
    if (r < 0 && why.lost && l->state == LINK_IN)
        fail_add(&why, "; the password may have changed, so try the new one "
                       "first");
    if (r < 0)
        return client_error("passwd", &why);
    c->site.password = new; /* for the next connection of this session */
    l->must_change = false;
    l->renew = true;
    /* Don't change a stored password: only the user knows which programs read
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
                             "you must change the password first; on a "
                             "terminal run: sallyport passwd, with the same "
                             "URL and options");
    progress_note("%s: you must change the password first", c->site.url.host);
    return passwd_change(c, &old);
}
