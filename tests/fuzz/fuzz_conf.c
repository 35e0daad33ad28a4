/* A configuration: what is refused leaves the settings alone and says where;
 * what is taken says the same once it was written out and read again. */
#include "fuzz.h"

#include <string.h>

#include "sallyport/conf/conf.h"

static bool fits(struct slice text)
{
    struct slice line;

    while (slice_cut(&text, '\n', &line))
        if (line.len > SETTINGS_LINE_MAX)
            return false;
    return true;
}

static void check_again(const struct settings *s)
{
    static struct settings again;
    struct complaint c = { .text = "" };
    struct buf first, second;

    buf_init(&first, SETTINGS_TEXT_MAX);
    buf_init(&second, SETTINGS_TEXT_MAX);
    FUZZ_CHECK(conf_dump(s, &first) == 0);
    if (fits(buf_slice(&first))) {
        FUZZ_CHECK(conf_parse(&again, buf_slice(&first), "dump", &c) == 0);
        FUZZ_CHECK(conf_dump(&again, &second) == 0);
        FUZZ_CHECK(slice_equal(buf_slice(&first), buf_slice(&second)));
    }
    buf_release(&first);
    buf_release(&second);
}

static size_t told;

static void count(const char *mistake)
{
    FUZZ_CHECK(strncmp(mistake, "conf", 4) == 0);
    told++;
}

/* All mistakes are told where there is one, and none where there is none. */
static void check_survey(struct slice text, bool right)
{
    struct complaint c = { .text = "" };
    int r;

    told = 0;
    r = conf_survey_text(text, "conf", count, &c);
    FUZZ_CHECK(r >= 0 && told == (size_t)r && (r == 0) == right);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct settings s, before;
    struct complaint c = { .text = "" };

    memset(&s, 0x5a, sizeof(s));
    before = s;
    if (conf_parse(&s, fuzz_slice(data, size), "conf", &c) == 0) {
        FUZZ_CHECK(c.text[0] == '\0');
        check_survey(fuzz_slice(data, size), true);
        check_again(&s);
        return 0;
    }
    FUZZ_CHECK(strncmp(c.text, "conf:", 5) == 0);
    check_survey(fuzz_slice(data, size), false);
    FUZZ_CHECK(memcmp(&s, &before, sizeof(s)) == 0);
    return 0;
}
