/* Reads the application data of a ticket. An accepted owner must give exactly
 * the same bytes if it is written again. */
#include "fuzz.h"

#include <errno.h>
#include <string.h>

#include "sallyport/tls/ticket.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    unsigned char again[TICKET_OWNER_BYTES];
    struct ticket_owner o;
    int r = ticket_owner_read(data, size, &o);

    if (r < 0) {
        FUZZ_CHECK(r == -EINVAL);
        return 0;
    }
    FUZZ_CHECK(size == TICKET_OWNER_BYTES);
    FUZZ_CHECK(o.user[0] && strnlen(o.user, sizeof(o.user)) < sizeof(o.user));
    FUZZ_CHECK(o.address.family == 4 || o.address.family == 6);
    FUZZ_CHECK(o.address.port == 0);
    ticket_owner_write(&o, again);
    FUZZ_CHECK(memcmp(again, data, size) == 0);
    FUZZ_CHECK(ticket_origin(&o, &o) == ORIGIN_SESSION);
    return 0;
}
