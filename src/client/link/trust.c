/* Pins and known hosts. The file has a line for each server: HOST:PORT, the pin
 * of its key, and the day on which the user trusted it. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <openssl/evp.h>
#include <openssl/sha.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

#include "link.h"
#include "sallyport/base/clock.h"
#include "sallyport/base/fd.h"

/* Facts of a certificate. */

static void certificate_name(X509_NAME *name, char out[CERTIFICATE_TEXT_MAX])
{
    char text[CERTIFICATE_TEXT_MAX] = "";
    BIO *bio = BIO_new(BIO_s_mem());

    if (bio && X509_NAME_print_ex(bio, name, 0, XN_FLAG_RFC2253) >= 0) {
        int n = BIO_read(bio, text, sizeof(text) - 1);
        text[n > 0 ? n : 0] = '\0';
    }
    BIO_free(bio);
    show_text(text, out, CERTIFICATE_TEXT_MAX);
}

static void certificate_time(const ASN1_TIME *t, char out[32])
{
    struct tm tm = { 0 };

    ASN1_TIME_to_tm(t, &tm);
    strftime(out, 32, "%Y-%m-%d %H:%M:%S UTC", &tm);
}

int certificate_read(X509 *x, struct server_certificate *ret)
{
    unsigned char *key = NULL, hash[EVP_MAX_MD_SIZE];
    unsigned len = 0;

    *ret = (struct server_certificate){ .pin = "sha256//" };
    if (X509_digest(x, EVP_sha256(), hash, &len) != 1 ||
        OPENSSL_buf2hexstr_ex(ret->fingerprint, sizeof(ret->fingerprint), NULL,
                              hash, len, ':') != 1)
        return -1;
    certificate_name(X509_get_subject_name(x), ret->subject);
    certificate_name(X509_get_issuer_name(x), ret->issuer);
    certificate_time(X509_get0_notBefore(x), ret->begins);
    certificate_time(X509_get0_notAfter(x), ret->ends);
    ret->valid_now = X509_cmp_current_time(X509_get0_notBefore(x)) < 0 &&
                     X509_cmp_current_time(X509_get0_notAfter(x)) > 0;
    ret->self_signed = X509_self_signed(x, 0) == 1;
    int size = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(x), &key);
    if (size <= 0)
        return -1;
    SHA256(key, (size_t)size, hash);
    OPENSSL_free(key);
    EVP_EncodeBlock((unsigned char *)ret->pin + 8, hash, SHA256_DIGEST_LENGTH);
    return 0;
}

/* Looks at the server's certificate. The handshake ends with the certificate,
 * so the client has sent neither a name nor a certificate of the user. */

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

/* Accepts any certificate of --cacert as an anchor, as libcurl does. */
CURLcode glance_prepare(SSL_CTX *ctx, struct link_glance *g,
                        const struct options *o)
{
    SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, NULL);
    SSL_CTX_set_cert_verify_callback(ctx, glance_take, g);
    X509_VERIFY_PARAM_set_flags(SSL_CTX_get0_param(ctx),
                                X509_V_FLAG_PARTIAL_CHAIN);
    if (g->version) {
        SSL_CTX_set_security_level(ctx, 0); /* suites of TLS 1.0 need it */
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
    /* glance_take() decides, not a CA or a key. */
    struct site s = { .url = *url,
                      .proxy = *proxy,
                      .options = &bare,
                      .trust.by_pin_alone = true };
    struct link l;

    s.url.user[0] = '\0'; /* so that libcurl can't send the user's name */
    if (link_open(&l, &s, why) == 0) {
        l.glance = g;
        link_command(&l, why, "NOOP");
    }
    link_close(&l);
    secret_wipe(&s.proxy.password);
    return g->certificate ? 0 : -1;
}

/* Pins and known hosts. */

#define KNOWN_HOSTS_MAX (1024 * 1024)
#define PIN_PREFIX      "sha256//"

static int trust_file(const struct options *o, char out[PATH_MAX])
{
    if (!o->known_hosts)
        return private_place("XDG_DATA_HOME", ".local/share", "known_hosts",
                             out);
    int n = snprintf(out, PATH_MAX, "%s", o->known_hosts);
    return n < PATH_MAX ? 0 : -1;
}

/* Returns the next word; blanks and tabs separate words. */
static struct slice trust_word(struct slice *rest)
{
    struct slice word = slice_trim(*rest);
    size_t len = 0;

    while (len < word.len && word.ptr[len] != ' ' && word.ptr[len] != '\t')
        len++;
    *rest = (struct slice){ word.ptr + len, word.len - len };
    return (struct slice){ word.ptr, len };
}

int trust_known(struct slice text, const char *host, unsigned port,
                char pin[CERTIFICATE_PIN_MAX])
{
    struct slice line;
    char server[URL_PART_MAX + 8];

    snprintf(server, sizeof(server), "%s:%u", host, port);
    while (slice_cut(&text, '\n', &line)) {
        struct slice name = trust_word(&line), key = trust_word(&line);

        if (slice_equal_nocase(name, slice_from(server)) &&
            slice_starts(key, slice_from(PIN_PREFIX)))
            return slice_copy(key, pin, CERTIFICATE_PIN_MAX) == 0
                       ? 0
                       : slice_copy(SLICE(PIN_PREFIX), pin,
                                    CERTIFICATE_PIN_MAX);
    }
    return 1;
}

