#include "support/settings.h"

#include "sallyport/base/fd.h"
#include "sallyport/conf/conf.h"
#include "test.h"

int settings_file(const struct settings *s)
{
    int fd = memfd_create("settings", MFD_CLOEXEC | MFD_ALLOW_SEALING);

    cr_assert_eq(settings_write(s, fd), 0);
    cr_assert_eq(fd_seal(fd), 0);
    return fd;
}

int settings_of(const char *text)
{
    static struct settings s;
    struct complaint c = { "" };

    cr_assert_eq(conf_parse(&s, slice_from(text), "conf", NULL, &c), 0, "%s",
                 c.text);
    return settings_file(&s);
}
