/* "user totp": a second factor for a user. Makes the secret, and shows it once,
 * as a URI for an app that makes one-time codes (RFC 6238). */
#include "edit/edit.h"

#include <errno.h>
#include <unistd.h>

#define SECRET_BYTES 20 /* the length of a SHA-1 (RFC 4226, section 4) */
#define URI_MAX      256

static char secret[BASE32_TEXT(SECRET_BYTES)];

static void secret_show(const char *name)
{
    char uri[URI_MAX], host[65] = "";

    gethostname(host, sizeof(host) - 1);
    snprintf(uri, sizeof(uri),
             "otpauth://totp/Sallyport:%s%%40%s?secret=%s&issuer=Sallyport",
             name, host, secret);
    if (ctl.args.json)
        json_print(json_pack("{s:s, s:s, s:s}", "name", name, "secret", secret,
                             "uri", uri));
    else
        printf("%s\nGive this URI to %s. From now on %s sends the app's six "
               "digits right after the password, once per address in "
               "totp_time. For a QR code run qrencode -t ansiutf8 URI. The "
               "URI is not shown again.\n",
               uri, name, name);
    explicit_bzero(uri, sizeof(uri));
    if (fflush(stdout) == EOF)
        fail(EX_IOERR, "standard output: %s", strerror(errno));
}

static void totp_check(const struct user *user)
{
    if (user->certificate_only)
        fail(EX_DATAERR,
             "%s logs in by certificate, and sends no password that a code "
             "could follow; run: sallyportctl user change %s --login password",
             user->name, user->name);
    if (user->totp.len > 0 && !ctl.args.new_secret)
        fail(EX_USAGE,
             "%s has a second factor already; a new secret makes the old app's "
             "codes useless; to make one, give --new-secret",
             user->name);
}

/* Sets the secret; if GIVEN is NULL, removes it. */
static void totp_set(void *given)
{
    const struct user *user = user_named(edit_users);

    if (given)
        totp_check(user);
    if (given && !slice_equal(user->totp, user_named(&ctl.users)->totp))
        fail(EX_TEMPFAIL, "%s has got another secret just now", user->name);
    row_set(edit_row(user->line), "totp", given ? secret : NULL);
}

/* Shows the secret before the edit sets it, since a secret that nobody has seen
 * would lock the user out. Shows it before the lock, too, since Ctrl-S can stop
 * the terminal. */
void user_totp(void)
{
    const struct user *user = user_named(&ctl.users);
    uint8_t bytes[SECRET_BYTES];

    if (ctl.args.off) {
        edit_run(totp_set, NULL);
        output_done("user", user->name, json_pack("{s:n}", "second_factor"),
                    "%s%s", user->totp.len > 0 ? "" : "had no second factor; ",
                    user->certificate.len > 0
                        ? "the client certificate is needed, and no code"
                        : "the password alone is enough now");
        return;
    }
    totp_check(user);
    random_bytes(bytes, sizeof(bytes));
    base32_encode(bytes, sizeof(bytes), secret);
    explicit_bzero(bytes, sizeof(bytes));
    secret_show(user->name);
    at_fail = secret_uncounted;
    edit_run(totp_set, secret);
    explicit_bzero(secret, sizeof(secret));
}
