/* Parses a configuration. If it is refused, the settings don't change, and the
 * complaint names the file. If it is accepted, the settings are the same after
 * they were written and read again. */
#include "fuzz.h"

#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "sallyport/base/fd.h"
#include "sallyport/conf/conf.h"

static size_t told;

static void count(const char *mistake)
{
    FUZZ_CHECK(strncmp(mistake, "conf", 4) == 0);
    told++;
}

/* Passes the settings as master passes them to its children; they must arrive
 * unchanged. */
static void check_passing(const struct settings *s)
{
    static struct settings again;
    struct complaint c = { .text = "" };
    int fd = memfd_create("settings", MFD_CLOEXEC | MFD_ALLOW_SEALING);

    FUZZ_CHECK(fd >= 0 && settings_write(s, fd) == 0 && fd_seal(fd) == 0);
    memset(&again, 0xa5, sizeof(again));
    FUZZ_CHECK(settings_take(&again, fd, &c) == 0);
    FUZZ_CHECK(memcmp(s, &again, sizeof(again)) == 0);
    close(fd);
}

/* At least one mistake is reported if the configuration is refused, and none
 * but settings of older versions if it is accepted. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct settings s, before;
    struct complaint c = { .text = "" };

    memset(&s, 0x5a, sizeof(s));
    before = s;
    told = 0;
    if (conf_parse(&s, fuzz_slice(data, size), "conf", count, &c) == 0) {
        FUZZ_CHECK(c.text[0] == '\0' && (told > 0) == (s.retired.text[0] != 0));
        check_passing(&s);
        return 0;
    }
    FUZZ_CHECK(strncmp(c.text, "conf:", 5) == 0 && told > 0);
    FUZZ_CHECK(memcmp(&s, &before, sizeof(s)) == 0);
    return 0;
}
