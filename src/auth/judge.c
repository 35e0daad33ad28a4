/* Checks name, password and certificate against the users file. Runs in auth.
 * It computes one hash for each attempt, even if the answer is known before. */
#include <string.h>

#include "auth.h"
#include "sallyport/hash/hash.h"

/* Names are points on a circle; an unknown name uses the hash of the next user.
 * So a new or removed user changes the choice for few names only. */
const char *judge_stand_in(const struct users *u,
                           const uint8_t name_key[SIPHASH_KEY],
                           struct slice name)
{
    uint64_t at = siphash(name_key, name.ptr, name.len), nearest = UINT64_MAX;
    const char *hash = NULL;

    for (size_t i = 0; i < u->count; i++) {
        const char *user = u->row[i].name;
        uint64_t distance = siphash(name_key, user, strlen(user)) - at;

        if (*u->row[i].hash == '$' && distance <= nearest) {
            nearest = distance;
            hash = u->row[i].hash;
        }
    }
    return hash;
}

/* A locked user mostly keeps the earlier hash; "!" and "*" alone are no
 * hash. */
static const char *hash_of_locked(const struct user *user, const char *usual)
{
    return *user->hash == '$' ? user->hash : usual;
}

/* A certificate beside the password may rest on the session's report. A
 * certificate instead of the password needs the client's own signature. */
static bool is_proved(const struct user *user, const struct attempt *a)
{
    uint8_t hash[USER_PINS_MAX][PIN_BYTES];
    const struct proof_pins pins = { (const uint8_t(*)[PIN_BYTES])hash,
                                     user_certificate_pins(user, hash,
                                                           USER_PINS_MAX) };

    return proof_holds(a->servers, a->proof, a->serial, &pins);
}

static enum judgement judge_certificate(const struct user *user,
                                        const struct attempt *a)
{
    if (user->certificate_only && is_proved(user, a))
        return JUDGED_RIGHT;
    if (!user->certificate_only && user_certificate_shown(user, a->claims))
        return JUDGED_RIGHT;
    if (a->claims.len == 0)
        return JUDGED_NO_CERTIFICATE;
    return user->certificate_only && a->proof.len == 0 ? JUDGED_NO_PROOF
                                                       : JUDGED_CERTIFICATE;
}

static enum judgement judge_user(const struct user *user,
                                 const struct attempt *a)
{
    bool password = hash_verify(a->password, user->hash);

    if (!password && !user->certificate_only)
        return JUDGED_PASSWORD;
    return user->certificate.len > 0 ? judge_certificate(user, a)
                                     : JUDGED_RIGHT;
}

enum judgement judge(const struct users *u, const struct attempt *a,
                     size_t *row)
{
    const struct user *user = users_find(u, a->name);
    const char *usual = judge_stand_in(u, a->name_key, a->name);
    enum judgement j;

    *row = 0;
    if (!user || user->locked) {
        hash_verify_nobody(a->password,
                           user ? hash_of_locked(user, usual) : usual);
        return user ? JUDGED_LOCKED : JUDGED_UNKNOWN;
    }
    j = judge_user(user, a);
    if (j == JUDGED_RIGHT)
        *row = (size_t)(user - u->row);
    return j;
}
