/* The client with a real server: each file of transcripts/client/, or only
 * SALLYPORT_TRANSCRIPT=NAME. */
#include "support/rows.h"
#include "support/test.h"
#include "transcript.h"

static struct rows rows = { .folder = "tests/system/transcripts/client",
                            .suffix = ".txt" };

ParameterizedTestParameters(client_transcripts, play)
{
    rows_find(&rows);
    rows_keep(&rows, getenv("SALLYPORT_TRANSCRIPT"));
    return cr_make_param_array(struct row, rows.row, rows.count);
}

ParameterizedTest(struct row *row, client_transcripts, play, .timeout = 300)
{
    transcript_play_client(rows_file(&rows, row));
}
