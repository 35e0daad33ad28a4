/* Users who need a certificate can't log in if the server asks for none. Runs
 * in master, at the start and for each new users file. The hint is one line,
 * since this may be intended. */
#include "hint.h"

#include "sallyport/domain/client_certificates.h"

bool hint_unasked(const struct settings *s, const struct users *u,
                  struct complaint *into)
{
    const struct user *first = NULL;
    size_t n = 0;

    for (size_t i = 0; s->client_certificates == CLIENTS_OFF && i < u->count;
         i++) {
        const struct user *row = &u->row[i];

        if (row->locked || row->certificate.len == 0)
            continue;
        first = first ? first : row;
        n++;
    }
    if (n > 0)
        complain(into,
                 "the server asks for no certificate, and %zu user%s with "
                 "certificate= can't log in (the first is %s); write: "
                 "client_certificates = request",
                 n, n == 1 ? "" : "s", first->name);
    return n > 0;
}
