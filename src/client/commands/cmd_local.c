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

/* JSON has null if there is no quota, or the server doesn't say. */
int cmd_status(struct client *c, struct word *w, int n)
{
    const struct site *s = &c->site;
    const char *tls = s->url.implicit ? "implicit" : "explicit";
    const char *hash = c->options.no_verify ? NULL : s->hash;
    char limit[SHOW_SIZE_MAX], used[SHOW_SIZE_MAX];
    struct remote_quota q = { 0 };

    (void)w;
    (void)n;
    bool some = c->open && remote_quota(&c->link, c->cwd, &q);
    if (c->options.json && !c->open)
        event_print(json_pack("{s:b}", "open", 0));
    else if (c->options.json)
        event_print(json_pack(
            "{s:b, s:o, s:o, s:i, s:s, s:s, s:s?, s:I, s:o}", "open", 1, "user",
            event_text(s->url.user), "host", event_text(s->url.host), "port",
            (int)s->url.port, "tls", tls, "trusted_by",
            s->trust.pin[0] ? "key" : "ca", "checksums", hash, "parallel",
            (json_int_t)c->options.parallel, "quota",
            some ? json_pack("{s:I, s:I, s:I, s:I}", "bytes",
                             (json_int_t)q.bytes, "bytes_used",
                             (json_int_t)q.bytes_used, "files",
                             (json_int_t)q.files, "files_used",
                             (json_int_t)q.files_used)
                 : json_null()));
    else if (!c->open)
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
    if (!c->options.json && q.bytes > 0)
        printf("quota: %s, %s used\n", show_size(q.bytes, limit),
               show_size(q.bytes_used, used));
    if (!c->options.json && q.files > 0)
        printf("quota: %llu files, %llu used\n", (unsigned long long)q.files,
               (unsigned long long)q.files_used);
    return 0;
}

int cmd_shell(struct client *c, struct word *w, int n)
{
    (void)c;
    (void)w;
    (void)n;
    return shell_local("");
}

/* The command line also explains the commands that only a session has. */
int cmd_help(struct client *c, struct word *w, int n)
{
    unsigned mode = c->interactive ? IN_SHELL : ONE_SHOT;
    const struct client_command *row =
        n > 0 ? command_find(w[0].text, mode) : NULL;

    if (n > 0 && !row) {
        mode = IN_SHELL;
        row = command_find(w[0].text, mode);
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
