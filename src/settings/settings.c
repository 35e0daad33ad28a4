/* Answers questions about the settings for several processes. Depends on no
 * process. */
#include "sallyport/settings/settings.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "sallyport/base/slice.h"

bool settings_implicit(const struct settings *s, uint64_t listener)
{
    return listener < s->listen_count && s->listen_tls[listener];
}

bool settings_proxied(const struct settings *s, uint64_t listener)
{
    return listener < s->listen_count && s->listen_proxy[listener];
}

bool settings_network_holds(const struct network *n, const struct address *a)
{
    struct address prefix = address_prefix(a, n->bits);

    return address_same_host(&prefix, &n->address);
}

bool settings_networks_hold(const struct networks *n, const struct address *a)
{
    for (size_t i = 0; i < n->count; i++)
        if (settings_network_holds(&n->list[i], a))
            return true;
    return false;
}

struct public_address *settings_public(struct settings *s, size_t i)
{
    if (i == 0)
        return &s->address;
    return i <= s->announced_count ? &s->announced[i - 1].address : NULL;
}

bool settings_have_hosts(const struct settings *s)
{
    bool found = s->address.host[0] != '\0';

    for (size_t i = 0; i < s->announced_count; i++)
        found |= s->announced[i].address.host[0] != '\0';
    return found;
}

const struct labelled *settings_find_label(const struct labelled_list *l,
                                           const char *label)
{
    for (size_t i = 0; i < l->count; i++)
        if (strcmp(l->all[i].label, label) == 0)
            return &l->all[i];
    return NULL;
}

bool settings_pair(const struct settings *s, size_t i,
                   struct settings_pair *ret)
{
    const struct labelled *certificate, *key, *ocsp;

    *ret = (struct settings_pair){ s->certificate, s->key, s->ocsp_file };
    if (i == 0)
        return true;
    if (i > s->certificates.count)
        return false;
    certificate = &s->certificates.all[i - 1];
    key = settings_find_label(&s->keys, certificate->label);
    ocsp = settings_find_label(&s->ocsp_files, certificate->label);
    *ret = (struct settings_pair){ certificate->path, key ? key->path : "",
                                   ocsp ? ocsp->path : "" };
    return true;
}

int settings_control(const struct settings *s, char *out, size_t size)
{
    const char *slash = strrchr(s->file, '/');
    int directory = slash ? (int)(slash - s->file) : 1;
    const char *start = slash ? s->file : ".";
    int n;

    if (geteuid() == 0 || settings_line(s, "control") != 0)
        return slice_copy(slice_from(s->control), out, size);
    n = snprintf(out, size, "%.*s/control", directory, start);
    return n < 0 || (size_t)n >= size ? -ENAMETOOLONG : 0;
}
