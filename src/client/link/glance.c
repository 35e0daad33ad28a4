/* A look at the server's certificate. The handshake ends with it, so neither a
 * name nor a certificate of the user has been sent. */
#include "link.h"

static int glance_take(X509_STORE_CTX *store, void *of)
{
    struct link_glance *g = of;

    X509_verify_cert(store);
    g->verified = X509_STORE_CTX_get_error(store);
    X509_free(g->certificate);
    g->certificate = X509_STORE_CTX_get0_cert(store);
    X509_up_ref(g->certificate);
    X509_STORE_CTX_set_error(store, X509_V_ERR_APPLICATION_VERIFICATION);
    return 0;
}

/* As libcurl does, any certificate of --cacert is an anchor. */
CURLcode glance_prepare(SSL_CTX *ctx, struct link_glance *g,
                        const struct options *o)
{
    SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, NULL);
    SSL_CTX_set_cert_verify_callback(ctx, glance_take, g);
    X509_VERIFY_PARAM_set_flags(SSL_CTX_get0_param(ctx),
                                X509_V_FLAG_PARTIAL_CHAIN);
    if (g->version) {
        SSL_CTX_set_security_level(ctx, 0); /* for suites of TLS 1.0 */
        SSL_CTX_set_min_proto_version(ctx, g->version);
        SSL_CTX_set_max_proto_version(ctx, g->version);
    }
    int read = o->cacert ? SSL_CTX_load_verify_file(ctx, o->cacert)
                         : SSL_CTX_set_default_verify_paths(ctx);
    return read == 1 ? CURLE_OK : CURLE_SSL_CACERT_BADFILE;
}

int link_glance(const struct options *o, const struct url *url,
                const struct proxy *proxy, struct link_glance *g,
                struct failure *why)
{
    const struct options bare = { .timeout = o->timeout,
                                  .debug = o->debug,
                                  .cacert = o->cacert };
    /* The callback above decides, and no CA or key. */
    struct site s = { .url = *url,
                      .proxy = *proxy,
                      .options = &bare,
                      .trust.by_pin_alone = true };
    struct link l;

    s.url.user[0] = '\0'; /* it isn't sent, whatever libcurl does */
    if (link_open(&l, &s, why) == 0) {
        l.glance = g;
        link_command(&l, why, "NOOP");
    }
    link_close(&l);
    secret_wipe(&s.proxy.password);
    return g->certificate ? 0 : -1;
}
