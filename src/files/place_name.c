/* The other names of a file whose name is taken, in the process files. Pure: it
 * doesn't look whether they are free. */
#include <stdio.h>
#include <string.h>

#include "place.h"

/* Where the extension begins that a number goes in front of. */
static size_t stem_length(const char *name)
{
    static const char tar[] = ".tar";
    const char *dot = strrchr(name, '.');
    size_t len = dot && dot != name ? (size_t)(dot - name) : strlen(name);

    if (dot && len > sizeof(tar) - 1 &&
        memcmp(name + len - (sizeof(tar) - 1), tar, sizeof(tar) - 1) == 0)
        len -= sizeof(tar) - 1;
    return len;
}

/* How much of the LEN bytes stays when only ROOM are there; a character of
 * UTF-8 isn't cut in two. */
static int cut(const char *text, size_t len, size_t room)
{
    if (len <= room)
        return (int)len;
    while (room > 0 && ((unsigned char)text[room] & 0xc0) == 0x80)
        room--;
    return (int)room;
}

static void numbered(const char *name, unsigned n, char *out, size_t size)
{
    size_t stem = stem_length(name), room = size - 1;
    const char *end = name + stem;
    char number[16];

    snprintf(number, sizeof(number), " (%u)", n + 1);
    room -= strlen(number);
    if (strlen(end) > room / 2) /* that isn't what one calls an extension */
        end = "", stem = strlen(name);
    room -= strlen(end);
    snprintf(out, size, "%.*s%s%s", cut(name, stem, room), name, number, end);
}

static void with_prefix(const char *name, unsigned n, char *out, size_t size)
{
    char prefix[16] = "new-";

    if (n > 1)
        snprintf(prefix, sizeof(prefix), "new-%u-", n);
    snprintf(out, size, "%s%.*s", prefix,
             cut(name, strlen(name), size - 1 - strlen(prefix)), name);
}

static void versioned(const char *name, unsigned n, char *out, size_t size)
{
    char version[16];

    snprintf(version, sizeof(version), ".~%u~", n);
    snprintf(out, size, "%.*s%s",
             cut(name, strlen(name), size - 1 - strlen(version)), name,
             version);
}

void place_name(enum conflict conflict, enum conflict_name style,
                const char *name, unsigned n, char *out, size_t size)
{
    if (conflict == CONFLICT_VERSION)
        versioned(name, n, out, size);
    else if (style == CONFLICT_NAME_NEW)
        with_prefix(name, n, out, size);
    else
        numbered(name, n, out, size);
}
