/* Name and password against the users file, in auth. Says yes or no, never why:
 * one hash is computed for everybody, whether or not the answer is known
 * before. */
#include "auth.h"
#include "sallyport/hash/hash.h"

/* Nobody's work is like that of the first user who could log in. */
static const char *usual_hash(const struct users *u)
{
    for (size_t i = 0; i < u->count; i++)
        if (!u->row[i].locked)
            return u->row[i].hash;
    return NULL;
}

/* Behind the '!' stands the hash that the user had and will have again; "!" and
 * "*" alone have none. */
static const char *hash_of_locked(const struct user *user, const char *usual)
{
    const char *hash = user->hash;

    if (*hash == '!')
        hash++;
    return *hash == '$' ? hash : usual;
}

bool judge(const struct users *u, struct slice name,
           const struct secret *password, size_t *row)
{
    const struct user *user = users_find(u, name);
    const char *usual = usual_hash(u);
    bool yes;

    *row = 0;
    if (!user || user->locked) {
        hash_verify_nobody(password,
                           user ? hash_of_locked(user, usual) : usual);
        return false;
    }
    yes = hash_verify(password, user->hash);
    if (yes)
        *row = (size_t)(user - u->row);
    return yes;
}
