/* Explains why the server can't listen on an address, and what the
 * administrator can do. Runs in master at its start, and for --check. */
#include <errno.h>
#include <string.h>

#include "core/succession.h"
#include "listeners.h"

/* May this error pass without a change of the configuration? Examples are a
 * port that another program uses, an interface that isn't up yet, and a kernel
 * that is short of memory. */
static bool listener_may_pass(int error)
{
    return error == EADDRINUSE || error == EADDRNOTAVAIL || error == ENOBUFS ||
           error == ENOMEM || error == ENFILE;
}

static const char *listener_advice(int error)
{
    switch (error) {
    case EACCES:
        return "; ports below 1024 are for root: start it as root, or write a "
               "port from 1024 on";
    case EADDRINUSE:
        return "; see who has it by: ss -Hltnp";
    case EADDRNOTAVAIL:
        return "; this machine doesn't have that address now";
    default:
        return "";
    }
}

static bool addresses_overlap(const struct address *a, const struct address *b)
{
    return a->family == b->family && a->port == b->port &&
           (address_is_any(a) || address_is_any(b) || address_same_host(a, b));
}

static bool is_listener(const struct heirloom *h)
{
    return h->fd >= 0 && (strncmp(h->name, "listen ", 7) == 0 ||
                          strncmp(h->name, "passive ", 8) == 0);
}

/* Is this a listener of the running server that the new configuration doesn't
 * name? Then the supervisor and the older generations keep it open until those
 * generations end. */
static bool listener_is_held(const struct succession *h,
                             const struct address *a, struct address *held)
{
    for (size_t i = 0; h && i < h->count; i++) {
        struct listener old = { .fd = h->heirloom[i].fd };

        if (!is_listener(&h->heirloom[i]) || listeners_look(&old) < 0 ||
            !addresses_overlap(&old.address, a))
            continue;
        *held = old.address;
        return true;
    }
    return false;
}

int listeners_refuse(const struct settings *s, const struct succession *h,
                     const char *key, const struct address *a, int error,
                     struct complaint *c)
{
    char text[ADDRESS_TEXT_MAX], other[ADDRESS_TEXT_MAX];
    struct address held;

    address_port_text(a, text);
    if (error == EADDRINUSE && listener_is_held(h, a, &held))
        settings_blame(s, key, c,
                       "can't listen on %s: the server listens on %s already, "
                       "which a reload can't replace; restart the server",
                       text, address_port_text(&held, other));
    else
        settings_blame(s, key, c, "can't listen on %s: %s%s", text,
                       strerror(error), listener_advice(error));
    return listener_may_pass(error) ? -EAGAIN : -EINVAL;
}
