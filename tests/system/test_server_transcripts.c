/* A server and its administrator: each file of transcripts/server/ against a
 * server of its own, or only SALLYPORT_TRANSCRIPT=NAME. */
#include "support/rows.h"
#include "support/test.h"
#include "transcript.h"

static struct rows rows = { .folder = "tests/system/transcripts/server",
                            .suffix = ".txt" };

ParameterizedTestParameters(server_transcripts, play)
{
    rows_find(&rows);
    rows_keep(&rows, getenv("SALLYPORT_TRANSCRIPT"));
    return cr_make_param_array(struct row, rows.row, rows.count);
}

ParameterizedTest(struct row *row, server_transcripts, play, .timeout = 120)
{
    transcript_play_alone(rows_file(&rows, row));
}
