/* Facts that clients set. Runs in session: text in, numbers out. An unknown
 * fact refuses all of them, so that a command is never half done. */
#include "sallyport/ftp/mff.h"

#include <errno.h>

#include "sallyport/ftp/listing.h"
#include "sallyport/ftp/times.h"

#define MODE_MIN 0400u
#define MODE_MAX 0777u

int mff_parse_mode(struct slice text, unsigned *ret)
{
    unsigned mode = 0;

    if (text.len == 0 || text.len > 4)
        return -EINVAL;
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] < '0' || text.ptr[i] > '7')
            return -EINVAL;
        mode = 8 * mode + (unsigned)(text.ptr[i] - '0');
    }
    *ret = mode;
    return mode < MODE_MIN || mode > MODE_MAX ? -ERANGE : 0;
}

static int set_modify(struct mff *m, struct slice value)
{
    return time_parse(value, &m->modify) < 0 ? -EINVAL : 0;
}

static int set_mode(struct mff *m, struct slice value)
{
    return mff_parse_mode(value, &m->mode);
}

static const struct {
    const char *name;
    unsigned bit;
    int (*set)(struct mff *m, struct slice value);
} facts[] = {
    { "modify", MFF_MODIFY, set_modify },
    { "UNIX.mode", MFF_MODE, set_mode },
};

static int set_fact(struct mff *m, struct slice fact)
{
    struct slice value = fact, name;

    slice_cut(&value, '=', &name);
    if (name.len == 0 || value.len == 0)
        return -EINVAL;
    for (size_t i = 0; i < sizeof(facts) / sizeof(facts[0]); i++)
        if (slice_equal_nocase(name, slice_from(facts[i].name))) {
            if (m->facts & facts[i].bit)
                return -EINVAL; /* given twice */
            m->facts |= facts[i].bit;
            return facts[i].set(m, value);
        }
    return -ENOTSUP;
}

int mff_parse(struct slice argument, struct mff *ret)
{
    struct mff m = { .path = argument };
    struct slice list, fact;
    int r = 0;

    if (!slice_cut(&m.path, ' ', &list) || m.path.len == 0 || list.len < 2 ||
        list.ptr[list.len - 1] != ';')
        return -EINVAL;
    list.len--; /* each fact ends with ';', the last one too */
    while (r == 0 && slice_cut(&list, ';', &fact))
        r = set_fact(&m, fact);
    if (r == 0)
        *ret = m;
    return r;
}

void mff_text(const struct mff *m, struct buf *into)
{
    char when[16];

    if (m->facts & MFF_MODIFY)
        buf_add_format(into, "Modify=%s;", listing_time(m->modify, when));
    if (m->facts & MFF_MODE)
        buf_add_format(into, "UNIX.mode=%04o;", m->mode);
}
