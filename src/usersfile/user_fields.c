/* Decides what the fields of a line of the users file may contain. Pure:
 * compares bytes, hashes nothing. A hash that is broken in seconds (DES, MD5,
 * NT) and an empty hash are refused. */
#include <string.h>

#include "sallyport/usersfile/usersfile.h"

static bool is_field_text(struct slice text)
{
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.ptr[i];

        if (c < 0x20 || c == 0x7f || c == ':')
            return false;
    }
    return true;
}

bool user_comment_ok(struct slice comment)
{
    return comment.len <= USER_COMMENT_MAX && is_field_text(comment);
}

bool user_home_ok(struct slice home)
{
    struct slice rest = home, part;
    bool any = false;

    if (home.len == 0 || home.len > USER_HOME_MAX || home.ptr[0] != '/' ||
        !is_field_text(home))
        return false;
    while (slice_cut(&rest, '/', &part)) {
        if (slice_equal(part, SLICE(".")) || slice_equal(part, SLICE("..")))
            return false;
        any = any || part.len > 0;
    }
    return any;
}

/* From crypt(5): the prefix, the number of '$', and the length after the last
 * '$'. */
static const struct kind {
    const char *prefix, *name;
    size_t dollars_min, dollars_max, tail;
} kinds[] = {
    { "$y$", "yescrypt", 4, 4, 43 }, { "$2b$", "bcrypt", 3, 3, 53 },
    { "$2a$", "bcrypt", 3, 3, 53 },  { "$2y$", "bcrypt", 3, 3, 53 },
    { "$7$", "scrypt", 3, 3, 43 },   { "$6$", "SHA-512", 3, 4, 86 },
    { "$5$", "SHA-256", 3, 4, 43 },
};
#define KINDS (sizeof(kinds) / sizeof(kinds[0]))

static const struct kind *hash_kind(const char *hash)
{
    for (size_t i = 0; i < KINDS; i++)
        if (slice_starts(slice_from(hash), slice_from(kinds[i].prefix)))
            return &kinds[i];
    return NULL;
}

/* Does TEXT have only bytes in which crypt(3) encodes a hash? */
static bool is_hash_text(const char *text)
{
    return text[strspn(text, "./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
                             "abcdefghijklmnopqrstuvwxyz")] == '\0';
}

static bool hash_shape_ok(const char *hash)
{
    const struct kind *kind = hash_kind(hash);
    size_t dollars = 0;
    const char *tail = hash;

    if (!kind || strlen(hash) > USER_HASH_MAX)
        return false;
    for (const char *at = hash; *at; at++) {
        if (*at <= ' ' || *at >= 0x7f || strchr("!*:;\\", *at))
            return false;
        if (*at == '$') {
            dollars++;
            tail = at + 1;
        }
    }
    return dollars >= kind->dollars_min && dollars <= kind->dollars_max &&
           strlen(tail) == kind->tail && is_hash_text(tail);
}

bool user_hash_ok(const char *hash)
{
    if (!strcmp(hash, "!") || !strcmp(hash, "*"))
        return true;
    return hash_shape_ok(hash[0] == '!' ? hash + 1 : hash);
}

const char *user_hash_found(const char *hash)
{
    static const struct {
        const char *prefix, *words;
    } found[] = {
        { "$1$", "it is MD5" },
        { "$apr1$", "it is Apache's MD5" },
        { "$3$", "it is NT" },
        { "$md5", "it is Sun's MD5" },
        { "$gy$", "it is gost-yescrypt" },
        { "$argon2", "it is Argon2" },
        { "_", "it is BSDi's DES" },
        { "{", "it is of LDAP" },
    };
    const char *text = hash[0] == '!' ? hash + 1 : hash;

    if (text[0] == '\0')
        return "it is empty";
    for (size_t i = 0; i < sizeof(found) / sizeof(found[0]); i++)
        if (slice_starts(slice_from(text), slice_from(found[i].prefix)))
            return found[i].words;
    if (hash_kind(text))
        return "it is cut off or holds a wrong character";
    return strlen(text) == 13 && is_hash_text(text) ? "it is DES"
                                                    : "it is no hash";
}

const char *user_hash_kind(const char *hash)
{
    const struct kind *kind = hash_kind(hash[0] == '!' ? hash + 1 : hash);

    return kind ? kind->name : "none";
}
