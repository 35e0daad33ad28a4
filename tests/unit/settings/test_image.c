/* Settings from one process to another. */
#include "sallyport/base/buf.h"
#include "sallyport/base/fd.h"
#include "sallyport/base/slice.h"
#include "sallyport/conf/conf.h"
#include "sallyport/ipc/generation.h"
#include "support/settings.h"
#include "support/test.h"

static const char text[] = "listen = 127.0.0.1:2121\n"
                           "address.10.0.0.0/8 = 10.0.0.5\n"
                           "max_sessions = 7\n";

static void read_text(struct settings *s)
{
    struct complaint c = { "" };

    memset(s, 0, sizeof(*s));
    cr_assert_eq(conf_parse(s, slice_from(text), "conf", NULL, &c), 0, "%s",
                 c.text);
}

Test(image, arrives_whole)
{
    static struct settings sent, got;
    struct complaint c = { "" };
    int fd;

    read_text(&sent);
    fd = settings_file(&sent);
    cr_assert_geq(fd, 0);
    cr_assert_eq(settings_take(&got, fd, &c), 0, "%s", c.text);
    cr_expect_eq(memcmp(&sent, &got, sizeof(got)), 0);
    cr_expect_lt(write(fd, "x", 1), 0, "nobody changes it");
    close(fd);
}

/* A file that isn't sealed, or has another size, isn't accepted as settings. */
Test(image, others)
{
    static struct settings s, got;
    struct complaint c = { "" };
    int fd;

    read_text(&s);
    got.max_sessions = 3;
    fd = fd_sealed("short", (struct slice){ (char *)&s, sizeof(s) });
    cr_expect_eq(settings_take(&got, fd, &c), -EINVAL);
    close(fd);
    fd = memfd_create("open", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    cr_assert_eq(settings_write(&s, fd), 0);
    c.text[0] = '\0';
    cr_expect_eq(settings_take(&got, fd, &c), -EINVAL);
    cr_expect_str_eq(c.text, "settings: written by another build");
    close(fd);
    cr_expect_eq(got.max_sessions, 3, "it doesn't change");
}

/* A struct of the same size may have other fields in another build. */
Test(image, of_another_build)
{
    static struct settings s, got;
    struct complaint c = { "" };
    struct buf bytes;
    int fd;

    read_text(&s);
    fd = settings_file(&s);
    buf_init(&bytes, 1 << 20);
    cr_assert_eq(fd_read_file(fd, &bytes), 0);
    close(fd);
    cr_assert_eq(strcmp(bytes.data, build_name()), 0);
    bytes.data[0]++;
    fd = fd_sealed("other", buf_slice(&bytes));
    cr_expect_eq(settings_take(&got, fd, &c), -EINVAL);
    cr_expect_str_eq(c.text, "settings: written by another build");
    cr_expect_eq(got.max_sessions, 0, "it doesn't change");
    close(fd);
    buf_release(&bytes);
}

/* A count beyond its array would let a reader read past the array. */
Test(image, counts)
{
    static struct settings s, got;
    const struct {
        size_t *count, above;
    } rows[] = {
        { &s.listen_count, SETTINGS_LISTEN_MAX + 1 },
        { &s.proxies.count, SETTINGS_PROXY_MAX + 1 },
        { &s.no_ban.count, SETTINGS_PROXY_MAX + 1 },
        { &s.announced_count, SETTINGS_ANNOUNCED_MAX + 1 },
        { &s.certificates.count, CERTIFICATES_MAX },
        { &s.keys.count, CERTIFICATES_MAX },
        { &s.said_count, SETTING_ROWS_MAX + 1 },
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct complaint c = { "" };
        int fd;

        read_text(&s);
        *rows[i].count = rows[i].above;
        fd = settings_file(&s);
        cr_expect_eq(settings_take(&got, fd, &c), -EINVAL, "row %zu", i);
        cr_expect_str_eq(c.text, "settings: more than fit");
        close(fd);
    }
}
