/* The words for whether the server asks clients for certificates. Pure; the
 * room tls decides by them. */
#include "sallyport/domain/client_certificates.h"

const char *const clients_words[CLIENTS_COUNT] = {
    [CLIENTS_OFF] = "off",
    [CLIENTS_REQUEST] = "request",
    [CLIENTS_REQUIRE] = "require",
};
