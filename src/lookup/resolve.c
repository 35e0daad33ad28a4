/* Calls the system's resolver, which parses bytes of the network. Runs in a
 * fork of lookup that does nothing else, and then ends. */
#include <netdb.h>
#include <string.h>

#include "lookup.h"

#define ROOM 16384 /* for what libc parses: the largest UDP answer fits */

/* Not 0.0.0.0/8, multicast, reserved or broadcast. */
bool resolve_usable(const struct address *a)
{
    return a->family == 4 && a->bytes[0] != 0 && a->bytes[0] < 224;
}

static enum unresolved why_not(int error)
{
    switch (error) {
    case HOST_NOT_FOUND:
        return UNRESOLVED_UNKNOWN;
    case NO_DATA:
        return UNRESOLVED_UNUSABLE;
    default:
        return UNRESOLVED_SERVER;
    }
}

/* Servers change the order of several addresses from answer to answer. The
 * lowest one stays the same from generation to generation. */
static void choose_lowest(char *const *list, struct address *ret)
{
    for (; *list; list++) {
        struct address a = { .family = 4 };

        memcpy(a.bytes, *list, 4);
        if (resolve_usable(&a) &&
            (ret->family == 0 || memcmp(a.bytes, ret->bytes, 4) < 0))
            *ret = a;
    }
}

/* Not getaddrinfo: it would connect a socket to each address that it found, to
 * put them in an order. */
void resolve_host(const char *name, struct finding *ret)
{
    struct hostent entry, *found = NULL;
    char room[ROOM];
    int error = TRY_AGAIN;

    *ret = (struct finding){ .why = UNRESOLVED_UNUSABLE };
    if (gethostbyname2_r(name, AF_INET, &entry, room, sizeof(room), &found,
                         &error) == 0 &&
        found && found->h_addrtype == AF_INET && found->h_length == 4)
        choose_lowest(found->h_addr_list, &ret->address);
    else if (!found)
        ret->why = why_not(error);
}
