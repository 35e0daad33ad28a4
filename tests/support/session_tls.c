/* TLS of a scripted client. A failure fails the test, except in
 * session_tls_try(). */
#include "fail.h"
#include "session_private.h"

struct tls_client *session_tls_try(const struct session *s, int fd,
                                   const char *name,
                                   const struct tls_session *show)
{
    const struct tls_client_options options = { .version = s->version,
                                                .name = name,
                                                .certificate = s->certificate,
                                                .key = s->key,
                                                .show = show };

    return tls_client_new(fd, &options);
}

struct tls_client *session_tls_new(const struct session *s, int fd,
                                   const char *name,
                                   const struct tls_session *show)
{
    struct tls_client *t = session_tls_try(s, fd, name, show);

    FAIL_IF(!t, "TLS handshake: %s", tls_client_error());
    return t;
}

void session_tls_write(struct tls_client *t, const void *bytes, size_t len)
{
    FAIL_IF(!tls_client_write(t, bytes, len), "TLS write: %s",
            tls_client_error());
}

long session_tls_read(struct tls_client *t, void *into, size_t len)
{
    long n = tls_client_read(t, into, len);

    FAIL_IF(n == TLS_CLIENT_FAILED, "TLS read (or nothing came in time): %s",
            tls_client_error());
    return n;
}
