/* Every file of transcripts/, each in a session of its own, as a user of its
 * own, all against one server. */
#include <criterion/criterion.h>
#include <criterion/hooks.h>
#include <criterion/parameterized.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/fail.h"
#include "transcript.h"

#define FILES_MAX    200
#define NAME_MAX_LEN 33

struct row {
    char name[NAME_MAX_LEN]; /* the file's, without .txt; and the user's */
};

static struct row rows[FILES_MAX];
static size_t count;

static int is_transcript(const struct dirent *e)
{
    size_t n = strlen(e->d_name);

    return n > 4 && strcmp(e->d_name + n - 4, ".txt") == 0;
}

static void find_rows(void)
{
    struct dirent **found;
    int n = scandir(server_source("tests/system/transcripts"), &found,
                    is_transcript, alphasort);

    FAIL_IF(n <= 0 || n > FILES_MAX, "%d transcripts", n);
    for (count = 0; count < (size_t)n; count++) {
        size_t len = strlen(found[count]->d_name) - 4;

        FAIL_IF(len >= NAME_MAX_LEN, "%s: a name too long for a user",
                found[count]->d_name);
        memcpy(rows[count].name, found[count]->d_name, len);
        free(found[count]);
    }
    free(found);
}

ReportHook(PRE_ALL)(struct criterion_test_set *set)
{
    static struct server_user users[FILES_MAX];
    struct server_plan plan = { .listen = "127.0.0.1:0, [::1]:0",
                                .ports = "auto 16",
                                .users = users };

    (void)set;
    find_rows();
    for (size_t i = 0; i < count; i++)
        users[i].name = rows[i].name;
    plan.user_count = count;
    server_share(&plan);
}

ReportHook(POST_ALL)(struct criterion_global_stats *stats)
{
    (void)stats;
    server_unshare();
}

ParameterizedTestParameters(transcripts, play)
{
    if (count == 0)
        find_rows();
    return cr_make_param_array(struct row, rows, count);
}

ParameterizedTest(struct row *row, transcripts, play, .timeout = 120)
{
    struct server server;
    char file[SERVER_PATH_MAX];

    server_shared(&server);
    snprintf(file, sizeof(file), "%s/%s.txt",
             server_source("tests/system/transcripts"), row->name);
    transcript_play(&server, file, row->name);
}
