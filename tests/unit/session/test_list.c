/* STAT of a directory whose listing is longer than a reply may be. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "fake.h"
#include "sallyport/ipc/channel.h"

#define LINE     64
#define STAT_MAX (64 << 10)

/* Files lists this many bytes, in lines of 64; f->lines has the reply. */
static void stat_of(struct fake *f, size_t bytes)
{
    struct message asked, m = { .kind = MSG_directory_pipe };
    char line[LINE + 1];
    int ends[2];

    snprintf(line, sizeof(line), "%0*d\r\n", LINE - 2, 0);
    fake_say(f, "STAT d");
    fake_hear(&f->files, &asked, MSG_directory_list);
    cr_assert_eq(pipe(ends), 0);
    m.request = asked.request;
    m.directory_pipe.listing = ends[0];
    fake_tell(&f->files, &m);
    close(ends[0]);
    for (size_t n = 0; n < bytes; n += LINE)
        if (write(ends[1], line, LINE) < 0)
            break; /* the session has enough */
    close(ends[1]);
    m = (struct message){ .kind = MSG_directory_listed,
                          .request = asked.request };
    fake_tell(&f->files, &m);
    cr_assert_eq(fake_reply(f), 213);
}

static size_t lines_of(const struct fake *f)
{
    size_t n = 0;

    for (const char *at = f->lines; (at = strstr(at, "0000")); n++)
        at += LINE - 2;
    return n;
}

static const struct {
    size_t bytes, lines;
    bool more;
} lists[] = {
    { 10 * LINE, 10, false },
    { STAT_MAX - LINE, STAT_MAX / LINE - 1, false },
    { STAT_MAX, STAT_MAX / LINE, false },
    { STAT_MAX + LINE, STAT_MAX / LINE, true }, /* cut at a line's end */
    { 3 * STAT_MAX, STAT_MAX / LINE, true },
};

Test(list, stat_says_whether_there_is_more, .timeout = 60)
{
    struct fake f;

    fake_open(&f);
    for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++) {
        stat_of(&f, lists[i].bytes);
        cr_expect_eq(lines_of(&f), lists[i].lines, "%zu: %zu lines", i,
                     lines_of(&f));
        cr_expect_eq(strstr(f.lines, "there is more") != NULL, lists[i].more,
                     "%zu", i);
    }
    fake_say(&f, "NOOP");
    cr_expect_eq(fake_reply(&f), 200);
    fake_hang_up(&f, ENDING_CLOSED);
}
