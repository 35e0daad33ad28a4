/* Words about TLS, for the configuration and for processes without OpenSSL. */
#include "sallyport/domain/tls.h"

const char *const tls_version_words[TLS_VERSIONS] = { "1.2", "1.3" };

const char *const suites_words[SUITES_COUNT] = { "all", "aes256" };

const char *const clients_words[CLIENTS_COUNT] = {
    [CLIENTS_OFF] = "off",
    [CLIENTS_REQUEST] = "request",
    [CLIENTS_REQUIRE] = "require",
};
