/* Reads the files of a home as root. */
#include "oracle.h"

#include <ftw.h>

#include "sallyport/base/buf.h"
#include "support/fail.h"
#include "support/files.h"
#include "support/test.h"

static const struct oracle *looking;
static size_t looked_at;

static char content_byte(uint64_t content, uint64_t at)
{
    uint64_t x = content * 0x9e3779b97f4a7c15 + at / 8 * 0xbf58476d1ce4e5b9;

    x ^= x >> 31;
    x *= 0x94d049bb133111eb;
    x ^= x >> 29;
    return (char)('a' + (x >> at % 8 * 7 & 0xffff) % 26);
}

void content_bytes(uint64_t content, uint64_t at, char *into, size_t len)
{
    for (size_t i = 0; i < len; i++)
        into[i] = content_byte(content, at + i);
}

void oracle_add(struct oracle *o, uint64_t content, uint64_t from, uint64_t to)
{
    FAIL_IF(o->count == PIECES_MAX, "too many uploads");
    o->piece[o->count++] = (struct piece){ content, from, to };
}

static bool piece_is_at(const struct piece *p, struct slice file, size_t at)
{
    if (p->to - p->from > file.len - at)
        return false;
    for (uint64_t i = p->from; i < p->to; i++)
        if (file.ptr[at + i - p->from] != content_byte(p->content, i))
            return false;
    return true;
}

static bool is_made_of_pieces(const struct oracle *o, struct slice file,
                              size_t at);

static bool begins_with(const struct oracle *o, const struct piece *p,
                        struct slice file, size_t at)
{
    return p->to > p->from && piece_is_at(p, file, at) &&
           is_made_of_pieces(o, file, at + p->to - p->from);
}

/* Does the file consist of pieces from AT on? A piece that continues an upload
 * follows the beginning of its own content, which an earlier upload left, or a
 * file that another client has completed meanwhile. */
static bool is_made_of_pieces(const struct oracle *o, struct slice file,
                              size_t at)
{
    if (at == file.len)
        return true;
    for (size_t i = 0; i < o->count; i++) {
        const struct piece *p = &o->piece[i];
        const struct piece whole = { p->content, 0, p->to };

        if (begins_with(o, &whole, file, at) ||
            (at > 0 && begins_with(o, p, file, at)))
            return true;
    }
    return false;
}

static bool has_empty(const struct oracle *o)
{
    for (size_t i = 0; i < o->count; i++)
        if (o->piece[i].to == o->piece[i].from)
            return true;
    return false;
}

static int check_one(const char *path, const struct stat *st, int kind,
                     struct FTW *where)
{
    struct buf bytes;

    (void)st;
    if (kind != FTW_F || strncmp(path + where->base, ".sallyport-", 11) == 0)
        return 0;
    buf_init(&bytes, 64 << 20);
    if (files_read(path, &bytes)) { /* false: it is gone */
        FAIL_IF(bytes.len == 0
                    ? !has_empty(looking)
                    : !is_made_of_pieces(looking, buf_slice(&bytes), 0),
                "%s has %zu bytes that nobody has sent in this way: %.60s",
                path, bytes.len, bytes.len ? bytes.data : "");
        looked_at++;
    }
    buf_release(&bytes);
    return 0;
}

size_t oracle_check(const struct oracle *o, const char *home)
{
    looking = o;
    looked_at = 0;
    nftw(home, check_one, 16, FTW_PHYS);
    return looked_at;
}
