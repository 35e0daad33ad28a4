/* The address that gate announces in PASV. Depends on no process. */
#include <stddef.h>

#include "sallyport/settings/settings.h"

const struct address *settings_announced(const struct settings *s,
                                         const struct address *client)
{
    const struct announced *best = NULL;

    for (size_t i = 0; i < s->announced_count; i++) {
        const struct announced *t = &s->announced[i];

        if (settings_network_holds(&t->network, client) &&
            (!best || t->network.bits > best->network.bits))
            best = t;
    }
    return best ? &best->address.ip : &s->address.ip;
}
