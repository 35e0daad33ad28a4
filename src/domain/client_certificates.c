/* The words for whether clients show certificates. Pure; what they mean is
 * decided in the room tls. */
#include "sallyport/domain/client_certificates.h"

const char *const clients_words[CLIENTS_COUNT] = {
    [CLIENTS_OFF] = "off",
    [CLIENTS_REQUEST] = "request",
    [CLIENTS_REQUIRE] = "require",
};
