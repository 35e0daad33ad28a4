/* Why a handshake failed, in words, and what an administrator can do about it.
 * Runs in gate and session; pure. */
#include <openssl/err.h>
#include <openssl/sslerr.h>

#include "context_inside.h"
#include "stream_inside.h"

#define HTTP                                                                   \
    "HTTP instead of TLS: a browser or a health check at the wrong port"

static const struct {
    int reason; /* OpenSSL's number */
    const char *words;
} rows[] = {
    { SSL_R_TLSV1_ALERT_UNKNOWN_CA,
      "the client doesn't trust the certificate (alert unknown_ca); give it "
      "the CA's certificate" },
    { SSL_R_SSLV3_ALERT_BAD_CERTIFICATE,
      "the client refuses the certificate (alert bad_certificate); check its "
      "names and its chain" },
    { SSL_R_SSLV3_ALERT_CERTIFICATE_UNKNOWN,
      "the client refuses the certificate (alert certificate_unknown); check "
      "its names, its chain and its CA" },
    { SSL_R_SSLV3_ALERT_CERTIFICATE_EXPIRED,
      "the client finds the certificate expired (alert certificate_expired); "
      "renew it, or set the client's clock" },
    { SSL_R_SSLV3_ALERT_CERTIFICATE_REVOKED,
      "the client finds the certificate revoked (alert certificate_revoked); "
      "get a new one" },
    { SSL_R_SSLV3_ALERT_UNSUPPORTED_CERTIFICATE,
      "the client can't use this kind of certificate (alert "
      "unsupported_certificate)" },
    { SSL_R_HTTP_REQUEST, HTTP },
    { SSL_R_HTTPS_PROXY_REQUEST, HTTP },
    { SSL_R_WRONG_VERSION_NUMBER,
      "no TLS but plain text; if the port is one of implicit TLS, set the "
      "client to that" },
};

const char *tls_error(unsigned long error)
{
    const char *reason = ERR_reason_error_string(error);
    return reason ? reason : "unknown error";
}

const char *refusal_words(unsigned long error)
{
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        if (ERR_GET_LIB(error) == ERR_LIB_SSL &&
            ERR_GET_REASON(error) == rows[i].reason)
            return rows[i].words;
    return NULL;
}
