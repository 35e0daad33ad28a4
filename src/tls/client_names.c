/* The names of the CAs, from which clients choose their certificate. Runs in
 * gate, before its sandbox. The names are a part of each client's proof. If
 * they made the proof too long for auth, nobody could log in with
 * login=certificate. */
#include <openssl/ssl.h>

#include "context_inside.h"
#include "sallyport/tls/client.h"

/* Their size in the request, RFC 8446 4.2.4: a length before each name. */
static size_t names_size(STACK_OF(X509) * cas)
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
    if (names_size(cas) > CLIENT_NAMES_MAX)
        return true;
    for (int i = 0; i < sk_X509_num(cas); i++)
        if (SSL_CTX_add_client_CA(ssl, sk_X509_value(cas, i)) != 1)
            return false;
    return true;
}
