/* Plays the transcripts of the client with faulty servers. */
#include "faulty.h"
#include "transcript.h"

TRANSCRIPTS(client_faulty, "faulty", 2400, transcript_play_faulty);

ReportHook(PRE_ALL)(struct criterion_test_set *set)
{
    (void)set;
    faulty_prepare();
}
