/* The version of a row: a keyed hash of the fields that grant access. Runs in
 * master. Sessions and tickets contain it, so it must reveal nothing of the
 * password's hash. */
#include "sallyport/users/users.h"

static uint64_t text_hash(const uint8_t key[SIPHASH_KEY], struct slice text)
{
    return siphash(key, text.ptr, text.len);
}

uint64_t user_version(const struct user *user, const uint8_t key[SIPHASH_KEY])
{
    const uint64_t parts[] = {
        text_hash(key, slice_from(user->name)),
        text_hash(key, slice_from(user->hash)),
        text_hash(key, slice_from(user->home)),
        text_hash(key, user->certificate),
        user->certificate_only,
        user->locked,
        user->uid,
        user->gid,
        user->rights,
        user->has_binding ? 1 + (uint64_t)user->data_binding : 0,
    };

    return siphash(key, parts, sizeof(parts));
}
