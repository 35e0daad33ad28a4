/* Resolves paths. The result must be normal, must not change when it is
 * resolved again, and must be the same if it overwrites the directory from
 * which it was resolved. A failure must not change the output. The input is two
 * arguments, cut at the first LF: the first one makes the directory, and the
 * second one is resolved from there. */
#include "fuzz.h"

#include <errno.h>
#include <string.h>

#include "sallyport/ftp/path.h"

static void check_split(struct slice p)
{
    struct slice folder, name;

    path_split(p, &folder, &name);
    FUZZ_CHECK(path_is_normal(folder) && !slice_has(name, '/'));
    FUZZ_CHECK(p.len == (folder.len == 1 ? 0 : folder.len) + 1 + name.len);
    if (path_name_ok(name))
        FUZZ_CHECK(name.len > 0 && !slice_starts(name, SLICE(PATH_RESERVED)));
}

/* Quotes the path, and parses the text as a client parses a 257. */
static void check_quote(struct slice p)
{
    struct buf b;
    size_t at = 0;

    buf_init(&b, 2 * FTP_PATH_MAX);
    path_quote(p, &b);
    for (size_t i = 0; i < b.len; i++, at++) {
        FUZZ_CHECK(at < p.len && b.data[i] == p.ptr[at]);
        if (b.data[i] == '"') {
            FUZZ_CHECK(i + 1 < b.len && b.data[i + 1] == '"');
            i++;
        }
    }
    FUZZ_CHECK(at == p.len);
    buf_release(&b);
}

static void check_result(const struct path *cwd, struct slice arg,
                         const struct path *p)
{
    struct path again = *cwd;

    FUZZ_CHECK(path_is_normal(path_slice(p)) && p->bytes[p->len] == 0);
    FUZZ_CHECK(path_resolve(&again, arg, &again) ==
               0); /* the result overwrites the directory */
    FUZZ_CHECK(slice_equal(path_slice(&again), path_slice(p)));
    FUZZ_CHECK(path_resolve(cwd, path_slice(p), &again) ==
               0); /* resolved again */
    FUZZ_CHECK(slice_equal(path_slice(&again), path_slice(p)));
    check_split(path_slice(p));
    check_quote(path_slice(p));
}

static void resolve(const struct path *cwd, struct slice arg, struct path *ret)
{
    static struct path before;
    int r;

    before = *ret;
    r = path_resolve(cwd, arg, ret);
    if (r == 0) {
        check_result(cwd, arg, ret);
        return;
    }
    FUZZ_CHECK(r == -EINVAL || r == -ENAMETOOLONG);
    FUZZ_CHECK(memcmp(&before, ret, sizeof(before)) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct path root, cwd, p;
    struct slice rest = fuzz_slice(data, size), first;

    path_is_normal(rest);
    path_name_ok(rest);
    path_root(&root);
    path_root(&cwd);
    path_root(&p);
    slice_cut(&rest, '\n', &first);
    resolve(&root, first, &cwd);
    resolve(&cwd, rest, &p);
    return 0;
}
