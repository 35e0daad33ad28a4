#include "support/settings.h"

#include <criterion/criterion.h>

#include "sallyport/base/slice.h"
#include "sallyport/conf/conf.h"

int settings_of(const char *text)
{
    static struct settings s;
    struct complaint c = { "" };
    int fd;

    cr_assert_eq(conf_parse(&s, slice_from(text), "conf", NULL, &c), 0, "%s",
                 c.text);
    fd = settings_seal(&s);
    cr_assert_geq(fd, 0);
    return fd;
}
