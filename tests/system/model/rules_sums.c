/* Rules of checksums: which bytes count, and the value of CRC32. */
#include "rules.h"
#include "support/test.h"

/* Takes the bytes from FIRST up to, but not including, UNTIL (0: the end).
 * Returns false if FIRST isn't in the file. */
static bool cut_out(const unsigned char *all, size_t len, uint64_t first,
                    uint64_t until, struct slice *ret)
{
    size_t end = until > 0 && until < len ? (size_t)until : len;

    if (first > 0 && first >= len)
        return false;
    *ret = (struct slice){ (const char *)all + first, end - (size_t)first };
    return true;
}

/* HASH reads the user's partial if SIZE has reported it, and otherwise the
 * file. */
void rule_hash(struct model *m, const struct call *c, struct expected *e)
{
    const struct node *n = tree_find(&m->tree, c->path);
    const struct leftover *l = left_find(&m->tree, c->path);
    const struct told *t = told_find(m, c->path);
    bool partial = l && t && t->length > 0;
    uint64_t first = m->until > 0 ? m->rest : 0;
    struct slice bytes;

    if (partial && l->version != t->version) {
        expect(e, 450);
    } else if (!partial && (!n || n->folder)) {
        expect(e, 550);
    } else if (!cut_out(partial ? l->bytes : n->bytes,
                        partial ? t->length : n->len, first, m->until,
                        &bytes)) {
        expect(e, 554);
    } else {
        expect(e, 213);
        snprintf(
            e->says, sizeof(e->says), "213 SHA-%s %llu-%llu ",
            m->sha512 ? "512" : "256", (unsigned long long)first,
            (unsigned long long)(bytes.len == 0 ? 0 : first + bytes.len - 1));
    }
}

/* Computes CRC32 bit by bit, as ISO 3309 defines it. */
static uint32_t crc32_of(struct slice bytes)
{
    uint32_t crc = UINT32_MAX;

    for (size_t i = 0; i < bytes.len; i++) {
        crc ^= (unsigned char)bytes.ptr[i];
        for (int bit = 0; bit < 8; bit++)
            crc = crc >> 1 ^ (crc & 1 ? 0xedb88320 : 0);
    }
    return ~crc;
}

/* Parses PATH, "PATH", "PATH" START, or "PATH" START END. */
static bool parse(struct slice argument, struct slice *path, uint64_t *first,
                  uint64_t *until)
{
    const char *quote;
    struct slice rest, word;

    *path = argument;
    *first = *until = 0;
    if (*argument.ptr != '"' || argument.len < 2)
        return true;
    quote = memrchr(argument.ptr + 1, '"', argument.len - 1);
    if (!quote)
        return true;
    rest = (struct slice){ quote + 1,
                           (size_t)(argument.ptr + argument.len - quote - 1) };
    *path =
        (struct slice){ argument.ptr + 1, (size_t)(quote - argument.ptr - 1) };
    if (rest.len == 0)
        return true;
    if (model_word(&rest).len > 0)
        return false;
    slice_cut(&rest, ' ', &word);
    return model_number(word, INT64_MAX, first) &&
           (!rest.ptr ||
            (model_number(rest, INT64_MAX, until) && *until > *first));
}

void rule_checksum(struct model *m, const struct call *c, struct expected *e)
{
    bool is_crc = strcmp(c->rule->verb, "XCRC") == 0;
    char full[TREE_PATH_MAX + 1];
    const struct node *n = NULL;
    struct slice path, bytes = { "", 0 };
    uint64_t first, until;

    if (!parse(c->argument, &path, &first, &until))
        expect(e, 501);
    else if (path.len > 0 && model_is_folders(path))
        expect(e, 550);
    else if (path.len == 0 || !model_path(m->cwd, path, full))
        expect(e, 553);
    else if (!(n = tree_find(&m->tree, full)) || n->folder)
        expect(e, 550);
    else
        expect(e, cut_out(n->bytes, n->len, first, until, &bytes) ? 250 : 554);
    if (e->code[0] == 250 && is_crc)
        snprintf(e->says, sizeof(e->says), "250 %08x", crc32_of(bytes));
}
