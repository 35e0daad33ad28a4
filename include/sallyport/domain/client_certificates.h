/* Whether the server asks clients for certificates: words that the
 * configuration, gate and session share. */
#ifndef SALLYPORT_DOMAIN_CLIENT_CERTIFICATES_H
#define SALLYPORT_DOMAIN_CLIENT_CERTIFICATES_H

enum client_certificates {
    CLIENTS_OFF,     /* doesn't ask */
    CLIENTS_REQUEST, /* asks, and accepts a client without one */
    CLIENTS_REQUIRE, /* asks, and refuses a client without one */
    CLIENTS_COUNT
};

extern const char *const clients_words[CLIENTS_COUNT];

#endif
