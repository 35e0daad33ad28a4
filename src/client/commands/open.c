/* Opens servers by URL, or by the name of a profile. */
#include <stdio.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "commands.h"
#include "sallyport/base/complain.h"

void client_leave(struct client *c)
{
    if (c->open) {
        link_close(&c->link);
        site_close(&c->site);
    }
    c->open = false;
}

int client_open(struct client *c, const struct url *url)
{
    struct failure why;

    client_leave(c);
    if (site_open(&c->site, &c->options, url, &c->link, &why) < 0) {
        link_close(&c->link);
        site_close(&c->site);
        return client_error(url->host, &why);
    }
    snprintf(c->cwd, sizeof(c->cwd), "%s", "");
    c->open = true;
    return 0;
}

bool open_profile_name(const char *word, char *name, size_t size)
{
    const char *colon = strchr(word, ':');
    int len =
        snprintf(name, size, "%.*s", colon ? (int)(colon - word) : 0, word);

    return colon && len > 0 && (size_t)len < size && !strchr(name, '/');
}

/* Reads WORD as "PROFILE:PATH". RET gets the URL of the profile, with PATH
 * joined to the path of that URL. Returns 0; 1: WORD names no profile; -1 with
 * the reason. */
static int open_profile(struct options *o, struct profile *p, const char *word,
                        struct url *ret, struct failure *why)
{
    struct options kept = *o;
    struct complaint bad = { "" };
    char name[PROFILE_NAME_MAX], joined[URL_PATH_MAX];

    if (!open_profile_name(word, name, sizeof(name)))
        return 1;
    if (!p->name[0]) {
        int r = profile_load(p, name, o, why);
        if (r != 0) {
            /* Undo what profile_load() has read: perhaps WORD is a local file
             * with a colon in its name, and another word names a profile. */
            *o = kept;
            buf_clear(&p->text);
            return r;
        }
    }
    if (strcmp(p->name, name) != 0)
        return 1;
    const char *path = strchr(word, ':') + 1;
    if (!p->url)
        return fail(why, EX_CONFIG, "profile %s has no url", p->name);
    if (url_parse(p->url, ret, &bad) < 0)
        return fail(why, EX_CONFIG, "profile %s: %s", p->name, bad.text);
    if (url_join(ret->path, path, joined) < 0)
        return fail(why, EX_USAGE, "%s: the name is too long", path);
    memcpy(ret->path, joined, sizeof(joined));
    ret->pattern.ended |= path[0] != '\0';
    for (const char *at = path; *at; at++)
        url_pattern_add(&ret->pattern, *at, false);
    ret->directory = !joined[0] || !path[0] || path[strlen(path) - 1] == '/';
    return 0;
}

int open_target(struct options *o, struct profile *p, const char *word,
                struct url *ret, struct failure *why)
{
    size_t letters = strspn(word, "abcdefghijklmnopqrstuvwxyz+");
    bool is_url = letters > 0 && strncmp(word + letters, "://", 3) == 0;
    struct complaint bad = { "" };

    int r = !is_url ? open_profile(o, p, word, ret, why)
            : url_parse(word, ret, &bad) < 0
                ? fail(why, EX_USAGE, "%s", bad.text)
                : 0;
    /* A key without its certificate would be ignored: the server would get no
     * certificate. */
    return r == 0 && o->key && !o->cert
               ? fail(why, EX_USAGE,
                      "--key needs --cert FILE, the certificate of this key")
               : r;
}

int open_session(struct client *c, const struct url *url)
{
    options_fix_files(&c->options);
    int code = client_open(c, url);

    if (code == 0)
        code = passwd_demanded(c);
    memcpy(c->cwd, url->path, sizeof(c->cwd));
    return code;
}

void open_greet(const struct client *c)
{
    const char *trust = c->site.trust.pin[0] ? "its key"
                        : c->options.cacert  ? "its CA in --cacert"
                                             : "a CA of this machine";

    if (!c->interactive || !isatty(STDIN_FILENO))
        return;
    if (c->open)
        progress_note("%s@%s:/%s, %s, trusted by %s. Type help for the "
                      "commands, bye to leave.",
                      c->site.url.user, c->site.url.host, c->cwd,
                      c->link.version, trust);
    else
        progress_note("No server is open. Type open ftps://USER@HOST, help for "
                      "the commands, or bye to leave.");
}

/* Opens another server. Closes the current server only after the URL and the
 * options of the next server were read. */
int cmd_open(struct client *c, struct word *w, int n)
{
    struct options options = c->given;
    struct profile next;
    struct failure why;
    struct url url;

    (void)n;
    profile_init(&next);
    int r = open_target(&options, &next, w[0].text, &url, &why);
    if (r == 1)
        r = strchr(w[0].text, ':')
                ? fail(&why, EX_USAGE, "there is no such profile")
                : fail(&why, EX_USAGE,
                       "write ftps://USER@HOST, or a profile's name with a "
                       "colon");
    if (r < 0) {
        buf_release(&next.text);
        return client_error(w[0].text, &why);
    }
    client_leave(c);
    buf_release(&c->profile.text);
    c->profile = next;
    c->options = options;
    int code = open_session(c, &url);
    if (code == 0)
        open_greet(c);
    return code;
}
