/* Checks name, password and certificate against the users file, and sends the
 * reason of a failure to log. Runs in auth. Each attempt costs one hash, even
 * if the answer is known already; a password that is too long for crypt(3)
 * costs no hash, whatever the name. */
#include "auth.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "sallyport/domain/tls.h"
#include "sallyport/hash/hash.h"

_Static_assert(SECRET_MAX == HASH_PASSWORD_MAX + TOTP_DIGITS + 1,
               "a password and a code fit, and a byte that makes them wrong");

static int circle_compare(const void *a, const void *b)
{
    const struct point *x = a, *y = b;

    return (x->at > y->at) - (x->at < y->at);
}

/* A row without a hash gets no point. */
int circle_make(struct circle *c, const struct users *u,
                const uint8_t name_key[SIPHASH_KEY])
{
    *c = (struct circle){ .point = calloc(u->count + 1, sizeof(*c->point)) };
    if (!c->point)
        return -ENOMEM;
    for (size_t i = 0; i < u->count; i++) {
        const struct user *row = &u->row[i];

        if (*row->hash == '$')
            c->point[c->count++] =
                (struct point){ siphash(name_key, row->name, strlen(row->name)),
                                row->hash };
    }
    qsort(c->point, c->count, sizeof(*c->point), circle_compare);
    return 0;
}

void circle_release(struct circle *c)
{
    free(c->point);
    *c = (struct circle){ .point = NULL };
}

/* Chooses the hash of the next user on the circle. So a new or removed user
 * changes the choice only for a few names. */
const char *judge_stand_in(const struct circle *c,
                           const uint8_t name_key[SIPHASH_KEY],
                           struct slice name)
{
    const uint64_t at = siphash(name_key, name.ptr, name.len);
    size_t low = 0, high = c->count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (c->point[middle].at < at)
            low = middle + 1;
        else
            high = middle;
    }
    return c->count > 0 ? c->point[low < c->count ? low : 0].hash : NULL;
}

/* If the user also needs a password, auth trusts the session's report of the
 * certificate. If the certificate replaces the password, auth needs the
 * client's own signature. */
static enum judgement judge_certificate(const struct user *user,
                                        const struct attempt *a)
{
    uint8_t hash[USER_PINS_MAX][PIN_BYTES];
    const struct proof_pins pins = { (const uint8_t(*)[PIN_BYTES])hash,
                                     user_certificate_pins(user, hash,
                                                           USER_PINS_MAX) };

    if (user->certificate_only &&
        proof_holds(a->servers, a->proof, a->serial, &pins))
        return JUDGED_NO_OBJECTION;
    if (!user->certificate_only && user_certificate_shown(user, a->claims))
        return JUDGED_NO_OBJECTION;
    if (a->claims.len == 0)
        return JUDGED_NO_CERTIFICATE;
    if (user->certificate_only)
        return a->proof.len == 0 ? JUDGED_NO_PROOF : JUDGED_CERTIFICATE;
    return a->claims_cut ? JUDGED_CLAIMS_CUT : JUDGED_CERTIFICATE;
}

/* Judges a user who exists and is neither locked nor expired. Master decides
 * whether this login needs a code. If a password happens to end with the
 * current code, auth refuses it until the code changes. */
static enum judgement judge_user(const struct user *user, struct attempt *a,
                                 const char *usual)
{
    static const enum judgement admissions[] = {
        [ADMISSION_YES] = JUDGED_NO_OBJECTION,
        [ADMISSION_ELSEWHERE] = JUDGED_ELSEWHERE,
        [ADMISSION_OUT_OF_HOURS] = JUDGED_OUT_OF_HOURS,
    };

    if (user->totp.len > 0)
        a->step = code_take(user->totp, (uint64_t)a->now, a->password);
    enum judgement j = JUDGED_NO_OBJECTION;
    /* A user who logs in by a certificate can be without a hash. */
    const enum hash_answer hash = *user->hash == '*'
                                      ? hash_verify_nobody(a->password, usual)
                                      : hash_verify(a->password, user->hash);

    a->password_right = hash == HASH_RIGHT;
    if (!a->password_right && !user->certificate_only)
        return hash == HASH_FAILED ? JUDGED_NO_HASH : JUDGED_PASSWORD;
    if (user->certificate.len > 0)
        j = judge_certificate(user, a);
    if (j != JUDGED_NO_OBJECTION)
        return hash == HASH_FAILED ? JUDGED_NO_HASH : j;
    return admissions[user_admission(user, a->peer, a->now)];
}

