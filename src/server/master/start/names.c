/* The host names in `address`, for master: the program check finds their
 * addresses at a start and at a reload. They become a part of the settings,
 * which the supervisor keeps. So a recovery has them, and asks no name
 * server. */
#include "start.h"

#include <errno.h>
#include <string.h>

#include "sallyport/base/complain.h"
#include "sallyport/base/fd.h"

static const struct address *address_before(const struct settings *before,
                                            const char *host)
{
    const struct public_address *a;

    for (size_t i = 0; (a = settings_public(before, i)); i++)
        if (strcmp(a->host, host) == 0)
            return &a->ip;
    return NULL;
}

/* Takes the addresses of the generation before. PASV announces them further if
 * no name server answers now. An older build may have had other settings. */
static void names_inherit(struct master *m, struct prepared_name *name)
{
    FD_CLEANUP int fd = succession_inherit(&m->succession, "settings");
    static struct settings before;
    const struct public_address *a;
    struct complaint c = { "" };

    if (fd < 0 || settings_take(&before, fd, &c) < 0)
        return;
    for (size_t i = 0; (a = settings_public(&m->settings, i)); i++) {
        const struct address *known =
            a->host[0] ? address_before(&before, a->host) : NULL;

        if (known)
            name[i].address = *known;
    }
}

/* If check is late, it may have answered a part: that doesn't count, and the
 * start goes on as if no name server had answered. */
static int names_ask(struct master *m, struct complaint *c)
{
    struct prepared_names answer = m->names;
    const struct public_address *a;
    int r = helper_time_left(m) < NAMES_MS
                ? -ETIMEDOUT
                : helper_ask(m, "names", &answer, sizeof(answer), c);

    if (r == 0)
        m->names = answer;
    if (r != -ETIMEDOUT)
        return r;
    c->text[0] = '\0';
    for (size_t i = 0; (a = settings_public(&m->settings, i)); i++)
        if (a->host[0])
            prepared_name_missing(&m->names.name[i], a->host,
                                  "it couldn't be looked up in time");
    return 0;
}

int prepare_names(struct master *m, struct complaint *c)
{
    struct prepared_names *p = &m->names;
    int r;

    if (m->succession.recovery || !settings_have_hosts(&m->settings))
        return 0;
    *p = (struct prepared_names){ 0 };
    names_inherit(m, p->name);
    r = names_ask(m, c);
    if (r < 0)
        return r;
    for (size_t i = 0; settings_public(&m->settings, i); i++) {
        settings_resolve(&m->settings, i, &p->name[i].address);
        if (m->check && p->name[i].trouble)
            stderr_print("hint: %s", p->name[i].why.text);
    }
    r = helper_seal(m);
    if (r < 0)
        complain(c, "memfd: %s", strerror(-r));
    return r;
}

void names_report(struct master *m)
{
    for (size_t i = 0; i < SETTINGS_PUBLIC_MAX; i++)
        if (m->names.name[i].why.text[0])
            master_report(
                m, m->names.name[i].trouble ? EVENT_TROUBLE : EVENT_SERVICE,
                PROCESS_MASTER, "%s", m->names.name[i].why.text);
}
