/* What check and master say alike of the facts for a start. */
#include "sallyport/settings/prepared.h"

#include "sallyport/base/address.h"

void prepared_name_missing(struct prepared_name *n, const char *host,
                           const char *why)
{
    char text[ADDRESS_TEXT_MAX];

    n->trouble = true;
    complain(&n->why,
             "%s: %s; until a reload finds its address, PASV tells clients %s",
             host, why,
             n->address.family == 0 ? "the address that they connected to"
                                    : address_text(&n->address, text));
}
