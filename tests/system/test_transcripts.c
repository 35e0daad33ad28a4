/* Plays each file of transcripts/ in a session and as a user of its own, all
 * against one server; or only SALLYPORT_TRANSCRIPT=NAME. */

#include "support/test.h"
#include "transcript.h"

static struct rows rows = { .folder = "tests/system/transcripts",
                            .suffix = ".txt",
                            .only = "SALLYPORT_TRANSCRIPT" };

ReportHook(PRE_ALL)(struct criterion_test_set *set)
{
    (void)set;
    rows_share(&rows, PLAN(.listen = "127.0.0.1:0, [::1]:0, 127.0.0.1:0 tls",
                           .ports = "auto"));
}

ParameterizedTestParameters(transcripts, play)
{
    tls_client_begin();
    rows_find(&rows);
    return cr_make_param_array(struct row, rows.row, rows.count);
}

ParameterizedTest(struct row *row, transcripts, play, .timeout = 120)
{
    struct server server;

    server_shared(&server);
    transcript_play(&server, rows_file(&rows, row), row->name);
}
