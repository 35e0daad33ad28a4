#include <pthread.h>

#include "client/show/show.h"
#include "support/test.h"

Test(show, text)
{
    static const char *const rows[][2] = {
        { "plain", "plain" },
        { "\303\244\342\202\254\360\237\230\200",
          "\303\244\342\202\254\360\237\230\200" },
        { "a\033[2Jb", "a\\x1b[2Jb" },
        { "a\r\nb\177", "a\\x0d\\x0ab\\x7f" },
        { "\302\233x", "\\xc2\\x9bx" },          /* C1: CSI */
        { "\377\300\257", "\\xff\\xc0\\xaf" },   /* never valid in UTF-8 */
        { "\355\240\200x", "\\xed\\xa0\\x80x" }, /* a surrogate */
        { "\342\202", "\\xe2\\x82" },            /* incomplete */
        { "\342\200\256x", "\\xe2\\x80\\xaex" }, /* reverses the text */
    };
    char out[128];

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        cr_expect_str_eq(show_text(rows[i][0], out, sizeof(out)), rows[i][1]);
}

Test(show, text_has_an_end)
{
    char out[12];

    cr_expect_str_eq(show_text("0123456789abcdef", out, sizeof(out)),
                     "01234567...");
    cr_expect_lt(strlen(show_text("\1\1\1\1\1\1\1", out, sizeof(out))),
                 sizeof(out));
}

/* Each text from outside must become a JSON string: otherwise its entry would
 * be missing. */
Test(show, json)
{
    static const char *const rows[] = { "plain", "\355\240\200", "\377",
                                        "\360\200\200\200", "a\033[2J" };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        json_t *text = event_text(rows[i]);

        cr_expect_not_null(text, "%zu", i);
        json_decref(text);
    }
}

#define EVENTS 20000

static void *print_notes(void *unused)
{
    for (int i = 0; i < EVENTS; i++)
        progress_note("a note of one link");
    return unused;
}

/* During "ls -r --json" one link prints a name while another one prints a note
 * or a failure. Each line stays whole. */
Test(show, json_of_two_threads)
{
    char line[128], path[] = "/tmp/sallyport-events-XXXXXX";
    size_t count = 0;
    pthread_t other;
    int fd = mkstemp(path);

    cr_assert_geq(fd, 0);
    unlink(path);
    fflush(stdout);
    int kept = dup(STDOUT_FILENO);
    dup2(fd, STDOUT_FILENO);
    progress_start(PROGRESS_JSON, false);
    cr_assert_eq(pthread_create(&other, NULL, print_notes, NULL), 0);
    for (int i = 0; i < EVENTS; i++)
        event_print(json_pack("{s:s, s:i}", "name", "a file", "size", i));
    pthread_join(other, NULL);
    dup2(kept, STDOUT_FILENO);
    close(kept);

    FILE *f = fdopen(fd, "r");
    rewind(f);
    while (fgets(line, sizeof(line), f)) {
        json_t *event = json_loads(line, 0, NULL);

        cr_assert_not_null(event, "%s", line);
        json_decref(event);
        count++;
    }
    fclose(f);
    cr_expect_eq(count, 2 * EVENTS);
}

Test(show, figures)
{
    char size[SHOW_SIZE_MAX], time[SHOW_TIME_MAX];

    cr_expect_str_eq(show_size(0, size), "0 B");
    cr_expect_str_eq(show_size(1023, size), "1023 B");
    cr_expect_str_eq(show_size(1536, size), "1.5 KiB");
    cr_expect_str_eq(show_size(200ull << 20, size), "200 MiB");
    cr_expect_str_eq(show_size(UINT64_MAX, size), "16.0 EiB");
    cr_expect_str_eq(show_time(7, time), "0:07");
    cr_expect_str_eq(show_time(3723, time), "1:02:03");
    cr_expect_str_eq(show_time(UINT64_MAX, time), "--:--");
}
