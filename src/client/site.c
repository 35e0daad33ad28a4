/* A server that the client has logged in to, and its features. */
#include <stdio.h>
#include <string.h>

#include "link.h"
#include "password.h"

/* The algorithms of HASH that the client can compute with OpenSSL, the best
 * first. */
static const char *const hash_names[] = { "SHA-256", "SHA-512" };

/* Reads " HASH SHA-256*;SHA-512;MD5"; the star marks the server's present
 * choice. */
static void site_hash(struct site *s, struct slice rest)
{
    struct slice name;

    while (slice_cut(&rest, ';', &name)) {
        bool chosen = name.len > 0 && name.ptr[name.len - 1] == '*';

        name.len -= chosen;
        for (size_t i = 0; chosen && i < 2; i++)
            if (slice_equal_nocase(name, slice_from(hash_names[i]))) {
                s->hash = true;
                snprintf(s->hash_name, sizeof(s->hash_name), "%s",
                         hash_names[i]);
            }
    }
}

static void site_feature(struct site *s, struct slice line)
{
    struct slice rest = slice_trim(line), word;

    slice_cut(&rest, ' ', &word);
    if (slice_equal_nocase(word, SLICE("MLST")))
        s->mlst = true;
    else if (slice_equal_nocase(word, SLICE("MFMT")))
        s->mfmt = true;
    else if (slice_equal_nocase(word, SLICE("MODE")))
        s->modez = slice_equal_nocase(slice_trim(rest), SLICE("Z"));
    else if (slice_equal_nocase(word, SLICE("HASH")))
        site_hash(s, slice_trim(rest));
}

/* Reads FEAT. A server that refuses it has no features; any other failure is an
 * error. */
static int site_learn(struct site *s, struct link *l, struct failure *why)
{
    struct slice rest, line;

    if (link_command(l, why, "FEAT") < 0)
        return why->reply >= 500 && why->reply < 503 ? 0 : -1;
    rest = buf_slice(&l->lines);
    while (slice_cut(&rest, '\n', &line))
        if (line.len > 0 && line.ptr[0] == ' ')
            site_feature(s, line);
    return 0;
}

int site_open(struct site *s, const struct options *o, const struct url *url,
              struct link *l, struct failure *why)
{
    *s = (struct site){ .url = *url, .options = o };
    *l = (struct link){ 0 };
    if (trust_decide(o, url, &s->trust, why) < 0 ||
        password_find(o, &s->url, &s->password, why) < 0 ||
        link_open(l, s, why) < 0)
        return -1;
    return site_learn(s, l, why);
}

void site_close(struct site *s)
{
    secret_wipe(&s->password);
}
