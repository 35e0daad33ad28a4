/* Opens servers: by URL, or by the name of a profile. */
#include <stdio.h>
#include <string.h>
#include <sysexits.h>

#include "client.h"

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

void client_leave(struct client *c)
{
    if (c->open) {
        link_close(&c->link);
        site_close(&c->site);
    }
    c->open = false;
}

/* Is WORD of the form "PROFILE:PATH"? Then NAME gets the part before the
 * colon. */
static bool open_profile_name(const char *word, char *name, size_t size)
{
    const char *colon = strchr(word, ':');
    int len =
        snprintf(name, size, "%.*s", colon ? (int)(colon - word) : 0, word);

    return colon && len > 0 && (size_t)len < size && !strchr(name, '/');
}

bool open_is_profile(const char *word)
{
    char name[PROFILE_NAME_MAX];

    return open_profile_name(word, name, sizeof(name));
}

/* Builds the profile's URL with PATH joined to its own path. */
static int open_profile_url(const struct profile *p, const char *path,
                            struct url *ret, struct failure *why)
{
    char joined[URL_PATH_MAX];
    struct complaint bad = { "" };

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

/* Returns 0 or 1: WORD is no profile; -1 with the reason. */
static int open_profile(struct options *o, struct profile *p, const char *word,
                        struct url *ret, struct failure *why)
{
    struct options kept = *o;
    char name[PROFILE_NAME_MAX];

    if (!open_profile_name(word, name, sizeof(name)))
        return 1;
    if (!p->name[0]) {
        int r = profile_load(p, name, o, why);
        if (r != 0) {
            /* This word is a local file whose name has a colon. Another word
             * may be a profile. */
            *o = kept;
            buf_clear(&p->text);
            return r;
        }
    }
    if (strcmp(p->name, name) != 0)
        return 1;
    return open_profile_url(p, strchr(word, ':') + 1, ret, why);
}

int open_target(struct options *o, struct profile *p, const char *word,
                struct url *ret, struct failure *why)
{
    struct complaint bad = { "" };

    if (!url_is(word))
        return open_profile(o, p, word, ret, why);
    return url_parse(word, ret, &bad) < 0 ? fail(why, EX_USAGE, "%s", bad.text)
                                          : 0;
}

/* A key without its certificate would be ignored: the server would get no
 * certificate. */
int open_check(const struct options *o, struct failure *why)
{
    return o->key && !o->cert
               ? fail(why, EX_USAGE,
                      "--key needs --cert FILE, the certificate of this key")
               : 0;
}

/* This server stays open until the next one is known completely. */
int cmd_open(struct client *c, struct word *w, int n)
{
    struct profile next;
    struct failure why;
    struct url url;

    (void)n;
    profile_init(&next);
    int r = open_target(&c->options, &next, w[0].text, &url, &why);
    if (r == 1)
        r = strchr(w[0].text, ':')
                ? fail(&why, EX_USAGE, "there is no such profile")
                : fail(&why, EX_USAGE,
                       "write ftps://USER@HOST, or a profile's name with a "
                       "colon");
    if (r == 0)
        r = open_check(&c->options, &why);
    if (r == 0 && options_keep(&c->options, &c->given, c->kept) < 0)
        r = fail(&why, EX_OSERR, "out of memory");
    if (r < 0) {
        profile_release(&next);
        return client_error(w[0].text, &why);
    }
    client_leave(c);
    profile_release(&c->profile);
    c->profile = next;
    c->reopened = true;
    int code = client_open(c, &url);
    if (code == 0)
        memcpy(c->cwd, url.path, sizeof(c->cwd));
    return code;
}
