/* The other names of a file whose name is taken, in the process files. Pure: it
 * doesn't check whether they are free. */
#include <stdio.h>
#include <string.h>

#include "place.h"

/* Where the extension begins; the number goes before it. */
static size_t place_name_stem(const char *name)
{
    static const char tar[] = ".tar";
    const char *dot = strrchr(name, '.');
    size_t len = dot && dot != name ? (size_t)(dot - name) : strlen(name);

    if (dot && len > sizeof(tar) - 1 &&
        memcmp(name + len - (sizeof(tar) - 1), tar, sizeof(tar) - 1) == 0)
        len -= sizeof(tar) - 1;
    return len;
}

/* How many of the LEN bytes fit into ROOM without cutting a character of UTF-8
 * in two. */
static int place_name_cut(const char *text, size_t len, size_t room)
{
    if (len <= room)
        return (int)len;
    while (room > 0 && ((unsigned char)text[room] & 0xc0) == 0x80)
        room--;
    return (int)room;
}

static void place_name_numbered(const char *name, unsigned n, char *out,
                                size_t size)
{
    size_t stem = place_name_stem(name), room = size - 1;
    const char *end = name + stem;
    char number[16];

    snprintf(number, sizeof(number), " (%u)", n + 1);
    room -= strlen(number);
    if (strlen(end) > room / 2) /* too long for an extension */
        end = "", stem = strlen(name);
    room -= strlen(end);
    snprintf(out, size, "%.*s%s%s", place_name_cut(name, stem, room), name,
             number, end);
}

static void place_name_with_prefix(const char *name, unsigned n, char *out,
                                   size_t size)
{
    char prefix[16] = "new-";

    if (n > 1)
        snprintf(prefix, sizeof(prefix), "new-%u-", n);
    snprintf(out, size, "%s%.*s", prefix,
             place_name_cut(name, strlen(name), size - 1 - strlen(prefix)),
             name);
}

static void place_name_versioned(const char *name, unsigned n, char *out,
                                 size_t size)
{
    char version[16];

    snprintf(version, sizeof(version), ".~%u~", n);
    snprintf(out, size, "%.*s%s",
             place_name_cut(name, strlen(name), size - 1 - strlen(version)),
             name, version);
}

void place_name(enum conflict conflict, enum conflict_name style,
                const char *name, unsigned n, char *out, size_t size)
{
    if (conflict == CONFLICT_VERSION)
        place_name_versioned(name, n, out, size);
    else if (style == CONFLICT_NAME_NEW)
        place_name_with_prefix(name, n, out, size);
    else
        place_name_numbered(name, n, out, size);
}
