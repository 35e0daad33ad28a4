/* Reads the file of profiles. */
#include <stdio.h>
#include <string.h>
#include <sysexits.h>

#include "options.h"
#include "sallyport/base/slice.h"

#define PROFILE_FILE_MAX 65536

void profile_init(struct profile *p)
{
    *p = (struct profile){ 0 };
    buf_init(&p->text, PROFILE_FILE_MAX);
}

/* Removes blanks at both ends; changes the text in place. */
static char *profile_trim(char *text)
{
    text += strspn(text, " \t");
    size_t len = strlen(text);
    while (len > 0 && strchr(" \t\r", text[len - 1]))
        text[--len] = '\0';
    return text;
}

static int profile_setting(struct profile *p, enum option_source source,
                           char *line, struct options *o, struct complaint *c)
{
    char *equals = strchr(line, '=');

    if (!equals)
        return complain(c, "expected key = value");
    *equals = '\0';
    char *key = profile_trim(line), *value = profile_trim(equals + 1);
    if (strcmp(key, "url") == 0) {
        if (source == OPTION_FROM_PROFILE)
            p->url = value;
        return source == OPTION_FROM_PROFILE
                   ? 0
                   : complain(c, "[default] takes no url");
    }
    return options_set(o, source, key, value, c);
}

/* Is the line the head of a section? Then *in gets the source of its settings;
 * OPTION_FROM_NOWHERE for a section of another name. */
static bool profile_section(char *line, const char *name,
                            enum option_source *in, bool *found)
{
    size_t len = strlen(line);

    if (line[0] != '[' || line[len - 1] != ']')
        return false;
    line[len - 1] = '\0';
    bool ours = strcmp(line + 1, name) == 0;
    *in = ours                               ? OPTION_FROM_PROFILE
          : strcmp(line + 1, "default") == 0 ? OPTION_FROM_DEFAULT
                                             : OPTION_FROM_NOWHERE;
    *found |= ours;
    return true;
}

int profile_load(struct profile *p, const char *name, struct options *o,
                 struct failure *why)
{
    char place[PATH_MAX];
    const char *path = o->config ? o->config : place;
    struct complaint c = { "" };
    enum option_source in = OPTION_FROM_NOWHERE;
    bool found = false;
    int number = 0;

    if (!o->config &&
        private_place("XDG_CONFIG_HOME", ".config", "config", place) < 0)
        return 1;
    int r = private_read(path, false, o->config, &p->text, why);
    if (r != 0 || buf_add(&p->text, "", 1) < 0)
        return r;
    for (char *line = p->text.data, *end; line; line = end) {
        end = strchr(line, '\n');
        if (end)
            *end++ = '\0';
        number++;
        line = profile_trim(line);
        if (!line[0] || line[0] == '#' || line[0] == ';' ||
            profile_section(line, name, &in, &found) ||
            in == OPTION_FROM_NOWHERE)
            continue;
        if (profile_setting(p, in, line, o, &c) < 0)
            return fail(why, EX_CONFIG, "%s:%d: %s", path, number, c.text);
    }
    if (found)
        snprintf(p->name, sizeof(p->name), "%s", name);
    return found ? 0 : 1;
}
