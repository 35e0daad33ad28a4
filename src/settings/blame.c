/* Finds the wrong line of the configuration, for mistakes that show only after
 * the parser: a missing file, an unknown account, a port in use. Runs in master
 * at its start and in other programs that check settings. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sallyport/settings/settings.h"

/* Finds the entry of KEY; there is one for each key of the table. */
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

int settings_blame(const struct settings *s, const char *key,
                   struct complaint *c, const char *format, ...)
{
    const struct setting_said *said = settings_said(s, key);
    char why[COMPLAINT_MAX];
    va_list args;

    va_start(args, format);
    vsnprintf(why, sizeof(why), format, args);
    va_end(args);
    if (said->line == 0)
        return complain(c, "%s: %s (default) = %s: %s", s->file, key,
                        said->value, why);
    return complain(c, "%s:%zu: %s = %s: %s", s->file, said->line, key,
                    said->value, why);
}

int settings_blame_labelled(const struct settings *s, const char *key,
                            const struct labelled *one, struct complaint *c,
                            const char *why)
{
    return complain(c, "%s:%zu: %s%s = %s: %s", s->file, one->line, key,
                    one->label, one->path, why);
}

void settings_place(const struct settings *s, const char *key,
                    struct complaint *c)
{
    const char *value = settings_said(s, key)->value;
    struct complaint old = *c;
    size_t len = strlen(value);

    if (len == 0 || strncmp(old.text, value, len) != 0 ||
        strncmp(old.text + len, ": ", 2) != 0)
        return;
    c->text[0] = '\0';
    settings_blame(s, key, c, "%s", old.text + len + 2);
}

static bool blame_path(const struct settings *s, const char *key,
                       const struct labelled_list *l, struct complaint *c)
{
    for (size_t i = 0; i < l->count; i++) {
        size_t len = strlen(l->all[i].path);
        struct complaint old = *c;

        if (strncmp(old.text, l->all[i].path, len) != 0 ||
            strncmp(old.text + len, ": ", 2) != 0)
            continue;
        c->text[0] = '\0';
        settings_blame_labelled(s, key, &l->all[i], c, old.text + len + 2);
        return true;
    }
    return false;
}

void settings_place_pair(const struct settings *s, struct complaint *c)
{
    settings_place(s, "certificate", c);
    settings_place(s, "key", c);
    settings_place(s, "ocsp_file", c);
    settings_place(s, "client_ca", c);
    settings_place(s, "client_crl", c);
    if (!blame_path(s, "certificate.", &s->certificates, c) &&
        !blame_path(s, "key.", &s->keys, c))
        blame_path(s, "ocsp_file.", &s->ocsp_files, c);
}
