/* A drop of a real server must not reveal its names: neither by a reply, nor by
 * the bytes of a listing, nor by the time that a reply takes. */

#include "support/files.h"
#include "support/session.h"
#include "support/test.h"

/* {} stands for a path. */
static const struct row {
    const char *command;
    enum session_way way;
} rows[] = {
    { "CWD {}", NO_DATA },
    { "CWD /", NO_DATA },
    { "LIST {}", DOWN },
    { "NLST {}", DOWN },
    { "MLSD {}", DOWN },
    { "LIST {}*", DOWN },
    { "STAT {}", NO_DATA },
    { "MLST {}", NO_DATA },
    { "SIZE {}", NO_DATA },
    { "MDTM {}", NO_DATA },
    { "HASH {}", NO_DATA },
    { "XCRC {}", NO_DATA },
    { "XSHA256 {}", NO_DATA },
    { "AVBL {}", NO_DATA },
    { "CWD /drop", NO_DATA },
    { "ALLO 9000000000000000000", NO_DATA },
    { "RETR {}", DOWN },
    { "MFMT 20200101000000 {}", NO_DATA },
    { "SITE CHMOD 640 {}", NO_DATA },
    { "DELE {}", NO_DATA },
    { "MKD {}", NO_DATA },
    { "RMD {}", NO_DATA },
    { "RNFR {}", NO_DATA },
    { "RNFR /own", NO_DATA },
    { "RNTO {}", NO_DATA },
    { "APPE {}", UP },
    { "STOR {}", UP },
    { "RNFR {}", NO_DATA },
    { "RNTO {}.new", NO_DATA },
    { "RNFR {}.new", NO_DATA },
    { "RNTO {}", NO_DATA },
    { "MLST {}.new", NO_DATA },
    { "APPE {}", UP },
    { "STOU {}", UP },
    { "REST 1", NO_DATA },
    { "STOR {}", UP },
    { "SIZE {}", NO_DATA },
};

static const char *const paths[] = { "/drop/taken.pdf", "/drop/taken.pdf/x",
                                     "/drop/d", "/drop/d/x" };

#define ROWS  (sizeof(rows) / sizeof(rows[0]))
#define PATHS (sizeof(paths) / sizeof(paths[0]))

/* The user is anna, whom session_begin() logs in. */
static void begin(struct session *s, struct server *server)
{
    const struct server_plan plan = {
        USERS({ .name = "anna", .keys = "shares=drop:drop" }),
        SHARES({ .name = "drop" }),
    };

    session_begin(s, server, &plan);
    files_write(server_path(server, "homes/anna/own"), "x", 1, 0600);
}

/* Puts files into the drop, as another user's upload or a local program can
 * do. */
static void fill(const struct server *server)
{
    files_write(server_share_path(server, "/drop/taken.pdf"), "text", 4, 0666);
    files_make_folder(server_share_path(server, "/drop/d"), 0777);
    files_write(server_share_path(server, "/drop/d/x"), "text", 4, 0666);
}

static void play(struct session *s, const struct row *row, const char *path,
                 struct buf *record)
{
    buf_add_format(record, "%s %s\n", row->command, path);
    session_play(s, row->command, path, row->way, record);
}

/* Replaces the digits that the server puts into a name by '#'. */
static void hide_digits(char *text)
{
    for (char *at = text; (at = strchr(at, '.')); at++)
        if (strspn(at + 1, "0123456789abcdef") >= 8)
            memset(at + 1, '#', 8);
}

static void play_all(struct session *s, struct buf *record)
{
    buf_init(record, 1 << 20);
    for (size_t p = 0; p < PATHS; p++)
        for (size_t i = 0; i < ROWS; i++)
            play(s, &rows[i], paths[p], record);
    play(s, &(struct row){ "MLSD /", DOWN }, "", record);
    buf_add(record, "", 1);
    hide_digits(record->data);
}

/* Each reply and each byte of a listing must be the same, whether the names are
 * taken, by a file and by a directory, or free. */
Test(drops, a_transcript_tells_nothing, .timeout = 60)
{
    struct buf without, with;
    struct server server;
    struct session s;

    begin(&s, &server);
    play_all(&s, &without);
    fill(&server);
    session_close(&s); /* a session sees what it has stored */
    session_enter(&s, &server, "anna");
    play_all(&s, &with);
    for (char *a = strtok(without.data, "\n"), *at = with.data; a;
         a = strtok(NULL, "\n")) {
        size_t len = strcspn(at, "\n");

        cr_expect(len == strlen(a) && strncmp(a, at, len) == 0,
                  "%s\n-- but:\n%.*s", a, (int)len, at);
        at += len + (at[len] == '\n');
    }
    buf_release(&without);
    buf_release(&with);
    session_end(&s, &server);
}

static int64_t now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static int64_t time_of(struct session *s, const struct row *row,
                       const char *path)
{
    struct buf record;
    int64_t begun = now();

    buf_init(&record, 1 << 20);
    play(s, row, path, &record);
    buf_release(&record);
    return now() - begun;
}

/* The share of pairs in which one reply takes longer than the other: 0.5 if the
 * times reveal nothing, whatever else the machine does. */
#define ROUNDS_MAX 400

static double slower(const int64_t *a, const int64_t *b, int n)
{
    int count = 0;

    for (int i = 0; i < n; i++)
        for (int k = 0; k < n; k++)
            count += a[i] > b[k];
    return (double)count / (n * n);
}

/* The order within a pair is random: in a fixed order, work that the server or
 * the machine does at each fourth request falls on one of the two paths. */
static void expect_same_times(struct session *s, const struct row *row,
                              int rounds)
{
    static int64_t taken[ROUNDS_MAX], free_[ROUNDS_MAX];
    double share;

    for (int i = 0; i < rounds; i++) {
        const int first = (int)(random() >> 8) % 2;

        for (int k = 0; k < 2; k++)
            if (first == k)
                taken[i] = time_of(s, row, "/drop/taken.pdf");
            else
                free_[i] = time_of(s, row, "/drop/other.pdf");
    }
    share = slower(taken, free_, rounds);
    cr_expect(share > 0.2 && share < 0.8, "%s: %.2f", row->command, share);
}

/* The standard deviation of the share is 0.02 with 400 rounds, 0.03 with 150,
 * and 0.05 with 60. With sanitizers each connection takes long. */
static int rounds_of(const struct row *row)
{
    if (server_is_sanitized())
        return row->way == NO_DATA ? 150 : 0;
    return row->way == NO_DATA ? ROUNDS_MAX : 60;
}

Test(drops, no_reply_takes_longer, .timeout = 1500)
{
    struct server server;
    struct session s;

    begin(&s, &server);
    fill(&server);
    for (size_t i = 0; i < ROWS; i++)
        if (strstr(rows[i].command, "{}") && rounds_of(&rows[i]) > 0)
            expect_same_times(&s, &rows[i], rounds_of(&rows[i]));
    session_end(&s, &server);
}