static int trust_remember(const struct options *o, const struct url *url,
                          const char *pin, struct failure *why)
{
    char path[PATH_MAX], line[URL_PART_MAX + CERTIFICATE_PIN_MAX + 64];
    char now[CLOCK_TEXT_MAX], last = '\n';
    struct stat st;

    if (trust_file(o, path) < 0)
        return fail(
            why, EX_CANTCREAT,
            "no directory for known_hosts; name a file by --known-hosts");
    private_directories(path);
    FD_CLEANUP int fd =
        open(path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC | O_NOCTTY, 0600);
    if (fd < 0)
        return fail_errno(why, errno, path);
    /* The last line perhaps lacks its end. */
    bool lacks = fstat(fd, &st) == 0 && st.st_size > 0 &&
                 pread(fd, &last, 1, st.st_size - 1) == 1 && last != '\n';
    snprintf(line, sizeof(line), "%s%s:%u %s %.10s\n", lacks ? "\n" : "",
             url->host, url->port, pin, clock_text(now));
    int r = fd_write_all(fd, line, strlen(line));
    return r < 0 ? fail_errno(why, -r, path) : 0;
}

/* Asks for a whole "yes", as ssh does: a quick "y" is too little for a lasting
 * decision. */
static bool trust_agreed(const struct options *o, const struct url *url,
                         const struct server_certificate *c, bool confirmed)
{
    const char *prompt = "Trust this server from now on (yes/no)? ";

    fprintf(stderr,
            "%s:%u is not known here. Its certificate:\n"
            "  for          %s\n  issued by    %s%s\n"
            "  valid        %s to %s%s\n  fingerprint  SHA-256 %s\n"
            "  public key   %s\n"
            "%s"
            "Compare the fingerprint with what the administrator gave you.\n",
            url->host, url->port, c->subject, c->issuer,
            c->self_signed ? " (itself)" : "", c->begins, c->ends,
            c->valid_now ? "" : " (NOT NOW)", c->fingerprint, c->pin,
            confirmed ? "A CA that this machine trusts confirms it.\n"
                      : "No CA that this machine trusts confirms it. If this "
                        "server has worked here\nbefore without this question, "
                        "somebody may intercept it: answer no.\n");
    for (int tries = 0; !o->yes && tries < 3; tries++) {
        char answer[8] = "";
        int r = tty_line(prompt, answer, sizeof(answer));

        if (r == -ENOTTY || r == -EINTR || strcmp(answer, "no") == 0)
            return false;
        if (r == 0 && strcmp(answer, "yes") == 0)
            return true;
        prompt = "Type yes or no in full: ";
    }
    return o->yes;
}

int trust_new(const struct options *o, const struct url *url,
              const struct proxy *proxy, struct trust *ret, struct failure *why)
{
    struct link_glance g = { 0 };
    struct server_certificate c;
    int r = link_glance(o, url, proxy, &g, why);

    if (r == 0 && certificate_read(g.certificate, &c) < 0)
        r = fail(why, EX_PROTOCOL, "the server's certificate can't be read");
    bool confirmed = r == 0 && g.verified == X509_V_OK &&
                     trust_fits(&(struct trust){ 0 }, url->host, g.certificate);
    X509_free(g.certificate);
    if (r < 0)
        return -1;
    if (!trust_agreed(o, url, &c, confirmed))
        return fail(why, EX_NOPERM,
                    "the certificate is not trusted, and nothing was sent; "
                    "answer yes on a terminal, or give --pin %s",
                    c.pin);
    if (trust_remember(o, url, c.pin, why) < 0)
        return -1;
    memcpy(ret->pin, c.pin, sizeof(ret->pin));
    ret->by_pin_alone = true;
    return 0;
}

int trust_blame(const struct options *o, const struct url *url,
                struct failure *why)
{
    char path[PATH_MAX];

    if (o->pin)
        fail_add(why, "; only then change --pin");
    else if (trust_file(o, path) == 0)
        fail_add(why, "; only then remove the line of %s:%u from %s", url->host,
                 url->port, path);
    return -1;
}

bool trust_fits(const struct trust *t, const char *host, X509 *x)
{
    struct server_certificate c;

    return x &&
           (t->by_pin_alone || X509_check_host(x, host, 0, 0, NULL) == 1 ||
            X509_check_ip_asc(x, host, 0) == 1) &&
           (!t->pin[0] ||
            (certificate_read(x, &c) == 0 && strcmp(c.pin, t->pin) == 0));
}

int trust_decide(const struct options *o, const struct url *url,
                 const struct proxy *proxy, struct trust *ret,
                 struct failure *why)
{
    static const char base64[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrs"
                                 "tuvwxyz0123456789+/";
    char path[PATH_MAX];
    struct buf text;
    int r = 1; /* the server isn't known */

    *ret = (struct trust){ 0 };
    if (o->pin) {
        /* 32 bytes in base64. */
        if (strncmp(o->pin, PIN_PREFIX, 8) != 0 ||
            strspn(o->pin + 8, base64) != 43 || strcmp(o->pin + 51, "=") != 0 ||
            slice_copy(slice_from(o->pin), ret->pin, sizeof(ret->pin)) < 0)
            return fail(why, EX_USAGE,
                        "--pin takes sha256// and 44 characters, as "
                        "--trust-new and curl show it");
        ret->by_pin_alone = !o->cacert;
        return 0;
    }
    if (o->cacert)
        return 0;
    if (trust_file(o, path) == 0) {
        buf_init(&text, KNOWN_HOSTS_MAX);
        r = private_read(path, false, false, &text, why);
        if (r == 0)
            r = trust_known(buf_slice(&text), url->host, url->port, ret->pin);
        buf_release(&text);
    }
    ret->by_pin_alone = r == 0;
    if (r == 1)
        r = o->trust_new ? trust_new(o, url, proxy, ret, why) : 0;
    return r;
}
