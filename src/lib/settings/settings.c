/* Answers questions of several processes about the settings, and names the line
 * of a mistake that shows only after parsing: a missing file, an unknown
 * account, a port in use. It doesn't depend on the process. */
#include "sallyport/settings/settings.h"

#include <errno.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sallyport/base/slice.h"

const struct settings_listener *settings_listener(const struct settings *s,
                                                  uint64_t number)
{
    static const struct settings_listener none;

    return number < s->listen_count ? &s->listen[number] : &none;
}

bool settings_networks_hold(const struct networks *n, const struct address *a)
{
    for (size_t i = 0; i < n->count; i++)
        if (network_holds(&n->list[i], a))
            return true;
    return false;
}

const struct labelled *settings_find_label(const struct labelled_list *l,
                                           const char *label)
{
    for (size_t i = 0; i < l->count; i++)
        if (strcmp(l->all[i].label, label) == 0)
            return &l->all[i];
    return NULL;
}

bool settings_pair(const struct settings *s, size_t i,
                   struct settings_pair *ret)
{
    const struct labelled *certificate, *key;

    *ret = (struct settings_pair){ s->certificate, s->key };
    if (i == 0)
        return true;
    if (i > s->certificates.count)
        return false;
    certificate = &s->certificates.all[i - 1];
    key = settings_find_label(&s->keys, certificate->label);
    *ret = (struct settings_pair){ certificate->path, key ? key->path : "" };
    return true;
}

void settings_commands(const char *file)
{
    complaint_configuration(strcmp(file, SETTINGS_FILE) == 0 ? "" : file);
}

bool settings_is_default(const char *file)
{
    struct stat own, usual;

    return strcmp(file, SETTINGS_FILE) == 0 ||
           (stat(file, &own) == 0 && stat(SETTINGS_FILE, &usual) == 0 &&
            own.st_dev == usual.st_dev && own.st_ino == usual.st_ino);
}

int settings_control(const char *file, char *out, size_t size)
{
    static const char of_default[] = "/run/sallyport/control";
    const char *slash = strrchr(file, '/');
    int directory = slash ? (int)(slash - file) : 1;
    const char *start = slash ? file : ".";
    int n;

    if (geteuid() == 0 && strcmp(file, SETTINGS_FILE) == 0)
        return slice_copy(SLICE(of_default), out, size);
    n = snprintf(out, size, "%.*s/control", directory, start);
    return n < 0 || (size_t)n >= size ? -ENAMETOOLONG : 0;
}

const struct address *settings_announced(const struct settings *s,
                                         const struct address *client)
{
    const struct announced *best = NULL;

    for (size_t i = 0; i < s->announced_count; i++) {
        const struct announced *t = &s->announced[i];

        if (network_holds(&t->network, client) &&
            (!best || t->network.bits > best->network.bits))
            best = t;
    }
    return best ? &best->address : &s->address;
}

/* Finds the entry of KEY. Each key of the table has an entry. */
static const struct setting_said *settings_said(const struct settings *s,
                                                const char *key)
{
    for (size_t i = 0; i < s->said_count; i++)
        if (strcmp(s->said[i].key, key) == 0)
            return &s->said[i];
    abort();
}

size_t settings_line(const struct settings *s, const char *key)
{
    return settings_said(s, key)->line;
}

bool settings_leave_out_ipv6(struct settings *s)
{
    size_t n = 0;
    int fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0), error = errno;

    if (fd >= 0)
        close(fd);
    if (fd >= 0 || error != EAFNOSUPPORT || settings_line(s, "listen") > 0)
        return false;
    for (size_t i = 0; i < s->listen_count; i++)
        if (s->listen[i].address.family == 4)
            s->listen[n++] = s->listen[i];
    s->listen_count = n;
    return true;
}

int settings_blame(const struct settings *s, const char *key,
                   struct complaint *c, const char *format, ...)
{
    const struct setting_said *said = settings_said(s, key);
    const char *rest = strlen(said->value) > SETTINGS_SHOWN_MAX ? "..." : "";
    char why[COMPLAINT_MAX];
    va_list args;

    va_start(args, format);
    complaint_list(why, sizeof(why), format, args);
    va_end(args);
    if (said->line == 0)
        return complain(c, "%s: %s (default) = %s: %s", s->file, key,
                        said->value, why);
    return complain(c, "%s:%zu: %s = %.*s%s: %s", s->file, said->line, key,
                    SETTINGS_SHOWN_MAX, said->value, rest, why);
}

int settings_blame_labelled(const struct settings *s, const char *key,
                            const struct labelled *one, struct complaint *c,
                            const char *why)
{
    return complain(c, "%s:%zu: %s%s = %s: %s", s->file, one->line, key,
                    one->label, one->path, why);
}

/* Returns WHY of "VALUE: WHY", or NULL. */
static const char *words_about(const struct complaint *c, const char *value)
{
    size_t len = strlen(value);

    return len > 0 && strncmp(c->text, value, len) == 0 &&
                   strncmp(c->text + len, ": ", 2) == 0
               ? c->text + len + 2
               : NULL;
}

void settings_place(const struct settings *s, const char *key,
                    struct complaint *c)
{
    struct complaint old = *c;
    const char *why = words_about(&old, settings_said(s, key)->value);

    if (!why)
        return;
    c->text[0] = '\0';
    settings_blame(s, key, c, "%s", why);
}

static bool blame_path(const struct settings *s, const char *key,
                       const struct labelled_list *l, struct complaint *c)
{
    for (size_t i = 0; i < l->count; i++) {
        struct complaint old = *c;
        const char *why = words_about(&old, l->all[i].path);

        if (!why)
            continue;
        c->text[0] = '\0';
        settings_blame_labelled(s, key, &l->all[i], c, why);
        return true;
    }
    return false;
}

void settings_place_pair(const struct settings *s, struct complaint *c)
{
    settings_place(s, "certificate", c);
    settings_place(s, "key", c);
    settings_place(s, "client_ca", c);
    settings_place(s, "client_crl", c);
    if (!blame_path(s, "certificate.", &s->certificates, c))
        blame_path(s, "key.", &s->keys, c);
}
