/* Numbers that several rooms must agree on. */
#ifndef SALLYPORT_DOMAIN_LIMITS_H
#define SALLYPORT_DOMAIN_LIMITS_H

#include <stdbool.h>
#include <stdint.h>

#define USER_NAME_MAX 32 /* bytes of a user's name */
/* The characters of names. NAME_LETTERS: of a share or a team. WORD_LETTERS,
 * with capitals: of a host, or a word. USER_NAME_LETTERS, with @: of a user. */
#define NAME_LETTERS      "abcdefghijklmnopqrstuvwxyz0123456789._-"
#define WORD_LETTERS      NAME_LETTERS "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define USER_NAME_LETTERS WORD_LETTERS "@"
#define USER_HASH_MAX     383 /* bytes of a password's hash */

/* How many teams with limits one user can be in. */
#define USER_TEAMS_MAX 4

#define CERTIFICATES_MAX 16 /* server certificates, each with its key */

#define PEM_MAX (256u << 10) /* bytes of a PEM file */

/* How many supplementary groups a process can have. */
#define GROUPS_MAX 64

/* The memory that all gates share, and that outlives each gate: its size in
 * bytes, and the name under which the supervisor keeps it. If you change the
 * layout, change the name, since gates of two builds can live at the same time.
 * Master makes the memory as a file, and seals its size. A new file is all
 * zero. */
#define GATE_MEMORY      (1U << 20)
#define GATE_MEMORY_NAME "memory 4"

/* The second factor (RFC 6238): the bytes of its secret, and of the secret in
 * base32. RFC 4226 asks for at least 16 bytes. */
#define TOTP_SECRET_MIN 16
#define TOTP_SECRET_MAX 64
#define TOTP_TEXT_MAX   103
#define TOTP_DIGITS     6

/* The space that uploads must leave free on a disk: the larger of the two
 * numbers. */
struct min_free {
    uint64_t bytes, percent;
};
static inline bool min_free_given(const struct min_free *m)
{
    return m->bytes > 0 || m->percent > 0;
}

#endif
