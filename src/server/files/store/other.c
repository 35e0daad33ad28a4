/* Makes another name for a file whose own name is taken, in the process
 * files. */
#include "files.h"

#include <stdio.h>
#include <string.h>

/* Returns the offset of the extension of NAME; the number goes before the
 * extension. */
static size_t other_stem(const char *name)
{
    static const char tar[] = ".tar";
    const char *dot = strrchr(name, '.');
    size_t len = dot && dot != name ? (size_t)(dot - name) : strlen(name);

    if (dot && len > sizeof(tar) - 1 &&
        memcmp(name + len - (sizeof(tar) - 1), tar, sizeof(tar) - 1) == 0)
        len -= sizeof(tar) - 1;
    return len;
}

/* Writes NAME with AFTER inserted before its extension. If the result would be
 * longer than SIZE - 1 bytes, cuts NAME between characters. */
static void other_put(const char *name, const char *after, char *out,
                      size_t size)
{
    size_t len = strlen(name), room = size - 1 - strlen(after);
    size_t stem = other_stem(name);

    if (len - stem > room / 2) /* too long for an extension */
        stem = len;
    room -= len - stem;
    if (stem < room)
        room = stem;
    while (room < stem && room > 0 &&
           ((unsigned char)name[room] & 0xc0) == 0x80)
        room--; /* within a character of UTF-8 */
    snprintf(out, size, "%.*s%s%s", (int)room, name, after, name + stem);
}

void other_name(const char *name, unsigned n, char *out, size_t size)
{
    char after[16];

    snprintf(after, sizeof(after), " (%u)", n + 1);
    other_put(name, after, out, size);
}

void other_random(const char *name, uint32_t number, char *out, size_t size)
{
    char after[16];

    snprintf(after, sizeof(after), ".%08x", (unsigned)number);
    other_put(name, after, out, size);
}
