/* The places and names of tests/support/dimensions.h in the tree of a peer. */
#include "places.h"

#include <ctype.h>
#include <linux/magic.h>

#include "renames.h"
#include "syncs.h"

#define SHARES_DIR "/../../shares"

const struct files_place files_places[] = {
    [PLACE_HOME] = { "/d", "/d", NULL, RIGHT_ALL, NULL },
    [PLACE_SHARE] = { "/contracts/d", SHARE "/d", "/contracts", RIGHT_ALL,
                      NULL },
    [PLACE_DROP] = { "/drop", SHARES_DIR "/drop", "/drop", RIGHT_WRITE, NULL },
    [PLACE_MINE] = { "/mine", SHARES_DIR "/mine", "/mine",
                     (RIGHT_ALL & ~RIGHT_DIRECTORY) | RIGHT_MINE, NULL },
    [PLACE_INSPECT] = { "/inspect/d", SHARES_DIR "/inspect/d", "/inspect",
                        RIGHT_ALL | RIGHT_INSPECT, NULL },
    [PLACE_FOLDING] = { .why_not = "no name here has two spellings: see "
                                   "naming/who_gets_the_name" },
    [PLACE_NETWORK] = { "/d", "/d", NULL, RIGHT_ALL, NULL },
};
DIMENSION_ROWS(files_places, PLACE_COUNT);

bool places_go(enum place_kind place)
{
    const struct files_place *at = &files_places[place];
    const bool network = place == PLACE_NETWORK;

    disk_type = network ? NFS_SUPER_MAGIC : 0;
    rename_faults.no_flags = rename_faults.modes = network;
    return dimension_plays(place_words[place], at->path, at->why_not);
}

void places_furnish(struct peer *p, enum place_kind place)
{
    if (files_places[place].share)
        peer_share(p, files_places[place].share, files_places[place].rights);
}

void places_enter(struct peer *p, enum place_kind place)
{
    if (!disk_has(p, files_places[place].disk))
        DONE(ask_path(p, MSG_directory_make, files_places[place].path));
}

const char *names_make(struct peer *p, enum name_is is, const char *path)
{
    static char other[128];
    const size_t folder = (size_t)(strrchr(path, '/') - path);

    snprintf(other, sizeof(other), "%.*s/there", (int)folder, path);
    switch (is) {
    case NAME_IS_DIRECTORY:
        disk_directory(p, path);
        return path;
    case NAME_IS_LINK:
        disk_link(p, "there", path);
        return path;
    case NAME_IS_HARD_LINK:
        disk_hard_link(p, other, path);
        return path;
    case NAME_IS_OTHER_CASE:
        snprintf(other, sizeof(other), "%s", path);
        for (char *at = other + folder; *at; at++)
            *at = (char)toupper(*at);
        disk_fill(p, other, 50, 1);
        return other;
    case NAME_IS_FILE:
    case NAME_IS_GONE:
    case NAME_IS_REPLACED:
        disk_fill(p, path, 50, 1);
        return path;
    case NAME_IS_COUNT:
        break;
    }
    return path;
}
