/* The names of the CAs whose certificates count, which clients are told and
 * choose by. Runs in gate, at the start and at a reload. They are a part of
 * each client's proof, which must never become too long for auth by them:
 * nobody could log in by login=certificate then. */
#include <openssl/ssl.h>

#include "context_inside.h"
#include "sallyport/tls/client.h"

/* As they are on the wire, RFC 8446 4.2.4: a length in front of each. */
static size_t bytes_of(STACK_OF(X509) * cas)
{
    size_t bytes = 0;

    for (int i = 0; i < sk_X509_num(cas); i++) {
        int len =
            i2d_X509_NAME(X509_get_subject_name(sk_X509_value(cas, i)), NULL);

        bytes += 2u + (len < 0 ? CLIENT_NAMES_MAX : (size_t)len);
    }
    return bytes;
}

bool client_names_set(SSL_CTX *ssl, STACK_OF(X509) * cas)
{
    if (bytes_of(cas) > CLIENT_NAMES_MAX)
        return true;
    for (int i = 0; i < sk_X509_num(cas); i++)
        if (SSL_CTX_add_client_CA(ssl, sk_X509_value(cas, i)) != 1)
            return false;
    return true;
}