enum judgement judge(const struct users *u, struct attempt *a)
{
    const struct user *user = users_find(u, a->name);
    const char *usual = judge_stand_in(a->circle, a->name_key, a->name);
    enum judgement j;

    a->user = user;
    if (user && !user->locked && !user_expired(user, a->now))
        return judge_user(user, a, usual);
    j = !user ? JUDGED_UNKNOWN : user->locked ? JUDGED_LOCKED : JUDGED_EXPIRED;
    /* A locked user usually keeps the earlier hash; "!" and "*" alone are no
     * hash. */
    if (user && *user->hash == '$')
        usual = user->hash;
    return hash_verify_nobody(a->password, usual) == HASH_FAILED
               ? JUDGED_NO_HASH
               : j;
}

static void report_send(const struct pending *p, struct event_record *r,
                        struct slice reason)
{
    char peer[ADDRESS_TEXT_MAX];

    event_text(r, FIELD_PROCESS, slice_from(process_name(PROCESS_SESSION)));
    event_number(r, FIELD_SERIAL, p->verdict.serial);
    event_text(r, FIELD_PEER, slice_from(address_port_text(&p->peer, peer)));
    event_text(r, FIELD_REASON, reason);
    frame_report(&p->auth->frame, r);
}

void report_no_verdict(const struct pending *p, enum event kind,
                       const char *why)
{
    struct event_record r;

    event_begin(&r, kind);
    report_send(p, &r, slice_from(why));
}

static const char *const reasons[JUDGED_COUNT] = {
    [JUDGED_NO_OBJECTION] = "",
    [JUDGED_UNKNOWN] = "unknown user",
    [JUDGED_LOCKED] = "the user is locked",
    [JUDGED_EXPIRED] = "expired",
    [JUDGED_PASSWORD] = "wrong password",
    [JUDGED_NO_CERTIFICATE] = "no client certificate was shown",
    [JUDGED_CERTIFICATE] = "the client certificate is not one of the user's",
    [JUDGED_CLAIMS_CUT] = "the client certificate has too many names to tell",
    [JUDGED_ELSEWHERE] =
        "networks= of the user or a team lacks the client's address",
    [JUDGED_OUT_OF_HOURS] = "now is not in hours= of the user or a team",
    [JUDGED_NO_PROOF] = ("login=certificate needs TLS 1.3, and a handshake "
                         "of at most 9500 bytes"),
    [JUDGED_NO_HASH] = "no memory for a hash, or crypt(3) can't compute it",
};

/* Sends the reason. People often type their password as the name: so if an
 * unknown name looks more like a password than like most names, log doesn't get
 * the name. The certificate's fingerprint is the first line of the claims. */
void report_failed_login(const struct pending *p, const struct attempt *attempt,
                         enum judgement why)
{
    const bool shown = attempt->user || group_name_ok(attempt->name);
    struct slice claims = attempt->claims, line;
    struct event_record r;

    event_begin(&r, EVENT_LOGIN_FAILED);
    event_text(&r, FIELD_USER, shown ? attempt->name : SLICE("?"));
    if (claims.len > 0 && slice_cut(&claims, '\n', &line) &&
        line.len < PIN_TEXT_MAX)
        event_text(&r, FIELD_CERTIFICATE, line);
    report_send(p, &r, slice_from(reasons[why]));
}
