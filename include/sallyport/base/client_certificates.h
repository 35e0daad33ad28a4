/* Whether clients show certificates: words that the configuration, gate and
 * session share. */
#ifndef SALLYPORT_BASE_CLIENT_CERTIFICATES_H
#define SALLYPORT_BASE_CLIENT_CERTIFICATES_H

enum client_certificates {
    CLIENTS_OFF,     /* none is asked for */
    CLIENTS_REQUEST, /* who has one shows it */
    CLIENTS_REQUIRE, /* without one there is no control connection */
    CLIENTS_COUNT
};

extern const char *const clients_words[CLIENTS_COUNT];

#endif
