/* The log's words for why a host name has no address. */
#include "sallyport/domain/unresolved.h"

static const char *const unresolved[UNRESOLVED_COUNT] = {
    [UNRESOLVED_UNKNOWN] = "no such host",
    [UNRESOLVED_UNUSABLE] = "no IPv4 address that clients can connect to",
    [UNRESOLVED_SERVER] = "no answer of a name server",
    [UNRESOLVED_LATE] = "no answer in time",
    [UNRESOLVED_FAILED] = "the process that looked it up died",
};

const char *unresolved_text(uint64_t u)
{
    return u < UNRESOLVED_COUNT ? unresolved[u] : "?";
}
