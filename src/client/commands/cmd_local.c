/* Commands of a session that transfer nothing: directories, status, help, the
 * local shell, the end. */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "client.h"

int cmd_cd(struct client *c, struct word *w, int n)
{
    const char *path = n > 0 ? w[0].path : "";
    struct failure why;
    struct listing_entry e;
    enum presence r = remote_stat_named(&c->link, path, &e, &why);

    if (r == PRESENT && e.kind != ENTRY_DIRECTORY)
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
    const char *hash = c->options.no_verify ? NULL : s->hash;
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
               hash                   ? hash
               : c->options.no_verify ? "off"
                                      : "the server has none",
               (unsigned long long)c->options.parallel);
    if (c->open &&
        link_command(&c->link, &why, "SITE QUOTA%s%s", c->cwd[0] ? " " : "",
                     c->cwd) == 0 &&
        (quota = strstr(c->link.text, form)))
        printf("quota: %s\n",
               show_text(quota + strlen(form), safe, sizeof(safe)));
    return 0;
}

/* Prints help. On the command line also for commands that only a session
 * has. */
int cmd_help(struct client *c, struct word *w, int n)
{
    unsigned mode = c->interactive ? IN_SHELL : ONE_SHOT;
    const struct client_command *row =
        n > 0 ? commands_find(w[0].text, mode) : NULL;

    if (n > 0 && !row) {
        mode = IN_SHELL;
        row = commands_find(w[0].text, mode);
    }
    if (n > 0 && !row)
        return command_unknown(w[0].text, c->interactive ? IN_SHELL : ONE_SHOT);
    return help_print(row, mode);
}

int cmd_bye(struct client *c, struct word *w, int n)
{
    (void)w;
    (void)n;
    c->leave = true;
    return 0;
}
