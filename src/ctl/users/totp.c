/* "user totp": a second factor for a user. The secret is made here, and shown
 * once, as a URI for an app that makes one-time codes (RFC 6238). */
#include "edit/edit.h"

#include <errno.h>
#include <unistd.h>

#define SECRET_BYTES 20 /* the length of SHA-1's result: RFC 4226, 4 */
#define URI_MAX      256

/* What an app gets. */
struct enrolment {
    char secret[BASE32_TEXT(SECRET_BYTES)];
    char uri[URI_MAX];
};

static void enrolment_make(struct enrolment *e, const char *name)
{
    char host[65] = "";
    uint8_t bytes[SECRET_BYTES];

    random_bytes(bytes, sizeof(bytes));
    base32_encode(bytes, sizeof(bytes), e->secret);
    explicit_bzero(bytes, sizeof(bytes));
    gethostname(host, sizeof(host) - 1);
    snprintf(e->uri, sizeof(e->uri),
             "otpauth://totp/Sallyport:%s%%40%s?secret=%s&issuer=Sallyport",
             name, host, e->secret);
}

static int enrolment_show(struct context *x, const struct enrolment *e)
{
    const char *name = x->args.word[2];

    if (x->args.json) {
        int code = json_write(x, json_pack("{s:s, s:s, s:s}", "name", name,
                                           "secret", e->secret, "uri", e->uri));

        if (code)
            return code;
    } else {
        printf("%s\n", e->uri);
        printf("Give this to %s, who sends the six digits of the app right "
               "after the password from now on, from each address once in "
               "totp_time. It is not shown again.\n",
               name);
    }
    return fflush(stdout) == 0
               ? 0
               : ctl_fail(x, EX_IOERR, "standard output: %s", strerror(errno));
}

static int totp_check(struct context *x, const struct users *u,
                      const struct user **user)
{
    int code = ctl_find(x, u, user);

    if (code || !(*user)->certificate_only)
        return code;
    return ctl_fail(x, EX_DATAERR,
                    "%s logs in by certificate, and sends no password that a "
                    "code could follow; run: sallyportctl user change %s "
                    "--login password",
                    (*user)->name, (*user)->name);
}

/* E NULL: the user needs no second factor any more. */
static int totp_set(struct context *x, struct edit *edit, void *given)
{
    const struct enrolment *e = given;
    const struct user *user;
    int code =
        e ? totp_check(x, edit->users, &user) : ctl_find(x, edit->users, &user);

    if (code == 0)
        code = edit_set_key(edit, user->line, "totp", e ? e->secret : NULL);
    if (code == 0)
        code = edit_commit(edit);
    return code;
}

/* A secret that nobody has seen would lock the user out: it is shown before it
 * counts. And it is shown before the lock, since a terminal may stop after
 * Ctrl-S. */
int user_totp(struct context *x)
{
    struct enrolment e;
    const struct user *user;
    int code = totp_check(x, &x->users, &user);

    if (code == 0 && user->totp.len > 0 && !x->args.yes)
        code = ctl_fail(x, EX_USAGE,
                        "%s has a second factor, and the app that makes its "
                        "codes would be useless; --yes makes another one",
                        user->name);
    if (code)
        return code;
    enrolment_make(&e, x->args.word[2]);
    code = enrolment_show(x, &e);
    if (code == 0) {
        code = edit_run(x, totp_set, &e);
        if (!x->stands)
            stderr_print("the secret above doesn't count: nothing was changed");
    }
    explicit_bzero(&e, sizeof(e));
    return code;
}

int user_totp_off(struct context *x)
{
    const struct user *user;
    bool had, certificate;
    int code = ctl_find(x, &x->users, &user);

    if (code)
        return code;
    had = user->totp.len > 0;
    certificate = user->certificate.len > 0;
    code = edit_run(x, totp_set, NULL);
    if (code == 0)
        printf("user %s: %s%s\n", x->args.word[2],
               had ? "" : "had no second factor; ",
               certificate ? "the client certificate is needed, and no code"
                           : "the password alone is enough now");
    return code;
}
