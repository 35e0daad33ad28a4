/* The client with servers that are played: each file of transcripts/faulty/,
 * or only SALLYPORT_TRANSCRIPT=NAME. */
#include "support/rows.h"
#include "support/test.h"
#include "transcript.h"

static struct rows rows = { .folder = "tests/system/transcripts/faulty",
                            .suffix = ".txt" };

ParameterizedTestParameters(client_faulty, play)
{
    rows_find(&rows);
    rows_keep(&rows, getenv("SALLYPORT_TRANSCRIPT"));
    return cr_make_param_array(struct row, rows.row, rows.count);
}

ParameterizedTest(struct row *row, client_faulty, play, .timeout = 1200)
{
    transcript_play_faulty(rows_file(&rows, row));
}
