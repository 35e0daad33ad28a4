/* Which line of the configuration is wrong, for mistakes that show only after
 * the parser: a missing file, an unknown account, a port in use. Pure. Runs in
 * master at its start and wherever settings are checked. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "kinds.h"

#define VALUE_MAX 1200 /* a path, or the beginning of a list */

/* The value, as settings_dump() would write it. */
static void value_text(const struct settings *s, const struct setting *row,
                       char out[VALUE_MAX])
{
    struct buf text;

    out[0] = '\0';
    buf_init(&text, VALUE_MAX - 1);
    if (setting_kinds[row->type].show((const char *)s + row->offset, &text) ==
        0)
        slice_copy(buf_slice(&text), out, VALUE_MAX);
    buf_release(&text);
}

size_t settings_line(const struct settings *s, const char *key)
{
    return s->line[table_find(slice_from(key)) - setting_table];
}

int settings_blame(const struct settings *s, const char *key,
                   struct complaint *c, const char *format, ...)
{
    const struct setting *row = table_find(slice_from(key));
    size_t line = settings_line(s, key);
    char value[VALUE_MAX], why[COMPLAINT_MAX];
    va_list args;

    va_start(args, format);
    vsnprintf(why, sizeof(why), format, args);
    va_end(args);
    value_text(s, row, value);
    if (line == 0)
        return complain(c, "%s: %s (default) = %s: %s", s->file, key, value,
                        why);
    return complain(c, "%s:%zu: %s = %s: %s", s->file, line, key, value, why);
}

void settings_place(const struct settings *s, const char *key,
                    struct complaint *c)
{
    struct complaint old = *c;
    char value[VALUE_MAX];
    size_t len;

    value_text(s, table_find(slice_from(key)), value);
    len = strlen(value);
    if (len == 0 || strncmp(old.text, value, len) != 0 ||
        strncmp(old.text + len, ": ", 2) != 0)
        return;
    c->text[0] = '\0';
    settings_blame(s, key, c, "%s", old.text + len + 2);
}
